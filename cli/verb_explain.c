/* SPDX-License-Identifier: Apache-2.0 */
/* Finds an action, explains it, and recomputes its settlement up to it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/action_cursor.h"
#include "cli/explain.h"
#include "cli/list.h"
#include "cli/member.h"
#include "cli/recompute/recompute.h"
#include "cli/verbs.h"

#define PAGE_LIMIT "10000"

/* ---- finding the action ---- */

static bool read_number(const char *text, uint64_t *ret_number)
{
    char *end = NULL;
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *ret_number > 0;
}

static bool read_cursor(const char *text, struct api_cursor *ret_cursor)
{
    return api_cursor_parse((struct bs_text){text, (uint32_t)strlen(text)}, ret_cursor) &&
           ret_cursor->ordinal > 0;
}

/* The first action after a cursor, of a pool or (NULL) of any. NULL: *ret_code says whether there is
 * none, or the request failed. */
static json_t *first_after(struct cli *cli, const char *pool, const struct api_cursor *after,
                           int *ret_code)
{
    struct buffer cursor = {0};
    struct buffer path = {0};
    json_t *document = NULL;
    api_cursor_print(&cursor, after->log[0] == '\0' ? NULL : after->log, after->ordinal);
    buffer_append(&cursor, "", 1);
    buffer_text(&path, "/v1/actions?limit=1");
    http_path_query(&path, "pool", pool);
    http_path_query(&path, "after", cursor.bytes);
    *ret_code = cli_get(cli, path.bytes, &document);
    buffer_fini(&path);
    buffer_fini(&cursor);
    json_t *action = json_incref(json_array_get(json_object_get(document, "data"), 0));
    json_decref(document);
    return action;
}

/* Between two actions of a pool the cursor grows by at least as much as the id. So each step goes
 * as far as it can without passing the action that is looked for. */
static json_t *find_by_id(struct cli *cli, const char *pool, uint64_t id, int *ret_code)
{
    struct api_cursor after = {.ordinal = id - 1};
    json_t *action = NULL;
    while ((action = first_after(cli, pool, &after, ret_code)) != NULL) {
        struct api_cursor cursor;
        uint64_t found = member_integer(action, "id");
        if (found >= id || !read_cursor(member_text(action, "cursor"), &cursor) ||
            cursor.ordinal <= after.ordinal) {
            break;
        }
        after.ordinal = cursor.ordinal + (id - found) - 1;
        json_decref(action);
    }
    if (action != NULL && member_integer(action, "id") != id) {
        json_decref(action);
        action = NULL;
    }
    return action;
}

/* POOL/ID, or a cursor. */
static json_t *find_action(struct cli *cli, const char *name, int *ret_code)
{
    const char *slash = strrchr(name, '/');
    struct api_cursor cursor = {0};
    uint64_t id = 0;
    bool is_read = slash == NULL ? read_cursor(name, &cursor) : read_number(slash + 1, &id);
    if (!is_read) {
        cli_error("'%s' is neither POOL/ID nor a cursor", name);
        *ret_code = EX_USAGE;
        return NULL;
    }
    json_t *action = NULL;
    if (slash == NULL) {
        cursor.ordinal--;
        action = first_after(cli, NULL, &cursor, ret_code);
    } else {
        struct buffer pool = {0};
        buffer_append(&pool, name, (size_t)(slash - name));
        buffer_append(&pool, "", 1);
        action = find_by_id(cli, pool.bytes, id, ret_code);
        buffer_fini(&pool);
    }
    if (action == NULL && *ret_code == EX_OK) {
        cli_error("unknown_action: there is no action %s", name);
        *ret_code = EX_DATAERR;
    }
    return action;
}

/* ---- recomputing ---- */

/* Takes the actions of a page up to the one explained; false: one does not fit. */
static bool take_page(struct recompute *recompute, const json_t *actions, uint64_t last)
{
    size_t index = 0;
    json_t *action = NULL;
    json_array_foreach(actions, index, action)
    {
        if (member_integer(action, "id") > last) {
            return true;
        }
        if (!recompute_take(recompute, action)) {
            return false;
        }
    }
    return true;
}

/* A page of the actions of a settlement. */
static int read_page(struct cli *cli, const json_t *action, const struct buffer *after,
                     json_t **ret_page)
{
    struct buffer path = {0};
    buffer_text(&path, "/v1/pools/");
    http_path_segment(&path, member_text(action, "pool"));
    buffer_printf(&path, "/settlements/%" PRIu64 "?limit=" PAGE_LIMIT,
                  member_integer(action, "settlement"));
    http_path_query(&path, "after", after->size == 0 ? NULL : after->bytes);
    int code = cli_get(cli, path.bytes, ret_page);
    buffer_fini(&path);
    return code;
}

/* EX_MISFIT when an action does not fit. */
static int take_settlement(struct cli *cli, struct recompute *recompute, const json_t *action)
{
    uint64_t last = member_integer(action, "id");
    struct buffer after = {0};
    int code = EX_OK;
    do {
        json_t *page = NULL;
        code = read_page(cli, action, &after, &page);
        if (code == EX_OK && !take_page(recompute, json_object_get(page, "actions"), last)) {
            code = EX_MISFIT;
        }
        buffer_clear(&after);
        buffer_text(&after, member_text(page, "next"));
        json_decref(page);
    } while (code == EX_OK && after.size > 0 && recompute_place(recompute).last_id < last);
    buffer_fini(&after);
    return code;
}

static int recompute_action(struct cli *cli, const json_t *action, const json_t *pool,
                            const json_t *markets)
{
    struct recompute *recompute = recompute_new(pool, markets);
    if (recompute == NULL) {
        cli_error("out of memory");
        return EX_OSERR;
    }
    recompute_begin_at_settlement(recompute);
    int code = take_settlement(cli, recompute, action);
    if (code == EX_OK && recompute_place(recompute).last_id != member_integer(action, "id")) {
        cli_error("%s: its settlement is published without the action", http_url(cli->http));
        code = EX_PROTOCOL;
    }
    const struct recompute_checks *checks = recompute_checks(recompute);
    if (code == EX_MISFIT) {
        printf("  Recomputed: action %" PRIu64 " does not fit: %s.\n",
               recompute_place(recompute).last_id, recompute_check_name(checks->failed));
    } else if (code == EX_OK && checks->counts[CHECK_TIME] == 1) {
        printf("  Recomputed: this action, the first of its settlement, fits.\n");
    } else if (code == EX_OK) {
        printf("  Recomputed: this action and the %" PRIu64 " before it in its settlement fit.\n",
               checks->counts[CHECK_TIME] - 1);
    }
    recompute_free(recompute);
    return code;
}

static int recompute(struct cli *cli, const json_t *action, const json_t *pool)
{
    json_t *rows = NULL;
    int code = list_read(cli, "/v1/markets", &rows);
    if (code == EX_OK) {
        json_t *markets = list_by(rows, "market");
        code = recompute_action(cli, action, pool, markets);
        json_decref(markets);
    }
    json_decref(rows);
    return code;
}

static int read_pool(struct cli *cli, const json_t *action, json_t **ret_pool)
{
    struct buffer path = {0};
    buffer_text(&path, "/v1/pools/");
    http_path_segment(&path, member_text(action, "pool"));
    int code = cli_get(cli, path.bytes, ret_pool);
    buffer_fini(&path);
    return code;
}

static int tell_and_recompute(struct cli *cli, const json_t *action)
{
    json_t *pool = NULL;
    int code = read_pool(cli, action, &pool);
    if (code == EX_OK) {
        explain(action, member_text(pool, "asset"), cli->options.account);
        if (member_integer(action, "settlement") != 0) {
            code = recompute(cli, action, pool);
        }
    }
    json_decref(pool);
    return code;
}

int verb_explain(struct cli *cli)
{
    int code = EX_OK;
    json_t *action = find_action(cli, cli->operands[0], &code);
    if (action == NULL) {
        return code;
    }
    if (cli->json) {
        cli_print_json(action);
    } else {
        code = tell_and_recompute(cli, action);
    }
    json_decref(action);
    return code;
}
