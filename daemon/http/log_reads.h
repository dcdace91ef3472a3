/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that reads pages of actions and settlements from the log, so that the HTTP thread
 * waits for no disk and no long search. Quick reads go first; of the others a bounded number waits,
 * and they take turns with the blocks of streams.
 */
#ifndef HTTP_LOG_READS_H
#define HTTP_LOG_READS_H

#include "daemon/answer/request.h"
#include "daemon/log/log.h"

#define LOG_READS_WAITING_MAX 64 /* of those that are not quick */

/* The first member of a read's own struct. */
struct log_read {
    struct log_read *next;
    struct request *request; /* its `done` is called on the reading thread */
    void (*run)(struct log_read *read, struct log_reader *reader); /* on the reading thread */
    bool is_quick;                                                 /* a millisecond or so */
    bool is_stream; /* a block for a stream, each of which has one at most: in turn with others */
    bool is_run;    /* false when it is done: the thread was told to stop */
    bool is_pool_unseen; /* pool_filter.h: the log has nothing of the pool that is asked for */
};

struct log_reads;

BS_MUST_USE int log_reads_start(struct log_reads **ret_reads, struct command_log *log,
                                char error[LOG_ERROR_SIZE]);
/* False: too many wait, or the thread was told to stop; the request is the caller's again. */
BS_MUST_USE bool log_reads_submit(struct log_reads *reads, struct log_read *read);
uint64_t log_reads_refused(struct log_reads *reads); /* cumulative; any thread */
/* Reads that wait are done without being run. NULL is fine, as is a second call. */
void log_reads_stop(struct log_reads *reads);
void log_reads_free(struct log_reads *reads); /* stops it, too */

#endif
