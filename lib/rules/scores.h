/* SPDX-License-Identifier: Apache-2.0 */
/* The score of a position under each ranking: docs/policies.md has the formulas. */
#ifndef BS_SCORES_H
#define BS_SCORES_H

#include "lib/money/money.h"
#include "lib/record/command.h"

/* An exact fraction. Higher scores come first. */
struct bs_score {
    bs_i128 numerator;
    bs_i128 denominator; /* > 0 */
};

/* What a score is made of, all in quanta. */
struct bs_score_input {
    bs_i128 profit;   /* p: value at mark - entry value */
    bs_i128 entry;    /* e: entry value, signed */
    bs_i128 notional; /* n: |value at mark| */
    bs_i128 equity;   /* q: of the account, >= 0 */
    bs_i128 wallet;   /* w: the account's collateral */
    uint32_t maintenance_ppm;
    bool value_grows; /* the position is worth more, in absolute terms, when it profits */
    uint32_t priority;
};

/* Whether lots are split among the candidates instead of taken in their order. */
static inline bool bs_ranking_splits(uint8_t ranking)
{
    return ranking == BS_RANKING_PRO_RATA || ranking == BS_RANKING_LEVERAGE_WATER_FILL;
}

/* m: the maintenance of the position */
static inline bs_i128 bs_score_maintenance(const struct bs_score_input *input)
{
    return bs_muldiv_ceil(input->notional, input->maintenance_ppm, BS_PPM);
}

struct bs_score bs_score_of(uint8_t ranking, const struct bs_score_input *input);
/* A coarse image of a score: of two scores the higher never has the lower image. At most 62 bits.
 */
uint64_t bs_score_key(struct bs_score score);

#endif
