/* SPDX-License-Identifier: Apache-2.0 */
/* One item of a request -> one command record. */
#ifndef API_ITEM_H
#define API_ITEM_H

#include "api/fields.h"
#include "api/json_command.h"

/* Appends the item's record. False: *fault says why, nothing is appended. *needs gets the item's
 * type, accepted or not. */
BS_MUST_USE bool item_write(const struct api_route *route, const struct json_token *item,
                            struct buffer *records, struct api_needs *needs, struct fault *fault);
/* Reads a waterfall: a list of layers, or a string that names a preset. Where a layer is wrong the
 * fault's field begins with "waterfall[n]". */
BS_MUST_USE bool item_read_waterfall(const struct json_token *value,
                                     struct bs_layer layers[BS_LAYERS_MAX],
                                     uint32_t *ret_layers_count, struct fault *fault);
/* Notes a type among those that a role is needed for; ops: whatever its own is. */
void item_note_type(struct api_needs *needs, uint8_t type, bool ops);

#endif
