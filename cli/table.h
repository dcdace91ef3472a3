/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aligned text tables. Nothing is ever cut: a number or an account id that lost a character is a
 * wrong one. Control characters are replaced, so that no server can drive the reader's terminal.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "api/buffer.h"
#include "cli/member.h"

#define TABLE_COLUMNS_MAX 16

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
    const char *title;
    const char *member; /* of the row's object; a.b = member b of member a */
    enum table_align align;
};

struct table {
    const struct table_column *columns;
    size_t columns_count;
    size_t widths[TABLE_COLUMNS_MAX]; /* terminal cells; they only grow */
    bool header_printed;
    struct buffer cells; /* NUL terminated texts, row by row */
    size_t rows_count;
};

void table_init(struct table *table, const struct table_column *columns, size_t columns_count);
void table_fini(struct table *table);
void table_add(struct table *table, const json_t *row);
/* Prints the rows added since the last call, under a header when there is none yet or the columns
 * have grown. */
void table_print(struct table *table, FILE *out, bool color);

/* Prints a text with control characters replaced. */
void table_print_text(FILE *out, const char *text);
/* The same, padded to a width. */
void table_print_name(FILE *out, const char *name, size_t width);

/* Prints a line "name  value" for each member; inner members as a.b, items of lists numbered. */
void table_print_object(FILE *out, json_t *object, bool color);

#endif
