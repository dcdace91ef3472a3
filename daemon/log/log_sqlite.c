/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log in SQLite database files of bounded size, one after another, in WAL mode.
 *
 * Writing: each append is one transaction, synced. A checkpoint runs beside the commits for every
 * checkpoint_size of -wal. SQLite reuses a -wal from its beginning only when all of it was
 * checkpointed, which never happens under steady load: so when it has reached the size of a file,
 * the log thread itself finishes the checkpoint between two commits.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/archive/archive_db.h"
#include "daemon/log/log_sqlite.h"

#define FILE_SIZE_MAX_DEFAULT ((uint64_t)256 << 20)
#define CHECKPOINT_SIZE_DEFAULT ((uint64_t)16 << 20)

static const struct log_backend backend;

struct log_sqlite *log_sqlite_of(struct command_log *log)
{
    assert(log->backend == &backend);
    return (struct log_sqlite *)log; /* base is its first member */
}

static struct end_note note_of(const struct log_sqlite *sqlite, const struct log_position *end)
{
    struct end_note note = {.seq = end->seq, .number = sqlite->file_number};
    memcpy(note.hash, end->link, LOG_HASH_SIZE);
    return note;
}

static void stop_end_writer(struct log_sqlite *sqlite)
{
    char error[LOG_ERROR_SIZE];
    int result = end_writer_stop(sqlite->end_writer, error);
    if (sqlite->base.failure == 0 && result != 0) {
        sqlite->base.failure = result;
        memcpy(sqlite->base.message, error, LOG_ERROR_SIZE);
    }
    sqlite->end_writer = NULL;
}

static int on_start(struct command_log *log, char *error)
{
    struct log_sqlite *sqlite = log_sqlite_of(log);
    struct end_note note = note_of(sqlite, &log->end);
    int result = end_file_write(&sqlite->end_file, &note, error);
    if (result != 0) {
        return result;
    }
    result = end_writer_start(&sqlite->end_writer, &sqlite->end_file);
    if (result != 0) {
        return log_error(error, result, "cannot start the thread that notes the log's end: %s",
                         strerror(-result));
    }
    result = checkpointer_start(&sqlite->checkpointer, &sqlite->place);
    if (result != 0) {
        stop_end_writer(sqlite);
        return log_error(error, result, "cannot start the checkpoint thread: %s",
                         strerror(-result));
    }
    return 0;
}

static void on_stop(struct command_log *log)
{
    struct log_sqlite *sqlite = log_sqlite_of(log);
    if (log->failure == 0) {
        log->failure = checkpointer_failure(sqlite->checkpointer, log->message);
    }
    pthread_mutex_lock(&log->storing); /* old files may still be cut: log_cut.h */
    checkpointer_stop(sqlite->checkpointer);
    sqlite->checkpointer = NULL;
    pthread_mutex_unlock(&log->storing);
    stop_end_writer(sqlite);
}

static int on_commit(struct command_log *log, const struct log_commit *commit, char *error)
{
    struct log_sqlite *sqlite = log_sqlite_of(log);
    int result = log_file_commit(sqlite->file, commit, error);
    if (result == 0 && sqlite->end_writer != NULL && commit->batch->records_count > 0) {
        struct end_note note = note_of(sqlite, &commit->end);
        end_writer_note(sqlite->end_writer, &note);
    }
    return result;
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
    struct log_sqlite *sqlite = log_sqlite_of(log);
    uint64_t size = 0;
    int result = checkpointer_failure(sqlite->checkpointer, error);
    if (result == 0) {
        result = end_writer_failure(sqlite->end_writer, error);
    }
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
    if (wal_size - sqlite->wal_wanted < sqlite->checkpoint_size) {
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
    return log_file_put_digest(log_sqlite_of(log)->file, digest, error);
}

/* All readers are closed: what they have left of the files can go. */
static int finish_files(struct log_sqlite *sqlite, char *error)
{
    struct end_note note = note_of(sqlite, &sqlite->base.end);
    int result = end_file_write(&sqlite->end_file, &note, error);
    if (result == 0) {
        result = log_file_mark_closed(sqlite->file, error);
    }
    if (result != 0) {
        return result;
    }
    log_file_close(sqlite->file);
    sqlite->file = NULL;
    uint32_t number = file_index_first(&sqlite->index);
    for (; result == 0 && number <= sqlite->file_number; number++) {
        result = log_file_tidy(&sqlite->place, number, error);
    }
    return result;
}

/* Also of a log that was only half opened. */
static void on_close(struct command_log *log)
{
    struct log_sqlite *sqlite = log_sqlite_of(log);
    if (log->failure == 0 && !sqlite->place.read_only) {
        log->failure = finish_files(sqlite, log->message);
    }
    log_file_abandon(sqlite->file);
    end_file_close(&sqlite->end_file);
    file_index_fini(&sqlite->index);
    archive_close(sqlite->place.archive);
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
    .link = log_sqlite_link,
    .chains = log_sqlite_chains,
    .put_digest = on_put_digest,
    .reader_open = log_sqlite_reader_open,
    .close = on_close,
};

int log_open_sqlite(struct command_log **ret_log, const struct log_options *options,
                    char error[LOG_ERROR_SIZE])
{
    struct log_sqlite *sqlite = calloc(1, sizeof(*sqlite));
    int result = sqlite == NULL ? -ENOMEM : log_base_init(&sqlite->base, &backend);
    if (result != 0) {
        free(sqlite);
        return log_error(error, result, "cannot set up the log: %s", strerror(-result));
    }
    sqlite->base.archive = options->archive;
    sqlite->place.fd = -1;
    sqlite->place.lock_fd = -1;
    sqlite->end_file.fd = -1;
    sqlite->file_size_max =
        options->file_size_max == 0 ? FILE_SIZE_MAX_DEFAULT : options->file_size_max;
    sqlite->checkpoint_size =
        options->checkpoint_size == 0 ? CHECKPOINT_SIZE_DEFAULT : options->checkpoint_size;
    result = file_index_init(&sqlite->index);
    if (result != 0) {
        log_base_fini(&sqlite->base);
        free(sqlite);
        return log_error(error, result, "cannot set up the log: %s", strerror(-result));
    }
    result = log_sqlite_open_files(sqlite, options, error);
    if (result != 0) {
        sqlite->base.failure = result; /* so that closing writes nothing */
        on_close(&sqlite->base);
        return result;
    }
    *ret_log = &sqlite->base;
    return 0;
}
