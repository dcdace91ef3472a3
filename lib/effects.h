/* SPDX-License-Identifier: Apache-2.0 */
/* What one step of the engine did. */
#ifndef BS_EFFECTS_H
#define BS_EFFECTS_H

#include "lib/base/status.h"
#include "lib/record/action.h"
#include "lib/record/settlement.h"

/* What a step did. The caller owns `actions`; the texts in them live until the next step. */
struct bs_effects {
    struct bs_action *actions;
    uint32_t actions_max; /* at least 2 */
    uint32_t actions_count;
    bool more;             /* call bs_engine_continue before any other step */
    enum bs_status status; /* BS_OK: accepted; else nothing changed, except that a mark
                               out of band is remembered */
    const char *field;     /* the offending field, or NULL */
    bool settled;          /* `settlement` is filled: the settlement's last action is out */
    bool waiting;          /* a settle or close_period that waits for a fresh mark */
    struct bs_settlement settlement;
};

#endif
