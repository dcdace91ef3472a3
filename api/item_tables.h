/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of every kind of item: what docs/api.md documents, as data. */
#ifndef API_ITEM_TABLES_H
#define API_ITEM_TABLES_H

#include "api/fields.h"
#include "lib/record/command.h"

/* What the tables of commands fill. */
struct item {
    struct bs_command command;
    const struct json_token *list; /* the waterfall (or its name) or the positions; NULL = absent */
};

/* The row of the name that a path may give instead, in every table of commands. */
#define ITEM_NAME_ROW 0
/* The row of an action's number, in the table of unfilled. */
#define ITEM_NUMBER_ROW 1

struct item_table {
    struct field_table table;
    size_t size; /* of the command's own struct */
};

const struct item_table *item_table(uint8_t type);
const struct field_table *item_layer_table(uint8_t layer_type); /* fill struct bs_layer */
const struct field_table *item_position_table(void);            /* fills struct bs_position_item */

#endif
