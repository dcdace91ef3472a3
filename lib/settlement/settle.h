/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One settlement: ready? -> detect -> net -> rank -> waterfall -> the fund's inventory -> divide ->
 * period. It runs in chunks: a chunk is planned, checked and published (its actions are handed out
 * as fast as the caller's buffer takes them, then its results are written to the engine); the next
 * chunk is planned from there. Small settlements are one chunk.
 */
#ifndef BS_SETTLE_H
#define BS_SETTLE_H

#include "lib/command/commands.h"
#include "lib/settlement/plan.h"

/* Begins the run of a settle command; `close_period`: as if the period's end were reached. */
void bs_settle(struct bs_engine *engine, uint32_t pool, int64_t now_ms, bool close_period,
               struct bs_effects *effects);
/* Begins the final settlement of a market, whose mark is the final price. */
void bs_settle_final(struct bs_engine *engine, uint32_t market, struct bs_effects *effects);
/* Fills effects with the next actions; clears effects->more with the last. */
void bs_settle_continue(struct bs_engine *engine, struct bs_effects *effects);
/* Whether every market in which somebody holds a position has a mark that is fresh. */
bool bs_pool_ready(const struct bs_engine *engine, uint32_t pool, int64_t now_ms);
/* The period that contains `now`. */
void bs_period_open(struct bs_pool *pool, int64_t now_ms);

/* unfilled.c: takes a part of a close back and publishes it. */
struct bs_outcome bs_apply_unfilled(struct bs_engine *engine,
                                    const struct bs_unfilled_command *command,
                                    struct bs_effects *effects);

/* final.c: checks a final settlement, takes its price and begins it. */
struct bs_outcome bs_apply_final(struct bs_engine *engine, const struct bs_final_command *command,
                                 struct bs_effects *effects);

/* publish.c */
/* An action with the next numbers of its pool, everything else empty. */
struct bs_action *bs_action_new(struct bs_engine *engine, uint32_t pool, enum bs_action_type type,
                                struct bs_effects *effects);
void bs_action_decimal(struct bs_action *action, enum bs_action_decimal which,
                       struct bs_wide value);
/* share.c: of the debt that the closed leg carries; of the lots, or of those that stay, that the
 * counterparty's are a part of, where they are split. Before the step is carried out. */
void bs_publish_leg_share(struct bs_plan *plan, const struct bs_step *step,
                          struct bs_action *action);
void bs_publish_lots_share(struct bs_plan *plan, const struct bs_step *step,
                           struct bs_action *action);
/* Carries out and publishes the plan's steps from scratch->applied on, while effects has room.
 * True when the plan is through and its results are in the engine. */
bool bs_plan_publish(struct bs_engine *engine, struct bs_plan *plan, struct bs_effects *effects);

/* write.c: the working copies become what the engine holds, and the plan is empty again. */
void bs_plan_write(struct bs_engine *engine, struct bs_plan *plan);

#endif
