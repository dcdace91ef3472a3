/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a backup, and copies of its files that are checked on the way. */
#ifndef BACKUP_FILES_H
#define BACKUP_FILES_H

#include "daemon/backup/backup_set.h"

struct backup_manifest {
    char identity[LOG_IDENTITY_DIGITS + 1];
    uint64_t seq;
    int64_t time_ms;           /* when the log was copied */
    struct backup_file *files; /* kind is not set */
    uint32_t count;
};

/* -ENOENT: it is no backup, or an unfinished one; -EBADMSG: of another version, or damaged.
 * backup_manifest_fini in any case. */
BS_MUST_USE int backup_manifest_read(struct backup_manifest *manifest, const char *directory,
                                     char *error);
void backup_manifest_fini(struct backup_manifest *manifest);

/* Copies a file into the directory `target`, mode 0600, synced. -EBADMSG: it is not what the manifest
 * says; -ENOENT: it is missing. */
BS_MUST_USE int backup_file_copy(const char *directory, const struct backup_file *file, int target,
                                 char *error);

#endif
