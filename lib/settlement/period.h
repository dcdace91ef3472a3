/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a period: gains are measured from the new baselines. */
#ifndef BS_PERIOD_H
#define BS_PERIOD_H

#include "lib/effects.h"

struct bs_engine;

/* Ends the pool's period and opens the one that contains now_ms. There is room for one action. */
void bs_period_end(struct bs_engine *engine, uint32_t pool, int64_t now_ms,
                   struct bs_effects *effects);

#endif
