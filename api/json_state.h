/* SPDX-License-Identifier: Apache-2.0 */
/* Engine views, actions and errors as JSON text, appended to a buffer: docs/api.md. */
#ifndef API_JSON_STATE_H
#define API_JSON_STATE_H

#include "api/buffer.h"
#include "api/json_command.h"
#include "lib/engine.h"

#define API_HASH_SIZE 32
#define API_HASH_TEXT_SIZE (2 * API_HASH_SIZE + 1) /* hex digits and NUL */

void api_string(struct buffer *out, struct bs_text text); /* quoted and escaped */
void api_wide(struct buffer *out, struct bs_wide value);  /* quoted decimal */
void api_time(struct buffer *out, int64_t time_ms);       /* quoted RFC 3339 UTC with ms */

void api_hash_print(char text[API_HASH_TEXT_SIZE], const uint8_t hash[API_HASH_SIZE]);

/* What an action's JSON has that its record has not. Either may be NULL. */
struct api_origin {
    const char *log;  /* the identity of its log: the cursor names it */
    const char *hash; /* of the pool's chain up to it, in hexadecimal digits */
};

/* One action as an object, members in the documented order. */
void api_action(struct buffer *out, const struct bs_action *action, struct api_origin origin);
/*
 * The bytes the hash chain is built over: for each member of the action's JSON except cursor and
 * hash, in order, "name=value\n" (nested members as reason.deficit=...), values as in JSON without
 * quotes and escapes. hash = SHA-256(previous hash as 64 hex digits, "\n", these bytes).
 */
void api_action_canonical(struct buffer *out, const struct bs_action *action);

/* A waterfall as it is spelled in PUT /v1/pools/{pool}. */
void api_layers(struct buffer *out, const struct bs_layer *layers, uint32_t layers_count);
void api_pool(struct buffer *out, const struct bs_pool_view *pool);
void api_insurance_fund(struct buffer *out, const struct bs_fund_view *fund);
void api_fund_change(struct buffer *out, const struct bs_fund_change_view *change);
void api_solvency(struct buffer *out, const struct bs_solvency_view *solvency);
void api_market(struct buffer *out, const struct bs_market_view *market);
/* An account with its positions. */
void api_account(struct buffer *out, const struct bs_engine *engine, uint32_t account);
void api_position(struct buffer *out, const struct bs_position_view *position);
void api_queue_row(struct buffer *out, const struct bs_queue_view *row);
void api_rank(struct buffer *out, const struct bs_rank_view *rank);
void api_source(struct buffer *out, const struct bs_source_view *source);
void api_provider(struct buffer *out, const struct bs_provider_view *provider);
void api_settlement(struct buffer *out, const struct bs_settlement *settlement);

/* The answer to a write: {"seq":N,"accepted":n,"rejected":[...]}; when everything was rejected it
 * is also a problem document (type, title, status, detail, code of the first rejection). */
void api_write_result(struct buffer *out, uint64_t seq, const struct api_batch *batch, bool waiting,
                      int *ret_http_status);
/* application/problem+json; detail may be NULL (then the status's sentence). */
void api_problem(struct buffer *out, enum bs_status status, const char *detail);

#endif
