/* SPDX-License-Identifier: Apache-2.0 */
/* How far the current settlement of an engine has come: between two calls that hand out actions. */
#ifndef BS_PROGRESS_H
#define BS_PROGRESS_H

#include "lib/effects.h"
#include "lib/settlement/division.h"

enum bs_phase {
    BS_PHASE_FINAL,
    BS_PHASE_DETECT,
    BS_PHASE_DEBTORS,
    BS_PHASE_FUND,
    BS_PHASE_DIVIDE,
    BS_PHASE_RESTITUTE,
    BS_PHASE_DONE
};

struct bs_progress {
    uint8_t phase;     /* enum bs_phase: what the next chunk begins with */
    bool running;      /* from the command to the last action of the settlement */
    bool planned;      /* a checked chunk is being applied */
    bool numbered;     /* the settlement that runs has its number */
    bool period_ends;  /* with this settlement */
    uint32_t applied;  /* steps of the chunk that are already applied */
    uint64_t reversed; /* no settlement: lots of the pooled close of this number are taken back */
    struct bs_division division;
    uint32_t final_market, final_at;     /* 0 = no final settlement; the next place in the order */
    bs_i128 cleared_lots, cleared_value; /* by the chunks already applied */
    struct bs_settlement summary;
};

#endif
