/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log in SQLite database files of bounded size, one after another, in WAL mode.
 *
 * Opening: lock the directory; look through every -wal before SQLite does (wal_scan.h); open each
 * file in turn, which writes what is in its -wal to the database, and see that it continues the one
 * before it. A newest file without tables is one whose creation a crash cut off: it is removed.
 *
 * Writing: each append is one transaction, synced. A checkpoint runs beside the commits for every
 * CHECKPOINT_SIZE of -wal. SQLite reuses a -wal from its beginning only when all of it was
 * checkpointed, which never happens under steady load: so when it has reached the size of a file,
 * the log thread itself finishes the checkpoint between two commits.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/log/log_sqlite.h"
#include "daemon/log/wal_scan.h"

#define FILE_SIZE_MAX_DEFAULT ((uint64_t)256 << 20)
#define CHECKPOINT_SIZE ((uint64_t)16 << 20)

static struct log_sqlite *sqlite_of(struct command_log *log)
{
    return (struct log_sqlite *)log; /* base is its first member */
}

static int on_start(struct command_log *log, char *error)
{
    struct log_sqlite *sqlite = sqlite_of(log);
    int result = checkpointer_start(&sqlite->checkpointer, &sqlite->place);
    return result == 0 ? 0
                       : log_error(error, result, "cannot start the checkpoint thread: %s",
                                   strerror(-result));
}

static void on_stop(struct command_log *log)
{
    struct log_sqlite *sqlite = sqlite_of(log);
    if (log->failure == 0) {
        log->failure = checkpointer_failure(sqlite->checkpointer, log->message);
    }
    checkpointer_stop(sqlite->checkpointer);
    sqlite->checkpointer = NULL;
}

static int on_commit(struct command_log *log, const struct log_commit *commit, char *error)
{
    return log_file_commit(sqlite_of(log)->file, commit, error);
}

static int next_file(struct log_sqlite *sqlite, char *error)
{
    struct log_position *end = &sqlite->base.end;
    struct log_file *file;
    int result = sqlite->file_number < LOG_FILES_MAX
                     ? log_file_create(&file, &sqlite->place, sqlite->file_number + 1, end,
                                       &sqlite->base.chains, error)
                     : log_error(error, -EFBIG, "the log has %u files: there are no names for more",
                                 LOG_FILES_MAX);
    if (result != 0) {
        return result;
    }
    if (file_index_add(&sqlite->index, end) != 0) {
        log_file_abandon(file);
        return log_error(error, -ENOMEM, "out of memory for the list of the log's files");
    }
    checkpointer_finish(sqlite->checkpointer, sqlite->file);
    sqlite->file = file;
    sqlite->file_number++;
    sqlite->wal_wanted = 0;
    return 0;
}

static int on_tidy(struct command_log *log, char *error)
{
    struct log_sqlite *sqlite = sqlite_of(log);
    uint64_t size = 0;
    int result = checkpointer_failure(sqlite->checkpointer, error);
    if (result == 0) {
        result = log_file_size(sqlite->file, &size, error);
    }
    if (result != 0 || size >= sqlite->file_size_max) {
        return result != 0 ? result : next_file(sqlite, error);
    }
    uint64_t wal_size = log_file_wal_size(sqlite->file);
    if (wal_size < sqlite->wal_wanted) {
        sqlite->wal_wanted = 0; /* SQLite began again at its beginning */
    }
    if (wal_size - sqlite->wal_wanted < CHECKPOINT_SIZE) {
        return 0;
    }
    sqlite->wal_wanted = wal_size;
    if (wal_size >= sqlite->file_size_max) {
        return log_file_checkpoint(sqlite->file, error);
    }
    checkpointer_want(sqlite->checkpointer, sqlite->file_number);
    return 0;
}

static int on_put_digest(struct command_log *log, const struct log_digest *digest, char *error)
{
    return log_file_put_digest(sqlite_of(log)->file, digest, error);
}

/* Also of a log that was only half opened. */
static void on_close(struct command_log *log)
{
    struct log_sqlite *sqlite = sqlite_of(log);
    if (log->failure == 0 && log_file_mark_closed(sqlite->file, log->message) == 0) {
        log_file_close(sqlite->file);
    } else {
        log_file_abandon(sqlite->file);
    }
    file_index_fini(&sqlite->index);
    log_place_close(&sqlite->place);
    log_base_fini(log);
    free(sqlite);
}

static const struct log_backend backend = {
    .start = on_start,
    .commit = on_commit,
    .tidy = on_tidy,
    .stop = on_stop,
    .read_batches = log_sqlite_read_batches,
    .put_digest = on_put_digest,
    .reader_open = log_sqlite_reader_open,
    .close = on_close,
};

static int scan_files(const struct log_sqlite *sqlite, uint32_t count, char *error)
{
    for (uint32_t number = 1; number <= count; number++) {
        char name[LOG_NAME_SIZE];
        log_place_name(number, "-wal", name);
        int result = wal_scan(sqlite->place.fd, name, error);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* An opened file against the end of the one before it. */
static int check_file(struct log_file *file, uint32_t number, const struct log_position *before,
                      bool is_last, char *error)
{
    struct log_position start;
    int result = log_file_start(file, &start, error);
    if (result != 0) {
        return result;
    }
    if (start.seq != before->seq || start.ordinal != before->ordinal ||
        start.settlement != before->settlement ||
        memcmp(start.link, before->link, LOG_HASH_SIZE) != 0) {
        return log_error(
            error, -EBADMSG,
            "file %" PRIu32 " of the log starts after sequence %" PRIu64 " and action %" PRIu64
            ", but file %" PRIu32 " ends at %" PRIu64 " and %" PRIu64,
            number, start.seq, start.ordinal, number - 1, before->seq, before->ordinal);
    }
    bool finished = false;
    result = log_file_finished(file, &finished, error);
    if (result == 0 && finished && is_last) {
        result = log_error(error, -EBADMSG,
                           "file %" PRIu32 " of the log is missing or empty, although file %" PRIu32
                           " says that it is followed: restore it",
                           number + 1, number);
    }
    return result;
}

/* Opens a file and moves *position from its start to its end. *ret_file as in log_file_open. */
static int open_file(struct log_sqlite *sqlite, uint32_t number, bool is_last,
                     struct log_position *position, struct log_file **ret_file, char *error)
{
    struct log_file *file;
    int result = log_file_open(&file, &sqlite->place, number, error);
    *ret_file = file;
    if (result != 0 || file == NULL) {
        return result;
    }
    result = check_file(file, number, position, is_last, error);
    if (result == 0 && file_index_add(&sqlite->index, position) != 0) {
        result = log_error(error, -ENOMEM, "out of memory for the list of the log's files");
    }
    if (result == 0) {
        result = log_file_end(file, position, error);
    }
    if (result != 0) {
        log_file_abandon(file);
    }
    return result;
}

/* Closes a file when the next one was opened; a crash may have left it unfinished. */
static int retire(struct log_file *file, char *error)
{
    bool finished = false;
    int result = log_file_finished(file, &finished, error);
    if (result == 0 && !finished) {
        result = log_file_finish(file, error);
    }
    if (result != 0) {
        log_file_abandon(file);
    } else {
        log_file_close(file);
    }
    return result;
}

/* Opens all files, keeps the newest open. */
static int open_files(struct log_sqlite *sqlite, uint32_t count, struct log_position *position,
                      char *error)
{
    for (uint32_t number = 1; number <= count; number++) {
        struct log_file *file;
        int result = open_file(sqlite, number, number == count, position, &file, error);
        if (result != 0) {
            return result;
        }
        if (file != NULL) {
            struct log_file *before = sqlite->file;
            sqlite->file = file;
            sqlite->file_number = number;
            result = before == NULL ? 0 : retire(before, error);
            if (result != 0) {
                return result;
            }
            continue;
        }
        if (number < count) {
            return log_error(error, -EBADMSG,
                             "file %" PRIu32 " of the log is empty, but %" PRIu32
                             " follow it: restore it",
                             number, count - number);
        }
        return log_place_remove(&sqlite->place, number, error);
    }
    return 0;
}

static int first_file(struct log_sqlite *sqlite, char *error)
{
    struct log_position start = {0};
    struct pool_chains none = {0};
    sqlite->file_number = 1;
    if (file_index_add(&sqlite->index, &start) != 0) {
        return log_error(error, -ENOMEM, "out of memory for the list of the log's files");
    }
    return log_file_create(&sqlite->file, &sqlite->place, 1, &start, &none, error);
}

static int open_log(struct log_sqlite *sqlite, const struct log_options *options, char *error)
{
    int result = log_place_open(&sqlite->place, options->directory, options->create, error);
    uint32_t count = 0;
    if (result == 0) {
        result = log_place_count(&sqlite->place, &count, error);
    }
    if (result == 0) {
        result = scan_files(sqlite, count, error);
    }
    struct log_position end = {0};
    if (result == 0) {
        result = open_files(sqlite, count, &end, error);
    }
    if (result == 0) {
        result = sqlite->file != NULL ? log_file_mark_open(sqlite->file, error)
                 : options->create
                     ? first_file(sqlite, error)
                     : log_error(error, -ENOENT, "there is no log in %s", sqlite->place.directory);
    }
    if (result == 0) {
        result = log_file_chains(sqlite->file, &sqlite->base.chains, error);
    }
    if (result == 0) {
        result = log_file_get_digest(sqlite->file, &sqlite->base.digest, error);
    }
    log_base_resume(&sqlite->base, &end);
    return result;
}

int log_open_sqlite(struct command_log **ret_log, const struct log_options *options,
                    char error[LOG_ERROR_SIZE])
{
    struct log_sqlite *sqlite = calloc(1, sizeof(*sqlite));
    int result = sqlite == NULL ? -ENOMEM : log_base_init(&sqlite->base, &backend);
    if (result != 0) {
        free(sqlite);
        return log_error(error, result, "cannot set up the log: %s", strerror(-result));
    }
    sqlite->place.fd = -1;
    sqlite->place.lock_fd = -1;
    sqlite->file_size_max =
        options->file_size_max == 0 ? FILE_SIZE_MAX_DEFAULT : options->file_size_max;
    result = file_index_init(&sqlite->index);
    if (result != 0) {
        log_base_fini(&sqlite->base);
        free(sqlite);
        return log_error(error, result, "cannot set up the log: %s", strerror(-result));
    }
    result = open_log(sqlite, options, error);
    if (result != 0) {
        sqlite->base.failure = result; /* so that closing writes nothing */
        on_close(&sqlite->base);
        return result;
    }
    *ret_log = &sqlite->base;
    return 0;
}
