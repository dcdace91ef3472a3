/* SPDX-License-Identifier: Apache-2.0 */
/* What one step of the engine did. */
#ifndef BS_EFFECTS_H
#define BS_EFFECTS_H

#include "lib/base/status.h"
#include "lib/record/action.h"

/* What one settlement did, for the list of settlements. Amounts in the pool's asset. */
struct bs_settlement {
    struct bs_text pool;
    uint64_t number;
    uint64_t seq; /* place in the log of the command that began it */
    int64_t time_ms;
    uint64_t first_action; /* ids within the pool */
    uint64_t last_action;
    uint64_t insolvent_accounts;
    uint64_t counterparties; /* adl actions */
    uint64_t payers;         /* haircut actions */
    uint64_t assignments;    /* actions of that name */
    struct bs_wide deficit;
    struct bs_wide fund_paid;
    struct bs_wide deleveraged; /* taken from counterparties below or above mark */
    struct bs_wide haircuts;
    struct bs_wide unallocated;
    struct bs_wide spreads; /* owed on top of the deficits, to providers */
};

/* What a step did. The caller owns `actions`; the texts in them live until the next step. */
struct bs_effects {
    struct bs_action *actions;
    uint32_t actions_max; /* at least 2 */
    uint32_t actions_count;
    bool more;             /* call bs_engine_continue before any other step */
    enum bs_status status; /* BS_OK: accepted; else nothing changed, but that a mark out of band is
                              remembered */
    const char *field;     /* the offending field, or NULL */
    bool settled;          /* `settlement` is filled: the settlement's last action is out */
    bool waiting;          /* a settle or close_period that waits for a fresh mark */
    struct bs_settlement settlement;
};

#endif
