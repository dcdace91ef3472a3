/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rankings: for each market side that a settlement needs, the positions of solvent accounts there,
 * in the order in which they would be closed. Ranked once a settlement; a heap hands the rows out
 * in order, so that a short queue does not pay for sorting a long list.
 */
#ifndef BS_RANKING_H
#define BS_RANKING_H

#include "lib/state/state.h"

/* A position's score: an exact fraction. Higher first. */
struct bs_score {
    bs_i128 numerator;
    bs_i128 denominator; /* > 0 */
};

struct bs_candidate {
    uint32_t account;
    uint32_t order;  /* of the account id */
    uint64_t key;    /* coarse score, higher first; equal keys are compared exactly */
    uint8_t tier;    /* lower tiers come strictly first; in profit 0, else 1; hedged 2 more */
    uint32_t barred; /* a split: the leg that it refused lots of, by a clamp */
    uint32_t below;  /* leverage_water_fill: the round in which it is below the level */
    uint32_t terms;  /* its row of bs_rankings.terms */
    struct bs_score score;
};

/* What a candidate was ranked by, in lots and quanta: for whoever checks its place. */
struct bs_candidate_terms {
    int64_t lots, value, entry, wallet; /* value at mark and entry value, signed */
    bs_i128 equity;
};

struct bs_ranking_list {
    uint32_t first, count;
    uint32_t ranked; /* rows already in their place, from the end of the heap */
    uint32_t spent;  /* rows at the front of the order with nothing left to close */
    /* Once a close that protects principal has come to the end: 1 + the rows up to the last one
     * that is not at a loss. What follows them no such close of this settlement can touch. */
    uint32_t protected_end;
    uint64_t digest; /* sum over the candidates, in whatever order: docs/records.md */
};

struct bs_rankings {
    struct bs_candidate *candidates;
    struct bs_candidate_terms *terms; /* as many */
    struct bs_ranking_list *lists;    /* by market * 2 + side; count 0 = not needed */
    uint32_t *markets;                /* the markets * 2 + side that have a list, to clear them */
    uint32_t markets_count;
    uint32_t candidates_count;
    uint32_t candidates_max;
    uint8_t ranking; /* enum bs_ranking */
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
    bs_i128 profit;      /* p: value at mark - entry value */
    bs_i128 entry;       /* e: entry value, signed */
    bs_i128 notional;    /* n: |value at mark| */
    bs_i128 equity;      /* q: of the account, >= 0 */
    bs_i128 wallet;      /* w: the account's collateral */
    bs_i128 maintenance; /* m: of the position */
    bool value_grows;    /* the position is worth more, in absolute terms, when it profits */
    uint32_t priority;
};

/* What the score of a candidate was made of. */
struct bs_score_input bs_score_input_of(const struct bs_market *market,
                                        const struct bs_candidate_terms *terms, uint32_t priority);
/* The score of one position under a ranking: docs/policies.md has the formulas. */
struct bs_score bs_score_of(uint8_t ranking, const struct bs_score_input *input);
/* < 0 when a comes before b. */
int bs_candidate_compare(const struct bs_candidate *a, const struct bs_candidate *b);

/* Begins a new set of lists. */
void bs_rankings_clear(struct bs_rankings *rankings, uint8_t ranking);
/* Marks a market side (0 longs, 1 shorts) as needed, before bs_rankings_collect. */
void bs_rankings_need(struct bs_rankings *rankings, const struct bs_engine *engine, uint32_t market,
                      uint8_t side);
struct bs_plan;
struct bs_working_position;
/* The candidate that a position of a solvent account is, but for its place in the order of ids and
 * its coarse key: without those (0) candidates are compared exactly. */
struct bs_candidate bs_candidate_of(const struct bs_plan *plan, uint8_t ranking, uint32_t account,
                                    const struct bs_working_position *position,
                                    const struct bs_candidate_terms *terms);
struct bs_candidate_terms bs_candidate_terms_of(const struct bs_plan *plan, uint32_t account,
                                                bs_i128 equity,
                                                const struct bs_working_position *position);
/* Fills and orders all needed lists in one pass over the pool's solvent accounts. */
void bs_rankings_collect(struct bs_rankings *rankings, const struct bs_plan *plan);
/* The candidate at place `rank` (0 = first), or NULL past the end. */
struct bs_candidate *bs_ranking_at(struct bs_rankings *rankings, uint32_t market, uint8_t side,
                                   uint32_t rank);

#endif
