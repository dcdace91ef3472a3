/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each command does to the tables: bs_<command>_apply, one file a command or a pair of them.
 * Each either accepts or changes nothing (a refused mark is remembered for the band rule) and names
 * the field at fault. Those with effects make actions.
 */
#ifndef BS_APPLY_COMMANDS_H
#define BS_APPLY_COMMANDS_H

#include "lib/book/book.h"
#include "lib/command/outcome.h"
#include "lib/effects.h"

struct bs_outcome bs_pool_apply(struct bs_engine *engine, const struct bs_pool_command *command);
struct bs_outcome bs_delete_pool_apply(struct bs_engine *engine, struct bs_text name);
struct bs_outcome bs_market_apply(struct bs_engine *engine,
                                  const struct bs_market_command *command);
struct bs_outcome bs_delete_market_apply(struct bs_engine *engine, struct bs_text name);
struct bs_outcome bs_account_apply(struct bs_engine *engine,
                                   const struct bs_account_command *command);
struct bs_outcome bs_position_apply(struct bs_engine *engine,
                                    const struct bs_position_command *command);
struct bs_outcome bs_delete_account_apply(struct bs_engine *engine, struct bs_text name);
struct bs_outcome bs_handover_apply(struct bs_engine *engine,
                                    const struct bs_handover_command *command);
struct bs_outcome bs_fill_apply(struct bs_engine *engine, const struct bs_fill_command *command);
struct bs_outcome bs_transfer_apply(struct bs_engine *engine,
                                    const struct bs_transfer_command *command);
struct bs_outcome bs_insurance_fund_apply(struct bs_engine *engine,
                                          const struct bs_fund_command *command,
                                          struct bs_effects *effects);
/* pause and resume: without effect, and without an action, when the pool is already so. */
struct bs_outcome bs_pause_apply(struct bs_engine *engine, const struct bs_command *command,
                                 struct bs_effects *effects);
/* settle and close_period. */
struct bs_outcome bs_settle_apply(struct bs_engine *engine, const struct bs_command *command,
                                  struct bs_effects *effects);
struct bs_outcome bs_own_fund_apply(struct bs_engine *engine,
                                    const struct bs_own_fund_command *command);
/* open_window and close_window. */
struct bs_outcome bs_window_apply(struct bs_engine *engine, const struct bs_command *command,
                                  struct bs_effects *effects);
struct bs_outcome bs_provider_apply(struct bs_engine *engine,
                                    const struct bs_provider_command *command);
/* Takes a part of a close back. */
struct bs_outcome bs_unfilled_apply(struct bs_engine *engine,
                                    const struct bs_unfilled_command *command,
                                    struct bs_effects *effects);
/* Sets the final price of a market and begins its final settlement. */
struct bs_outcome bs_final_apply(struct bs_engine *engine, const struct bs_final_command *command,
                                 struct bs_effects *effects);
struct bs_outcome bs_mark_apply(struct bs_engine *engine, const struct bs_mark_command *command);
struct bs_outcome bs_delete_source_apply(struct bs_engine *engine, struct bs_text name);
/* Refused where more is held than would fit; the oldest ids and items beyond a window are forgotten. */
struct bs_outcome bs_capacity_apply(struct bs_engine *engine,
                                    const struct bs_capacity_command *command);
/* Refused below the level in force, and above the newest. */
struct bs_outcome bs_feature_level_apply(struct bs_engine *engine,
                                         const struct bs_feature_level_command *command);

/* The waterfall and period of a pool item, checked, in the quanta of `pool`. */
struct bs_outcome bs_policy_read(const struct bs_pool *pool, const struct bs_pool_command *command,
                                 struct bs_policy *ret_policy);

#endif
