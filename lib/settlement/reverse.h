/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lots of a counterparty that was closed for a whole side go back to it and to the side's debtors. It is
 * not a settlement, but its actions are handed out like those of one, as they may be many.
 */
#ifndef BS_REVERSE_H
#define BS_REVERSE_H

#include "lib/effects.h"

struct bs_close;
struct bs_engine;

/* Begins to take `lots` of the pooled close back; there is room for the positions. False: an amount
 * would leave its range, and nothing has changed. */
bool bs_reversal_begin(struct bs_engine *engine, struct bs_close *close, int64_t lots,
                       struct bs_effects *effects);
/* All its actions are out. */
void bs_reversal_finish(struct bs_engine *engine);

#endif
