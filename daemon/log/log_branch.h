/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a copy of a log another log: it ends at a sequence, and its first record has another
 * identity, so that what it decides from there on gets ids that the first log never gave. The links of
 * the batches are computed again. Commands, actions and their hashes stay as they are. When the first
 * record was cut, the note of where the log begins gets the identity instead, and the links stay too.
 */
#ifndef LOG_BRANCH_H
#define LOG_BRANCH_H

#include "daemon/log/log_backend.h"

struct log_branch {
    uint64_t seq;        /* the last command that stays */
    uint64_t ordinal;    /* the last action that one caused */
    uint64_t settlement; /* the last settlement row, over all pools */
    const char *identity;
};

/* Of a directory that nobody has open. A failure leaves it unusable. */
BS_MUST_USE int log_branch(const char *directory, const struct log_branch *branch, char *error);

#endif
