/* SPDX-License-Identifier: Apache-2.0 */
/* What backstopctl can do: one table of verbs, one of options; each verb names the options that it
 * takes. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/cli.h"

#define DEFAULT_URL "http://127.0.0.1:8480"

enum option_bit {
    OPTION_URL = 1 << 0,
    OPTION_OUTPUT = 1 << 1,
    OPTION_HELP = 1 << 2,
    OPTION_VERSION = 1 << 3,
    OPTION_ACCOUNT = 1 << 4,
    OPTION_AFTER = 1 << 5,
    OPTION_BATCH = 1 << 6,
    OPTION_FOLLOW = 1 << 7,
    OPTION_POOL = 1 << 8,
    OPTION_QUIET = 1 << 9,
    OPTION_SIDE = 1 << 10,
    OPTION_TYPE = 1 << 11,
    OPTION_FUND = 1 << 12,
    OPTION_SETTLEMENT = 1 << 13,
    OPTION_SHOCK = 1 << 14,
    OPTION_WATERFALL = 1 << 15,
    OPTION_KEY = 1 << 16,
    OPTION_KEY_FILE = 1 << 17,
    OPTION_CACERT = 1 << 18,
    OPTION_CERT = 1 << 19,
    OPTION_CERT_KEY = 1 << 20,
    OPTION_FILE = 1 << 21,
    OPTION_ROLES = 1 << 22,
    OPTION_SUBJECT = 1 << 23,
    OPTION_REQUESTS = 1 << 24,
    OPTION_ITEMS = 1 << 25,
    OPTION_ORDER = 1 << 26,
    OPTION_BATCH_MAX = 1 << 27,
};

#define OPTIONS_OF_ACCESS                                                                          \
    (OPTION_KEY | OPTION_KEY_FILE | OPTION_CACERT | OPTION_CERT | OPTION_CERT_KEY)
#define OPTIONS_OF_ALL                                                                             \
    (OPTION_URL | OPTION_OUTPUT | OPTION_HELP | OPTION_VERSION | OPTIONS_OF_ACCESS)

#define OPTIONS_COUNT 28

struct option_row {
    const char *name;
    const char *argument; /* NULL = none */
    const char *help;
    int bit;
    char letter; /* 0 = none */
};

extern const struct option_row option_rows[OPTIONS_COUNT];

struct verb {
    const char *name;
    const char *operand; /* NULL = none */
    const char *summary;
    const char *help;
    int (*run)(struct cli *cli);
    int options;
};

/* In the order of the help; NULL past the last one. */
const struct verb *verb_at(size_t i);

#endif
