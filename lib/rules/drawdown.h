/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drawdown of an insurance fund: how far its equity is below its peak within a window.
 *
 *              drawdown >= max_drawdown_ppm, or a draw was cut short by it
 *     normal ----------------------------------------------------------------> restricted
 *            <----------------------------------------------------------------
 *                          drawdown < resume_ppm (<= max_drawdown_ppm)
 *
 * The peak is kept in parts of drawdown_window/64: an observation counts for the whole window and
 * at most one 64th longer.
 */
#ifndef BS_DRAWDOWN_H
#define BS_DRAWDOWN_H

#include "lib/money/money.h"
#include "lib/record/command.h"

#define BS_DRAWDOWN_PARTS 65u /* the current one and the 64 before it */

struct bs_drawdown_part {
    bool known;
    int64_t number; /* of the time since the epoch */
    bs_i128 equity; /* the highest seen in it */
};

/* The observations of a fund. All zero: never observed. */
struct bs_drawdown_history {
    int64_t part_ms; /* 0 = never observed */
    bool restricted;
    struct bs_drawdown_part parts[BS_DRAWDOWN_PARTS];
};

/* What an observation finds. Without a limit only the equity and the peak, the same, are set. */
struct bs_drawdown {
    bs_i128 equity, peak;
    bs_i128 threshold; /* the layer may not take the equity below it */
    bs_i128 resume_at; /* the least equity at which a restricted fund resumes */
    uint32_t drawdown_ppm;
    bool restricted;
};

/* What an observation of `equity` at `now_ms` would find under the limit of an insurance layer. */
struct bs_drawdown bs_drawdown_of(const struct bs_drawdown_history *history,
                                  const struct bs_layer *layer, bs_i128 equity, int64_t now_ms);
/* Observes the equity; `cut`: a draw was cut short by the limit. */
void bs_drawdown_observe(struct bs_drawdown_history *history, const struct bs_layer *layer,
                         bs_i128 equity, int64_t now_ms, bool cut);

#endif
