/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes and their messages in webhooks.db. A due time is kept by the wall clock, because the monotonic
 * one means nothing to the next process, and as a time to wait, because the wall clock may jump. */
#ifndef WEBHOOKS_LANE_STORE_H
#define WEBHOOKS_LANE_STORE_H

#include "daemon/log/db.h"
#include "daemon/webhooks/endpoint.h"

#define LANE_STORE_STATEMENTS 6

struct lane_store {
    sqlite3_stmt *statements[LANE_STORE_STATEMENTS];
};

/* Zeroed before. 0 or a negative code with a message; lane_store_close in any case. */
BS_MUST_USE int lane_store_open(struct lane_store *store, sqlite3 *db, char error[LOG_ERROR_SIZE]);
void lane_store_close(struct lane_store *store);
/* Saves the lanes of the endpoint in place of what is saved of them. Within a transaction. */
BS_MUST_USE int lane_store_save(struct lane_store *store, const struct endpoint *endpoint,
                                char error[LOG_ERROR_SIZE]);
BS_MUST_USE int lane_store_remove(struct lane_store *store, const char *id,
                                  char error[LOG_ERROR_SIZE]);
/* Reads the lanes, without messages. */
BS_MUST_USE int lane_store_load(struct lane_store *store, struct endpoint *endpoint,
                                char error[LOG_ERROR_SIZE]);
/* Calls fn for each message saved of the endpoint, in the order of the log. `message` is valid only
 * while fn runs. */
typedef int (*lane_store_message_fn)(struct endpoint *endpoint, enum lane_kind kind,
                                     const struct message *message, char error[LOG_ERROR_SIZE]);
BS_MUST_USE int lane_store_load_messages(struct lane_store *store, struct endpoint *endpoint,
                                         lane_store_message_fn fn, char error[LOG_ERROR_SIZE]);

#endif
