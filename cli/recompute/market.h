/* SPDX-License-Identifier: Apache-2.0 */
/* A market as numbers: what a lot is worth. */
#ifndef CLI_RECOMPUTE_MARKET_H
#define CLI_RECOMPUTE_MARKET_H

#include "lib/money/decimal.h"

struct recompute;

struct market {
    bool is_known; /* and the numbers fit: else closes there are not recomputed */
    bool is_inverse;
    bs_i128 unit; /* quanta that a lot is worth at a tick; inverse: a lot is worth unit / ticks */
    bs_i128 maintenance_ppm; /* today's */
    struct bs_wide tick, lot;
};

struct market market_named(const struct recompute *recompute, const char *name);

#endif
