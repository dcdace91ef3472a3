/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of an insurance fund beside its account: its drawdown (rules/drawdown.h) and
 * the last changes of its cash. Tables of their own, by pool row: a pool without a drawdown limit
 * and without changes of its fund never touches them.
 */
#ifndef BS_FUND_H
#define BS_FUND_H

#include "lib/book/book.h"
#include "lib/rules/drawdown.h"

#define BS_FUND_CHANGES_MAX 256u

struct bs_fund_change {
    int64_t time_ms;
    uint64_t settlement; /* 0 = outside of one */
    bs_i128 amount, balance, equity, own_funds;
    uint8_t cause; /* enum bs_fund_cause */
};

struct bs_fund {
    struct bs_drawdown_history drawdown;
    uint64_t changes;   /* all there ever were; the last BS_FUND_CHANGES_MAX are kept */
    uint64_t digest[2]; /* over all of them */
    struct bs_fund_change history[BS_FUND_CHANGES_MAX];
};

/* What an observation at now_ms would find, without the own funds of markets; writes nothing. */
struct bs_drawdown bs_fund_drawdown(const struct bs_engine *engine, uint32_t pool, int64_t now_ms);
/* Observes the fund's equity; `cut`: a draw was cut short by the limit. */
void bs_fund_observe(struct bs_engine *engine, uint32_t pool, int64_t now_ms, bool cut);
/* Remembers a change of the fund's cash; `change->amount` 0 is none. */
void bs_fund_history_add(struct bs_engine *engine, uint32_t pool,
                         const struct bs_fund_change *change);
/* The same for a change that has just been made to the backstop account, outside of a settlement.
 */
void bs_fund_record_move(struct bs_engine *engine, uint32_t pool, enum bs_fund_cause cause,
                         bs_i128 amount);
void bs_fund_clear(struct bs_engine *engine, uint32_t pool);

#endif
