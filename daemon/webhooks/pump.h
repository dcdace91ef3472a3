/* SPDX-License-Identifier: Apache-2.0 */
/* Moves the messages of an endpoint from the log into its lanes, and from there to the receiver. */
#ifndef WEBHOOKS_PUMP_H
#define WEBHOOKS_PUMP_H

#include "daemon/webhooks/endpoint.h"

/* Reads and sends. True: more can be read once the other endpoints have had their turn. */
BS_MUST_USE bool pump_endpoint(struct endpoint *endpoint);
/* When a message is due (monotonic); INT64_MAX: nothing to do until something else happens. */
int64_t pump_due_ms(const struct endpoint *endpoint);

#endif
