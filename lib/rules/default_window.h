/* SPDX-License-Identifier: Apache-2.0 */
/* The window since a default: an account's gain in it, and what is due to it. */
#ifndef BS_DEFAULT_WINDOW_H
#define BS_DEFAULT_WINDOW_H

#include "lib/money/money.h"

/* The gain since the window opened, before what the window took: the current period's, what was
 * carried from the periods before it, and what was taken. */
static inline bs_i128 bs_default_window_gain(bs_i128 period_gain, bs_i128 carried, bs_i128 taken)
{
    return period_gain + carried + taken;
}

/* What was taken beyond the account's share of the loss. */
static inline bs_i128 bs_default_window_due(bs_i128 taken, bs_i128 share)
{
    return bs_max(0, taken - share);
}

#endif
