/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lines.h"

#include <assert.h>
#include <string.h>

#define READ_SIZE ((size_t)256 << 10)

/* Drops the lines that were returned, and reads more after the rest. */
static enum lines_result fill(struct lines *lines)
{
    struct buffer *window = &lines->window;
    size_t rest = window->size - lines->start;
    if (rest > LINE_SIZE_MAX) {
        return LINES_TOO_LONG;
    }
    buffer_reserve(window, READ_SIZE);
    memmove(window->bytes, window->bytes + lines->start, rest);
    lines->start = 0;
    size_t more = fread(window->bytes + rest, 1, READ_SIZE, lines->file);
    window->size = rest + more;
    lines->at_end = more == 0;
    return ferror(lines->file) != 0 ? LINES_FAILED : LINES_NEXT;
}

static enum lines_result next(struct lines *lines, struct bs_text *ret_line)
{
    size_t scanned = 0;
    buffer_reserve(&lines->window, 1); /* an empty line points into it */
    for (;;) {
        const char *from = lines->window.bytes + lines->start;
        size_t size = lines->window.size - lines->start;
        const char *end = size > scanned ? memchr(from + scanned, '\n', size - scanned) : NULL;
        if (end != NULL || (lines->at_end && size > 0)) {
            size_t length = end != NULL ? (size_t)(end - from) : size;
            *ret_line = (struct bs_text){from, (uint32_t)length};
            lines->number++;
            lines->start += length + (end != NULL);
            lines->bytes_count += length + (end != NULL);
            return LINES_NEXT;
        }
        if (lines->at_end) {
            return LINES_END;
        }
        scanned = size;
        enum lines_result result = fill(lines);
        if (result != LINES_NEXT) {
            return result;
        }
    }
}

static bool is_blank(struct bs_text line)
{
    for (uint32_t i = 0; i < line.size; i++) {
        char byte = line.bytes[i];
        if (byte != ' ' && byte != '\t' && byte != '\r') {
            return false;
        }
    }
    return true;
}

enum lines_result lines_next(struct lines *lines, struct bs_text *ret_line)
{
    assert(lines->file != NULL);
    assert(lines->start <= lines->window.size);
    enum lines_result result = LINES_NEXT;
    do {
        result = next(lines, ret_line);
    } while (result == LINES_NEXT && is_blank(*ret_line));
    return result;
}

void lines_fini(struct lines *lines)
{
    buffer_fini(&lines->window);
}
