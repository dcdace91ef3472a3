/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of an insurance fund beside its account: the highest equity of late, whether
 * its drawdown has restricted it, and the last changes of its cash.
 *
 *              drawdown >= max_drawdown_ppm, or a draw was cut short by it
 *     normal ----------------------------------------------------------------> restricted
 *            <----------------------------------------------------------------
 *                          drawdown < resume_ppm (<= max_drawdown_ppm)
 *
 * The peak is kept in buckets of window/64: an observation counts for the whole window and at most
 * one 64th longer. Tables of their own, by pool row: a pool without a drawdown limit and without
 * changes of its fund never touches them.
 */
#ifndef BS_FUND_H
#define BS_FUND_H

#include "lib/book/book.h"

#define BS_FUND_BUCKETS 65u /* the one in hand and the 64 before it */
#define BS_FUND_CHANGES_MAX 256u

struct bs_fund_bucket {
    bool known;
    int64_t number; /* of the time since the epoch */
    bs_i128 equity; /* the highest seen in it */
};

struct bs_fund_change {
    int64_t time_ms;
    uint64_t settlement; /* 0 = outside of one */
    bs_i128 amount, balance, equity, own_funds;
    uint8_t cause; /* enum bs_fund_cause */
};

struct bs_fund {
    int64_t bucket_ms; /* 0 = never observed */
    bool restricted;
    struct bs_fund_bucket buckets[BS_FUND_BUCKETS];
    uint64_t changes;   /* all there ever were; the last BS_FUND_CHANGES_MAX are kept */
    uint64_t digest[2]; /* over all of them */
    struct bs_fund_change history[BS_FUND_CHANGES_MAX];
};

/* What an observation finds. Without a drawdown limit only the equity means something. */
struct bs_fund_look {
    bs_i128 equity, peak; /* without what is kept for markets with a fund of their own */
    bs_i128 threshold;    /* the layer may not take the equity below it */
    bs_i128 resume_at;    /* the least equity at which a restricted fund resumes */
    uint32_t drawdown_ppm;
    bool restricted;
};

/* The drawdown limit of a policy, or NULL. */
const struct bs_layer *bs_drawdown_of(const struct bs_policy *policy);
/* What an observation at `now_ms` would find; writes nothing. */
struct bs_fund_look bs_fund_look(const struct bs_engine *engine, uint32_t pool, int64_t now_ms);
/* Observes the fund's equity; `cut`: a draw was cut short by the limit. */
void bs_fund_observe(struct bs_engine *engine, uint32_t pool, int64_t now_ms, bool cut);
/* Remembers a change of the fund's cash; `change->amount` 0 is none. */
void bs_fund_changed(struct bs_engine *engine, uint32_t pool, const struct bs_fund_change *change);
/* The same for a change that has just been made to the backstop account, outside of a settlement.
 */
void bs_fund_moved(struct bs_engine *engine, uint32_t pool, enum bs_fund_cause cause,
                   bs_i128 amount);
void bs_fund_clear(struct bs_engine *engine, uint32_t pool);

#endif
