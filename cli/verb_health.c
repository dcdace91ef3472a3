/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#define TIMEOUT_MS 5000L

/* Exit status 0 only for a server that answers 200: a container's health check. */
int verb_health(struct cli *cli)
{
    struct http_answer answer = {0};
    int code = http_get(cli->http, "/healthz", TIMEOUT_MS, &answer);
    if (code == EX_OK && answer.status != 200) {
        code = EX_UNAVAILABLE;
    }
    if (cli->options.quiet) {
        return code;
    }
    if (answer.status == 0) {
        cli_error("%s: %s", http_url(cli->http), http_error(cli->http));
        return code;
    }
    int printed = cli_print_answer(cli, &answer);
    return printed == EX_OK ? code : printed;
}
