/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_ERROR_H
#define LOG_ERROR_H

#define LOG_ERROR_SIZE 320

/* Writes the message, up to LOG_ERROR_SIZE bytes, and returns the code. */
int log_error(char *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
