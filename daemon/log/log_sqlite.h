/* SPDX-License-Identifier: Apache-2.0 */
/* The log in SQLite: shared by the parts that write it and read it. */
#ifndef LOG_SQLITE_H
#define LOG_SQLITE_H

#include "daemon/log/checkpointer.h"
#include "daemon/log/end_writer.h"
#include "daemon/log/file_index.h"
#include "daemon/log/log_file.h"

struct log_sqlite {
    struct command_log base;
    struct log_place place;
    struct file_index index;
    uint64_t file_size_max;
    uint64_t checkpoint_size;
    /* The log thread's, once it runs. */
    struct log_file *file;
    uint32_t file_number;
    struct checkpointer *checkpointer;
    struct end_file end_file;      /* the writer's, while there is one */
    struct end_writer *end_writer; /* NULL: not started */
    uint64_t wal_wanted;           /* bytes of the -wal when a checkpoint was last asked for */
};

/* Of a log that log_open_sqlite opened. */
struct log_sqlite *log_sqlite_of(struct command_log *log);

/* Opens the directory and all files of it, keeps the newest open (log_open.c). After a failure the
 * caller closes what was opened. */
BS_MUST_USE int log_sqlite_open_files(struct log_sqlite *sqlite, const struct log_options *options,
                                      char *error);

/* The reading side, as in struct log_backend. */
int log_sqlite_reader_open(struct log_reader **ret_reader, struct command_log *log, char *error);
int log_sqlite_read_batches(struct command_log *log, uint64_t after, struct batch_check *check,
                            char *error);
int log_sqlite_link(struct command_log *log, uint64_t seq, bool *ret_found,
                    uint8_t ret_link[LOG_HASH_SIZE], char *error);
int log_sqlite_chains(struct command_log *log, uint64_t ordinal, struct pool_chains *chains,
                      char *error);

#endif
