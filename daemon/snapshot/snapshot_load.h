/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a snapshot: an engine as it was, with what belongs to it. Any bytes are safe. */
#ifndef SNAPSHOT_LOAD_H
#define SNAPSHOT_LOAD_H

#include "daemon/core/first_answers.h"
#include "daemon/log/chain.h"
#include "daemon/snapshot/snapshot_format.h"

/* Where a snapshot goes. */
struct snapshot_target {
    /* An engine that has stepped nothing, for these capacities: `in_force` and room for `largest`,
     * the largest of each until then. NULL with a message: there can be none, and *ret_code is why.
     * Called once. */
    struct bs_engine *(*make)(void *user, const struct bs_capacity_command *in_force,
                              const struct bs_capacity_command *largest, int *ret_code,
                              char error[LOG_ERROR_SIZE]);
    void *user;
    struct first_answers *answers; /* optional: cleared, and filled */
    struct pool_chains *chains;    /* optional: zeroed, and filled */
};

/*
 * 0: the engine has exactly the state that the file names by its digest, and *ret_header says what
 * it is. -EBADMSG with a message: the file is damaged or of a newer version. What was loaded of it
 * is of no use then.
 */
BS_MUST_USE int snapshot_load(int directory, uint64_t seq, const struct snapshot_target *target,
                              struct snapshot_header *ret_header, char error[LOG_ERROR_SIZE]);

#endif
