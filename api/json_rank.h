/* SPDX-License-Identifier: Apache-2.0 */
/* The place of a position in its queue, as ccxt says it. */
#ifndef API_JSON_RANK_H
#define API_JSON_RANK_H

#include "api/buffer.h"
#include "lib/engine.h"

/*
 * A rank as one element of what ccxt calls fetchPositionsADLRank: its unified ADL structure
 * (info, symbol, rank, rating, percentage, timestamp, datetime; ccxt 4.5), where `rank` is the
 * number of lights and `percentage` a JSON number.
 */
void api_rank_ccxt(struct buffer *out, const struct bs_rank_view *rank, int64_t time_ms);

#endif
