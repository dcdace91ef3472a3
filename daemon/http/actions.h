/* SPDX-License-Identifier: Apache-2.0 */
/* What the lists of actions and the streams of them share. */
#ifndef HTTP_ACTIONS_H
#define HTTP_ACTIONS_H

#include "api/buffer.h"
#include "daemon/http/connection.h"
#include "daemon/log/log.h"

/* Appends the action's JSON; false, with something appended: the stored row cannot be decoded. */
BS_MUST_USE bool action_row_put(struct buffer *out, const struct log_action_row *row,
                                const uint8_t hash[LOG_HASH_SIZE]);
/*
 * True if the log has all actions after this cursor; if not, the answer is set: 400 past the end,
 * 410 before the beginning. `name` is the parameter or header of the cursor.
 */
BS_MUST_USE bool actions_check_after(struct connection *connection, const char *name,
                                     uint64_t after, uint64_t durable);

#endif
