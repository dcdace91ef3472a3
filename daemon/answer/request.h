/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request on its way between threads: the work, and the answer. An HTTP thread fills in the work,
 * hands the request over (to the core, the follower, the publisher or the simulator) and does not
 * touch it until `done` was called, on the thread that answered it.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "api/json_command.h"
#include "lib/engine.h"

struct first_answer;
struct core;
struct request;

/* Runs against the state as of the last durable command, on the core loop, or on the follower's
 * thread with the second block; fills body and status. */
typedef void (*request_query_fn)(struct request *request, struct core *core,
                                 struct bs_engine *engine);

/* Whether a write with a key came before. */
enum request_repeat {
    REPEAT_NO,
    REPEAT_ANSWERED,  /* the answer is the first one's */
    REPEAT_TOO_EARLY, /* the first one is not answered yet */
};

struct request {
    struct request *next; /* the queue's */
    /* The work for the core: a query, or a write. */
    request_query_fn query; /* NULL: the write of `batch` */
    /* A read for the follower: what it asks for, in bytes (two that ask for the same get the same
     * answer at one sequence), at which sequence or later, until when it waits for that, and who
     * asks. Unused by any other. */
    const void *asks;
    size_t asks_size;
    uint64_t asks_digest;
    uint64_t min_seq;
    int64_t until_ms;
    uint64_t client;
    bool is_different;        /* the follower's own: no read before it waits for the same */
    struct api_batch batch;   /* the core adds rejections */
    struct buffer key_record; /* the key of a write as a record, unstamped; empty without a key */
    /* The core's own, while it has the request. */
    uint32_t records_left;             /* not stepped yet, key_record included */
    size_t states_size;                /* bytes of the account states in the rejections */
    struct first_answer *first_answer; /* where the answer will be remembered */
    /* The answer. */
    int status; /* HTTP; 0 until answered */
    const char *content_type;
    struct buffer body;
    enum request_repeat repeat;
    uint64_t last_seq; /* of the last record of a write; the log's when it has none */
    bool waiting;      /* a settle waits for a fresh mark */
    /* Called once, when the answer is complete. */
    void (*done)(struct request *request);
    void *user; /* for `done` */
};

#endif
