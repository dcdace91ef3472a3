/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/answer/page.h"

#include <inttypes.h>

#include "api/action_cursor.h"
#include "daemon/answer/cursor.h"

void page_begin(struct buffer *out)
{
    buffer_text(out, "{\"data\":[");
}

void page_comma(struct buffer *out)
{
    assert(out->size > 0 || out->failed);
    if (!buffer_ends_with(out, '[')) {
        buffer_text(out, ",");
    }
}

void page_end_name(struct buffer *out, const char *list, bool has_next, struct bs_text first,
                   struct bs_text second)
{
    char cursor[CURSOR_SIZE_MAX];
    if (has_next) {
        cursor_print(cursor, list, first, second);
        buffer_printf(out, "],\"next\":\"%s\"}", cursor);
    } else {
        buffer_text(out, "],\"next\":null}");
    }
}

void page_end_number(struct buffer *out, const char *list, bool has_next, uint64_t next)
{
    if (has_next) {
        buffer_printf(out, "],\"next\":\"%s.%" PRIu64 "\"}", list, next);
    } else {
        buffer_text(out, "],\"next\":null}");
    }
}

void page_end_place(struct buffer *out, const char *list, const struct cursor_place *next,
                    bool has_moved)
{
    char cursor[CURSOR_SIZE_MAX];
    buffer_text(out, "],\"next\":");
    if (next != NULL) {
        cursor_place_print(cursor, list, next);
        buffer_printf(out, "\"%s\"", cursor);
    } else {
        buffer_text(out, "null");
    }
    buffer_text(out, has_moved ? ",\"moved\":true}" : "}");
}

void page_add_seq(struct buffer *out, uint64_t seq)
{
    if (out->failed) {
        return; /* memory ran out: another answer takes its place */
    }
    assert(out->size > 0);
    assert(out->bytes[out->size - 1] == '}');
    out->size--;
    buffer_printf(out, ",\"seq\":%" PRIu64 "}", seq);
}

void page_end_actions(struct buffer *out, const char *log, uint64_t next, bool has_more)
{
    buffer_text(out, "],\"next\":\"");
    api_cursor_print(out, log, next);
    buffer_text(out, has_more ? "\",\"more\":true}" : "\"}");
}
