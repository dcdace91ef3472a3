/* SPDX-License-Identifier: Apache-2.0 */
/* What the lists of actions and the streams of them share. */
#ifndef HTTP_ACTIONS_H
#define HTTP_ACTIONS_H

#include "daemon/http/connection.h"

/* False: the cursor is of another log, and the answer is 410. `name` says where the cursor came
 * from. */
BS_MUST_USE bool actions_check_cursor(struct connection *connection, const char *name,
                                      const struct api_cursor *cursor);
/* Whether the log has all actions after query.after. If not, the answer is there: 410 for a cursor
 * of another log or before the beginning, 400 past the end. */
BS_MUST_USE bool actions_check_after(struct connection *connection, const char *name,
                                     uint64_t durable);
/* The members that say where the log begins: the cursor `after`, and the directory `archive` of what
 * came before it, if there is one and its name is no longer than 64 bytes. */
void actions_put_begin(struct buffer *out, const struct command_log *log);
/* An error of the server; its log says why the command log could not be read. */
void actions_answer_unreadable(struct request *request, int code, const char *error);

#endif
