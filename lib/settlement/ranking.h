/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rankings: for each market side that a settlement needs, the positions of solvent accounts there,
 * in the order in which they would be closed. Ranked once a settlement. A list holds 16 bytes a
 * candidate and is sorted part by part, as far as it is asked for; only who is handed out, or ties
 * with another there, gets a row that says all about it. So a short queue does not pay for sorting
 * a long list.
 */
#ifndef BS_RANKING_H
#define BS_RANKING_H

#include "lib/book/book.h"
#include "lib/money/money.h"

/* A position's score: an exact fraction. Higher first. */
struct bs_score {
    bs_i128 numerator;
    bs_i128 denominator; /* > 0 */
};

/* What a candidate was ranked by, in lots and quanta: for whoever checks its place. */
struct bs_candidate_terms {
    int64_t lots, value, entry, wallet; /* value at mark and entry value, signed */
    bs_i128 equity;
};

struct bs_candidate {
    uint32_t account;
    uint8_t tier;    /* lower tiers come strictly first; in profit 0, else 1; hedged 2 more */
    bool has_shown;  /* `shown` is its score as published */
    uint32_t barred; /* a split: the leg that it refused lots of, by a clamp */
    uint32_t below;  /* leverage_water_fill: the round in which it is below the level */
    struct bs_score score;
    struct bs_candidate_terms terms;
    struct bs_wide shown;
};

/* A candidate's place in a list. The terms of one without a row of bs_rankings.candidates are those
 * of its position in the engine, which nothing changes while a settlement plans a chunk. */
struct bs_ranked {
    uint64_t key; /* tier and coarse score, higher first; equal keys are compared exactly */
    uint32_t account;
    uint32_t link; /* which of the account's positions; with BS_RANKED_ROW its candidate's row */
};

#define BS_RANKED_ROW (UINT32_C(1) << 31)

struct bs_ranking_list {
    uint32_t first, count;
    uint32_t ranked; /* rows already in their place, from the first on */
    uint32_t spent;  /* rows at the front of the order with nothing left to close */
    /* Once a close that protects principal has come to the end: 1 + the rows up to the last one
     * that is not at a loss. What follows them no such close of this settlement can touch. */
    uint32_t protected_end;
    uint64_t digest; /* sum over the candidates, in whatever order: docs/records.md */
};

struct bs_rankings {
    struct bs_ranked *ranked;
    struct bs_candidate *candidates; /* of those that were looked at */
    struct bs_ranking_list *lists;   /* by market * 2 + side; count 0 = not needed */
    uint32_t *markets;               /* the markets * 2 + side that have a list, to clear them */
    uint32_t markets_count;
    uint32_t ranked_count, candidates_count;
    uint32_t candidates_max; /* of both */
    uint8_t ranking;         /* enum bs_ranking */
};

#define BS_TIERS BS_ACTION_TIERS
#define BS_TIERS_OF_PROFIT 2 /* in profit and not: so many tiers lie side by side */

/* Whether lots are split among the candidates instead of taken in their order. */
static inline bool bs_ranking_splits(uint8_t ranking)
{
    return ranking == BS_RANKING_PRO_RATA || ranking == BS_RANKING_LEVERAGE_WATER_FILL;
}

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

/* m: the maintenance of the position */
static inline bs_i128 bs_score_maintenance(const struct bs_score_input *input)
{
    return bs_muldiv_ceil(input->notional, input->maintenance_ppm, BS_PPM);
}

/* What the score of a candidate was made of. */
struct bs_score_input bs_score_input_of(const struct bs_market *market,
                                        const struct bs_candidate_terms *terms, uint32_t priority);
/* The score of one position under a ranking: docs/policies.md has the formulas. */
struct bs_score bs_score_of(uint8_t ranking, const struct bs_score_input *input);
/* < 0 when a comes before b, 0 when the account ids decide. */
int bs_candidate_compare(const struct bs_candidate *a, const struct bs_candidate *b);
/* A coarse image of a score: of two scores the higher never has the lower image. At most 62 bits.
 */
uint64_t bs_score_key(struct bs_score score);

/* Begins a new set of lists. */
void bs_rankings_clear(struct bs_rankings *rankings, uint8_t ranking);
/* Marks a market side (0 longs, 1 shorts) as needed, before bs_rankings_collect. */
void bs_rankings_need(struct bs_rankings *rankings, const struct bs_engine *engine, uint32_t market,
                      uint8_t side);
struct bs_plan;
struct bs_working_position;
/* The candidate that a position of a solvent account is. */
struct bs_candidate bs_candidate_of(const struct bs_plan *plan, uint8_t ranking, uint32_t account,
                                    const struct bs_working_position *position,
                                    const struct bs_candidate_terms *terms);
struct bs_candidate_terms bs_candidate_terms_of(const struct bs_plan *plan, uint32_t account,
                                                bs_i128 equity,
                                                const struct bs_working_position *position);
/* Fills and orders all needed lists in one pass over the pool's solvent accounts. */
void bs_rankings_collect(struct bs_rankings *rankings, const struct bs_plan *plan);
/* The candidate at place `rank` (0 = first), or NULL past the end. */
struct bs_candidate *bs_ranking_at(const struct bs_plan *plan, uint32_t market, uint8_t side,
                                   uint32_t rank);
/* Before the engine's positions change while the lists are still needed: gives every candidate its
 * row. */
void bs_rankings_keep(const struct bs_plan *plan);

#endif
