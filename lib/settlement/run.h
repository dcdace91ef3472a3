/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One settlement: detect -> net -> rank -> waterfall -> the fund's inventory -> divide -> period.
 * It runs in chunks: a chunk is planned, checked and applied (its actions are handed out as fast as
 * the caller's buffer takes them, then its results are written to the engine); the next chunk is
 * planned from there. Small settlements are one chunk.
 */
#ifndef BS_RUN_H
#define BS_RUN_H

#include "lib/effects.h"

struct bs_engine;

/* Begins the run of a settle command; `close_period`: as if the period's end were reached. */
void bs_settlement_begin(struct bs_engine *engine, uint32_t pool, int64_t now_ms, bool close_period,
                         struct bs_effects *effects);
/* Begins the final settlement of a market, whose mark is the final price. */
void bs_settlement_begin_final(struct bs_engine *engine, uint32_t market,
                               struct bs_effects *effects);
/* Fills effects with the next actions; clears effects->more with the last. */
void bs_settlement_continue(struct bs_engine *engine, struct bs_effects *effects);

#endif
