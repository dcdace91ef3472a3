/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON -> command records. A body is parsed whole; each item becomes a record or a rejection, in
 * order. Thread safe: no shared state. Bulk bodies go through simdjson, the rest through jansson;
 * both give the same records and the same codes (a test compares them).
 */
#ifndef API_JSON_COMMAND_H
#define API_JSON_COMMAND_H

#include "api/buffer.h"
#include "lib/record/command.h"

#define API_BODY_PADDING 64   /* readable bytes past the body that the parser may look at */
#define API_ITEMS_MAX 1000000 /* items of one request */
#define API_LISTED_MAX 1000   /* rejections that one answer lists */

struct api_rejection {
    uint32_t index; /* of the item in its request, from 0 */
    enum bs_status status;
    char detail[160]; /* names the field, e.g. "entry_price: not a plain decimal such as -12.50" */
    char *state;      /* malloc'd JSON of the account's current state (stale_update), or NULL */
};

/* A rejection that no answer lists, for the record of a request with a key. */
struct api_unlisted {
    uint32_t index;
    enum bs_status status;
};

/* The types of the items that there are, a bit for each (1 << enum bs_command_type), by the role
 * that may send them. A mark with "confirm" needs ops. */
struct api_needs {
    uint32_t ops;
    uint32_t feed;
};

struct api_batch {
    struct buffer records;  /* records one after another, unstamped */
    uint32_t *record_items; /* record n came from item record_items[n]; NULL when all items
                               became records (then n is the item) */
    uint32_t record_items_capacity;
    uint32_t records_count;
    uint32_t items_count;
    /* The first API_LISTED_MAX of the parser in item order, then those of the core likewise. */
    struct api_rejection *rejections;
    uint32_t listed_count, rejections_capacity;
    uint32_t parser_listed_count;
    struct api_unlisted *unlisted; /* the parser's others, in item order */
    uint32_t unlisted_count, unlisted_capacity;
    uint32_t rejections_count; /* all of them */
    bool is_list; /* its path takes lists: answered 200, 207 or 422, also for one item */
    struct api_needs needs;
    bool failed; /* some of it had no memory and is missing; see api_batch_failed */
};

/*
 * What a path means for the items below it. A path that names its pool or market takes one object
 * and no list, but for the insurance fund's transfers.
 */
struct api_route {
    uint8_t type;             /* enum bs_command_type; 0 = each item names its own "type" */
    struct bs_text path_name; /* pool or market named by the path; empty = the item names it */
    uint64_t path_number;     /* the action named by the path; 0 = the item names it */
};

/* A body that cannot be read at all: nothing of it is applied. */
struct api_error {
    enum bs_status status;
    char detail[200]; /* names line and column where there is one */
};

/*
 * Parses a body (application/json: one object or an array; NDJSON: one object a line, empty lines
 * are skipped). False: *ret_error is set and the batch is empty. API_BODY_PADDING readable bytes
 * must follow the body. api_batch_fini frees the batch.
 */
BS_MUST_USE bool api_parse(struct api_batch *batch, const struct api_route *route, const char *body,
                           size_t size, bool ndjson, struct api_error *ret_error);
struct json_token;
struct fault;
/* Reads what one object says; false: *fault is set. The object's texts live until it returns. */
typedef bool (*api_object_fn)(void *user, const struct json_token *object, struct fault *fault);
/* Parses a body that is one JSON object and no command. False: *ret_error is set. Padding as above.
 */
BS_MUST_USE bool api_parse_object(const char *body, size_t size, api_object_fn fn, void *user,
                                  struct api_error *ret_error);
/* A name of an account, market, pool, trade or transfer: 1 to 64 bytes of UTF-8 without controls.
 */
bool api_name_valid(struct bs_text name);
/* Adds a command without a body (settle, resume without reason, the deletes); a name that is not
 * valid becomes a rejection. */
void api_batch_add(struct api_batch *batch, const struct bs_command *command);
/* The parser refused an item. The detail is "field: sentence", or the sentence alone. */
void api_batch_reject(struct api_batch *batch, uint32_t index, enum bs_status status,
                      const char *field);
/* Likewise when a record was refused, with room reserved. The rejection, for more detail; NULL: it is
 * not listed. */
struct api_rejection *api_batch_reject_record(struct api_batch *batch, uint32_t index,
                                              enum bs_status status, const char *field);
/* Some of it is missing, because memory ran out. */
bool api_batch_failed(const struct api_batch *batch);
/* Makes room for the rejections of its records, so that listing them cannot fail. False: no memory. */
BS_MUST_USE bool api_batch_reserve(struct api_batch *batch);
void api_batch_clear(struct api_batch *batch); /* keeps memory */
/* Frees everything but the counts. */
void api_batch_trim(struct api_batch *batch);
void api_batch_fini(struct api_batch *batch);

#endif
