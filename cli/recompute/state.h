/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a recomputation, for the files of this folder. Each part has a file of its own. */
#ifndef CLI_RECOMPUTE_STATE_H
#define CLI_RECOMPUTE_STATE_H

#include "cli/recompute/chain.h"
#include "cli/recompute/check.h"
#include "cli/recompute/debt.h"
#include "cli/recompute/haircut.h"
#include "cli/recompute/leg.h"
#include "cli/recompute/pair.h"
#include "cli/recompute/reversal.h"
#include "cli/recompute/settlement.h"
#include "cli/recompute/side.h"

struct recompute {
    const json_t *markets; /* name -> the market's JSON */
    const json_t *row;     /* the pool's JSON */
    const char *pool;
    uint32_t decimals;
    struct recompute_checks checks;
    bool malformed;    /* a number of this action is missing, or is none */
    bool begins_whole; /* the range begins with a settlement's first action */
    struct chain chain;
    struct settlement settlement;
    struct ledger ledger;
    struct debts debts;
    struct leg leg;
    struct side side;
    struct haircut_round round;
    struct kept_closes closes;
    json_t *netting; /* the close whose other side is still to come; owned */
};

#endif
