/* SPDX-License-Identifier: Apache-2.0 */
/* webhooks.db: endpoints and their secrets, their lanes (lane_store.h) and their attempts
 * (history.h). The webhooks thread only. */
#ifndef WEBHOOKS_STORE_H
#define WEBHOOKS_STORE_H

#include "daemon/log/db.h"
#include "daemon/log/identity.h"
#include "daemon/webhooks/history.h"
#include "daemon/webhooks/lane_store.h"

struct store;

/* 0 or a negative code with a message; -EBADMSG: it is not as it was saved (store_guard.h). The file
 * is made with mode 0600, for it holds secrets. */
BS_MUST_USE int store_open(struct store **ret_store, const char *directory, uint32_t attempts_max,
                           char error[LOG_ERROR_SIZE]);
/* When nothing is left that could refuse it, and before anything is saved. */
BS_MUST_USE int store_mark_open(struct store *store, char error[LOG_ERROR_SIZE]);
/* A store that was not marked open is left as it was. NULL is fine. */
void store_close(struct store *store);
sqlite3 *store_db(struct store *store);
struct lane_store *store_lanes(struct store *store);
struct history *store_history(struct store *store);

/* The identity of the log that all places are in; empty in a new database. Put it within a
 * transaction. */
BS_MUST_USE int store_get_log(struct store *store, char ret_identity[LOG_IDENTITY_DIGITS + 1],
                              char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_put_log(struct store *store, const char *identity,
                              char error[LOG_ERROR_SIZE]);

/* Calls fn for each endpoint, in the order of ids, with everything saved of it except its messages.
 * fn owns the endpoint, also when the result is an error. */
typedef void (*store_endpoint_fn)(void *user, struct endpoint *endpoint);
BS_MUST_USE int store_load(struct store *store, struct endpoint_host *host, store_endpoint_fn fn,
                           void *user, char error[LOG_ERROR_SIZE]);

/*
 * One transaction: begin, any number of saves and removals, end. A failure undoes all of it.
 * Without sync it survives the end of the process, not that of the machine; once a second one is
 * synced all the same, and noted beside the database.
 */
BS_MUST_USE int store_begin(struct store *store, bool syncs, char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_save(struct store *store, const struct endpoint *endpoint,
                           char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_remove(struct store *store, const char *id, char error[LOG_ERROR_SIZE]);
BS_MUST_USE int store_end(struct store *store, int code, char error[LOG_ERROR_SIZE]);

#endif
