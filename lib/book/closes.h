/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last BS_CLOSES_MAX closes and assignments of all pools, kept so that the part of one that the
 * venue could not apply can be taken back. A ring; a close goes by its number, counted from 1, and
 * is gone when BS_CLOSES_MAX newer ones exist. Two chains lead to it: by its action, and, from
 * either side, by account and market.
 */
#ifndef BS_CLOSES_H
#define BS_CLOSES_H

#include "lib/book/book.h"

#define BS_CLOSES_MAX 65536u

enum {
    BS_SIDE_CLOSED,
    BS_SIDE_COUNTER,
    BS_SIDES
}; /* the account that had to be closed; the other */

struct bs_close {
    uint64_t
        action; /* of the liquidation_close; the adl or assignment has the next id. Pooled: its own */
    uint64_t uid[BS_SIDES], market_uid;
    uint32_t account[BS_SIDES], market, pool;
    uint32_t priority[BS_SIDES];
    int64_t lots, reversed;                      /* > 0; >= 0 */
    int64_t entry[BS_SIDES], taken[BS_SIDES];    /* released by the close */
    bs_i128 value, mark_value;                   /* received by the closed side; and at mark then */
    uint64_t before_action, before_at[BS_SIDES]; /* chains: an older number; one times 2 + side */
    /* Pooled: one account's part of a side that was closed together; the other's fields are 0. */
    uint64_t group;   /* number of the first of its debtors, which follow each other; 0 = a pair */
    uint32_t debtors; /* how many there are */
    bool is_long;     /* the closed side */
    bool assigned;    /* the other side took it over: entry and taken of it are 0 */
    bool superseded[BS_SIDES]; /* by an absolute update since */
    bool excludes; /* the two are excluded in the next run: the venue could not apply this */
};

/* What `lots` more of a close take back: prefix differences, so that the parts add up to it. */
struct bs_close_part {
    bs_i128 value, mark_value;
    int64_t entry[BS_SIDES], taken[BS_SIDES];
};

struct bs_close_part bs_close_part(const struct bs_close *close, int64_t lots);

/* The side of a pooled one that is closed. */
static inline int bs_close_side(const struct bs_close *close)
{
    return close->account[BS_SIDE_CLOSED] != 0 ? BS_SIDE_CLOSED : BS_SIDE_COUNTER;
}

/* Remembers a close; forgets the oldest. The chains' fields need not be set. */
void bs_closes_add(struct bs_engine *engine, const struct bs_close *close);
/* The close that published this action of the pool, or NULL. (Of a pooled side each has its own.) */
struct bs_close *bs_closes_find(const struct bs_engine *engine, uint32_t pool, uint64_t action);
/* An absolute update has replaced what the account holds in a market. */
void bs_closes_supersede(struct bs_engine *engine, uint32_t account, uint32_t market);
/* The same for the whole account. */
void bs_closes_supersede_all(struct bs_engine *engine, uint32_t account);
/* Ends the exclusions of a pool: a run has respected them, or the pool goes. */
void bs_closes_spend_exclusions(struct bs_engine *engine, uint32_t pool);
/* Whether its market, or the account of a side, is still there. */
bool bs_close_has_market(const struct bs_engine *engine, const struct bs_close *close);
bool bs_close_has_account(const struct bs_engine *engine, const struct bs_close *close, int side);
/* Puts the close where its number says, as if it had been added then. */
void bs_closes_restore(struct bs_engine *engine, uint64_t number, const struct bs_close *close);
/* Whether both sides are still what the close left, plus what was traded since. */
bool bs_close_stands(const struct bs_engine *engine, const struct bs_close *close);

/* Walks the debtors that lots of a pooled adl go back to: the last one that was reached first. */
struct bs_back_walk {
    uint64_t number; /* of the debtor's close */
    int64_t left, lots;
};

struct bs_back_walk bs_back_begin(const struct bs_close *adl, int64_t lots);
/* Moves on to the next debtor and its lots. False: all lots have been given. */
bool bs_back_next(const struct bs_engine *engine, const struct bs_close *adl,
                  struct bs_back_walk *walk);

/* Numbers of the oldest and newest close there is; nothing when first > last. */
static inline uint64_t bs_closes_first(const struct bs_engine *engine)
{
    uint64_t added = engine->closes.added;
    return added > BS_CLOSES_MAX ? added - BS_CLOSES_MAX + 1 : 1;
}

static inline struct bs_close *bs_closes_at(const struct bs_engine *engine, uint64_t number)
{
    return &engine->closes.entries[(number - 1) % BS_CLOSES_MAX];
}

/* The number of a close that is remembered. */
static inline uint64_t bs_close_number(const struct bs_engine *engine, const struct bs_close *close)
{
    uint64_t place = (uint64_t)(close - engine->closes.entries), last = engine->closes.added - 1;
    return last - (last - place) % BS_CLOSES_MAX + 1;
}

#endif
