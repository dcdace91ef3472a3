/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/db_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/log/log.h"

#define PIECE_PAGES 256

static int copy_pages(sqlite3 *target, sqlite3 *source, const struct db_copy_options *options,
                      char *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", source, "main");
    if (backup == NULL) {
        return db_error(target, error);
    }
    int code = SQLITE_OK;
    bool goes_on = true;
    while (code == SQLITE_OK && goes_on) {
        code = sqlite3_backup_step(backup, PIECE_PAGES);
        goes_on = code != SQLITE_OK || options->goes_on(options->user);
    }
    code = sqlite3_backup_finish(backup);
    if (code != SQLITE_OK) {
        return db_error(target, error);
    }
    return goes_on ? 0 : log_error(error, -ECANCELED, "the copy is no longer wanted");
}

static void remove_copy(const char *target)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        int size = snprintf(path, sizeof(path), "%s%s", target, suffixes[i]);
        if (size < (int)sizeof(path)) {
            (void)unlink(path);
        }
    }
}

int db_copy(sqlite3 *source, const char *target, const struct db_copy_options *options, char *error)
{
    sqlite3 *db = NULL;
    assert(sqlite3_get_autocommit(source) == 0); /* in a transaction: it sees one state */
    int fd = open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return log_error(error, -errno, "cannot create %s: %s", target, strerror(errno));
    }
    (void)close(fd);
    int result = db_open(&db, target, SQLITE_OPEN_READWRITE, error);
    if (result == 0) {
        result = db_exec(db, "PRAGMA synchronous=OFF", error);
    }
    if (result == 0) {
        result = copy_pages(db, source, options, error);
    }
    if (result == 0) {
        result = db_exec(db, options->last, error);
    }
    if (db != NULL && sqlite3_close(db) != SQLITE_OK && result == 0) {
        result = log_error(error, -EIO, "cannot close %s", target);
    }
    if (result != 0) {
        remove_copy(target);
    }
    return result;
}
