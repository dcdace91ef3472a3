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
    assert(out->size > 0);
    if (out->bytes[out->size - 1] != '[') {
        buffer_text(out, ",");
    }
}

void page_end_name(struct buffer *out, bool has_next, struct bs_text first, struct bs_text second)
{
    char cursor[CURSOR_SIZE_MAX];
    if (has_next) {
        cursor_print(cursor, first, second);
        buffer_printf(out, "],\"next\":\"%s\"}", cursor);
    } else {
        buffer_text(out, "],\"next\":null}");
    }
}

void page_end_number(struct buffer *out, bool has_next, uint64_t next)
{
    if (has_next) {
        buffer_printf(out, "],\"next\":\"%" PRIu64 "\"}", next);
    } else {
        buffer_text(out, "],\"next\":null}");
    }
}

void page_end_actions(struct buffer *out, const char *log, uint64_t next, bool has_more)
{
    buffer_text(out, "],\"next\":\"");
    api_cursor_print(out, log, next);
    buffer_text(out, has_more ? "\",\"more\":true}" : "\"}");
}
