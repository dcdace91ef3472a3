/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that read a log while no daemon runs on it. Both return the exit status. */
#ifndef OFFLINE_H
#define OFFLINE_H

#include "daemon/config/arguments.h"

/* Reads and replays everything, prints where the log ends, its digest and its last hash. */
BS_MUST_USE int offline_verify(const struct settings *settings);
/* Prints one line for each command from this sequence on: seq, time, type, name. */
BS_MUST_USE int offline_dump(const struct settings *settings, uint64_t from);

#endif
