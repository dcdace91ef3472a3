/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints that notices are delivered to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/list.h"
#include "cli/verbs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TIMEOUT_MS 60000L /* a test waits for the receiver */

static const struct table_column endpoint_columns[] = {
    {"ID", "id", TABLE_LEFT},
    {"STATE", "state", TABLE_LEFT},
    {"WHY", "disabled_reason", TABLE_LEFT},
    {"CURSOR", "cursor", TABLE_RIGHT},
    {"BEHIND", "behind", TABLE_RIGHT},
    {"FAILED", "failed_attempts", TABLE_RIGHT},
    {"ERROR", "last_error", TABLE_LEFT},
    {"URL", "url", TABLE_LEFT},
};

static const struct table_column delivery_columns[] = {
    {"NUMBER", "delivery", TABLE_RIGHT},
    {"TIME", "time", TABLE_LEFT},
    {"ID", "id", TABLE_LEFT},
    {"TYPE", "type", TABLE_LEFT},
    {"TRY", "attempt", TABLE_RIGHT},
    {"STATUS", "status", TABLE_RIGHT},
    {"LATENCY MS", "latency_ms", TABLE_RIGHT},
    {"ERROR", "error", TABLE_LEFT},
};

static void path_of(struct buffer *path, const char *id, const char *rest)
{
    buffer_text(path, "/v1/webhooks");
    if (id != NULL) {
        buffer_text(path, "/");
        http_path_segment(path, id);
    }
    buffer_text(path, rest);
}

static int print_answer(struct cli *cli, const struct http_answer *answer)
{
    if (answer->status < 200 || answer->status > 299) {
        return cli_refused(cli, answer);
    }
    json_t *document = json_loadb(answer->body, answer->size, 0, NULL);
    int code = EX_OK;
    if (json_is_object(document)) {
        cli_print_object(cli, document);
    }
    if (json_is_false(json_object_get(document, "delivered"))) {
        code = EX_UNAVAILABLE; /* of a test: the receiver did not accept it */
    }
    json_decref(document);
    return code;
}

/* Takes ownership of `body`; NULL sends none. */
static int post(struct cli *cli, const char *id, const char *rest, json_t *body)
{
    struct buffer path = {0}, sent = {0};
    struct http_answer answer = {0};
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    path_of(&path, id, rest);
    buffer_text(&sent, text == NULL ? "" : text);
    int code = http_post_json(cli->http, path.bytes, &sent, TIMEOUT_MS, &answer);
    if (code != EX_OK) {
        cli_error("%s: %s", http_url(cli->http), http_error(cli->http));
    } else {
        code = print_answer(cli, &answer);
    }
    free(text);
    json_decref(body);
    buffer_fini(&path);
    buffer_fini(&sent);
    return code;
}

/* NULL: one of them is not UTF-8. */
static json_t *list_of(const struct option_values *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++) {
        if (json_array_append_new(list, json_string(names->values[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Leaves out what was not given: the server has defaults. False: --batch-max is not a number. */
static bool add_ways(json_t *body, const struct options *options)
{
    char *end = NULL;
    if (options->order != NULL) {
        json_object_set_new(body, "order", json_string(options->order));
    }
    if (options->batch_max == NULL) {
        return true;
    }
    long batch_max = strtol(options->batch_max, &end, 10);
    json_object_set_new(body, "batch_max", json_integer(batch_max));
    return *end == '\0' && end != options->batch_max;
}

static int add(struct cli *cli)
{
    const struct options *options = &cli->options;
    json_t *body = json_pack("{s:s, s:o, s:o, s:o}", "url", cli->operands[1], "pools",
                             list_of(&options->all.pool), "accounts",
                             list_of(&options->all.account), "types", list_of(&options->all.type));
    if (body == NULL) {
        cli_error("webhook: the URL or a filter is not UTF-8");
        return EX_USAGE;
    }
    if (!add_ways(body, options)) {
        cli_error("--batch-max takes a number from 1 to 1000, not '%s'", options->batch_max);
        json_decref(body);
        return EX_USAGE;
    }
    return post(cli, NULL, "", body);
}

static int remove_endpoint(struct cli *cli)
{
    struct buffer path = {0};
    struct http_answer answer = {0};
    path_of(&path, cli->operands[1], "");
    int code = http_delete(cli->http, path.bytes, TIMEOUT_MS, &answer);
    if (code != EX_OK) {
        cli_error("%s: %s", http_url(cli->http), http_error(cli->http));
    } else {
        code = print_answer(cli, &answer);
    }
    buffer_fini(&path);
    return code;
}

static int list_at(struct cli *cli, const char *id, const char *below,
                   const struct table_column *columns, size_t count)
{
    struct buffer path = {0};
    path_of(&path, id, below);
    int code = list_show(cli, path.bytes, columns, count);
    buffer_fini(&path);
    return code;
}

static int list_endpoints(struct cli *cli)
{
    return list_at(cli, NULL, "", endpoint_columns, COUNT(endpoint_columns));
}

static int list_deliveries(struct cli *cli)
{
    return list_at(cli, cli->operands[1], "/deliveries", delivery_columns, COUNT(delivery_columns));
}

static int test(struct cli *cli)
{
    return post(cli, cli->operands[1], "/test", NULL);
}

static int enable(struct cli *cli)
{
    return post(cli, cli->operands[1], "/enable", NULL);
}

static int rotate(struct cli *cli)
{
    return post(cli, cli->operands[1], "/rotate", json_object());
}

static int redeliver(struct cli *cli)
{
    return post(cli, cli->operands[1], "/redeliver",
                json_pack("{s:s, s:s}", "from", cli->operands[2], "to", cli->operands[3]));
}

static const struct command {
    const char *name;
    const char *operands; /* after the name */
    int operands_count;
    int (*run)(struct cli *cli);
} commands[] = {
    {"add", "URL", 1, add},
    {"list", "", 0, list_endpoints},
    {"deliveries", "ID", 1, list_deliveries},
    {"test", "ID", 1, test},
    {"rotate", "ID", 1, rotate},
    {"redeliver", "ID FROM TO", 3, redeliver},
    {"enable", "ID", 1, enable},
    {"rm", "ID", 1, remove_endpoint},
};

int verb_webhook(struct cli *cli)
{
    const char *name = cli->operands[0];
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strcmp(name, commands[i].name) != 0) {
            continue;
        }
        if (cli->operands_count != 1 + commands[i].operands_count) {
            cli_error("webhook %s takes %s", name,
                      commands[i].operands_count == 0 ? "nothing" : commands[i].operands);
            return EX_USAGE;
        }
        return commands[i].run(cli);
    }
    cli_error("webhook: no command '%s'", name);
    return EX_USAGE;
}
