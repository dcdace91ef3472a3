/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues: for each market side that a settlement needs, the positions of solvent accounts there, in
 * the order in which they would be closed. Ranked once a settlement. A queue holds 16 bytes a
 * candidate and is sorted part by part, as far as it is asked for; only a candidate that is asked
 * for, or ties with another one, gets a row with all its figures. So a short walk does not pay for
 * sorting a long queue.
 */
#ifndef BS_QUEUE_H
#define BS_QUEUE_H

#include "lib/book/book.h"
#include "lib/record/action.h"
#include "lib/rules/scores.h"

/* What a candidate was ranked by, in lots and quanta: the numbers that prove its place. */
struct bs_candidate_terms {
    int64_t lots, value, entry; /* value at mark and entry value, signed */
    bs_i128 wallet, equity;
};

struct bs_candidate {
    uint32_t account;
    uint8_t tier;    /* lower tiers come strictly first; in profit 0, else 1; hedged 2 more */
    bool has_shown;  /* `shown` is its score as published */
    uint32_t barred; /* a split: number of the side that it is out of */
    uint32_t below;  /* leverage_water_fill: the round in which it is below the level */
    uint32_t step;   /* a split: place of the step that gives it lots */
    struct bs_score score;
    struct bs_candidate_terms terms;
    struct bs_wide shown;
};

/* A candidate's place in a queue. The terms of one without a row of bs_queues.candidates are those
 * of its position in the engine, which does not change while a settlement plans a chunk. */
struct bs_ranked {
    uint64_t key; /* tier and coarse score, higher first; equal keys are compared exactly */
    uint32_t account;
    uint32_t link; /* which of the account's positions; with BS_RANKED_ROW its candidate's row */
};

#define BS_RANKED_ROW (UINT32_C(1) << 31)

struct bs_queue {
    uint32_t first, count;
    uint32_t ranked; /* rows already in their place, from the first on */
    uint32_t spent;  /* rows at the front of the order with nothing left to close */
    /* Once a close that protects principal has come to the end: 1 + the rows up to the last one
     * that is not at a loss. What follows them no such close of this settlement can touch. */
    uint32_t protected_end;
    uint64_t digest; /* sum over the candidates, in any order: docs/records.md */
};

struct bs_queues {
    struct bs_ranked *ranked;
    struct bs_candidate *candidates; /* of those that were looked at */
    struct bs_queue *lists;          /* by market * 2 + side; count 0 = not needed */
    uint32_t *markets;               /* the markets * 2 + side that have a queue, to clear them */
    uint32_t markets_count;
    uint32_t ranked_count, candidates_count;
    uint32_t candidates_max; /* of both */
    uint8_t ranking;         /* enum bs_ranking */
};

#define BS_TIERS BS_ACTION_TIERS
#define BS_TIERS_OF_PROFIT 2 /* in profit and not: this many tiers follow each other */

struct bs_plan;
struct bs_working_position;

/* What the score of a candidate was made of. */
struct bs_score_input bs_score_input_of(const struct bs_market *market,
                                        const struct bs_candidate_terms *terms, uint32_t priority);
/* < 0 when a comes before b, 0 when the account ids decide. */
int bs_candidate_compare(const struct bs_candidate *a, const struct bs_candidate *b);
/* The candidate for a position of a solvent account. */
struct bs_candidate bs_candidate_of(const struct bs_plan *plan, uint8_t ranking, uint32_t account,
                                    const struct bs_working_position *position,
                                    const struct bs_candidate_terms *terms);
struct bs_candidate_terms bs_candidate_terms_of(const struct bs_plan *plan, uint32_t account,
                                                bs_i128 equity,
                                                const struct bs_working_position *position);
/*
 * True if hedged_last_ppm applies: net exposure over the pool is at most this many ppm of the
 * gross, so closing one leg would make the account riskier.
 */
bool bs_candidate_is_hedged(const struct bs_plan *plan, uint32_t account);

/* Begins a new set of queues. */
void bs_queues_clear(struct bs_queues *queues, uint8_t ranking);
/* Marks a market side (0 longs, 1 shorts) as needed, before bs_queues_collect. */
void bs_queues_need(struct bs_queues *queues, const struct bs_engine *engine, uint32_t market,
                    uint8_t side);
/* Fills all needed queues in one pass over the pool's solvent accounts. */
void bs_queues_collect(struct bs_queues *queues, const struct bs_plan *plan);
/* The candidate at place `rank` (0 = first), or NULL past the end. */
struct bs_candidate *bs_queue_at(const struct bs_plan *plan, uint32_t market, uint8_t side,
                                 uint32_t rank);
/* Before the engine's positions change while the queues are still needed: gives every candidate its
 * row. */
void bs_queues_keep(const struct bs_plan *plan);

#endif
