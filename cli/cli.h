/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of backstopctl share. A verb is a function that prints to stdout and returns an
 * exit code of <sysexits.h>; an error is one line on stderr, printed where it is found.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <sysexits.h>

#include "cli/http.h"
#include "cli/member.h"
#include "cli/options.h"

#define EX_MISFIT 1 /* published actions do not fit: not one of <sysexits.h> */

struct cli {
    struct options options;
    bool json;             /* --output json */
    long batch;            /* lines of one request */
    char *const *operands; /* after the verb, as many as its row in verbs.def allows */
    int operands_count;
    struct http *http;
    bool color; /* stdout is a terminal that takes it */
};

/* Prints one line on stderr, "backstopctl: ...". */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints the code and detail of a problem document, or that it is none; returns the exit code. */
int cli_refused(const struct cli *cli, const struct http_answer *answer);
/* Gets one document. On EX_OK it is the caller's (json_decref); else the reason is printed. */
int cli_get(struct cli *cli, const char *path, json_t **ret_document);
/* Prints the document as one line of JSON, members in the server's order. */
void cli_print_json(const json_t *document);
/* Prints the object so with --output json, else as a table. */
void cli_print_object(const struct cli *cli, json_t *document);
/* Prints the object that was answered; an answer that is none is refused. Returns the exit code. */
int cli_print_answer(const struct cli *cli, const struct http_answer *answer);
/* Reads the key, authority and certificate that options and environment name. EX_OK, or the reason
 * is printed. */
int cli_access(struct cli *cli);
/* Writes out what stdout holds: EX_OK or EX_IOERR. */
int cli_flush(void);

#endif
