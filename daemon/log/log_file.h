/* SPDX-License-Identifier: Apache-2.0 */
/* One database file of the log, open for writing. For one thread at a time. docs/log.md has its
 * tables. */
#ifndef LOG_FILE_H
#define LOG_FILE_H

#include "daemon/log/log_backend.h"
#include "daemon/log/log_place.h"

struct log_file;

/* Creates file `number`, which continues the log at `start`. */
BS_MUST_USE int log_file_create(struct log_file **ret_file, const struct log_place *place,
                                uint32_t number, const struct log_position *start,
                                const struct pool_chains *chains, char *error);
/* Opens a file whose -wal was scanned, and changes nothing. *ret_file is NULL when the file holds no
 * tables: either its creation was cut off, or it is damaged. */
BS_MUST_USE int log_file_open(struct log_file **ret_file, const struct log_place *place,
                              uint32_t number, char *error);
/* Writes all of the -wal into the database and syncs it. After a crash before anything else is
 * written: the kernel may have given up writing pages that it still shows us, and frames of a torn
 * commit may follow the last whole one. */
BS_MUST_USE int log_file_empty_wal(struct log_file *file, char *error);
/* Notes in the database itself that commits may be in its -wal: should the -wal be gone then,
 * opening fails. A file is created with this mark. */
BS_MUST_USE int log_file_mark_open(struct log_file *file, char *error);
BS_MUST_USE int log_file_mark_closed(struct log_file *file, char *error);
/* Opens a file for checkpoints beside its writer. */
BS_MUST_USE int log_file_open_beside(struct log_file **ret_file, const struct log_place *place,
                                     uint32_t number, char *error);
/* Closes a file that is marked closed: SQLite empties its -wal and removes it. NULL is fine. */
void log_file_close(struct log_file *file);
/* Closes it and leaves the -wal as it is: after a failure, for the next start to judge, and where
 * the file stays open elsewhere. NULL is fine. */
void log_file_abandon(struct log_file *file);
/* Removes the -shm and the empty -wal that readers leave of a file that is marked closed, unless
 * another process reads it. */
BS_MUST_USE int log_file_tidy(const struct log_place *place, uint32_t number, char *error);

/* Where the file begins, and where it ends. */
BS_MUST_USE int log_file_start(struct log_file *file, struct log_position *ret_start, char *error);
BS_MUST_USE int log_file_end(struct log_file *file, struct log_position *ret_end, char *error);
/* The link of the batch chain at a sequence that a batch ends with, or the file starts after; not
 * found: neither does. */
BS_MUST_USE int log_file_link(struct log_file *file, uint64_t seq, bool *ret_found,
                              uint8_t ret_link[LOG_HASH_SIZE], char *error);
/* Whether log_file_finish was done: then there is a next file. */
BS_MUST_USE int log_file_finished(struct log_file *file, bool *ret_finished, char *error);
/* Adds the pools known at the end of the file. */
BS_MUST_USE int log_file_chains(struct log_file *file, struct pool_chains *chains, char *error);
/* Adds the ends of the pools' chains after an action of the file, or where it starts. */
BS_MUST_USE int log_file_chains_at(struct log_file *file, uint64_t ordinal,
                                   struct pool_chains *chains, char *error);
BS_MUST_USE int log_file_get_digest(struct log_file *file, struct log_digest *ret_digest,
                                    char *error);
BS_MUST_USE int log_file_put_digest(struct log_file *file, const struct log_digest *digest,
                                    char *error);

BS_MUST_USE int log_file_commit(struct log_file *file, const struct log_commit *commit,
                                char *error);
/* Bytes of the database, with what is in the -wal; and bytes of the -wal in use. */
BS_MUST_USE int log_file_size(struct log_file *file, uint64_t *ret_size, char *error);
uint64_t log_file_wal_size(const struct log_file *file);
/* Moves what it can from the -wal to the database; waits for nobody. */
BS_MUST_USE int log_file_checkpoint(struct log_file *file, char *error);
/* When the next file has begun: notes the end, marks it closed, empties the -wal. */
BS_MUST_USE int log_file_finish(struct log_file *file, char *error);

#endif
