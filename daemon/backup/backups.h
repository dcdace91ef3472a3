/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of the running daemon: at most one at a time, made and read on a thread of its own. It
 * ends when it is deleted, or when nobody has asked for it for a while. It keeps no file from being
 * dropped by the log: such a file is answered `backup_file_gone`, and its reader begins again,
 * with most files at hand.
 */
#ifndef BACKUPS_H
#define BACKUPS_H

#include "daemon/answer/request.h"
#include "daemon/log/log.h"

#define BACKUP_PIECE_MAX ((uint32_t)4 << 20) /* bytes that one read gives */
#define BACKUP_IDLE_S 120

struct backups;

/* A read of a piece of a file. The names live as long as the request. */
struct backup_read {
    struct backup_read *next;
    struct request *request; /* its `done` is called on the thread */
    uint64_t id;
    struct bs_text name;
    uint64_t offset;
    uint32_t size;
};

/* Of a log in SQLite. 0, or a negative code with a message. */
BS_MUST_USE int backups_new(struct backups **ret_backups, struct command_log *log,
                            char error[LOG_ERROR_SIZE]);

/* Any thread; they answer at once. */
void backups_begin(struct backups *backups, struct request *request);
void backups_show(struct backups *backups, uint64_t id, struct request *request);
void backups_delete(struct backups *backups, uint64_t id, struct request *request);
/* False: the thread was told to stop, or too many wait. */
BS_MUST_USE bool backups_submit(struct backups *backups, struct backup_read *read);

/* Answers what waits. NULL is fine, as is a second call. */
void backups_stop(struct backups *backups);
void backups_free(struct backups *backups); /* stops it, too */

#endif
