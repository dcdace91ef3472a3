/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of backstopctl share. A verb is a function that prints to stdout and returns an
 * exit code of <sysexits.h>; whatever went wrong is one line on stderr, printed where it is met.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <sysexits.h>

#include "cli/http.h"
#include "cli/member.h"

#define EX_MISFIT 1 /* what was published does not fit: not one of <sysexits.h> */

#define CLI_NAMES_MAX 64
#define CLI_SHOCKS_MAX 256
#define CLI_WATERFALLS_MAX 8

/* What stands behind an option that is given several times. */
struct cli_names {
    const char *names[CLI_NAMES_MAX];
    size_t count;
};

struct options {
    const char *url;
    const char *account;
    const char *after;
    const char *pool;
    const char *side;
    const char *type;
    const char *fund;
    const char *settlement;
    const char *key;
    const char *key_file;
    const char *cacert;
    const char *cert;
    const char *cert_key;
    const char *file;
    const char *roles;
    const char *subject;
    const char *requests;
    const char *items;
    const char *order;
    const char *batch_max;
    struct cli_names accounts, pools, types; /* all of them; account, pool and type are the last */
    const char *shocks[CLI_SHOCKS_MAX];
    size_t shocks_count;
    const char *waterfalls[CLI_WATERFALLS_MAX];
    size_t waterfalls_count;
    long batch; /* lines of one request */
    bool follow;
    bool json;
    bool quiet;
};

struct cli {
    struct options options;
    char *const *operands; /* after the verb, as many as its row in the table of verbs asks for */
    int operands_count;
    struct http *http;
    bool color; /* of stdout */
};

/* One line on stderr, "backstopctl: ...". */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints the code and detail of a problem document (or that it is none); gives the exit code. */
int cli_refused(const struct cli *cli, const struct http_answer *answer);
/* One document. On EX_OK it is the caller's (json_decref); else the reason is printed. */
int cli_get(struct cli *cli, const char *path, json_t **ret_document);
/* The document as one line of JSON, members in the server's order. */
void cli_print_json(const json_t *document);
/* The key, authority and certificate that options and environment name. EX_OK, or the reason is
 * printed. */
int cli_access(struct cli *cli);
/* Whatever stdout could not take: EX_OK or EX_IOERR. */
int cli_flush(void);

int verb_account(struct cli *cli);
int verb_actions(struct cli *cli);
int verb_explain(struct cli *cli);
int verb_fund(struct cli *cli);
int verb_health(struct cli *cli);
int verb_key(struct cli *cli);
int verb_market(struct cli *cli);
int verb_pools(struct cli *cli);
int verb_presets(struct cli *cli);
int verb_providers(struct cli *cli);
int verb_sources(struct cli *cli);
int verb_post(struct cli *cli);
int verb_queue(struct cli *cli);
int verb_rank(struct cli *cli);
int verb_settlements(struct cli *cli);
int verb_simulate(struct cli *cli);
int verb_solvency(struct cli *cli);
int verb_verify(struct cli *cli);
int verb_watch(struct cli *cli);
int verb_webhook(struct cli *cli);

#endif
