/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each command does to the tables. Each either returns BS_OK or changes nothing (a refused
 * mark is remembered for the band rule) and names the field at fault.
 */
#ifndef BS_COMMANDS_H
#define BS_COMMANDS_H

#include "lib/book/book.h"
#include "lib/effects.h"

struct bs_outcome {
    enum bs_status status;
    const char *field; /* or NULL */
};

static inline struct bs_outcome bs_refuse(enum bs_status status, const char *field)
{
    return (struct bs_outcome){status, field};
}

/* The account's row for its isolated margin in a market; 0 and a refusal when it has none. */
struct bs_outcome bs_find_isolated(const struct bs_engine *engine, uint32_t owner,
                                   struct bs_text market, uint32_t *ret_isolated);

#define BS_ACCEPTED ((struct bs_outcome){BS_OK, NULL})

/* pool.c */
struct bs_outcome bs_pool_apply(struct bs_engine *engine, const struct bs_pool_command *command);
/* The waterfall and period of a pool item, checked, in the quanta of `pool`. */
struct bs_outcome bs_policy_read(const struct bs_pool *pool, const struct bs_pool_command *command,
                                 struct bs_policy *ret_policy);
struct bs_outcome bs_delete_pool_apply(struct bs_engine *engine, struct bs_text name);
/* market.c */
struct bs_outcome bs_market_apply(struct bs_engine *engine,
                                  const struct bs_market_command *command);
struct bs_outcome bs_delete_market_apply(struct bs_engine *engine, struct bs_text name);
/* account.c */
struct bs_outcome bs_account_apply(struct bs_engine *engine,
                                   const struct bs_account_command *command);
struct bs_outcome bs_position_apply(struct bs_engine *engine,
                                    const struct bs_position_command *command);
struct bs_outcome bs_delete_account_apply(struct bs_engine *engine, struct bs_text name);
/* handover.c */
struct bs_outcome bs_handover_apply(struct bs_engine *engine,
                                    const struct bs_handover_command *command);
/* cash.c */
struct bs_outcome bs_fill_apply(struct bs_engine *engine, const struct bs_fill_command *command);
struct bs_outcome bs_transfer_apply(struct bs_engine *engine,
                                    const struct bs_transfer_command *command);
/* *ret_credit: what paid down an unallocated deficit. */
struct bs_outcome bs_insurance_fund_apply(struct bs_engine *engine,
                                          const struct bs_fund_command *command,
                                          int64_t *ret_credit);
/* Money between the pool's fund and a market's own part of it. */
struct bs_outcome bs_own_fund_apply(struct bs_engine *engine,
                                    const struct bs_own_fund_command *command);
/* window.c */
struct bs_outcome bs_open_window_apply(struct bs_engine *engine,
                                       const struct bs_window_command *command,
                                       struct bs_effects *effects);
struct bs_outcome bs_close_window_apply(struct bs_engine *engine,
                                        const struct bs_window_command *command,
                                        struct bs_effects *effects);
/* provider.c */
struct bs_outcome bs_provider_apply(struct bs_engine *engine,
                                    const struct bs_provider_command *command);
/* unfilled.c: takes a part of a close back. */
struct bs_outcome bs_unfilled_apply(struct bs_engine *engine,
                                    const struct bs_unfilled_command *command,
                                    struct bs_effects *effects);
/* final.c: checks a final settlement, sets its price and begins it. */
struct bs_outcome bs_final_apply(struct bs_engine *engine, const struct bs_final_command *command,
                                 struct bs_effects *effects);
/* mark.c */
struct bs_outcome bs_mark_apply(struct bs_engine *engine, const struct bs_mark_command *command);

#endif
