/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the daemon that live beside core and webhooks, started as app.c does: the follower
 * with its snapshots, and retention. What retention may cut is read into the history first.
 */
#ifndef SIM_PARTS_H
#define SIM_PARTS_H

#include "daemon/webhooks/webhooks.h"
#include "tests/sim/life.h"

struct parts {
    const struct life_plan *plan;
    struct ledger *ledger;
    struct core *core;
    struct command_log *log;
    struct webhooks *webhooks;
    struct retention *retention;
    struct snapshot_keeper *snapshots;
    struct follower *follower;
    struct log_reader *reader; /* the follower's thread's */
};

/* The first five members are set. 0 or negative with a message; parts_stop and parts_free after
 * both. */
BS_MUST_USE int parts_start(struct parts *parts, char error[LOG_ERROR_SIZE]);
void parts_stop(struct parts *parts); /* its threads; the core loop does not run */
void parts_free(struct parts *parts); /* before the core */

#endif
