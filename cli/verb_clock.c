/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

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
    return answer.status == 200 ? cli_print_answer(cli, &answer) : cli_refused(cli, &answer);
}
