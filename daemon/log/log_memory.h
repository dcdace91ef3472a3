/* SPDX-License-Identifier: Apache-2.0 */
/* A log in memory, for tests: faults are injected and actions dropped on request. */
#ifndef LOG_MEMORY_H
#define LOG_MEMORY_H

#include "daemon/log/log.h"

BS_MUST_USE int log_open_memory(struct command_log **ret_log); /* 0 or a negative errno */
/* The n-th append from now fails with the negative `error`; n = 0: none fails. */
void log_memory_fail(struct command_log *log, uint32_t countdown, int error);
/* Drops the actions up to this ordinal, as retention would. */
void log_memory_drop(struct command_log *log, uint64_t ordinal);

#endif
