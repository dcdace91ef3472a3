/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the published actions in order; with --follow it waits for new ones, over restarts too. */
#include <stdio.h>
#include <time.h>

#include "cli/table.h"
#include "cli/verbs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE_LIMIT "1000"
#define WAIT_MS "20000"
#define TIMEOUT_MS 30000L /* of one page: the wait and the answer */
#define RETRY_FIRST_MS 200
#define RETRY_LAST_MS 5000

static const struct table_column columns[] = {
    {"CURSOR", "cursor", TABLE_RIGHT},
    {"POOL", "pool", TABLE_LEFT},
    {"ID", "id", TABLE_RIGHT},
    {"TIME", "time", TABLE_LEFT},
    {"TYPE", "type", TABLE_LEFT},
    {"ACCOUNT", "account", TABLE_LEFT},
    {"MARKET", "market", TABLE_LEFT},
    {"RANK", "rank", TABLE_RIGHT},
    {"SIZE", "size_closed", TABLE_RIGHT},
    {"PRICE", "price", TABLE_RIGHT},
    {"AMOUNT", "amount", TABLE_RIGHT},
};

struct follower {
    struct cli *cli;
    struct table table;
    struct buffer cursor; /* of the last page, NUL terminated; empty = from the beginning */
    bool lost;            /* the server did not answer the last request */
    bool found_once;      /* it has answered before */
    long retry_ms;
    bool at_end; /* nothing follows the last page yet */
};

static void build_path(const struct follower *follower, struct buffer *path)
{
    const struct options *options = &follower->cli->options;
    buffer_text(path, "/v1/actions?limit=" PAGE_LIMIT);
    http_path_query(path, "after", follower->cursor.size == 0 ? NULL : follower->cursor.bytes);
    http_path_query(path, "pool", options->pool);
    http_path_query(path, "account", options->account);
    http_path_query(path, "type", options->type);
    /* The first page is requested without a wait, to learn whether there is a server. */
    http_path_query(path, "wait_ms", options->follow && follower->found_once ? WAIT_MS : NULL);
}

/* Closes have a value, other actions an amount; one column shows both. Another shows the size
 * closed or taken over by a provider. */
static void add_row(struct follower *follower, json_t *action)
{
    json_t *value = json_object_get(action, "value");
    json_t *taken = json_object_get(action, "size_taken");
    if (follower->cli->json) {
        cli_print_json(action);
        return;
    }
    if (json_object_get(action, "amount") == NULL && value != NULL) {
        json_object_set(action, "amount", value);
    }
    if (taken != NULL) {
        json_object_set(action, "size_closed", taken);
    }
    table_add(&follower->table, action);
}

static int take_page(struct follower *follower, const struct http_answer *answer)
{
    json_t *document = json_loadb(answer->body, answer->size, 0, NULL);
    const json_t *data = json_object_get(document, "data");
    const char *next = json_string_value(json_object_get(document, "next"));
    size_t index = 0;
    json_t *action = NULL;
    if (!json_is_array(data) || next == NULL) {
        cli_error("%s/v1/actions: the answer is not a page of actions",
                  http_url(follower->cli->http));
        json_decref(document);
        return EX_PROTOCOL;
    }
    json_array_foreach(data, index, action)
    {
        add_row(follower, action);
    }
    if (index > 0 && !follower->cli->json) {
        table_print(&follower->table, stdout, follower->cli->color);
    }
    follower->at_end = index == 0 && !json_is_true(json_object_get(document, "more"));
    buffer_clear(&follower->cursor);
    buffer_text(&follower->cursor, next);
    json_decref(document);
    return cli_flush();
}

/* Waits for a server that answered before; the cursor says where to continue. */
static int on_lost(struct follower *follower, int code, const char *why)
{
    const struct cli *cli = follower->cli;
    if (!cli->options.follow || !follower->found_once) {
        cli_error("%s: %s", http_url(cli->http), why);
        return code;
    }
    if (!follower->lost) {
        cli_error("%s: %s; trying again", http_url(cli->http), why);
        follower->lost = true;
        follower->retry_ms = RETRY_FIRST_MS;
    }
    struct timespec pause = {.tv_sec = follower->retry_ms / 1000,
                             .tv_nsec = follower->retry_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
    follower->retry_ms =
        follower->retry_ms * 2 > RETRY_LAST_MS ? RETRY_LAST_MS : follower->retry_ms * 2;
    return EX_OK;
}

static int next_page(struct follower *follower)
{
    struct cli *cli = follower->cli;
    struct buffer path = {0};
    struct http_answer answer = {0};
    build_path(follower, &path);
    int code = http_get(cli->http, path.bytes, TIMEOUT_MS, &answer);
    buffer_fini(&path);
    if (code != EX_OK) {
        return on_lost(follower, code, http_error(cli->http));
    }
    if (answer.status == 503) {
        return on_lost(follower, EX_UNAVAILABLE, "the server is not ready");
    }
    if (answer.status != 200) {
        return cli_refused(cli, &answer);
    }
    if (follower->lost) {
        cli_error("%s answers again", http_url(cli->http));
        follower->lost = false;
    }
    follower->found_once = true;
    return take_page(follower, &answer);
}

int verb_actions(struct cli *cli)
{
    struct follower follower = {.cli = cli};
    table_init(&follower.table, columns, COUNT(columns));
    if (cli->options.after != NULL) {
        buffer_text(&follower.cursor, cli->options.after);
    }
    int code = EX_OK;
    while (code == EX_OK && (cli->options.follow || !follower.at_end)) {
        code = next_page(&follower);
    }
    if (code == EX_OK && !cli->json && !follower.table.header_printed) {
        table_print(&follower.table, stdout, cli->color);
    }
    buffer_fini(&follower.cursor);
    table_fini(&follower.table);
    return code;
}
