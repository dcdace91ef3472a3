/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/list.h"

#include <assert.h>

#include "cli/member.h"

#define PAGE_LIMIT "1000"

static int read_page(struct cli *cli, const char *path, const struct buffer *after,
                     json_t **ret_page)
{
    struct buffer page = {0};
    buffer_text(&page, path);
    http_path_query(&page, "limit", PAGE_LIMIT);
    http_path_query(&page, "after", after->size == 0 ? NULL : after->bytes);
    int code = cli_get(cli, page.bytes, ret_page);
    buffer_fini(&page);
    return code;
}

/* False: it is no page, or it does not lead to the next one. */
static bool page_fits(const json_t *page, const struct buffer *after)
{
    return json_is_array(json_object_get(page, "data")) &&
           (after->size == 0 || !member_is(page, "next", after->bytes));
}

int list_each(struct cli *cli, const char *path, void (*on_row)(void *context, json_t *row),
              void *context)
{
    assert(on_row != NULL);
    struct buffer after = {0};
    int code = EX_OK;
    do {
        json_t *page = NULL, *row = NULL;
        size_t index = 0;
        code = read_page(cli, path, &after, &page);
        if (code == EX_OK && !page_fits(page, &after)) {
            cli_error("%s%s: the answer is not a page of a list", http_url(cli->http), path);
            code = EX_PROTOCOL;
        }
        buffer_clear(&after);
        if (code == EX_OK && json_array_size(json_object_get(page, "data")) > 0) {
            json_array_foreach(json_object_get(page, "data"), index, row)
            {
                on_row(context, row);
            }
            buffer_text(&after, member_text(page, "next"));
        }
        json_decref(page);
    } while (code == EX_OK && after.size > 0);
    buffer_fini(&after);
    return code;
}

static void on_row_read(void *context, json_t *row)
{
    (void)json_array_append(context, row);
}

int list_read(struct cli *cli, const char *path, json_t **ret_rows)
{
    json_t *rows = json_array();
    int code = list_each(cli, path, on_row_read, rows);
    if (code == EX_OK) {
        *ret_rows = rows;
    } else {
        json_decref(rows);
    }
    return code;
}

struct listing {
    struct cli *cli;
    struct table table;
};

static void on_row_show(void *context, json_t *row)
{
    struct listing *listing = context;
    if (listing->cli->json) {
        cli_print_json(row);
    } else {
        table_add(&listing->table, row);
    }
}

int list_show(struct cli *cli, const char *path, const struct table_column *columns,
              size_t columns_count)
{
    struct listing listing = {.cli = cli};
    table_init(&listing.table, columns, columns_count);
    int code = list_each(cli, path, on_row_show, &listing);
    if (!cli->json && (code == EX_OK || listing.table.rows_count > 0)) {
        table_print(&listing.table, stdout, cli->color);
    }
    table_fini(&listing.table);
    return code;
}

json_t *list_by(const json_t *rows, const char *member)
{
    assert(json_is_array(rows));
    json_t *named = json_object();
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        (void)json_object_set(named, member_text(row, member), row);
    }
    return named;
}
