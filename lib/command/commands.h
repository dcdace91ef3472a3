/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each command does to the tables. Each either returns BS_OK or changes nothing (a refused
 * mark is remembered for the band rule) and names the field at fault.
 */
#ifndef BS_COMMANDS_H
#define BS_COMMANDS_H

#include "lib/book/book.h"

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
struct bs_outcome bs_apply_pool(struct bs_engine *engine, const struct bs_pool_command *command);
/* The waterfall and period of a pool item, checked, in the quanta of `pool`. */
struct bs_outcome bs_policy_read(const struct bs_pool *pool, const struct bs_pool_command *command,
                                 struct bs_policy *ret_policy);
struct bs_outcome bs_delete_pool(struct bs_engine *engine, struct bs_text name);
/* market.c */
struct bs_outcome bs_apply_market(struct bs_engine *engine,
                                  const struct bs_market_command *command);
struct bs_outcome bs_delete_market(struct bs_engine *engine, struct bs_text name);
/* account.c */
struct bs_outcome bs_apply_account(struct bs_engine *engine,
                                   const struct bs_account_command *command);
struct bs_outcome bs_apply_position(struct bs_engine *engine,
                                    const struct bs_position_command *command);
struct bs_outcome bs_delete_account(struct bs_engine *engine, struct bs_text name);
/* handover.c */
struct bs_outcome bs_apply_handover(struct bs_engine *engine,
                                    const struct bs_handover_command *command);
/* Forgets all handovers of a pool. */
void bs_handovers_clear(struct bs_engine *engine, uint32_t pool);
/* cash.c */
struct bs_outcome bs_apply_fill(struct bs_engine *engine, const struct bs_fill_command *command);
struct bs_outcome bs_apply_transfer(struct bs_engine *engine,
                                    const struct bs_transfer_command *command);
/* *ret_credit: what paid down an unallocated deficit. */
struct bs_outcome bs_apply_fund(struct bs_engine *engine, const struct bs_fund_command *command,
                                int64_t *ret_credit);
/* Money between the pool's fund and a market's own part of it. */
struct bs_outcome bs_apply_own_fund(struct bs_engine *engine,
                                    const struct bs_own_fund_command *command);
/* window.c */
struct bs_outcome bs_apply_open_window(struct bs_engine *engine,
                                       const struct bs_window_command *command,
                                       struct bs_effects *effects);
struct bs_outcome bs_apply_close_window(struct bs_engine *engine,
                                        const struct bs_window_command *command,
                                        struct bs_effects *effects);
/* Says that the pool's window has been opened, or closed. */
void bs_publish_window(struct bs_engine *engine, uint32_t pool, struct bs_effects *effects);
/* provider.c */
struct bs_outcome bs_apply_provider(struct bs_engine *engine,
                                    const struct bs_provider_command *command);
/* mark.c */
struct bs_outcome bs_apply_mark(struct bs_engine *engine, const struct bs_mark_command *command);

#endif
