/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of `backstopd log`: they read a log, change nothing, and work beside the daemon that
 * writes it. Each prints to standard output, its error to standard error, and returns the exit
 * status.
 */
#ifndef OFFLINE_H
#define OFFLINE_H

#include "daemon/config/arguments.h"

/* Reads and replays everything, prints where the log ends, its digest and its last hash. */
BS_MUST_USE int offline_verify(const struct settings *settings);
/* Prints one line for each command (seq, time, type, name), and after it one for each action and
 * settlement that it caused. */
BS_MUST_USE int offline_dump(const struct settings *settings, uint64_t from,
                             const struct until *until);
/* Prints where the state at a moment stands, or with `shows_state` all of it: state.h. */
BS_MUST_USE int offline_replay(const struct settings *settings, const struct until *until,
                               bool shows_state);

#define OFFLINE_DIFF_DIFFERENT 1
#define OFFLINE_DIFF_FAILED 2

/* Prints what differs between two states, by name. EX_OK when nothing does. */
BS_MUST_USE int offline_diff(const struct settings *settings, const struct log_moment *a,
                             const struct log_moment *b);

#endif
