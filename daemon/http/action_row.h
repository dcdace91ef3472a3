/* SPDX-License-Identifier: Apache-2.0 */
/* A stored action as JSON, for the lists and the streams. */
#ifndef HTTP_ACTION_ROW_H
#define HTTP_ACTION_ROW_H

#include "api/buffer.h"
#include "daemon/log/log.h"

/* Appends the action's JSON; `log` is the identity of its log. False, with something appended: the
 * stored row cannot be decoded. */
BS_MUST_USE bool action_row_put(struct buffer *out, const char *log,
                                const struct log_action_row *row,
                                const uint8_t hash[LOG_HASH_SIZE]);

#endif
