/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <assert.h>
#include <string.h>
#include <wchar.h>

#define GAP 2

static const char bold[] = "\033[1m";
static const char plain[] = "\033[0m";

/* Bytes of the UTF-8 sequence at `text` and its width on a terminal; 1 and -1 when it is
 * invalid. */
static size_t character(const char *text, int *ret_width)
{
    wchar_t wide = 0;
    mbstate_t state = {0};
    size_t size = mbrtowc(&wide, text, strlen(text), &state);
    if (size == 0 || size > 4) {
        *ret_width = -1;
        return 1;
    }
    bool turns_text_around =
        (wide >= 0x202A && wide <= 0x202E) || (wide >= 0x2066 && wide <= 0x2069);
    *ret_width = turns_text_around ? -1 : wcwidth(wide);
    return size;
}

/* Control characters, direction overrides and broken UTF-8 become '?'. */
static void append_text(struct buffer *out, const char *text)
{
    while (*text != '\0') {
        int width = 0;
        size_t size = character(text, &width);
        if (width < 0) {
            buffer_append(out, "?", 1);
        } else {
            buffer_append(out, text, size);
        }
        text += size;
    }
}

static size_t width_of(const char *text)
{
    size_t total = 0;
    while (*text != '\0') {
        int width = 0;
        text += character(text, &width);
        total += width < 0 ? 1 : (size_t)width;
    }
    return total;
}

/* A scalar as a cell shows it; null is "-". */
static void append_value(struct buffer *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        append_text(out, json_string_value(value));
        return;
    case JSON_INTEGER:
        buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return;
    case JSON_TRUE:
        buffer_text(out, "yes");
        return;
    case JSON_FALSE:
        buffer_text(out, "no");
        return;
    case JSON_REAL:
    case JSON_NULL:
    case JSON_OBJECT:
    case JSON_ARRAY:
    default:
        buffer_text(out, "-");
        return;
    }
}

void table_init(struct table *table, const struct table_column *columns, size_t columns_count)
{
    assert(columns_count > 0);
    assert(columns_count <= TABLE_COLUMNS_MAX);
    *table = (struct table){.columns = columns, .columns_count = columns_count};
    for (size_t i = 0; i < columns_count; i++) {
        table->widths[i] = width_of(columns[i].title);
    }
}

void table_fini(struct table *table)
{
    buffer_fini(&table->cells);
}

/* "fund.equity" is the member equity of the member fund. */
static const json_t *find_member(const json_t *row, const char *name)
{
    const char *dot = strchr(name, '.');
    if (dot == NULL) {
        return json_object_get(row, name);
    }
    return find_member(json_object_getn(row, name, (size_t)(dot - name)), dot + 1);
}

void table_add(struct table *table, const json_t *row)
{
    for (size_t i = 0; i < table->columns_count; i++) {
        size_t start = table->cells.size;
        const json_t *value = find_member(row, table->columns[i].member);
        if (value == NULL) {
            buffer_text(&table->cells, "-");
        } else {
            append_value(&table->cells, value);
        }
        buffer_append(&table->cells, "", 1);
        size_t width = width_of(table->cells.bytes + start);
        if (width > table->widths[i]) {
            table->widths[i] = width;
            table->header_printed = false;
        }
    }
    table->rows_count++;
}

static void print_cell(const struct table *table, size_t column, const char *text, FILE *out)
{
    size_t pad = table->widths[column] - width_of(text);
    bool last = column + 1 == table->columns_count;
    if (table->columns[column].align == TABLE_RIGHT) {
        fprintf(out, "%*s%s", (int)pad, "", text);
        pad = 0;
    } else {
        fputs(text, out);
    }
    if (last) {
        fputc('\n', out);
    } else {
        fprintf(out, "%*s", (int)pad + GAP, "");
    }
}

static void print_header(const struct table *table, FILE *out, bool color)
{
    fputs(color ? bold : "", out);
    for (size_t i = 0; i < table->columns_count; i++) {
        print_cell(table, i, table->columns[i].title, out);
    }
    fputs(color ? plain : "", out);
}

void table_print(struct table *table, FILE *out, bool color)
{
    if (!table->header_printed) {
        print_header(table, out, color);
        table->header_printed = true;
    }
    const char *cell = table->cells.bytes;
    for (size_t row = 0; row < table->rows_count; row++) {
        for (size_t i = 0; i < table->columns_count; i++) {
            print_cell(table, i, cell, out);
            cell += strlen(cell) + 1;
        }
    }
    buffer_clear(&table->cells);
    table->rows_count = 0;
}

void table_print_text(FILE *out, const char *text)
{
    struct buffer shown = {0};
    append_text(&shown, text);
    buffer_append(&shown, "", 1);
    fputs(shown.bytes, out);
    buffer_fini(&shown);
}

void table_print_name(FILE *out, const char *name, size_t width)
{
    struct buffer shown = {0};
    append_text(&shown, name);
    buffer_append(&shown, "", 1);
    size_t used = width_of(shown.bytes);
    fprintf(out, "  %s%*s", shown.bytes, used < width ? (int)(width - used) + 1 : 1, "");
    buffer_fini(&shown);
}

/* An object inside a list on one line: "layer adl, ranking priority". */
static void append_inline(struct buffer *out, json_t *object)
{
    const char *name = NULL;
    json_t *value = NULL;
    const char *separator = "";
    json_object_foreach(object, name, value)
    {
        buffer_text(out, separator);
        append_text(out, name);
        buffer_append(out, " ", 1);
        append_value(out, value);
        separator = ", ";
    }
}

/* Appends "name NUL text NUL" for each scalar below `value`. */
static void flatten(struct buffer *lines, const char *name, json_t *value)
{
    const char *member = NULL;
    json_t *child = NULL;
    size_t index = 0;
    if (json_is_object(value)) {
        json_object_foreach(value, member, child)
        {
            struct buffer path = {0};
            buffer_printf(&path, "%s%s%s", name, *name == '\0' ? "" : ".", member);
            flatten(lines, path.bytes, child);
            buffer_fini(&path);
        }
        return;
    }
    if (json_is_array(value)) {
        json_array_foreach(value, index, child)
        {
            append_text(lines, name);
            buffer_printf(lines, " %zu", index + 1);
            buffer_append(lines, "", 1);
            if (json_is_object(child)) {
                append_inline(lines, child);
            } else {
                append_value(lines, child);
            }
            buffer_append(lines, "", 1);
        }
        return;
    }
    append_text(lines, name);
    buffer_append(lines, "", 1);
    append_value(lines, value);
    buffer_append(lines, "", 1);
}

void table_print_object(FILE *out, json_t *object, bool color)
{
    struct buffer lines = {0};
    size_t widest = 0;
    buffer_reserve(&lines, 1); /* an empty object has no lines to point at */
    flatten(&lines, "", object);
    const char *end = lines.bytes + lines.size;
    for (const char *at = lines.bytes; at < end; at += strlen(at) + 1) {
        size_t width = width_of(at);
        widest = width > widest ? width : widest;
        at += strlen(at) + 1;
    }
    for (const char *at = lines.bytes; at < end; at += strlen(at) + 1) {
        fprintf(out, "%s%s%s%*s", color ? bold : "", at, color ? plain : "",
                (int)(widest - width_of(at)) + GAP, "");
        at += strlen(at) + 1;
        fprintf(out, "%s\n", at);
    }
    buffer_fini(&lines);
}
