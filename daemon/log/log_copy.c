/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_copy.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "daemon/log/log_file_private.h"
#include "daemon/log/log_sqlite.h"

const char *log_copy_directory(const struct command_log *log)
{
    return ((const struct log_sqlite *)log)->place.directory; /* base is its first member */
}

struct copying {
    struct log_sqlite *sqlite;
    const struct db_copy_options *options;
    log_copy_fn fn;
};

static int copy_file(const struct copying *copying, struct log_file *file, uint32_t number,
                     char *error)
{
    const struct log_place *place = &copying->sqlite->place;
    char name[LOG_NAME_SIZE];
    char target[PATH_MAX];
    log_place_name(number, "", name);
    int size = snprintf(target, sizeof(target), "%s/" LOG_COPY_PREFIX "%s", place->directory, name);
    if (size >= (int)sizeof(target)) {
        return log_error(error, -ENAMETOOLONG, "the path of the data directory is too long");
    }
    return db_copy(file->db, target, copying->options, error);
}

static void report(const struct copying *copying, uint32_t number, bool is_copy)
{
    struct log_copy_file file = {.number = number, .is_copy = is_copy};
    if (!is_copy) {
        file.size = log_place_size(&copying->sqlite->place, number, "");
    }
    copying->fn(copying->options->user, &file);
}

/* Opens a file and sees it as of one commit. */
static int begin(struct log_sqlite *sqlite, uint32_t number, struct log_file **ret_file,
                 bool *ret_finished, char *error)
{
    struct log_file *file;
    int result = log_file_open_beside(&file, &sqlite->place, number, error);
    if (result != 0) {
        return result;
    }
    result = db_exec(file->db, "BEGIN", error);
    if (result == 0) {
        result = log_file_finished(file, ret_finished, error);
    }
    if (result != 0) {
        log_file_abandon(file);
        return result;
    }
    *ret_file = file;
    return 0;
}

/* A new file may begin while this looks for the newest. */
static int copy_newest(const struct copying *copying, uint32_t *ret_number,
                       struct log_position *ret_end, char *error)
{
    uint32_t number = file_index_last(&copying->sqlite->index);
    struct log_file *file;
    bool is_finished;
    int result = begin(copying->sqlite, number, &file, &is_finished, error);
    while (result == 0 && is_finished) {
        log_file_abandon(file);
        result = begin(copying->sqlite, ++number, &file, &is_finished, error);
    }
    if (result != 0) {
        return result;
    }
    result = log_file_end(file, ret_end, error);
    if (result == 0) {
        result = copy_file(copying, file, number, error);
    }
    log_file_abandon(file);
    if (result == 0) {
        report(copying, number, true);
        *ret_number = number;
    }
    return result;
}

static int copy_older(const struct copying *copying, uint32_t number, char *error)
{
    struct log_file *file;
    bool is_finished;
    int result = begin(copying->sqlite, number, &file, &is_finished, error);
    if (result != 0) {
        return result;
    }
    bool is_copy = !is_finished || log_place_size(&copying->sqlite->place, number, "-wal") > 0;
    if (is_copy) {
        result = copy_file(copying, file, number, error);
    }
    log_file_abandon(file);
    if (result == 0) {
        report(copying, number, is_copy);
    }
    return result;
}

int log_copy_make(struct command_log *log, const struct db_copy_options *options, log_copy_fn fn,
                  struct log_position *ret_end, char *error)
{
    struct copying copying = {
        .sqlite = (struct log_sqlite *)log, /* base is its first member */
        .options = options,
        .fn = fn,
    };
    uint32_t number;
    int result = copy_newest(&copying, &number, ret_end, error);
    while (result == 0 && number > 1 && log_place_has(&copying.sqlite->place, number - 1, "")) {
        result = copy_older(&copying, --number, error);
    }
    return result;
}

int log_copy_edges(struct command_log *log, uint32_t number, struct log_position *ret_start,
                   struct log_position *ret_end, char *error)
{
    struct log_sqlite *sqlite = log_sqlite_of(log);
    struct log_file *file;
    bool is_finished;
    int result = begin(sqlite, number, &file, &is_finished, error);
    if (result != 0) {
        return result;
    }
    if (!is_finished || log_place_size(&sqlite->place, number, "-wal") > 0) {
        result = log_error(error, -EAGAIN, "file %" PRIu32 " of the log is still being finished",
                           number);
    }
    result = result == 0 ? log_file_start(file, ret_start, error) : result;
    result = result == 0 ? log_file_end(file, ret_end, error) : result;
    log_file_abandon(file);
    return result;
}

/* Through SQLite's own descriptor: closing another one of the file would drop the locks that this
 * process holds on it. */
int log_copy_read(struct command_log *log, uint32_t number, uint64_t offset, struct buffer *out,
                  size_t size, char *error)
{
    struct log_sqlite *sqlite = (struct log_sqlite *)log;
    struct log_file *file;
    sqlite3_file *bytes = NULL;
    uint64_t version;
    if (!log_place_has(&sqlite->place, number, "")) {
        return log_error(error, -ENOENT, "file %" PRIu32 " of the log is gone", number);
    }
    int result = log_file_open_beside(&file, &sqlite->place, number, error);
    if (result != 0) {
        return result;
    }
    result = log_file_query_u64(file, "PRAGMA user_version", &version, error);
    if (result == 0 &&
        sqlite3_file_control(file->db, "main", SQLITE_FCNTL_FILE_POINTER, &bytes) != SQLITE_OK) {
        result = db_error(file->db, error);
    }
    if (result == 0) {
        result = buffer_reserve(out, size)
                     ? 0
                     : log_error(error, -ENOMEM, "out of memory for a file of the log");
    }
    if (result == 0) {
        int code =
            bytes->pMethods->xRead(bytes, out->bytes + out->size, (int)size, (sqlite3_int64)offset);
        result = code == SQLITE_OK
                     ? 0
                     : log_error(error, -EIO,
                                 "cannot read file %" PRIu32 " of the log (SQLite error %d)",
                                 number, code);
    }
    out->size += result == 0 ? size : 0;
    log_file_abandon(file);
    return result;
}
