/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a log that ends too early is refused with the numbers, and nothing of it is touched; the
 * creation of a file that was really cut off is no damage. Method: copies of a running log, emptied,
 * cut and mixed, with and without the note of its end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log/end_note.h"
#include "daemon/log/log_cut.h"
#include "tests/unit/log_fixture.h"
#include "tests/unit/unit_main.h"

#define SMALL_FILE 500000
#define FILES_MAX 16
#define PATH_SIZE (PATH_MAX + 32)

static char target[PATH_MAX]; /* a copy, as a kill leaves it */
static uint32_t files;        /* of the copy */
static uint64_t last_seq;     /* acknowledged when the copy was made */

static void path_of(char path[PATH_SIZE], const char *where, uint32_t number, const char *suffix)
{
    (void)snprintf(path, PATH_SIZE, "%s/log-%08" PRIu32 ".db%s", where, number, suffix);
}

static void end_path(char path[PATH_SIZE], const char *where)
{
    (void)snprintf(path, PATH_SIZE, "%s/log-end", where);
}

static off_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : -1;
}

static struct end_note read_note(const char *where)
{
    int fd = open(where, O_RDONLY | O_DIRECTORY);
    struct end_file file;
    ck_assert_msg(end_file_open(&file, fd, "log-end", error) == 0, "%s", error);
    end_file_close(&file);
    (void)close(fd);
    return file.last;
}

static uint32_t count_files(const char *where)
{
    char path[PATH_SIZE];
    uint32_t count = 0;
    do {
        path_of(path, where, ++count, "");
    } while (access(path, F_OK) == 0);
    return count - 1;
}

/* Copies a running log of so many files when its end is noted, then stops it. */
static void make_copy(uint32_t files_least)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    while (count_files(directory) < files_least) {
        append(log, 500, 20, false);
    }
    for (int i = 0; i < 8; i++) {
        append(log, 100, 5, false);
    }
    append(log, 0, 0, false); /* what the log does after the append before it, is done */
    last_seq = log_last_seq(log);
    struct log_old_file finished[FILES_MAX];
    while (read_note(directory).seq < last_seq ||
           log_old_files(log, finished, FILES_MAX) + 1 < count_files(directory)) {
        usleep(10000);
    }
    support_copy(directory, target);
    files = count_files(target);
    log_stop(log);
    log_close(log);
}

static void set_up_copy(void)
{
    set_up();
    support_directory(target);
}

static void tear_down_copy(void)
{
    tear_down();
    support_remove(target);
}

static int reopen(struct command_log **ret_log)
{
    struct log_options options = {.directory = target, .file_size_max = SMALL_FILE, .create = true};
    return log_open_sqlite(ret_log, &options, error);
}

/* Twice: a refusal changes nothing. */
static void check_refused(const char *why)
{
    for (int again = 0; again < 2; again++) {
        struct command_log *log;
        ck_assert_int_eq(reopen(&log), -EBADMSG);
        ck_assert_msg(strstr(error, why) != NULL, "\"%s\" does not say \"%s\"", error, why);
    }
}

static void check_whole(uint64_t seq)
{
    struct command_log *log;
    ck_assert_msg(reopen(&log) == 0, "%s", error);
    ck_assert_uint_eq(log_last_seq(log), seq);
    ck_assert_int_eq(support_verify(log, error), (int64_t)seq);
    log_close(log);
}

static void forget_end(void)
{
    char path[PATH_SIZE];
    end_path(path, target);
    ck_assert_int_eq(unlink(path), 0);
}

static void edit(uint32_t number, const char *sql)
{
    char path[PATH_SIZE];
    sqlite3 *db;
    path_of(path, target, number, "");
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* ---- the newest database is empty ---- */

START_TEST(test_emptied_newest_with_its_commits)
{
    char path[PATH_SIZE];
    char wal[PATH_SIZE];
    char why[160];
    make_copy(2);
    path_of(path, target, files, "");
    path_of(wal, target, files, "-wal");
    (void)snprintf(why, sizeof(why),
                   "log-%08" PRIu32 ".db is empty, but log-%08" PRIu32 ".db-wal holds", files,
                   files);
    off_t size = size_of(wal);
    ck_assert_int_gt(size, 0);
    ck_assert_int_eq(truncate(path, 0), 0);
    check_refused(why);
    forget_end();
    check_refused(why);
    ck_assert_int_eq(size_of(wal), size);
    path_of(wal, directory, files, ""); /* the remedy: the database from a copy */
    support_copy(directory, target);
    check_whole(last_seq);
}

END_TEST

START_TEST(test_emptied_newest_after_finish)
{
    char path[PATH_SIZE];
    char why[160];
    make_copy(3);
    support_remove(target); /* the log that was stopped, without a -wal */
    ck_assert_int_eq(mkdir(target, 0700), 0);
    support_copy(directory, target);
    path_of(path, target, files, "");
    (void)snprintf(why, sizeof(why),
                   "file %" PRIu32 " of the log is missing or empty, although file %" PRIu32
                   " says that it is followed: restore log-%08" PRIu32 ".db",
                   files, files - 1, files);
    ck_assert_int_eq(truncate(path, 0), 0);
    forget_end();
    check_refused(why);
    ck_assert_int_eq(size_of(path), 0);
}

END_TEST

/* Without `finish` in the file before it only the note of the end can tell. */
START_TEST(test_emptied_newest_without_finish)
{
    char path[PATH_SIZE];
    char wal[PATH_SIZE];
    char why[160];
    make_copy(2);
    path_of(path, target, files, "");
    path_of(wal, target, files, "-wal");
    edit(files - 1, "DELETE FROM edge WHERE name = 'finish'");
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(truncate(wal, 0), 0);
    (void)snprintf(why, sizeof(why), "but log-end notes sequence %" PRIu64 " in file %" PRIu32,
                   last_seq, files);
    check_refused(why);
    ck_assert_int_eq(size_of(path), 0);
}

END_TEST

/* A kill after the file was made, or after its first page, before its tables. */
START_TEST(test_creation_really_cut_off)
{
    for (int has_page = 0; has_page < 2; has_page++) {
        char path[PATH_SIZE];
        make_copy(1);
        uint32_t next = files + 1;
        path_of(path, target, next, "");
        (void)close(open(path, O_WRONLY | O_CREAT, 0600));
        if (has_page) {
            edit(next, "PRAGMA page_size=16384; PRAGMA journal_mode=WAL");
        }
        check_whole(last_seq);
        ck_assert_int_ne(access(path, F_OK), 0);
    }
}

END_TEST

START_TEST(test_all_files_gone)
{
    char path[PATH_SIZE];
    make_copy(1);
    for (uint32_t number = 1; number <= files; number++) {
        path_of(path, target, number, "");
        (void)unlink(path);
        path_of(path, target, number, "-wal");
        (void)unlink(path);
    }
    check_refused("the log ends at sequence 0, but log-end notes");
}

END_TEST

/* ---- the -wal ends early ---- */

static void check_shortened(off_t size)
{
    char path[PATH_SIZE];
    char why[160];
    path_of(path, target, files, "-wal");
    ck_assert_int_eq(truncate(path, size), 0);
    (void)snprintf(why, sizeof(why), "but log-end notes sequence %" PRIu64 " in file %" PRIu32,
                   last_seq, files);
    check_refused(why);
    ck_assert_ptr_nonnull(strstr(error, "the log ends at sequence "));
    uint64_t end = strtoull(strstr(error, "sequence ") + strlen("sequence "), NULL, 10);
    (void)snprintf(why, sizeof(why), "at least %" PRIu64 " commands are missing", last_seq - end);
    check_refused(why);
    check_refused("To go on without those commands, remove log-end");
    ck_assert_int_eq(size_of(path), size);
}

START_TEST(test_wal_emptied_or_cut)
{
    char path[PATH_SIZE];
    make_copy(1);
    path_of(path, target, files, "-wal");
    off_t size = size_of(path);
    const off_t sizes[] = {size - 1, size / 2, 32, 7, 0};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_shortened(sizes[i]);
    }
    forget_end(); /* the loss is accepted */
    struct command_log *log;
    ck_assert_int_eq(reopen(&log), 0);
    ck_assert_uint_lt(log_last_seq(log), last_seq);
    log_close(log);
}

END_TEST

/* The refusal has not moved half a -wal into the database: the whole one still fits. */
START_TEST(test_wal_put_back)
{
    char path[PATH_SIZE];
    char aside[PATH_SIZE];
    make_copy(1);
    path_of(path, target, files, "-wal");
    path_of(aside, target, files, "-aside");
    ck_assert_int_eq(link(path, aside), 0);
    ck_assert_int_eq(unlink(path), 0);
    (void)close(open(path, O_WRONLY | O_CREAT, 0600));
    check_refused("log-end notes");
    ck_assert_int_eq(rename(aside, path), 0);
    check_whole(last_seq);
}

END_TEST

/* ---- the note ---- */

static void flip(off_t at)
{
    char path[PATH_SIZE];
    uint8_t byte;
    end_path(path, target);
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

START_TEST(test_damaged_note)
{
    char path[PATH_SIZE];
    make_copy(1);
    ck_assert_uint_eq(read_note(target).seq, last_seq);
    flip(9);
    flip(4096 + 55);
    check_refused("log-end is damaged");
    flip(9);
    ck_assert_uint_gt(read_note(target).seq, 0); /* one slot is enough */
    check_whole(last_seq);
    end_path(path, target);
    ck_assert_int_eq(truncate(path, 0), 0);
    check_refused("log-end is damaged");
    forget_end();
    check_whole(last_seq);
}

END_TEST

/* Another log as long as this one, or longer. */
START_TEST(test_note_of_another_log)
{
    char path[PATH_SIZE];
    make_copy(1);
    support_remove(target); /* the log that was stopped */
    ck_assert_int_eq(mkdir(target, 0700), 0);
    support_copy(directory, target);
    edit(files, "UPDATE batch SET link = randomblob(32)");
    check_refused("does not hold what log-end notes at sequence");
    support_remove(target);
    ck_assert_int_eq(mkdir(target, 0700), 0);
    support_copy(directory, target);
    end_path(path, target);
    int fd = open(target, O_RDONLY | O_DIRECTORY);
    struct end_file file;
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(end_file_open(&file, fd, "log-end", error), 0);
    struct end_note note = {.seq = last_seq, .number = files + 1};
    ck_assert_int_eq(end_file_write(&file, &note, error), 0);
    end_file_close(&file);
    (void)close(fd);
    check_refused("does not hold what log-end notes at sequence");
}

END_TEST

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* What was acknowledged is noted after a second, and some time for a busy machine, while more comes. */
START_TEST(test_age)
{
    struct command_log *log = support_open(directory, 0);
    double begun = now_s();
    uint64_t early = 0;
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    while (early == 0 || read_note(directory).seq < early) {
        append(log, 1, 0, false);
        early = now_s() - begun < 0.5 ? log_last_seq(log) : early;
        ck_assert_msg(now_s() - begun < 30, "not noted after 30 s");
        usleep(1000);
    }
    ck_assert_uint_le(read_note(directory).seq, log_last_seq(log));
    log_stop(log);
    ck_assert_uint_eq(read_note(directory).seq, log_last_seq(log));
    log_close(log);
}

END_TEST

/* ---- a clean stop ---- */

static bool take_action(void *user, const struct log_action_row *row,
                        const uint8_t hash[LOG_HASH_SIZE])
{
    (void)row;
    (void)hash;
    (*(uint64_t *)user)++;
    return true;
}

/* Also where readers have looked at finished files, which makes SQLite's files again. */
START_TEST(test_clean_stop_leaves_databases_only)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    struct log_reader *reader;
    struct log_filter all = {.type = UINT8_MAX, .limit = UINT32_MAX};
    uint64_t seen = 0;
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    ck_assert_int_eq(log_reader_open(&reader, log, error), 0);
    while (count_files(directory) < 3) {
        append(log, 500, 20, false);
        ck_assert_int_eq(log_reader_actions(reader, &all, take_action, &seen, error), 0);
    }
    log_reader_close(reader);
    log_stop(log);
    log_close(log);
    DIR *names = opendir(directory);
    const struct dirent *entry;
    while ((entry = readdir(names)) != NULL) {
        ck_assert_msg(
            strchr(entry->d_name, '-') == NULL ||
                (strstr(entry->d_name, "-wal") == NULL && strstr(entry->d_name, "-shm") == NULL),
            "%s was left", entry->d_name);
    }
    (void)closedir(names);
    log = support_open(directory, SMALL_FILE); /* the newest file may hold no batch yet */
    ck_assert_int_eq(support_verify(log, error), (int64_t)log_last_seq(log));
    log_close(log);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("log_end");
    tcase_add_checked_fixture(tests, set_up_copy, tear_down_copy);
    UNIT_ADD(tests, test_emptied_newest_with_its_commits, test_emptied_newest_after_finish,
             test_emptied_newest_without_finish, test_creation_really_cut_off, test_all_files_gone,
             test_wal_emptied_or_cut, test_wal_put_back, test_damaged_note,
             test_note_of_another_log, test_age, test_clean_stop_leaves_databases_only);
    return unit_run(tests);
}
