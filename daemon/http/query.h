/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a request: which parameters a route takes, and their values decoded and checked.
 * Pure. */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include "api/action_cursor.h"
#include "daemon/answer/cursor.h"
#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "lib/base/status.h"

/* Bits: the parameters a route takes. The five cursors are all spelt "after". */
#define QUERY_POOL (1u << 0)
#define QUERY_MARKET (1u << 1)
#define QUERY_ACCOUNT (1u << 2)
#define QUERY_TYPE (1u << 3)
#define QUERY_SIDE (1u << 4)
#define QUERY_LIMIT (1u << 5)
#define QUERY_WAIT_MS (1u << 6)
#define QUERY_VERBOSE (1u << 7)
#define QUERY_FORMAT (1u << 10)
#define QUERY_AFTER_NAME (1u << 8)    /* cursor_print's text */
#define QUERY_AFTER_NUMBER (1u << 9)  /* a settlement number, an offset */
#define QUERY_AFTER_CURSOR (1u << 11) /* of an action */
#define QUERY_AFTER_PLACE (1u << 12)  /* in a list that moves */
#define QUERY_OFFSET (1u << 13)       /* in a file */
#define QUERY_MIN_SEQ (1u << 14)

enum query_name {
    NAME_PATH,         /* the name in the path */
    NAME_POOL,         /* the pool filter */
    NAME_MEMBER,       /* the market or account filter */
    NAME_AFTER,        /* the cursor, */
    NAME_AFTER_MARKET, /* and its second name */
    NAMES_COUNT
};

#define QUERY_WAIT_MS_MAX 60000

/* The names and parameters of a request's target, decoded. */
struct read_query {
    char name[NAMES_COUNT][BS_ID_SIZE_MAX + 1];
    uint32_t name_size[NAMES_COUNT]; /* 0: not given */
    uint64_t number;                 /* the cursor of a list by number, or the offset in a file */
    struct cursor_place place;       /* the cursor of a list that moves, */
    char place_bytes
        [CURSOR_SIZE_MAX];   /* and its key: a query that is copied has no pointer to itself */
    struct api_cursor after; /* the cursor of a list of actions */
    uint32_t limit;
    uint32_t wait_ms;
    uint64_t min_seq; /* 0: what the asker has seen */
    uint8_t side;
    uint8_t type; /* enum bs_action_type, UINT8_MAX = any */
    bool ccxt;    /* the answer in the structure of that library */
    uint32_t given;
    /* What the route takes, and the first thing wrong. */
    /* What its cursors begin with: the last word of its path, and what narrows it; and the same of
     * the cursor that is given, empty without one. */
    char list[CURSOR_LIST_SIZE_MAX];
    char cursor_list[CURSOR_LIST_SIZE_MAX];
    uint32_t allowed;
    uint32_t limit_max;
    enum bs_status status;
    char detail[128];
};

/* `value` may have no bytes at all ("?verbose"). The first thing wrong decides query->status. */
void query_parameter(struct read_query *query, struct bs_text key, struct bs_text value);

/* What a QUERY_ bit is called in a query; NULL for a bit without a meaning. */
const char *query_parameter_name(uint32_t bit);

/* After the last parameter: what the path and the parameters narrow becomes part of `list`, and a
 * cursor of the list under others is refused. */
void query_bind_cursor(struct read_query *query);
/* After the last parameter: refuses a query without a side. */
void query_needs_side(struct read_query *query);
void query_needs_pool(struct read_query *query); /* or a pool */

void query_set_name(struct read_query *query, enum query_name slot, struct bs_text name);
/* The bytes stay the query's. */
struct bs_text query_name(const struct read_query *query, enum query_name slot);
/* The place after which the page begins, in *ret_place; NULL: none was given. */
const struct bs_place *query_place(const struct read_query *query, struct bs_place *ret_place);
/* The pool of the path, or else of the filter. */
struct bs_text query_pool(const struct read_query *query);

#endif
