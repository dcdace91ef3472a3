/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that the server gives in pages. */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include "cli/cli.h"

/* The rows of all pages of a list that needs no query. EX_OK: they are the caller's (json_decref);
 * else the reason is printed. */
int list_read(struct cli *cli, const char *path, json_t **ret_rows);
/* An object with the rows by the text of a member; the caller's. */
json_t *list_by(const json_t *rows, const char *member);

#endif
