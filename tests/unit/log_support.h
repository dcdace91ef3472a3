/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the log share: directories, batches of real records, appends that wait. */
#ifndef LOG_SUPPORT_H
#define LOG_SUPPORT_H

#include <limits.h>
#include <pthread.h>

#include "api/buffer.h"
#include "daemon/log/log.h"

/* A fresh directory below $TMPDIR or /tmp; support_remove deletes it with its files. */
void support_directory(char ret_path[PATH_MAX]);
void support_remove(const char *directory);
/* Copies all files but the lock. */
void support_copy(const char *source, const char *target);

struct command_log *support_open(const char *directory, uint64_t file_size_max);

/* Appends `count` mark commands, stamped from `first_seq` on; every one names `market`. */
void support_records(struct buffer *records, uint64_t first_seq, uint32_t count,
                     const char *market);

/* The memory of one batch. */
struct support_batch {
    struct log_batch batch;
    struct buffer records;
    struct buffer rows;  /* of struct log_action_row */
    struct buffer texts; /* of the actions' records */
    uint64_t settled;    /* settlements made so far */
    struct log_settlement_row settlement;
    uint8_t settlement_record[BS_SETTLEMENT_RECORD_SIZE_MAX];
};

/* Fills a batch that follows the log's end: records, and actions spread over 3 pools, 10 accounts
 * and 3 types; with `settle` also a settlement of pool p0. */
void support_fill(struct support_batch *batch, const struct command_log *log,
                  uint32_t records_count, uint32_t actions_count, bool settle);
void support_fini(struct support_batch *batch);

/* The log's on_durable, and what it was told. */
struct support_durable {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t calls;
    int error;
    char message[LOG_ERROR_SIZE];
};

void support_durable_init(struct support_durable *durable);
void support_on_durable(void *user, int error, const char *message);
/* Appends and waits; returns on_durable's error. */
int support_append(struct command_log *log, struct support_durable *durable,
                   const struct log_batch *batch);

/* A new log of that many batches, each of 400 records and 300 actions, every third one with a settlement;
 * closed and opened again, so that all files but the newest are closed. */
struct command_log *support_make(const char *directory, uint64_t file_size_max, uint32_t batches);

/* Reads all records and actions with all checks; returns the count of records. -1: `error` says
 * why. */
int64_t support_verify(struct command_log *log, char error[LOG_ERROR_SIZE]);

#endif
