/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of routes. A row has the roles, what the target and the body may hold, and the two
 * functions that answer: `begin` when the request is complete, `end` after another thread answered
 * it.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "daemon/answer/request.h"
#include "daemon/http/query.h"

struct connection;

/* What `begin` did with the request. */
enum outcome {
    OUTCOME_ANSWER,    /* request.status and body are the answer */
    OUTCOME_SUBMITTED, /* another thread has it; `end` follows when it is back */
    OUTCOME_WAITS,     /* nothing to say yet: `begin` runs again when there is news */
    OUTCOME_STREAM,    /* `send` has the answer */
};

/* Only of a route: it needs no key. */
#define ROLE_ANYBODY (1u << 7)

struct route {
    const char *method;  /* GET takes HEAD too */
    const char *pattern; /* "/v1/pools/{}/resume": {} is a name, # a number */
    enum outcome (*begin)(struct connection *connection);
    enum outcome (*end)(struct connection *connection); /* NULL: the answer is complete */
    bool (*send)(struct connection *connection); /* after OUTCOME_STREAM; false: it could not */
    /* Of read_begin: on the core loop, or with QUERY_MIN_SEQ on the follower's thread. */
    void (*read)(struct request *request, const struct read_query *query, struct bs_engine *engine);
    uint8_t roles;       /* ROLE_*: any of them will do; none = only ops */
    uint32_t parameters; /* QUERY_* */
    uint32_t limit_max;
    uint8_t command; /* enum bs_command_type of a write; 0 = each item names its own */
    bool takes_body;
    bool needs_side;    /* the parameter must be there */
    bool needs_pool;    /* likewise */
    bool body_optional; /* without a body the command is made from the name in the path */
};

/* Finds the route and takes the names of the path. BS_NOT_FOUND, BS_METHOD_NOT_ALLOWED (then
 * connection->allow is set), BS_INVALID_PATH, BS_INVALID_NAME, BS_UNKNOWN_SETTLEMENT,
 * BS_UNKNOWN_ACTION or BS_UNKNOWN_BACKUP. */
BS_MUST_USE enum bs_status route_find(struct connection *connection, const char *method,
                                      const char *url);
/* The table row by row, for tests; NULL past the last one. */
const struct route *route_at(size_t i);
/* The two ways to change something. */
bool route_is_write(const struct route *route);
bool route_is_webhook(const struct route *route);

#endif
