/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhooks.db: endpoints, their secrets, places in the log, messages that failed, and the history
 * of attempts. Webhooks thread only.
 */
#ifndef WEBHOOKS_STORE_H
#define WEBHOOKS_STORE_H

#include "daemon/log/db.h"
#include "daemon/webhooks/endpoint.h"

struct store;

/* 0 or a negative code with a message. The file is made with mode 0600, for it holds secrets. */
BS_MUST_USE int store_open(struct store **ret_store, const char *directory,
                           char error[LOG_ERROR_SIZE]);
void store_close(struct store *store); /* NULL is fine */
sqlite3 *store_db(struct store *store);

/* The identity of the log that all places are in; empty in a new database. Put it within a
 * transaction. */
BS_MUST_USE int store_get_log(struct store *store, char ret_identity[LOG_IDENTITY_DIGITS + 1],
                              char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_put_log(struct store *store, const char *identity,
                              char error[LOG_ERROR_SIZE]);

/*
 * Calls fn for each endpoint, in the order of ids, with everything saved of it except its messages.
 */
BS_MUST_USE int store_load(struct store *store, struct webhooks *webhooks,
                           void (*fn)(struct webhooks *webhooks, struct endpoint *endpoint),
                           char error[LOG_ERROR_SIZE]);
/* Calls fn for each message saved of the endpoint, in the order of the log. `message` is the
 * callee's only while it runs. */
typedef int (*store_message_fn)(struct endpoint *endpoint, enum lane_kind kind,
                                const struct message *message, char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_load_messages(struct store *store, struct endpoint *endpoint,
                                    store_message_fn fn, char error[LOG_ERROR_SIZE]);

/*
 * One transaction: begin, any number of saves and removals, end. A failure undoes all of it.
 * Without sync it survives the end of the process, not that of the machine.
 */
BS_MUST_USE int store_begin(struct store *store, bool syncs, char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_save(struct store *store, const struct endpoint *endpoint,
                           uint32_t history_max, char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_remove(struct store *store, const char *id, char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_end(struct store *store, int code, char error[LOG_ERROR_SIZE]);

/* Saved attempts with a number past `after`, oldest first; fn returns false to stop. */
typedef bool (*store_attempt_fn)(void *user, const struct attempt *attempt);
BS_MUST_USE int store_attempts(struct store *store, const char *id, uint64_t after,
                               store_attempt_fn fn, void *user, char error[LOG_ERROR_SIZE]);

#endif
