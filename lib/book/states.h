/* SPDX-License-Identifier: Apache-2.0 */
/* States of pools, and the reasons for which a fund's cash changes: in the tables and in views. */
#ifndef BS_STATES_H
#define BS_STATES_H

#include "lib/base/base.h"

enum bs_pool_state { BS_STATE_PAUSED, BS_STATE_RUNNING, BS_STATE_HALTED };

enum bs_waiting { BS_WAITING_NO, BS_WAITING_STALE_MARK };

/* Why an insurance fund's cash changed. */
enum bs_fund_cause {
    BS_FUND_TOP_UP,
    BS_FUND_WITHDRAWAL,
    BS_FUND_CREDIT, /* a top-up paid down the unallocated deficit */
    BS_FUND_FILL,
    BS_FUND_TRANSFER,
    BS_FUND_DRAW,
    BS_FUND_TAKEOVER, /* of a position opposite to its own */
    BS_FUND_CLOSE,
    BS_FUND_WRITE_OFF,
    BS_FUND_REVERSAL,
    BS_FUND_RESTITUTION,
    BS_FUND_OWN_FUND,      /* not its cash: into a market's own fund (negative), or back */
    BS_FUND_OWN_FUND_DRAW, /* out of one */
    BS_FUND_SETTLEMENT,    /* any other step of one */
    BS_FUND_CAUSE_COUNT
};

const char *bs_fund_cause_name(uint8_t cause); /* as in JSON; NULL past the end */

#endif
