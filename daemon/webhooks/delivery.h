/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt: signed, sent, and what its outcome means. It calls the host's on_ended. */
#ifndef WEBHOOKS_DELIVERY_H
#define WEBHOOKS_DELIVERY_H

#include "daemon/webhooks/endpoint.h"

/* Sends the message, or makes it due a little later when it cannot be sent now. */
void delivery_send(struct message *message);

#endif
