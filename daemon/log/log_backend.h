/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam under log.h: log.c computes hashes and runs the thread, a backend stores. A backend's
 * own struct begins with its struct command_log.
 */
#ifndef LOG_BACKEND_H
#define LOG_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/buffer.h"
#include "daemon/log/chain.h"
#include "daemon/log/log.h"

/* A place in the log: what was stored last, and the link of the batch chain up to there. */
struct log_position {
    uint64_t seq;
    uint64_t ordinal;
    uint64_t settlement; /* ordinal of the last settlement row */
    uint8_t link[LOG_HASH_SIZE];
};

/* One commit, complete: the batch, the hash of each of its actions, and where the log ends then. */
struct log_commit {
    const struct log_batch *batch;
    const uint8_t *hashes; /* LOG_HASH_SIZE bytes each */
    struct log_position end;
};

struct log_digest {
    bool known;
    uint64_t seq;
    struct bs_digest digest;
};

struct batch_check;

/* Errors are negative and described in `error` (LOG_ERROR_SIZE bytes). */
struct log_backend {
    int (*start)(struct command_log *log, char *error);
    int (*commit)(struct command_log *log, const struct log_commit *commit, char *error);
    /* Between commits, when the last one was acknowledged. */
    int (*tidy)(struct command_log *log, char *error);
    void (*stop)(struct command_log *log);
    /* Feeds the batches that hold records with seq > after to the check, which it begins. */
    int (*read_batches)(struct command_log *log, uint64_t after, struct batch_check *check,
                        char *error);
    /* The link at a sequence that a batch ends with, or the log begins after. */
    int (*link)(struct command_log *log, uint64_t seq, bool *ret_found,
                uint8_t ret_link[LOG_HASH_SIZE], char *error);
    /* The ends of the pools' chains after an action. Any thread. */
    int (*chains)(struct command_log *log, uint64_t ordinal, struct pool_chains *chains,
                  char *error);
    int (*put_digest)(struct command_log *log, const struct log_digest *digest, char *error);
    int (*reader_open)(struct log_reader **ret_reader, struct command_log *log, char *error);
    void (*close)(struct command_log *log);
};

struct command_log {
    const struct log_backend *backend;
    struct log_position end; /* the log thread's, once it runs */
    struct pool_chains chains;
    struct log_digest digest;
    char identity[LOG_IDENTITY_DIGITS + 1];
    const char *archive; /* of the options */
    struct buffer hashes;
    struct buffer canonical;
    atomic_uint_fast64_t last_seq, last_ordinal;
    atomic_uint_fast64_t dropped_seq, dropped_ordinal, dropped_settlement; /* by log_base_begin */
    atomic_uint_fast64_t commits, records, bytes, commit_ns_total, commit_ns_max;

    pthread_t thread;
    bool started;
    log_durable_fn on_durable;
    void *user;
    pthread_mutex_t mutex; /* guards the three below */
    pthread_cond_t changed;
    struct log_batch batch;
    bool appended;
    bool stopping;
    pthread_mutex_t storing; /* held while the backend stores; guards the two below */
    int failure;             /* final */
    char message[LOG_ERROR_SIZE];
};

struct log_reader {
    const struct command_log *log; /* set by log_reader_open */
    int (*actions)(struct log_reader *reader, const struct log_filter *filter, log_action_fn fn,
                   void *user, char *error);
    int (*settlements)(struct log_reader *reader, const struct log_settlement_filter *filter,
                       log_settlement_fn fn, void *user, char *error);
    /* Checks and delivers the first batch past check->seq. */
    int (*next_batch)(struct log_reader *reader, struct batch_check *check, char *error);
    void (*close)(struct log_reader *reader);
};

int log_base_init(struct command_log *log, const struct log_backend *backend);
void log_base_fini(struct command_log *log);
/* Sets the end of an opened log. */
void log_base_resume(struct command_log *log, const struct log_position *end);

/* The log begins after this place from now on. */
void log_base_begin(struct command_log *log, const struct log_position *begin);

/* Commits a batch on the calling thread, before log_start. */
BS_MUST_USE int log_base_commit(struct command_log *log, const struct log_batch *batch,
                                char *error);

/* Starts a thread that takes no signals; 0 or a negative errno. */
BS_MUST_USE int log_thread_create(pthread_t *ret_thread, void *(*run)(void *), void *user);
/* The calling thread goes after the core loop's and the log's. */
void log_thread_give_way(void);

#endif
