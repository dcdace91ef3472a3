/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/table.h"
#include "cli/verbs.h"

#define TIMEOUT_MS 5000L

int verb_clock(struct cli *cli)
{
    struct http_answer answer = {0};
    struct buffer nothing = {0};
    if (strcmp(cli->operands[0], "adopt") != 0) {
        cli_error("clock: no command '%s': the only one is adopt", cli->operands[0]);
        return EX_USAGE;
    }
    buffer_text(&nothing, "");
    int code = http_post_json(cli->http, "/v1/clock", &nothing, TIMEOUT_MS, &answer);
    buffer_fini(&nothing);
    if (code != EX_OK) {
        cli_error("%s: %s", http_url(cli->http), http_error(cli->http));
        return code;
    }
    json_t *document = json_loadb(answer.body, answer.size, 0, NULL);
    if (answer.status != 200 || !json_is_object(document)) {
        code = cli_refused(cli, &answer);
    } else if (cli->json) {
        cli_print_json(document);
    } else {
        table_print_object(stdout, document, cli->color);
    }
    json_decref(document);
    return code;
}
