/* SPDX-License-Identifier: Apache-2.0 */
/* How far a verb reads a log, and which one, as written on the command line. */
#ifndef UNTIL_H
#define UNTIL_H

#include <limits.h>

#include "lib/base/base.h"

enum until_kind { UNTIL_END, UNTIL_SEQ, UNTIL_TIME };

struct until {
    uint8_t kind;    /* enum until_kind */
    uint64_t seq;    /* the last one that counts */
    int64_t time_ms; /* commands up to this time count */
};

/* A sequence number or an RFC 3339 time in UTC; false: it is neither. */
BS_MUST_USE bool until_parse(struct until *until, const char *text);

/* A log, or its state at one moment. */
struct log_moment {
    char directory[PATH_MAX];
    struct until until;
    bool is_without_archive; /* of old files, also if there is one */
};

/* DIR, DIR@SEQ or DIR@TIME. False: it is too long, or what follows the last @ is neither. A
 * directory whose own name has an @ is written with a / at its end. */
BS_MUST_USE bool log_moment_parse(struct log_moment *moment, const char *text);

#endif
