/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a write that fails once costs at most the process; the next start finds all that was
 * acknowledged. Method: below SQLite the n-th write of a log's first life fails, n = 1.. until none
 * does; that life ends by a kill, and the log is opened again.
 */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/log_fixture.h"
#include "tests/unit/unit_main.h"

#define BATCHES 3
#define WRITES_MAX 1000
#define KEPT_ALL 1 /* the child's exit status: no write failed */
#define FAILED 2   /* with an error, which is the wanted answer */

static sqlite3_io_methods failing[2]; /* of a database, of a -wal: their locks differ */
static int (*plain_write)(sqlite3_file *, const void *, int, sqlite3_int64);
static int (*plain_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static atomic_int writes_left; /* the last of them fails */

static int write_or_fail(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    return atomic_fetch_sub(&writes_left, 1) == 1 ? SQLITE_IOERR_WRITE
                                                  : plain_write(file, bytes, size, offset);
}

static int open_failing(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *ret_flags)
{
    int code = plain_open(vfs, name, file, flags, ret_flags);
    if (code == SQLITE_OK && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0) {
        sqlite3_io_methods *methods = &failing[(flags & SQLITE_OPEN_WAL) != 0];
        plain_write = file->pMethods->xWrite;
        *methods = *file->pMethods;
        methods->xWrite = write_or_fail;
        file->pMethods = methods;
    }
    return code;
}

/* Reports the last sequence that was acknowledged. */
static _Noreturn void live(int report, int fails_at)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    struct log_options options = {.directory = directory, .create = true};
    struct command_log *log;
    plain_open = vfs->xOpen;
    vfs->xOpen = open_failing;
    atomic_store(&writes_left, fails_at);
    int code = log_open_sqlite(&log, &options, error);
    if (code == 0) {
        code = log_start(log, support_on_durable, &durable);
    }
    for (int i = 0; i < BATCHES && code == 0; i++) {
        support_fill(&batch, log, 5, 2, false);
        code = support_append(log, &durable, &batch.batch);
        uint64_t seq = log_last_seq(log);
        if (code == 0 && write(report, &seq, sizeof(seq)) != sizeof(seq)) {
            abort();
        }
    }
    _exit(code != 0 ? FAILED : atomic_load(&writes_left) > 0 ? KEPT_ALL : 0);
}

/* Returns the child's exit status. */
static int live_and_die(int fails_at, uint64_t *ret_seq)
{
    int ends[2];
    int status;
    uint64_t seq;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        live(ends[1], fails_at);
    }
    (void)close(ends[1]);
    *ret_seq = 0;
    while (read(ends[0], &seq, sizeof(seq)) == sizeof(seq)) {
        *ret_seq = seq;
    }
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(test_nth_write_fails)
{
    int status = 0;
    int n = 0;
    while (status != KEPT_ALL) {
        uint64_t seq;
        struct command_log *log;
        struct log_options options = {.directory = directory, .create = true};
        ck_assert_int_lt(++n, WRITES_MAX);
        status = live_and_die(n, &seq);
        int code = log_open_sqlite(&log, &options, error);
        ck_assert_msg(code == 0, "write %d: %s", n, error);
        ck_assert_msg(log_last_seq(log) >= seq, "write %d: seq %lu is gone", n, (unsigned long)seq);
        ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
        append(log, 5, 2, false);
        log_stop(log);
        ck_assert_int_eq(support_verify(log, error), (int64_t)log_last_seq(log));
        log_close(log);
        support_remove(directory);
        ck_assert_int_eq(mkdir(directory, 0700), 0);
    }
    ck_assert_int_gt(n, 10);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("log_faults");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    UNIT_ADD(tests, test_nth_write_fails);
    return unit_run(tests);
}
