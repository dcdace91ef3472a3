/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: the only durable thing. Commands in batches, one commit at a time on its own thread;
 * actions (derived, rebuilt by replay) ride as rows of the following commit, so that readers see
 * only what is durable. A failed write or sync is final: on_durable reports it and the daemon
 * exits.
 *
 * struct command_log is a seam: SQLite stores for the daemon; log_memory.h serves the tests.
 */
#ifndef LOG_H
#define LOG_H

#include "daemon/disk/reserve.h"
#include "daemon/log/log_error.h"
#include "lib/base/base.h"
#include "lib/engine.h"

#define LOG_HASH_SIZE 32
#define LOG_IDENTITY_DIGITS 32
#define LOG_BLOB_SIZE_MAX ((size_t)64 << 20)

struct log_action_row {
    uint64_t ordinal; /* global, gapless, the cursor */
    uint64_t id;
    uint64_t settlement; /* 0 = none */
    uint8_t type;
    struct bs_text pool;
    struct bs_text account;
    const uint8_t *record; /* bs_action_encode */
    uint32_t record_size;
};

struct log_settlement_row {
    struct bs_text pool;
    uint64_t number;
    uint64_t ordinal;      /* over all pools, gapless; counted by the log: ignored in a batch */
    const uint8_t *record; /* bs_settlement_encode */
    uint32_t record_size;
};

/* BS_OK: the record is whole and is of the row's pool and number. Else BS_BAD_RECORD or
 * BS_NEWER_RECORD. The pool's name points into the record. */
BS_MUST_USE enum bs_status log_settlement_decode(const struct log_settlement_row *row,
                                                 struct bs_settlement *ret_settlement);

/* One append. The memory belongs to the caller and must live until on_durable. More than
 * LOG_BLOB_SIZE_MAX bytes of records are stored as several commits, acknowledged as one. */
struct log_batch {
    uint64_t first_seq; /* of the first record: the last one stored + 1; ignored without records */
    uint32_t records_count;
    const uint8_t *records; /* stamped, one after another */
    size_t records_size;
    const struct log_action_row *actions; /* in ordinal order, following the last one stored */
    uint32_t actions_count;
    const struct log_settlement_row *settlements;
    uint32_t settlements_count;
};

struct log_filter { /* of a read of actions; empty texts and type UINT8_MAX match everything */
    uint64_t after; /* ordinal */
    uint64_t last;  /* no ordinal past it; 0 = to the end */
    struct bs_text pool;
    struct bs_text account;
    uint8_t type;
    uint64_t settlement; /* 0 = any */
    uint32_t limit;
};

struct log_settlement_filter {
    struct bs_text pool; /* empty: all pools */
    uint64_t after;      /* of one pool: number; of all pools: ordinal */
    uint32_t limit;
};

struct command_log;
struct pool_chains; /* chain.h */
struct log_reader;  /* one per reading thread; closed before its log */

/* On the log thread, once for every append: 0, or the first failure (then every later append gets
 * the same one). The message is for an operator, NULL without an error. */
typedef void (*log_durable_fn)(void *user, int error, const char *message);
/* Return false to stop the read early. */
typedef bool (*log_records_fn)(void *user, uint64_t first_seq, uint32_t count,
                               const uint8_t *records, size_t size);
typedef bool (*log_action_fn)(void *user, const struct log_action_row *row,
                              const uint8_t hash[LOG_HASH_SIZE]);
typedef bool (*log_settlement_fn)(void *user, const struct log_settlement_row *row);

struct log_options {
    const char *directory;    /* created if missing, mode 0700; locked against a second process */
    uint64_t file_size_max;   /* a new database file past this size; default 256 MiB */
    uint64_t checkpoint_size; /* of a -wal since its last checkpoint; default 16 MiB */
    struct reserve_options reserve; /* given up first, if the disk has too little room */
    bool create;                    /* false: refuse when there is no log yet */
    /* The directory that files go to before they are cut, NULL: none. It lives as long as the log. A
     * read-only log has the files that were cut from there: it begins where they do. */
    const char *archive;
    /* Nothing of the log is written. It ends where it ended when it was opened, also beside the
     * daemon that writes it. Without one, no daemon can start until it is closed. */
    bool read_only;
};

/* 0 or a negative errno-like code; then `error` says why, for an operator. */
BS_MUST_USE int log_open_sqlite(struct command_log **ret_log, const struct log_options *options,
                                char error[LOG_ERROR_SIZE]);
/* A sentence when the directory's filesystem does not keep data (tmpfs) or not well (overlayfs),
 * else NULL. */
const char *log_filesystem_warning(const char *directory);

/* Of the durable part. Any thread. */
uint64_t log_last_seq(const struct command_log *log);
uint64_t log_last_ordinal(const struct command_log *log);

/* What is no longer there, because older files were cut (log_cut.h): everything up to these. All 0:
 * the log is whole. Any thread. */
struct log_begin {
    uint64_t seq, ordinal, settlement; /* the last two over all pools */
    const char *archive;               /* the directory that has it; NULL: none is set */
};

struct log_begin log_begin(const struct command_log *log);
uint64_t log_dropped_ordinal(const struct command_log *log); /* of log_begin */
/* Reads all records with seq > after in order, a batch at a time, checking CRC32C of every record,
 * gapless sequence and the SHA-256 chain of the batches. Before log_start. */
BS_MUST_USE int log_read_records(struct command_log *log, uint64_t after, log_records_fn fn,
                                 void *user, char error[LOG_ERROR_SIZE]);

/*
 * Where a read of actions begins: after `ordinal`. `chains` has the end of each pool's chain there
 * and follows what is delivered; NULL: not known, so that after an ordinal > 0 the first row of each
 * pool is taken on trust.
 */
struct log_action_place {
    uint64_t ordinal;
    struct pool_chains *chains;
};

/* Reads stored actions in order, for the replay check, checking that none is missing and the hash
 * chain of each pool. Before log_start. */
BS_MUST_USE int log_read_actions(struct command_log *log, const struct log_action_place *place,
                                 log_action_fn fn, void *user, char error[LOG_ERROR_SIZE]);
/* The link of the batch chain at a sequence; -ENOENT: the log holds no batch that ends there, nor
 * does it begin there. Before log_start. */
BS_MUST_USE int log_link(struct command_log *log, uint64_t seq, uint8_t ret_link[LOG_HASH_SIZE],
                         char error[LOG_ERROR_SIZE]);
/* Adds the end of each pool's chain after an action that the log holds, or begins after. Any
 * thread. */
BS_MUST_USE int log_chains(struct command_log *log, uint64_t ordinal, struct pool_chains *chains,
                           char error[LOG_ERROR_SIZE]);
/* The state digest at a sequence, stored at clean shutdown; replay compares. Only the last one is
 * kept, and only until the next database file begins. Not while an append is in flight. */
BS_MUST_USE int log_put_digest(struct command_log *log, uint64_t seq, struct bs_digest digest,
                               char error[LOG_ERROR_SIZE]);
BS_MUST_USE bool log_get_digest(struct command_log *log, uint64_t *ret_seq,
                                struct bs_digest *ret_digest);

/* Stamps a command's record with the next sequence and stores it, on the calling thread. Before
 * log_start. */
BS_MUST_USE int log_put_record(struct command_log *log, uint8_t *record, int64_t time_ms,
                               char error[LOG_ERROR_SIZE]);

/* Starts the log thread; from then on only log_append, log_put_digest and readers. */
BS_MUST_USE int log_start(struct command_log *log, log_durable_fn on_durable, void *user);
/* Begins one commit; at most one in flight; returns at once. on_durable may begin the next. */
void log_append(struct command_log *log, const struct log_batch *batch);
void log_stop(struct command_log *log);  /* waits for the commit in flight, joins the thread */
void log_close(struct command_log *log); /* after log_stop if it was started; NULL is fine */

/* Readers see committed rows only. Rows and their texts live until the callback returns. */
BS_MUST_USE int log_reader_open(struct log_reader **ret_reader, struct command_log *log,
                                char error[LOG_ERROR_SIZE]);
BS_MUST_USE int log_reader_actions(struct log_reader *reader, const struct log_filter *filter,
                                   log_action_fn fn, void *user, char error[LOG_ERROR_SIZE]);
struct log_begin log_reader_begin(const struct log_reader *reader); /* of the log that is read */
/* Oldest first. For number n of a pool alone: after n - 1, limit 1. */
BS_MUST_USE int log_reader_settlements(struct log_reader *reader,
                                       const struct log_settlement_filter *filter,
                                       log_settlement_fn fn, void *user,
                                       char error[LOG_ERROR_SIZE]);

/*
 * Records beside the writer, whole batches in order, checked as log_read_records checks them. From
 * *place (zeroed: the beginning) to `last_seq`, which must be durable, or until fn returns false;
 * then *place is after what was delivered.
 */
struct log_reader_place {
    uint64_t seq;
    uint8_t link[LOG_HASH_SIZE];
};

BS_MUST_USE int log_reader_records(struct log_reader *reader, struct log_reader_place *place,
                                   uint64_t last_seq, log_records_fn fn, void *user,
                                   char error[LOG_ERROR_SIZE]);
void log_reader_close(struct log_reader *reader);

/* Cumulative, for metrics. */
struct log_stats {
    uint64_t commits, records, bytes;
    uint64_t commit_ns_total, commit_ns_max;
};
struct log_stats log_stats_get(const struct command_log *log); /* any thread */

#endif
