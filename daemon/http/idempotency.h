/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency-Key of a write: the fingerprint and answer that are remembered under it
 * (docs/api.md). The header is draft-ietf-httpapi-idempotency-key-header's: a quoted string of RFC
 * 9651; the bare token that many clients send means the same.
 */
#ifndef HTTP_IDEMPOTENCY_H
#define HTTP_IDEMPOTENCY_H

#include "daemon/http/connection.h"

struct webhooks_job;

/*
 * The body is parsed and let through: with the header, request.key_record is made. False: the
 * answer is there, and nothing is applied.
 */
BS_MUST_USE bool idempotency_begin(struct connection *connection);

/* The same for a write about webhooks: the job gets the key. */
BS_MUST_USE bool idempotency_begin_job(struct connection *connection, struct webhooks_job *job);

/*
 * A key from its header. False: it is not a key; *ret_key has up to BS_REQUEST_KEY_SIZE_MAX bytes
 * of `memory`.
 */
BS_MUST_USE bool idempotency_parse(struct bs_text header, char memory[BS_REQUEST_KEY_SIZE_MAX],
                                   struct bs_text *ret_key);

#endif
