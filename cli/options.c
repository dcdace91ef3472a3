/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"

#define LONG_BEGIN 256 /* values of getopt_long that are no letter */

_Static_assert(OPTIONS_COUNT <= 64, "a set of options is 64 bits");

enum option_kind { TEXT, FLAG, LIST };

struct option_row {
    const char *name;
    const char *argument; /* NULL = none */
    const char *help;
    enum option_kind kind;
    size_t most;        /* values of a LIST */
    size_t member, all; /* offsets in struct options */
    char letter;        /* 0 = none */
};

static const struct option_row rows[OPTIONS_COUNT] = {
#define OPTION_ALL_TEXT(member) 0
#define OPTION_ALL_FLAG(member) 0
#define OPTION_ALL_LIST(member) offsetof(struct options, all.member)
#define X(code, member, name, kind, most, letter, argument, help)                                  \
    {                                                                                              \
        name,                                                                                      \
        argument,                                                                                  \
        help,                                                                                      \
        kind,                                                                                      \
        most,                                                                                      \
        offsetof(struct options, member),                                                          \
        OPTION_ALL_##kind(member),                                                                 \
        letter},
#include "cli/options.def"
#undef X
#undef OPTION_ALL_TEXT
#undef OPTION_ALL_FLAG
#undef OPTION_ALL_LIST
};

static void *at(struct options *options, size_t offset)
{
    return (char *)options + offset;
}

static const struct option_values *values_of(const struct options *options,
                                             const struct option_row *row)
{
    assert(row->kind == LIST);
    return (const void *)((const char *)options + row->all);
}

static bool add_value(struct options *options, const struct option_row *row, const char *value)
{
    struct option_values *values = at(options, row->all);
    assert(row->most <= OPTION_VALUES_MAX);
    if (values->count == row->most) {
        cli_error("--%s '%s' is one too many: at most %zu", row->name, value, row->most);
        return false;
    }
    values->values[values->count++] = value;
    return true;
}

static bool set(struct options *options, const struct option_row *row, const char *value)
{
    options->given |= UINT64_C(1) << (row - rows);
    if (row->kind == FLAG) {
        *(bool *)at(options, row->member) = true;
        return true;
    }
    *(const char **)at(options, row->member) = value;
    return row->kind == TEXT || add_value(options, row, value);
}

/* What getopt_long wants: the long names, ended by an empty row, and the letters. */
static void describe(struct option long_options[OPTIONS_COUNT + 1],
                     char letters[2 * OPTIONS_COUNT + 1])
{
    size_t count = 0;
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        bool has_argument = rows[i].argument != NULL;
        long_options[i] = (struct option){
            rows[i].name, has_argument ? required_argument : no_argument, NULL, LONG_BEGIN + i};
        if (rows[i].letter != 0) {
            letters[count++] = rows[i].letter;
        }
        if (rows[i].letter != 0 && has_argument) {
            letters[count++] = ':';
        }
    }
    long_options[OPTIONS_COUNT] = (struct option){0};
    letters[count] = '\0';
}

bool options_read(int argc, char **argv, struct options *options)
{
    struct option long_options[OPTIONS_COUNT + 1];
    char letters[2 * OPTIONS_COUNT + 1];
    describe(long_options, letters);
    int found = 0;
    while ((found = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
        int row = 0;
        while (row < OPTIONS_COUNT && found != LONG_BEGIN + row && found != rows[row].letter) {
            row++;
        }
        if (row == OPTIONS_COUNT || !set(options, &rows[row], optarg)) {
            return false;
        }
    }
    return true;
}

bool options_fit(const struct options *options, const char *verb, uint64_t allowed,
                 uint64_t repeated)
{
    assert((repeated & ~allowed) == 0);
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if ((options->given & bit & ~allowed) != 0) {
            cli_error("%s takes no --%s", verb, rows[i].name);
            return false;
        }
        if (rows[i].kind == LIST && (repeated & bit) == 0 &&
            values_of(options, &rows[i])->count > 1) {
            cli_error("%s takes one --%s", verb, rows[i].name);
            return false;
        }
    }
    return true;
}

void options_print(uint64_t set)
{
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        const struct option_row *row = &rows[i];
        char name[32], letter[5] = "    ";
        if ((set & (UINT64_C(1) << i)) == 0) {
            continue;
        }
        if (row->letter != 0) {
            (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
        }
        (void)snprintf(name, sizeof(name), "--%s%s%s", row->name, row->argument == NULL ? "" : " ",
                       row->argument == NULL ? "" : row->argument);
        printf("  %s%-17s %s\n", letter, name, row->help);
    }
}
