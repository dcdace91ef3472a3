/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints, attempts and tests as JSON, appended to a buffer. */
#ifndef WEBHOOKS_WEBHOOK_JSON_H
#define WEBHOOKS_WEBHOOK_JSON_H

#include "daemon/webhooks/endpoint.h"

/* The caller has dropped the secrets that have expired. `shows_secret`:
 * only to the client that made it. */
void webhook_json_endpoint(struct buffer *out, const struct endpoint *endpoint, bool shows_secret);
/* `log` is the identity of the log. */
void webhook_json_attempt(struct buffer *out, const struct attempt *attempt, const char *log);
/* The outcome of a test. */
void webhook_json_test(struct buffer *out, const struct message *message);

#endif
