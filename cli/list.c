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

int list_read(struct cli *cli, const char *path, json_t **ret_rows)
{
    json_t *rows = json_array(), *page = NULL;
    struct buffer after = {0};
    int code = EX_OK;
    do {
        code = read_page(cli, path, &after, &page);
        if (code == EX_OK) {
            (void)json_array_extend(rows, json_object_get(page, "data"));
            buffer_clear(&after);
            buffer_text(&after, member_text(page, "next"));
            json_decref(page);
        }
    } while (code == EX_OK && after.size > 0);
    buffer_fini(&after);
    if (code == EX_OK) {
        *ret_rows = rows;
    } else {
        json_decref(rows);
    }
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
