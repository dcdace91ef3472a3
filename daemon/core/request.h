/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message between the HTTP threads and the core loop. An HTTP thread fills it, submits it and
 * does not touch it again until `done` was called (on the core loop's thread).
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "api/json_command.h"
#include "lib/engine.h"

struct answer;
struct core;
struct request;

/* Runs on the core loop against the state as of the last durable command; fills body and status. */
typedef void (*request_query_fn)(struct request *request, struct core *core,
                                 struct bs_engine *engine);

/* Of a write with a key: whether it came before. */
enum request_repeat {
    REPEAT_NO,
    REPEAT_ANSWERED,  /* the answer is the first one's */
    REPEAT_TOO_EARLY, /* the first one is not answered yet */
};

struct request {
    struct request *next;     /* the queue's */
    request_query_fn query;   /* NULL: a write of `batch` */
    struct api_batch batch;   /* write: rejections are added by the core; */
    uint32_t records_left;    /* the core's: not stepped yet, key_record included */
    size_t states_size;       /* the core's: of the account states in its rejections */
    struct buffer key_record; /* write: says under which key it is remembered, unstamped; empty:
                                 under none */
    struct answer *answer;    /* the core's: where it will be remembered */
    enum request_repeat repeat;
    uint64_t last_seq; /* write: of its last record, or the log's when it had none */
    bool waiting;      /* write: a settle that waits for a fresh mark */
    /* the parameters of a query, decoded; what they mean is the query's own business */
    char name[4][BS_ID_SIZE_MAX + 1];
    uint32_t name_size[4];
    uint32_t limit;
    uint8_t side;
    bool ccxt; /* the answer in the structure of that library */
    uint64_t number;
    /* the answer */
    int status; /* HTTP; 0 until answered */
    const char *content_type;
    struct buffer body;
    /* called on the core loop when the answer is complete */
    void (*done)(struct request *request);
    void *user; /* the HTTP server's */
};

#endif
