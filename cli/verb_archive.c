/* SPDX-License-Identifier: Apache-2.0 */
/* archive: has the server move old files of its log into its archive, and follows that. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/verbs.h"

#define PATH "/v1/archive"
#define TIMEOUT_MS 60000L
#define POLL_MS 200

static int ask(struct cli *cli, bool begins, json_t **ret_archive)
{
    struct http_answer answer;
    const struct buffer nothing = {0};
    int code = begins ? http_post_json(cli->http, PATH, &nothing, TIMEOUT_MS, &answer)
                      : http_get(cli->http, PATH, TIMEOUT_MS, &answer);
    if (code != EX_OK) {
        cli_error("%s: %s", http_url(cli->http), http_error(cli->http));
        return code;
    }
    if (answer.status >= 300) {
        return cli_refused(cli, &answer);
    }
    *ret_archive = json_loads(answer.body, 0, NULL);
    if (!json_is_object(*ret_archive)) {
        cli_error("%s: the answer is not JSON", http_url(cli->http));
        json_decref(*ret_archive);
        return EX_PROTOCOL;
    }
    return EX_OK;
}

static json_int_t number(const json_t *archive, const char *name)
{
    return json_integer_value(json_object_get(archive, name));
}

static const char *word(const json_t *archive, const char *name)
{
    const char *value = json_string_value(json_object_get(archive, name));
    return value != NULL ? value : "";
}

static int print_result(struct cli *cli, const json_t *archive)
{
    if (strcmp(word(archive, "state"), "failing") == 0) {
        cli_error("the archive %s takes no files: %s", word(archive, "directory"),
                  word(archive, "error"));
        return EX_UNAVAILABLE;
    }
    if (cli->json) {
        cli_print_json(archive);
        return EX_OK;
    }
    (void)printf("%s holds the log up to seq %" JSON_INTEGER_FORMAT
                 "; the server keeps it from seq %" JSON_INTEGER_FORMAT " on\n",
                 word(archive, "directory"), number(archive, "archived_seq"),
                 number(archive, "log_begins_after_seq") + 1);
    return EX_OK;
}

int verb_archive(struct cli *cli)
{
    const struct progress progress = {.is_shown = isatty(STDERR_FILENO) == 1};
    json_t *archive = NULL;
    int code = ask(cli, true, &archive);
    while (code == EX_OK) {
        progress_show(&progress, "moving", number(archive, "bytes_done"),
                      number(archive, "bytes_total"));
        if (strcmp(word(archive, "state"), "moving") != 0) {
            break;
        }
        const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
        json_decref(archive);
        archive = NULL;
        code = ask(cli, false, &archive);
    }
    progress_end(&progress);
    code = code == EX_OK ? print_result(cli, archive) : code;
    json_decref(archive);
    return code;
}
