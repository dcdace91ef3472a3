/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the log: lock the directory; look through every -wal before SQLite does (wal_scan.h);
 * open each file in turn and see that it continues the one before it; compare the end with the note
 * of it (end_note.h). Only then is anything changed: a newest file whose creation a crash cut off
 * is removed, and the newest -wal is written to its database.
 */
#include <errno.h>
#include <inttypes.h>

#include "daemon/archive/archive_db.h"
#include "daemon/log/log_archive.h"
#include "daemon/log/log_sqlite.h"
#include "daemon/log/wal_scan.h"

#define END_NAME "log-end"

/* SQLite removes the -wal of an empty database. So no commit may be in it. */
static int scan_files(const struct log_sqlite *sqlite, uint32_t first, uint32_t last, char *error)
{
    for (uint32_t number = first; number <= last; number++) {
        char name[LOG_NAME_SIZE];
        uint64_t commits;
        log_place_name(number, "-wal", name);
        int result = wal_scan(sqlite->place.fd, name, true, &commits, error);
        if (result == 0 && commits > 0 && log_place_size(&sqlite->place, number, "") == 0) {
            result = log_error(error, -EBADMSG,
                               "log-%08" PRIu32 ".db is empty, but %s holds %" PRIu64
                               " commits: restore both from one copy",
                               number, name, commits);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int check_followed(struct log_file *file, uint32_t number, char *error)
{
    bool is_finished;
    int result = log_file_finished(file, &is_finished, error);
    return result == 0 && is_finished
               ? log_error(error, -EBADMSG,
                           "file %" PRIu32 " of the log is missing or empty, although file %" PRIu32
                           " says that it is followed: restore log-%08" PRIu32
                           ".db, with its -wal, from a copy",
                           number + 1, number, number + 1)
               : result;
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
        return log_error(error, -EBADMSG,
                         "file %" PRIu32 " of the log starts after sequence %" PRIu64
                         " and action %" PRIu64 ", but the one before it ends at %" PRIu64
                         " and %" PRIu64,
                         number, start.seq, start.ordinal, before->seq, before->ordinal);
    }
    return is_last ? check_followed(file, number, error) : 0;
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
    bool is_beside = sqlite->place.read_only && !sqlite->place.is_alone;
    result = check_file(file, number, position, is_last && !is_beside, error);
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
static int retire(struct log_file *file, bool read_only, char *error)
{
    if (read_only) {
        log_file_abandon(file);
        return 0;
    }
    bool finished = false;
    int result = log_file_empty_wal(file, error);
    if (result == 0) {
        result = log_file_finished(file, &finished, error);
    }
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

/*
 * A file without tables. If it is the newest, and no file says that it was ever completed, a crash
 * cut off its creation: it takes commands only after it was synced whole, and the file before it
 * says `finish` only after that.
 */
static int check_empty(struct log_sqlite *sqlite, uint32_t number, uint32_t last, char *error)
{
    if (number < last) {
        return log_error(error, -EBADMSG,
                         "file %" PRIu32 " of the log is empty, but %" PRIu32
                         " follow it: restore it",
                         number, last - number);
    }
    if (sqlite->file != NULL) {
        return check_followed(sqlite->file, number - 1, error);
    }
    return number == 1 ? 0
                       : log_error(error, -EBADMSG,
                                   "file %" PRIu32 " of the log is empty, with which it begins "
                                   "since older files were cut: restore it",
                                   number);
}

/* Opens all files, keeps the newest open. *ret_cut_off: the number of a newest file whose creation
 * was cut off, else 0. Changes nothing in the newest. */
static int open_files(struct log_sqlite *sqlite, uint32_t first, uint32_t last,
                      struct log_position *position, uint32_t *ret_cut_off, char *error)
{
    *ret_cut_off = 0;
    for (uint32_t number = first; number <= last; number++) {
        struct log_file *file;
        int result = open_file(sqlite, number, number == last, position, &file, error);
        if (result == 0 && file == NULL) {
            *ret_cut_off = number;
            result = check_empty(sqlite, number, last, error);
        }
        if (result != 0) {
            return result;
        }
        if (file != NULL) {
            struct log_file *before = sqlite->file;
            sqlite->file = file;
            sqlite->file_number = number;
            result = before == NULL ? 0 : retire(before, sqlite->place.read_only, error);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int read_noted_link(const struct log_sqlite *sqlite, uint32_t number, uint64_t seq,
                           bool *ret_found, uint8_t ret_link[LOG_HASH_SIZE], char *error)
{
    if (number == sqlite->file_number) {
        return log_file_link(sqlite->file, seq, ret_found, ret_link, error);
    }
    struct log_file *file;
    int result = log_file_open_beside(&file, &sqlite->place, number, error);
    if (result == 0) {
        result = log_file_link(file, seq, ret_found, ret_link, error);
        log_file_abandon(file);
    }
    return result;
}

/* The end of the log against the note of it. */
static int check_end(struct log_sqlite *sqlite, const struct log_position *end, char *error)
{
    int result = end_file_open(&sqlite->end_file, sqlite->place.fd, END_NAME, error);
    const struct end_note *note = &sqlite->end_file.last;
    if (result != 0 || note->seq == 0) {
        return result;
    }
    if (note->seq > end->seq) {
        return log_error(error, -EBADMSG,
                         "the log ends at sequence %" PRIu64 ", but " END_NAME
                         " notes sequence %" PRIu64 " in file %" PRIu32 ": at least %" PRIu64
                         " commands are missing. Restore all log-* files from one copy. To go on"
                         " without those commands, remove " END_NAME,
                         end->seq, note->seq, note->number, note->seq - end->seq);
    }
    if (note->seq < log_begin(&sqlite->base).seq) {
        return 0; /* what it notes was cut since */
    }
    uint32_t first = file_index_first(&sqlite->index);
    uint32_t number = note->number;
    if (number < first && note->seq == log_begin(&sqlite->base).seq) {
        number = first; /* the file that ended there was cut: the next one starts there */
    }
    bool is_found = false;
    uint8_t link[LOG_HASH_SIZE];
    if (number >= first && number <= sqlite->file_number) {
        result = read_noted_link(sqlite, number, note->seq, &is_found, link, error);
    }
    if (result == 0 && (!is_found || memcmp(link, note->hash, LOG_HASH_SIZE) != 0)) {
        result = log_error(error, -EBADMSG,
                           "file %" PRIu32 " of the log does not hold what " END_NAME
                           " notes at sequence %" PRIu64 ": restore all log-* files from one copy,"
                           " or remove " END_NAME " if the log is the right one",
                           note->number, note->seq);
    }
    return result;
}

static int keep_newest(struct log_sqlite *sqlite, char *error)
{
    if (sqlite->place.read_only) {
        return 0;
    }
    int result = log_file_empty_wal(sqlite->file, error);
    return result == 0 ? log_file_mark_open(sqlite->file, error) : result;
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

static int begin_after_cut(struct log_sqlite *sqlite, const struct begin_note *note, char *error)
{
    struct begin_note begin = *note;
    int result = 0;
    file_index_begin(&sqlite->index, begin.number);
    if (begin.number > 1 && sqlite->place.read_only && sqlite->base.archive != NULL) {
        result = archive_open(&sqlite->place.archive, sqlite->base.archive, error);
        result = result == 0 ? log_archive_add(sqlite, note, &begin, error) : result;
    }
    if (result == 0 && begin.number > 1) {
        memcpy(sqlite->base.identity, begin.identity, sizeof(begin.identity));
        log_base_begin(&sqlite->base, &begin.position);
    }
    return result;
}

static int open_directory(struct log_sqlite *sqlite, const struct log_options *options,
                          struct log_position *ret_end, char *error)
{
    uint32_t last = 0;
    uint32_t cut_off = 0;
    struct begin_note begin = {.number = 1};
    int result = options->read_only
                     ? log_place_open_read_only(&sqlite->place, options->directory, error)
                     : log_place_open(&sqlite->place, options->directory, options->create, error);
    if (result == 0) {
        if (!options->read_only) {
            reserve_release_if_low(sqlite->place.fd, &options->reserve);
        }
        result = begin_note_read(&begin, sqlite->place.fd, error);
    }
    if (result == 0) {
        result = log_place_last(&sqlite->place, begin.number, &last, error);
    }
    /* A daemon that runs has done so itself, and goes on writing. */
    bool is_beside = sqlite->place.read_only && !sqlite->place.is_alone;
    if (result == 0 && !is_beside) {
        result = scan_files(sqlite, begin.number, last, error);
    }
    if (result == 0) {
        result = begin_after_cut(sqlite, &begin, error);
    }
    if (result == 0) {
        *ret_end = begin.position;
        result = open_files(sqlite, begin.number, last, ret_end, &cut_off, error);
    }
    if (result == 0 && !is_beside) {
        result = check_end(sqlite, ret_end, error);
    }
    return result == 0 && cut_off != 0 && !options->read_only
               ? log_place_remove(&sqlite->place, cut_off, error)
               : result;
}

int log_sqlite_open_files(struct log_sqlite *sqlite, const struct log_options *options, char *error)
{
    struct log_position end = {0};
    int result = open_directory(sqlite, options, &end, error);
    if (result == 0) {
        result = sqlite->file != NULL ? keep_newest(sqlite, error)
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
    if (sqlite->base.digest.seq > end.seq && sqlite->place.read_only) {
        sqlite->base.digest.known = false; /* a daemon stopped meanwhile */
    }
    log_base_resume(&sqlite->base, &end);
    return result;
}
