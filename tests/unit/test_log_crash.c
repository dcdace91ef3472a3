/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: after a kill, a full disk, a lost or damaged file nothing acknowledged is missing, or the
 * log does not open and says why. Method: children that append and are killed or run into a file
 * size limit; files removed, emptied and edited with SQLite.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/log_fixture.h"
#include "tests/unit/unit_main.h"

#define SMALL_FILE 500000
#define KILLS 20

static void path_of(char path[PATH_MAX + 32], uint32_t number, const char *suffix)
{
    (void)snprintf(path, PATH_MAX + 32, "%s/log-%08" PRIu32 ".db%s", directory, number, suffix);
}

/* A closed log of `files` files. */
static void make_log(uint32_t files)
{
    char path[PATH_MAX + 32];
    struct command_log *log = support_open(directory, SMALL_FILE);
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    path_of(path, files, "");
    do {
        append(log, 500, 20, false);
    } while (access(path, F_OK) != 0);
    for (int i = 0; i < 4; i++) {
        append(log, 10, 5, false);
    }
    log_stop(log);
    log_close(log);
}

static int reopen(struct command_log **ret_log, bool create)
{
    struct log_options options = {
        .directory = directory, .file_size_max = SMALL_FILE, .create = create};
    return log_open_sqlite(ret_log, &options, error);
}

static void check_refused(const char *why)
{
    struct command_log *log;
    int result = reopen(&log, true);
    ck_assert_int_lt(result, 0);
    ck_assert_msg(strstr(error, why) != NULL, "\"%s\" does not say \"%s\"", error, why);
}

/* ---- a child that appends until it is stopped ---- */

struct acknowledged {
    uint64_t seq;
    uint64_t ordinal;
};

static _Noreturn void append_forever(int report, uint64_t seed)
{
    struct command_log *log;
    struct log_options options = {
        .directory = directory, .file_size_max = SMALL_FILE, .create = true};
    int opened = log_open_sqlite(&log, &options, error);
    if (opened != 0) {
        _exit(-opened);
    }
    if (log_start(log, support_on_durable, &durable) != 0) {
        _exit(2);
    }
    for (uint64_t i = seed;; i++) {
        support_fill(&batch, log, (uint32_t)(i * 7919 % 400), (uint32_t)(i % 5 * 3), false);
        int result = support_append(log, &durable, &batch.batch);
        struct acknowledged done = {log_last_seq(log), log_last_ordinal(log)};
        if (result != 0) {
            /* every later append fails the same way, and nothing more is stored */
            support_fill(&batch, log, 1, 0, false);
            int again = support_append(log, &durable, &batch.batch);
            bool same = again == result && log_last_seq(log) == done.seq;
            log_stop(log);
            log_close(log);
            _exit(same ? -result : 3);
        }
        if (write(report, &done, sizeof(done)) != sizeof(done)) {
            _exit(4);
        }
    }
}

/* Starts the child; its reports come out of the pipe. */
static pid_t start_child(int *ret_reports, uint64_t seed, rlim_t file_size_max)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)close(ends[0]);
        if (file_size_max > 0) {
            struct rlimit limit = {file_size_max, file_size_max};
            (void)signal(SIGXFSZ, SIG_IGN);
            (void)setrlimit(RLIMIT_FSIZE, &limit);
        }
        append_forever(ends[1], seed);
    }
    (void)close(ends[1]);
    *ret_reports = ends[0];
    return child;
}

static struct acknowledged read_reports(int reports)
{
    struct acknowledged last = {0, 0};
    struct acknowledged next;
    while (read(reports, &next, sizeof(next)) == sizeof(next)) {
        last = next;
    }
    (void)close(reports);
    return last;
}

static void check_holds(struct acknowledged acknowledged)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    ck_assert_uint_ge(log_last_seq(log), acknowledged.seq);
    ck_assert_uint_ge(log_last_ordinal(log), acknowledged.ordinal);
    int64_t count = support_verify(log, error);
    ck_assert_msg(count == (int64_t)log_last_seq(log), "%s", error);
    log_close(log);
}

START_TEST(test_kill)
{
    uint64_t state = (uint64_t)getpid() * 2654435761u + 1;
    struct acknowledged acknowledged = {0, 0};
    for (int round = 0; round < KILLS; round++) {
        int reports;
        state = state * 6364136223846793005u + 1442695040888963407u;
        pid_t child = start_child(&reports, state % 1000, 0);
        usleep((useconds_t)(state >> 33) % 150000);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        struct acknowledged last = read_reports(reports);
        if (last.seq > 0) {
            acknowledged = last;
        }
        check_holds(acknowledged);
    }
    ck_assert_uint_gt(acknowledged.seq, 0);
}

END_TEST

/* A disk that takes no more: at many sizes, so that the limit meets a commit, a checkpoint, a new
 * file. The child reports the error and exits with it. */
START_TEST(test_disk_full)
{
    for (rlim_t size = 50000; size < 2000000; size = size * 5 / 4 + 1234) {
        int reports;
        pid_t child = start_child(&reports, size, size);
        struct acknowledged last = read_reports(reports);
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status));
        int code =
            WEXITSTATUS(status); /* SQLite does not always pass on which write error it was */
        ck_assert_msg(code == EFBIG || code == ENOSPC || code == EIO, "limit %lu: exit status %d",
                      (unsigned long)size, code);
        check_holds(last);
        support_remove(directory);
        ck_assert_int_eq(mkdir(directory, 0700), 0);
    }
}

END_TEST

/* ---- the directory ---- */

START_TEST(test_directory)
{
    struct command_log *log;
    char path[PATH_MAX + 32];
    struct stat status;
    ck_assert_int_eq(reopen(&log, false), -ENOENT);
    ck_assert_ptr_nonnull(strstr(error, "there is no log in"));
    support_remove(directory);
    ck_assert_int_eq(reopen(&log, false), -ENOENT);
    ck_assert_int_ne(access(directory, F_OK), 0);

    ck_assert_int_eq(reopen(&log, true), 0);
    ck_assert_int_eq(stat(directory, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    path_of(path, 1, "");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);

    char owner[64];
    (void)snprintf(owner, sizeof(owner), "in use by another process (process id %d)",
                   (int)getpid());
    check_refused(owner);
    (void)snprintf(path, sizeof(path), "%s/lock", directory);
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(unlink(path), 0);
        check_refused("in use by another process (process id unknown)");
    }
    log_close(log);
    ck_assert_int_eq(reopen(&log, false), 0);
    log_close(log);
}

END_TEST

START_TEST(test_unusable_directory)
{
    char path[PATH_MAX + 32];
    struct command_log *log;
    struct log_options options = {.directory = path, .create = true};
    (void)snprintf(path, sizeof(path), "%s/missing/log", directory);
    ck_assert_int_eq(log_open_sqlite(&log, &options, error), -ENOENT);
    ck_assert_ptr_nonnull(strstr(error, "cannot create the directory"));
    (void)snprintf(path, sizeof(path), "%s/file", directory);
    (void)close(open(path, O_WRONLY | O_CREAT, 0600));
    ck_assert_int_eq(log_open_sqlite(&log, &options, error), -ENOTDIR);
    ck_assert_ptr_nonnull(strstr(error, "cannot open the directory"));
}

END_TEST

START_TEST(test_filesystem_warning)
{
    struct stat status;
    ck_assert_ptr_null(log_filesystem_warning("/proc"));
    if (stat("/dev/shm", &status) == 0) {
        ck_assert_ptr_nonnull(strstr(log_filesystem_warning("/dev/shm"), "tmpfs"));
    }
}

END_TEST

/* Every thread but the first has all signals blocked that can be. */
START_TEST(test_signals_blocked)
{
    struct command_log *log = support_open(directory, 0);
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    DIR *tasks = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(tasks);
    int checked = 0;
    const struct dirent *entry;
    while ((entry = readdir(tasks)) != NULL) {
        char path[300];
        char line[200];
        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen(path, "r");
        if (entry->d_name[0] == '.' || atol(entry->d_name) == getpid() || status == NULL) {
            continue;
        }
        while (fgets(line, sizeof(line), status) != NULL) {
            if (strncmp(line, "SigBlk:", 7) == 0) {
                uint64_t blocked = strtoull(line + 7, NULL, 16);
                ck_assert_uint_ne(blocked & (uint64_t)1 << (SIGTERM - 1), 0);
                ck_assert_uint_ne(blocked & (uint64_t)1 << (SIGHUP - 1), 0);
                checked++;
            }
        }
        (void)fclose(status);
    }
    (void)closedir(tasks);
    ck_assert_int_ge(checked, 2);
    log_stop(log);
    log_close(log);
}

END_TEST

/* ---- lost files ---- */

START_TEST(test_lost_file)
{
    static const char *const why[] = {"file 1 of the log is missing",
                                      "file 2 of the log is missing",
                                      "file 3 of the log is missing"};
    char path[PATH_MAX + 32];
    char aside[PATH_MAX + 32];
    make_log(3);
    for (uint32_t number = 1; number <= 3; number++) {
        path_of(path, number, "");
        path_of(aside, number, "-aside");
        ck_assert_int_eq(rename(path, aside), 0);
        check_refused(why[number - 1]);
        ck_assert_int_eq(rename(aside, path), 0);
    }
    struct command_log *log = support_open(directory, SMALL_FILE);
    ck_assert_int_gt(support_verify(log, error), 0);
    log_close(log);
}

END_TEST

START_TEST(test_emptied_file)
{
    char path[PATH_MAX + 32];
    make_log(3);
    path_of(path, 2, "");
    ck_assert_int_eq(truncate(path, 0), 0);
    check_refused("file 2 of the log is empty, but 1 follow it");
}

END_TEST

/* A crash while a file is created leaves one without tables: it goes, and the last one goes on. */
START_TEST(test_creation_cut_off)
{
    char path[PATH_MAX + 32];
    make_log(1);
    for (int round = 0; round < 2; round++) {
        path_of(path, 2, "");
        (void)close(open(path, O_WRONLY | O_CREAT, 0600));
        struct command_log *log = support_open(directory, 1 << 30);
        ck_assert_int_ne(access(path, F_OK), 0);
        ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
        append(log, 10, 3, false);
        log_stop(log);
        ck_assert_int_eq(support_verify(log, error), (int64_t)log_last_seq(log));
        log_close(log);
    }
}

END_TEST

START_TEST(test_orphaned_wal)
{
    char path[PATH_MAX + 32];
    make_log(1);
    path_of(path, 2, "-wal");
    (void)close(open(path, O_WRONLY | O_CREAT, 0600));
    check_refused("holds log-00000002.db-wal, but file 2 of the log is missing");
}

END_TEST

/* ---- damaged files ---- */

static void edit(uint32_t number, const char *sql)
{
    char path[PATH_MAX + 32];
    sqlite3 *db;
    char *message = NULL;
    path_of(path, number, "");
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* Each edit of the log, and what opening or reading it says. */
static const struct {
    uint32_t file;
    const char *sql;
    const char *why;
} edits[] = {
    {1,
     "UPDATE batch SET records = substr(records, 1, 100) || x'ff' || substr(records, 102)"
     " WHERE first_seq = 1",
     "is damaged: its CRC32C does not match"},
    {1,
     "UPDATE batch SET records = substr(records, 1, length(records) - 1)"
     " WHERE first_seq = 501",
     "log-00000001.db: record 1000 is cut off"},
    {1, "UPDATE batch SET records = records || x'00' WHERE first_seq = 1",
     "the batch at sequence 1 has 1 bytes too many"},
    {2, "DELETE FROM batch WHERE first_seq = (SELECT first_seq FROM batch LIMIT 1 OFFSET 1)",
     "records are missing: sequence"},
    {2,
     "UPDATE batch SET link = zeroblob(32) WHERE first_seq = (SELECT min(first_seq)"
     " FROM batch)",
     "log-00000002.db: the SHA-256 chain is broken at the batch of sequence"},
    {1,
     "UPDATE batch SET link = NULL WHERE 0; UPDATE batch SET link = x'00'"
     " WHERE first_seq = 1",
     "a batch has no link"},
    {2, "UPDATE edge SET seq = seq - 1 WHERE name = 'start'", "file 2 of the log starts after"},
    {1, "UPDATE edge SET ordinal = 7 WHERE name = 'finish'", "it does not end as its table edge"},
    {1, "DELETE FROM edge WHERE name = 'start'", "its table edge has no start"},
    {2, "DELETE FROM action WHERE ordinal = (SELECT ordinal FROM action LIMIT 1 OFFSET 2)",
     "actions are missing: ordinal"},
    {1, "UPDATE action SET hash = zeroblob(32) WHERE ordinal = 5",
     "the hash chain of pool p2 is broken at action 5"},
    {1, "UPDATE action SET account = 'mallory' WHERE ordinal = 6", "action 6 is damaged"},
    {1, "UPDATE action SET record = zeroblob(50) WHERE ordinal = 6", "action 6 is damaged"},
    {1, "UPDATE action SET record = zeroblob(5000) WHERE ordinal = 6", "action 6 is not readable"},
    {1, "PRAGMA user_version = 9", "has format version 9"},
    {1, "PRAGMA application_id = 9", "is not a file of this log"},
};

START_TEST(test_edited)
{
    char source[PATH_MAX];
    make_log(2);
    support_directory(source);
    support_copy(directory, source);
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        support_copy(source, directory);
        edit(edits[i].file, edits[i].sql);
        for (int again = 0; again < 2; again++) { /* a refusal changes nothing */
            struct command_log *log;
            int64_t result = reopen(&log, false);
            if (result == 0) {
                result = support_verify(log, error);
                log_close(log);
            }
            ck_assert_int_lt(result, 0);
            ck_assert_msg(strstr(error, edits[i].why) != NULL,
                          "row %zu: \"%s\" does not say \"%s\"", i, error, edits[i].why);
        }
    }
    support_remove(source);
}

END_TEST

/* Any bit of the records that the database holds. */
START_TEST(test_flipped_bits)
{
    char path[PATH_MAX + 32];
    make_log(1);
    path_of(path, 1, "");
    int fd = open(path, O_RDWR);
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size);
    ck_assert_int_eq(pread(fd, bytes, (size_t)status.st_size, 0), status.st_size);
    int flips = 0;
    for (size_t at = 0; at + 8 <= (size_t)status.st_size && flips < 60; at += 701) {
        const uint8_t *found = memmem(bytes + at, (size_t)status.st_size - at, "BTC-PERP", 8);
        if (found == NULL) {
            break;
        }
        at = (size_t)(found - bytes);
        uint8_t damaged = found[flips % 8] ^ (uint8_t)(1u << flips % 7);
        ck_assert_int_eq(pwrite(fd, &damaged, 1, (off_t)at + flips % 8), 1);
        struct command_log *log;
        int64_t count = reopen(&log, false) == 0 ? support_verify(log, error) : -2;
        ck_assert_msg(count == -1, "%" PRId64 ": %s", count, error);
        log_close(log);
        ck_assert_int_eq(pwrite(fd, found + flips % 8, 1, (off_t)at + flips % 8), 1);
        flips++;
    }
    ck_assert_int_ge(flips, 20);
    free(bytes);
    (void)close(fd);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("log_crash");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    UNIT_ADD(tests, test_kill, test_disk_full, test_directory, test_unusable_directory,
             test_filesystem_warning, test_signals_blocked, test_lost_file, test_emptied_file,
             test_creation_cut_off, test_orphaned_wal, test_edited, test_flipped_bits);
    return unit_run(tests);
}
