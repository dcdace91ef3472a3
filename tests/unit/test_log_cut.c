/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting old files off a log. Goal: what is kept is exactly what it was, to every reader and after a
 * restart; a crash at any point leaves the log as it was or cut; a file that is missing for another
 * reason is missed. Method: a log of many small files, cut at each of its places in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log/identity.h"
#include "daemon/log/log_cut.h"
#include "tests/unit/log_fixture.h"
#include "tests/unit/unit_main.h"

#define FILE_SIZE ((uint64_t)512 << 10)
#define FILES_MAX 64
#define BATCHES 24

static struct command_log *reopen(struct command_log *log)
{
    log_close(log);
    return support_open(directory, FILE_SIZE);
}

static void path_of(uint32_t number, const char *suffix, char ret_path[PATH_MAX + 64])
{
    (void)snprintf(ret_path, PATH_MAX + 64, "%s/log-%08u.db%s", directory, number, suffix);
}

static bool has_file(uint32_t number)
{
    char path[PATH_MAX + 64];
    path_of(number, "", path);
    return access(path, F_OK) == 0;
}

struct seen {
    uint64_t first, last, count;
};

static bool on_action(void *user, const struct log_action_row *row,
                      const uint8_t hash[LOG_HASH_SIZE])
{
    struct seen *seen = user;
    (void)hash;
    seen->first = seen->count == 0 ? row->ordinal : seen->first;
    seen->last = row->ordinal;
    seen->count++;
    return true;
}

static bool on_settlement(void *user, const struct log_settlement_row *row)
{
    struct seen *seen = user;
    seen->first = seen->count == 0 ? row->ordinal : seen->first;
    seen->last = row->ordinal;
    seen->count++;
    return true;
}

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    struct seen *seen = user;
    (void)records;
    (void)size;
    seen->first = seen->count == 0 ? first_seq : seen->first;
    seen->last = first_seq + count - 1;
    seen->count += count;
    return true;
}

/* Everything after the beginning is there, by every way of reading, and its chains hold. */
static void check_kept(struct command_log *log)
{
    struct log_begin begin = log_begin(log);
    struct log_reader *reader;
    struct log_filter actions = {.type = UINT8_MAX, .limit = UINT32_MAX};
    struct log_settlement_filter settlements = {.limit = UINT32_MAX};
    struct seen seen = {0};
    ck_assert_msg(log_read_records(log, begin.seq, on_records, &seen, error) == 0, "%s", error);
    bool is_empty = log_last_seq(log) == begin.seq; /* the newest file has just begun */
    ck_assert_uint_eq(seen.first, is_empty ? 0 : begin.seq + 1);
    ck_assert_uint_eq(seen.last, is_empty ? 0 : log_last_seq(log));
    ck_assert_uint_eq(seen.count, log_last_seq(log) - begin.seq);
    const struct log_action_place place = {.ordinal = begin.ordinal};
    seen = (struct seen){0};
    ck_assert_msg(log_read_actions(log, &place, on_action, &seen, error) == 0, "%s", error);
    ck_assert_uint_eq(seen.count, log_last_ordinal(log) - begin.ordinal);
    ck_assert_int_eq(log_reader_open(&reader, log, error), 0);
    seen = (struct seen){0};
    ck_assert_int_eq(log_reader_actions(reader, &actions, on_action, &seen, error), 0);
    ck_assert_uint_eq(seen.count, log_last_ordinal(log) - begin.ordinal);
    ck_assert(seen.count == 0 || seen.first == begin.ordinal + 1);
    seen = (struct seen){0};
    ck_assert_int_eq(log_reader_settlements(reader, &settlements, on_settlement, &seen, error), 0);
    ck_assert(seen.count == 0 || seen.first == begin.settlement + 1);
    ck_assert_uint_eq(seen.count, BATCHES / 3 - begin.settlement);
    log_reader_close(reader);
}

START_TEST(each_cut_keeps_what_follows)
{
    struct command_log *log = support_make(directory, FILE_SIZE, BATCHES);
    struct log_old_file files[FILES_MAX];
    uint32_t count = log_old_files(log, files, FILES_MAX);
    char identity[LOG_IDENTITY_DIGITS + 1];
    ck_assert_int_eq(log_identify(log, error), 0);
    (void)strcpy(identity, log_identity(log));
    ck_assert_uint_gt(count, 4);
    ck_assert_uint_lt(count, FILES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t cut;
        ck_assert_int_eq(log_cut(log, files[i].last_seq - 1, &cut, error), 0);
        ck_assert_uint_eq(cut, 0); /* it holds one more */
        ck_assert_msg(log_cut(log, files[i].last_seq, &cut, error) == 0, "%s", error);
        ck_assert_uint_eq(cut, 1);
        ck_assert(!has_file(files[i].number));
        ck_assert(has_file(files[i].number + 1));
        ck_assert_uint_eq(log_begin(log).seq, files[i].last_seq);
        ck_assert_uint_eq(log_dropped_ordinal(log), files[i].last_ordinal);
        check_kept(log);
        log = reopen(log);
        ck_assert_int_eq(log_identify(log, error), 0);
        ck_assert_str_eq(log_identity(log), identity);
        ck_assert_uint_eq(log_begin(log).seq, files[i].last_seq);
        check_kept(log);
    }
    uint32_t none;
    ck_assert_int_eq(log_cut(log, UINT64_MAX, &none, error), 0);
    ck_assert_uint_eq(none, 0); /* the newest stays */
    log_close(log);
}

END_TEST

/* Of files that end at one sequence a cut at it takes one, and leaves the actions of the others. */
START_TEST(files_of_actions_alone_stay)
{
    struct command_log *log = support_open(directory, FILE_SIZE);
    ck_assert_int_eq(log_identify(log, error), 0);
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    append(log, 400, 300, false);
    for (uint32_t i = 0; i < BATCHES; i++) {
        append(log, 0, 500, false);
    }
    log_stop(log);
    log = reopen(log);
    struct log_old_file files[FILES_MAX];
    uint32_t count = log_old_files(log, files, FILES_MAX);
    ck_assert_uint_gt(count, 2);
    ck_assert_int_eq(log_identify(log, error), 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t cut;
        ck_assert_uint_eq(files[i].last_seq, log_last_seq(log));
        ck_assert_msg(log_cut(log, files[i].last_seq, &cut, error) == 0, "%s", error);
        ck_assert_uint_eq(cut, 1);
        ck_assert_uint_eq(log_dropped_ordinal(log), files[i].last_ordinal);
        log = reopen(log);
        ck_assert_int_eq(log_identify(log, error), 0);
    }
    log_close(log);
}

END_TEST

START_TEST(a_read_from_before_is_refused_by_name)
{
    struct command_log *log = support_make(directory, FILE_SIZE, BATCHES);
    struct log_old_file files[FILES_MAX];
    uint32_t count = log_old_files(log, files, FILES_MAX);
    uint32_t cut;
    struct seen seen = {0};
    ck_assert_int_eq(log_identify(log, error), 0);
    ck_assert_int_eq(log_cut(log, files[2].last_seq, &cut, error), 0);
    ck_assert_uint_eq(cut, 3);
    ck_assert_uint_eq(log_old_files(log, files, FILES_MAX), count - 3);
    ck_assert_int_eq(log_read_records(log, 0, on_records, &seen, error), -ESTALE);
    ck_assert_ptr_nonnull(strstr(error, "its older files were cut"));
    ck_assert_uint_eq(seen.count, 0);
    struct log_reader *reader;
    struct log_reader_place place = {0};
    ck_assert_int_eq(log_reader_open(&reader, log, error), 0);
    ck_assert_int_eq(
        log_reader_records(reader, &place, log_last_seq(log), on_records, &seen, error), -ESTALE);
    log_reader_close(reader);
    log_close(log);
}

END_TEST

/* Beside the log's thread and a reader that is within what is cut. */
START_TEST(a_running_log_is_cut)
{
    struct command_log *log = support_make(directory, FILE_SIZE, BATCHES);
    struct log_reader *reader;
    struct log_old_file file;
    uint32_t cut;
    struct seen seen = {0};
    struct log_filter first = {.type = UINT8_MAX, .limit = 1};
    ck_assert_int_eq(log_identify(log, error), 0);
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    ck_assert_int_eq(log_reader_open(&reader, log, error), 0);
    ck_assert_int_eq(log_reader_actions(reader, &first, on_action, &seen, error), 0);
    ck_assert_uint_eq(seen.last, 1);
    uint32_t cuts = 0;
    while (cuts < 12) {
        append(log, 400, 300, false);
        if (log_old_files(log, &file, 1) == 0) {
            continue; /* the checkpointer is not done with it */
        }
        cuts++;
        ck_assert_int_eq(log_cut(log, file.last_seq, &cut, error), 0);
        ck_assert_uint_eq(cut, 1);
        seen = (struct seen){0};
        ck_assert_msg(log_reader_actions(reader, &first, on_action, &seen, error) == 0, "%s",
                      error);
        bool is_empty =
            log_last_ordinal(log) == file.last_ordinal; /* of a file that has just begun */
        ck_assert_uint_eq(seen.last, is_empty ? 0 : file.last_ordinal + 1);
    }
    log_reader_close(reader);
    log_stop(log);
    log = reopen(log);
    uint64_t begin = log_begin(log).seq;
    ck_assert_uint_eq(begin, file.last_seq);
    seen = (struct seen){0};
    ck_assert_int_eq(log_read_records(log, begin, on_records, &seen, error), 0);
    ck_assert_uint_eq(seen.last, log_last_seq(log));
    log_close(log);
}

END_TEST

/* The newest file has just begun, and all others are cut before the end is noted again: log-end still
 * names a file that is gone. */
START_TEST(the_end_is_noted_in_a_file_that_was_cut)
{
    struct command_log *log = support_open(directory, FILE_SIZE);
    char copy[PATH_MAX];
    uint32_t cut;
    ck_assert_int_eq(log_identify(log, error), 0);
    while (!has_file(3)) {
        ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
        append(log, 400, 300, false);
        log_stop(log); /* after this the end is noted, and the next file was begun if it is due */
    }
    ck_assert_int_eq(log_cut(log, UINT64_MAX, &cut, error), 0);
    ck_assert_uint_eq(cut, 2);
    ck_assert_uint_eq(log_begin(log).seq, log_last_seq(log));
    support_directory(copy);
    support_copy(directory, copy); /* as a kill leaves it */
    struct command_log *again = support_open(copy, FILE_SIZE);
    ck_assert_uint_eq(log_last_seq(again), log_last_seq(log));
    log_close(again);
    support_remove(copy);
    log_close(log);
}

END_TEST

/* A crash in the middle of the removal leaves some of the files; the start removes them. */
START_TEST(an_interrupted_cut_is_finished)
{
    struct command_log *log = support_make(directory, FILE_SIZE, BATCHES);
    char saved[PATH_MAX];
    struct log_old_file files[FILES_MAX];
    uint32_t cut;
    (void)log_old_files(log, files, FILES_MAX);
    ck_assert_int_eq(log_identify(log, error), 0);
    for (uint32_t left = 0; left < 4; left++) {
        support_directory(saved);
        support_copy(directory, saved);
        ck_assert_int_eq(log_cut(log, files[left].last_seq, &cut, error), 0);
        ck_assert_uint_eq(cut, 1);
        log_close(log);
        char from[PATH_MAX + 64];
        char to[PATH_MAX + 64];
        (void)snprintf(from, sizeof(from), "%s/log-%08u.db", saved, files[left].number);
        path_of(files[left].number, "", to);
        ck_assert_int_eq(rename(from, to), 0); /* as if it were not removed yet */
        path_of(files[left].number, "-wal", to);
        int fd = open(to, O_WRONLY | O_CREAT, 0600); /* a reader left this */
        ck_assert_int_ge(fd, 0);
        (void)close(fd);
        support_remove(saved);
        log = support_open(directory, FILE_SIZE);
        ck_assert(!has_file(files[left].number));
        ck_assert_uint_eq(log_begin(log).seq, files[left].last_seq);
        check_kept(log);
        ck_assert_int_eq(log_identify(log, error), 0);
    }
    log_close(log);
}

END_TEST

static void check_refused(const char *what)
{
    struct command_log *log = NULL;
    const struct log_options options = {.directory = directory, .file_size_max = FILE_SIZE};
    ck_assert_int_eq(log_open_sqlite(&log, &options, error), -EBADMSG);
    ck_assert_msg(strstr(error, what) != NULL, "%s", error);
}

/* The first file that is kept is not the first one there; the note is damaged, or missing. */
START_TEST(what_a_cut_does_not_explain_is_refused)
{
    struct command_log *log = support_make(directory, FILE_SIZE, BATCHES);
    struct log_old_file files[FILES_MAX];
    char path[PATH_MAX + 64];
    char away[PATH_MAX + 64];
    uint32_t cut;
    (void)log_old_files(log, files, FILES_MAX);
    ck_assert_int_eq(log_identify(log, error), 0);
    ck_assert_int_eq(log_cut(log, files[1].last_seq, &cut, error), 0);
    log_close(log);
    path_of(3, "", path);
    path_of(3, ".away", away);
    ck_assert_int_eq(rename(path, away), 0);
    check_refused("file 3 of the log is missing");
    ck_assert_int_eq(rename(away, path), 0);
    (void)snprintf(path, sizeof(path), "%s/log-begin", directory);
    (void)snprintf(away, sizeof(away), "%s/away", directory);
    ck_assert_int_eq(rename(path, away), 0);
    check_refused("file 1 of the log is missing");
    ck_assert_int_eq(rename(away, path), 0);
    for (off_t at = 0; at < 104; at++) {
        uint8_t byte;
        int fd = open(path, O_RDWR);
        ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
        check_refused("log-begin is damaged");
        byte ^= 0x10;
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
        (void)close(fd);
    }
    log_close(support_open(directory, FILE_SIZE));
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("log_cut");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    UNIT_ADD(tests, each_cut_keeps_what_follows, files_of_actions_alone_stay,
             a_read_from_before_is_refused_by_name, a_running_log_is_cut,
             the_end_is_noted_in_a_file_that_was_cut, an_interrupted_cut_is_finished,
             what_a_cut_does_not_explain_is_refused);
    return unit_run(tests);
}
