/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that the server gives in pages. */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include "cli/cli.h"
#include "cli/table.h"

/* Calls `on_row` for each row of all pages of a list. An exit code; the reason is printed. A list
 * cut off by an error has had its first rows handed on. */
int list_each(struct cli *cli, const char *path, void (*on_row)(void *context, json_t *row),
              void *context);
/* The rows of all pages. EX_OK: they are the caller's (json_decref); else the reason is printed. */
int list_read(struct cli *cli, const char *path, json_t **ret_rows);
/* Prints all pages of a list, as a table or as lines of JSON. A list cut off by an error shows what
 * it has, and the exit code tells. */
int list_show(struct cli *cli, const char *path, const struct table_column *columns,
              size_t columns_count);
/* An object with the rows by the text of a member; the caller's. */
json_t *list_by(const json_t *rows, const char *member);

#endif
