/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the command line, made from options.def. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/base.h"

#define DEFAULT_URL "http://127.0.0.1:8480"
#define OPTION_VALUES_MAX 256

enum option_code {

#define X(code, member, name, kind, most, letter, argument, help) OPTION_##code,
#include "cli/options.def"
#undef X
    OPTIONS_COUNT
};

/* A set of options: OPT(POOL) | OPT(TYPE). */
#define OPT(code) (UINT64_C(1) << OPTION_##code)

/* The values of an option that may be repeated, in order. */
struct option_values {
    const char *values[OPTION_VALUES_MAX];
    size_t count;
};

/* For each option a member: TEXT is NULL and FLAG false unless given. A LIST is a TEXT too, with
 * all its values in `all`. */
struct options {
#define OPTION_MEMBER_TEXT(member) const char *member;
#define OPTION_MEMBER_FLAG(member) bool member;
#define OPTION_MEMBER_LIST(member) const char *member;
#define X(code, member, name, kind, most, letter, argument, help) OPTION_MEMBER_##kind(member)
#include "cli/options.def"
#undef X
#undef OPTION_MEMBER_TEXT
#undef OPTION_MEMBER_FLAG
#undef OPTION_MEMBER_LIST

    struct {
#define OPTION_MEMBER_TEXT(member)
#define OPTION_MEMBER_FLAG(member)
#define OPTION_MEMBER_LIST(member) struct option_values member;
#define X(code, member, name, kind, most, letter, argument, help) OPTION_MEMBER_##kind(member)
#include "cli/options.def"
#undef X
#undef OPTION_MEMBER_TEXT
#undef OPTION_MEMBER_FLAG
#undef OPTION_MEMBER_LIST
    } all;

    uint64_t given; /* the set of options that were given */
};

/* Reads all options, wherever they stand, and moves them before the operands: the first operand is
 * argv[optind]. False: the reason is printed. */
BS_MUST_USE bool options_read(int argc, char **argv, struct options *options);
/* False, and the reason printed: an option is not in the set, or given twice and not in
 * `repeated`. */
BS_MUST_USE bool options_fit(const struct options *options, const char *verb, uint64_t allowed,
                             uint64_t repeated);
/* The lines of the help for a set of options. */
void options_print(uint64_t set);

#endif
