/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of a log: 16 random bytes, as 32 hexadecimal digits, in its first record. It is made
 * with the data directory and never changes. Ids and cursors name its first 8 digits, so that two
 * servers, or one that began again with an empty directory, never use one id for two things.
 */
#ifndef LOG_IDENTITY_H
#define LOG_IDENTITY_H

#include "daemon/log/log.h"

/* Reads the identity, and first writes one into an empty log. Once, before log_start. 0 or a
 * negative code; then `error` says why. */
BS_MUST_USE int log_identify(struct command_log *log, char error[LOG_ERROR_SIZE]);

/* A new one, at random. */
BS_MUST_USE int log_identity_make(char text[LOG_IDENTITY_DIGITS + 1], char *error);
/* LOG_IDENTITY_DIGITS digits and a NUL, for as long as the log is open; zeros before log_identify.
 * Any thread. */
const char *log_identity(const struct command_log *log);
/* The same of the log that is read. */
const char *log_reader_identity(const struct log_reader *reader);

#endif
