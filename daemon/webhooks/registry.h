/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All endpoints, in memory and in webhooks.db. What changed is saved in one transaction, so that
 * the news of one endpoint's state never survives without that state.
 */
#ifndef WEBHOOKS_REGISTRY_H
#define WEBHOOKS_REGISTRY_H

#include "daemon/webhooks/endpoint.h"
#include "daemon/webhooks/repeats.h"
#include "daemon/webhooks/store.h"

#define REGISTRY_CAPACITY 1000 /* the highest that the setting takes */

struct registry {
    struct endpoint_host host; /* its reader, transport and callbacks are the owner's to set */
    struct store *store;
    struct repeats repeats;
    struct endpoint **endpoints; /* by id */
    uint32_t endpoints_count;
    uint32_t endpoints_max; /* that clients may make */
};

/* Zeroed before, but for the host. Opens the database, without reading the endpoints. */
BS_MUST_USE int registry_open(struct registry *registry, const struct webhooks_options *options,
                              char error[LOG_ERROR_SIZE]);
void registry_close(struct registry *registry);
/* Reads the endpoints from the database (restore.c); the host's reader and log must be set. */
BS_MUST_USE int registry_restore(struct registry *registry, char error[LOG_ERROR_SIZE]);

struct endpoint *registry_find(struct registry *registry, struct bs_text id);
void registry_add(struct registry *registry, struct endpoint *endpoint);    /* takes ownership */
void registry_remove(struct registry *registry, struct endpoint *endpoint); /* frees it */
void registry_clear(struct registry *registry);

/* Saves what has changed, and the answer of a request with a key unless it is NULL. 0 or the error,
 * which was logged. Synced: it survives a loss of power. */
BS_MUST_USE int registry_save(struct registry *registry, bool syncs,
                              const struct repeats_answer *answer);
/* Removes it from the database, with the answer, then from memory. 0 or the error, which was logged
 * and has changed nothing. */
BS_MUST_USE int registry_delete(struct registry *registry, struct endpoint *endpoint,
                                const struct repeats_answer *answer);
/* Disables an enabled endpoint, notifies the endpoints that asked for this, and saves. */
void registry_disable(struct registry *registry, struct endpoint *endpoint,
                      enum disable_reason reason);
/* Tells the endpoints that ask for it of the room on the log's disk, and saves. */
void registry_tell_disk(struct registry *registry, const struct disk_state *disk);
/* Updates the counters that are sums over endpoints. */
void registry_measure(struct registry *registry);

#endif
