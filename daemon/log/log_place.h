/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a log: its lock against a second process, and the names of its files. */
#ifndef LOG_PLACE_H
#define LOG_PLACE_H

#include <limits.h>

#include "lib/base/base.h"

#define LOG_PAGE_SIZE 16384 /* of every database file */
#define LOG_NAME_SIZE 32
#define LOG_FILES_MAX 99999999u

struct archive; /* archive_db.h */

struct log_place {
    char directory[PATH_MAX]; /* absolute */
    int fd;
    int lock_fd;
    bool read_only;
    bool is_alone;           /* read-only: no daemon writes here, nor will one */
    struct archive *archive; /* read-only: has the files that were cut; NULL: nothing has */
};

/* Opens and locks the directory. With `create` it is made if missing (mode 0700), else -ENOENT. */
BS_MUST_USE int log_place_open(struct log_place *place, const char *directory, bool create,
                               char *error);
/* Opens the directory to read the log, also beside the daemon that has locked it. */
BS_MUST_USE int log_place_open_read_only(struct log_place *place, const char *directory,
                                         char *error);
void log_place_close(struct log_place *place);

/* The number of the newest database file, `first` - 1 if there is none. They are numbered from `first`
 * on; a hole is an error, and so is a -wal without its database. Files before `first`, which a cut
 * left when it was interrupted, are removed. */
BS_MUST_USE int log_place_last(const struct log_place *place, uint32_t first, uint32_t *ret_last,
                               char *error);
/* The name of a database file, "log-00000001.db", and what SQLite appends to it: "-wal", "-shm". */
void log_place_name(uint32_t number, const char *suffix, char ret_name[LOG_NAME_SIZE]);
void log_place_path(const struct log_place *place, uint32_t number, char ret_path[PATH_MAX]);
/* The bytes of a database file, or with a suffix of what belongs to it; 0 when it is missing. */
uint64_t log_place_size(const struct log_place *place, uint32_t number, const char *suffix);
/* When a database file was last written, in seconds of the wall clock; 0 when it is missing. */
int64_t log_place_written_s(const struct log_place *place, uint32_t number);
bool log_place_has(const struct log_place *place, uint32_t number, const char *suffix);
/* Creates an empty database file, mode 0600. */
BS_MUST_USE int log_place_create(const struct log_place *place, uint32_t number, char *error);
BS_MUST_USE int log_place_remove(const struct log_place *place, uint32_t number, char *error);
/* Removes a -wal that holds nothing. */
void log_place_remove_wal(const struct log_place *place, uint32_t number);
/* Makes files created or removed durable. */
BS_MUST_USE int log_place_sync(const struct log_place *place, char *error);

#endif
