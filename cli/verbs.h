/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of backstopctl, made from verbs.def. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/cli.h"

#define OPTIONS_OF_ALL                                                                             \
    (OPT(URL) | OPT(OUTPUT) | OPT(HELP) | OPT(VERSION) | OPT(KEY) | OPT(KEY_FILE) | OPT(CACERT) |  \
     OPT(CERT) | OPT(CERT_KEY))

struct verb {
    const char *name;
    const char *operand; /* words in [] may be left out; NULL = none */
    const char *summary;
    const char *help;
    int (*run)(struct cli *cli);
    uint64_t options;  /* besides those of every verb */
    uint64_t repeated; /* those of them that may be given more than once */
};

/* Each prints to stdout and returns an exit code. */
#define X(name, operand, summary, options, repeated, help) int verb_##name(struct cli *cli);
#include "cli/verbs.def"
#undef X

/* In the order of the help; NULL past the last one. */
const struct verb *verb_at(size_t i);
const struct verb *verb_named(const char *name); /* NULL when there is none */
/* The name of the verb that is spelled most like it; NULL when none is. */
const char *verb_like(const char *name);

#endif
