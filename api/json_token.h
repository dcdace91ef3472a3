/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The narrow waist between JSON parsers and the meaning of an item: a parser turns each item into
 * a flat run of tokens, an object {"a":1,"b":[2,3]} becoming
 *
 *     OBJECT(size 2, skip 7) STRING a, INTEGER 1, STRING b, ARRAY(size 2, skip 3) INTEGER 2,
 * INTEGER 3
 *
 * so all later code is the same for every parser. Members are in the order of the text, repeated
 * names included.
 */
#ifndef API_JSON_TOKEN_H
#define API_JSON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JSON_PADDING 64     /* readable bytes after a text for json_read_bulk */
#define JSON_DEPTH_MAX 1024 /* json_read_bulk refuses deeper texts */

/* Containers this deep in an item keep their token but not their content: no command needs it. */
#define TOKEN_DEPTH_MAX 6

enum token_kind {
    TOKEN_NULL,
    TOKEN_FALSE,
    TOKEN_TRUE,
    TOKEN_INTEGER,
    TOKEN_BIG_INTEGER, /* outside 64 signed bits */
    TOKEN_REAL,
    TOKEN_STRING,
    TOKEN_ARRAY,
    TOKEN_OBJECT
};

struct json_token {
    uint32_t kind; /* enum token_kind */
    uint32_t size; /* bytes of a string, members of an object, elements of an array */

    union {
        const char *bytes; /* valid UTF-8, may hold NUL; lives until the item's callback returns */
        int64_t integer;
        uint64_t skip; /* of containers: tokens from this one to the end of its last */
    } as;
};

/* What follows a value in the run. */
static inline const struct json_token *token_next(const struct json_token *token)
{
    return token + (token->kind >= TOKEN_ARRAY ? token->as.skip : 1);
}

/* A growing run of tokens; `tokens` is malloc'd. When memory runs out it fails for good, and later tokens are lost. */
struct json_tokens {
    struct json_token *tokens;
    size_t count;
    size_t capacity;
    bool failed;
    struct json_token lost; /* where tokens go that have no place */
};

bool json_tokens_grow(struct json_tokens *tokens); /* false: it has failed */

static inline struct json_token *json_tokens_add(struct json_tokens *tokens)
{
    if (tokens->count == tokens->capacity && !json_tokens_grow(tokens)) {
        return &tokens->lost;
    }
    return &tokens->tokens[tokens->count++];
}

/* Notes in a container that was added as the token at `at` that it ends here. */
static inline void json_tokens_end(struct json_tokens *tokens, size_t at)
{
    if (!tokens->failed) {
        tokens->tokens[at].as.skip = tokens->count - at;
    }
}

/* Where the items of a text go. */
struct json_sink {
    void (*begin)(void *user, bool is_list, size_t count); /* once, when the whole text is valid */
    bool (*item)(void *user, const struct json_token *item); /* false: stop */
    void *user;
    struct json_tokens tokens; /* scratch; the reader's while it runs */
};

/*
 * Read one JSON text: the elements of an array, or the one value. Nothing reaches the sink unless
 * the whole text is valid. False: the reader cannot represent the text (it is not JSON, or holds
 * what this parser does not take), or had no memory for it: then the sink's tokens have failed. They fail too when
 * there is no memory for an item, which ends the reading.
 */
bool json_read_small(struct json_sink *sink, const char *text, size_t size); /* jansson */
bool json_read_bulk(struct json_sink *sink, const char *text, size_t size);  /* simdjson */

/*
 * A copy (malloc'd, JSON_PADDING bytes longer) in which numbers that a parser cannot hold are
 * replaced by others of the same kind and place: integers beyond 64 bits by the first such one,
 * reals by 1e1 (no real is ever used). NULL when there is nothing to replace, or no memory:
 * *ret_failed is set then.
 */
char *json_clamp_numbers(const char *text, size_t size, bool *ret_failed);

/*
 * A copy (malloc'd, JSON_PADDING bytes longer than *ret_size) in which the integer -0, which parsers
 * take for 0, is JSON_MINUS_ZERO, and that number an integer beyond 64 bits. NULL when the text has
 * neither, or when there is no memory: *ret_failed is set then.
 */
#define JSON_MINUS_ZERO INT64_MIN
char *json_mark_minus_zeros(const char *text, size_t size, size_t *ret_size, bool *ret_failed);

/* Where (from 1) and why a text is not JSON. */
struct json_position {
    int line;
    int column;
    char message[96];
};

/* False: it is JSON. */
bool json_locate(const char *text, size_t size, struct json_position *ret_position);

#ifdef __cplusplus
}
#endif

#endif
