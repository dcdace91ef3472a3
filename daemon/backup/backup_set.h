/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of one backup, as of one moment: log files that never change again, as they are; the
 * newest one and webhooks.db as copies, in the data directory under names that begin with "backup-";
 * the newest snapshots. webhooks.db is copied before the log, so that no endpoint is past the log's
 * end. For one thread at a time, but for the progress.
 */
#ifndef BACKUP_SET_H
#define BACKUP_SET_H

#include <stdatomic.h>

#include "daemon/backup/file_hash.h"
#include "daemon/log/log_copy.h"

#define BACKUP_NAME_SIZE 64
#define BACKUP_FORMAT 1
#define BACKUP_WEBHOOKS "webhooks.db"

enum backup_kind {
    BACKUP_LOG,   /* a finished file of the log */
    BACKUP_COPY,  /* a copy that was made for this backup */
    BACKUP_PLAIN, /* a snapshot, or the note of where the log begins */
};

struct backup_file {
    char name[BACKUP_NAME_SIZE];
    enum backup_kind kind;
    uint32_t number; /* of a log file */
    uint64_t size;
    char sha256[FILE_HASH_TEXT_SIZE];
};

/* Where it is made: the owner's, and it stays as it is. */
struct backup_source {
    struct command_log *log;
    const char *directory;
    int fd; /* of the directory */
    bool (*goes_on)(void *user);
    void *user;
};

struct backup_set {
    const struct backup_source *source;
    struct backup_file *files;
    uint32_t count;
    uint32_t capacity;
    int64_t time_ms; /* when the log was copied, by the wall clock */
    struct log_position end;
    atomic_uint_fast64_t bytes_done, bytes_total; /* of the hashes; any thread */
};

/* Hashes of finished files from one backup to the next: zeroed at first. */
struct backup_hashes {
    struct backup_file *files;
    uint32_t count;
    uint32_t capacity;
};

void backup_hashes_fini(struct backup_hashes *hashes);

/* 0, or a negative code: -ENOSPC when there is no room for the copies. backup_set_clear either
 * way. */
BS_MUST_USE int backup_set_make(struct backup_set *set, const struct backup_source *source,
                                struct backup_hashes *hashes, char *error);
/* Removes the copies. A zeroed set is fine. */
void backup_set_clear(struct backup_set *set);
/* NULL: the backup has no such file. */
const struct backup_file *backup_set_find(const struct backup_set *set, struct bs_text name);
/* Appends `size` bytes from an offset, which the file has. -ENOENT: the log no longer has it. */
BS_MUST_USE int backup_set_read(const struct backup_set *set, const struct backup_file *file,
                                uint64_t offset, size_t size, struct buffer *out, char *error);
/* Removes the copies that a crash has left. */
BS_MUST_USE int backup_set_remove_left(int directory, char *error);

#endif
