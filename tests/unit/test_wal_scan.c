/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: no acknowledged commit is lost without a word, and no torn write keeps the log from
 * opening. Method: a -wal of 100 acknowledged commits, with bits flipped, cut, and torn in every
 * way a disk may leave it before a sync was done; then scanned, and opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log/wal_scan.h"
#include "tests/unit/log_support.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

#define COMMITS 100
#define CUTS 60
#define FRAME_SIZE (24 + 16384)
#define WAL "log-00000001.db-wal"

static char source[PATH_MAX]; /* the log as it was when it was killed */
static char target[PATH_MAX]; /* a copy to damage */
static uint8_t *wal;          /* the bytes of the source's -wal */
static size_t wal_size;
static size_t commit_ends[COMMITS]; /* bytes of the -wal after each commit */

static size_t file_size(const char *directory)
{
    char path[PATH_MAX + sizeof(WAL)];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%s/" WAL, directory);
    return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

static void write_wal(const char *directory, const uint8_t *bytes, size_t size)
{
    char path[PATH_MAX + sizeof(WAL)];
    (void)snprintf(path, sizeof(path), "%s/" WAL, directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    (void)close(fd);
}

static void read_wal(const char *directory)
{
    char path[PATH_MAX + sizeof(WAL)];
    (void)snprintf(path, sizeof(path), "%s/" WAL, directory);
    wal_size = file_size(directory);
    free(wal);
    wal = malloc(wal_size + 1);
    ck_assert_ptr_nonnull(wal);
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, wal, wal_size), (ssize_t)wal_size);
    (void)close(fd);
}

/* Without the note of the log's end (test_log_end.c) nothing but the -wal itself can tell. */
static void forget_end(const char *directory)
{
    char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s/log-end", directory);
    (void)unlink(path);
}

/* The commits grow, so that the last ones have many frames. */
static void set_up(void)
{
    char live[PATH_MAX];
    random_state = 0;
    support_directory(source);
    support_directory(target);
    support_directory(live);
    struct command_log *log = support_open(live, 0);
    struct support_durable durable;
    support_durable_init(&durable);
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    struct support_batch batch = {0};
    for (uint32_t i = 0; i < COMMITS; i++) {
        support_fill(&batch, log, 10 + i * i / 16, 1 + i % 3, i % 5 == 0);
        ck_assert_int_eq(support_append(log, &durable, &batch.batch), 0);
        commit_ends[i] = file_size(live);
    }
    support_copy(live, source);
    forget_end(source);
    support_copy(source, target);
    read_wal(source);
    support_fini(&batch);
    log_stop(log);
    log_close(log);
    support_remove(live);
}

static void tear_down(void)
{
    free(wal);
    wal = NULL;
    support_remove(source);
    support_remove(target);
}

static int scan_target(char *error)
{
    int fd = open(target, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(fd, 0);
    error[0] = '\0';
    uint64_t commits;
    int result = wal_scan(fd, WAL, true, &commits, error);
    (void)close(fd);
    return result;
}

/* Scans the target with these bytes as its -wal. */
static int scan_bytes(const uint8_t *bytes, size_t size, char *error)
{
    write_wal(target, bytes, size);
    return scan_target(error);
}

/* Opens a fresh copy of the source with these bytes as its -wal; the count of its records, or -1.
 */
static int64_t open_bytes(const uint8_t *bytes, size_t size, char *error)
{
    support_copy(source, target);
    forget_end(target);
    write_wal(target, bytes, size);
    struct command_log *log;
    struct log_options options = {.directory = target};
    if (log_open_sqlite(&log, &options, error) != 0) {
        return -1;
    }
    int64_t count = support_verify(log, error);
    ck_assert_msg(count == (int64_t)log_last_seq(log), "%s", error);
    log_close(log);
    return count;
}

/* Records in the first `commits` commits. */
static int64_t records_in(uint32_t commits)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < commits; i++) {
        count += 10 + (int64_t)i * i / 16;
    }
    return count;
}

/* The commits that end within the first `size` bytes. */
static uint32_t commits_in(size_t size)
{
    uint32_t commits = 0;
    while (commits < COMMITS && commit_ends[commits] <= size) {
        commits++;
    }
    return commits;
}

START_TEST(test_intact)
{
    char error[LOG_ERROR_SIZE];
    ck_assert_int_eq(scan_bytes(wal, wal_size, error), 0);
    ck_assert_int_eq(open_bytes(wal, wal_size, error), records_in(COMMITS));
}

END_TEST

/* A -wal that is gone altogether is noticed, as the database was marked open. */
START_TEST(test_missing)
{
    char error[LOG_ERROR_SIZE];
    char path[PATH_MAX + sizeof(WAL)];
    (void)snprintf(path, sizeof(path), "%s/" WAL, target);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(scan_target(error), 0);
    struct command_log *log;
    struct log_options options = {.directory = target, .create = true};
    for (int again = 0; again < 2; again++) { /* a refusal does not leave one */
        ck_assert_int_eq(log_open_sqlite(&log, &options, error), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(error, "its -wal is missing"));
    }
}

END_TEST

static void check_flip(size_t at, unsigned bit)
{
    char error[LOG_ERROR_SIZE];
    wal[at] ^= (uint8_t)(1u << bit);
    int fd = open(target, O_RDONLY | O_DIRECTORY);
    char path[PATH_MAX + sizeof(WAL)];
    (void)snprintf(path, sizeof(path), "%s/" WAL, target);
    int file = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(file, wal + at, 1, (off_t)at), 1);
    uint64_t commits;
    int result = wal_scan(fd, WAL, true, &commits, error);
    wal[at] ^= (uint8_t)(1u << bit);
    ck_assert_int_eq(pwrite(file, wal + at, 1, (off_t)at), 1);
    (void)close(file);
    (void)close(fd);
    ck_assert_msg(result == -EBADMSG, "bit %u of byte %zu was not noticed", bit, at);
    ck_assert_ptr_nonnull(strstr(error, WAL " is damaged"));
    if (at >= 32) {
        char frame[32];
        (void)snprintf(frame, sizeof(frame), "frame %zu of", (at - 32) / FRAME_SIZE + 1);
        ck_assert_msg(strstr(error, frame) != NULL, "%s names not %s", error, frame);
    }
}

/* Any bit of the header, any bit of the header of a frame, and bits anywhere: every one is found.
 */
START_TEST(test_flipped_bit)
{
    for (size_t at = 0; at < 32; at++) {
        check_flip(at, (unsigned)(random_next() % 8));
    }
    size_t frames = (wal_size - 32) / FRAME_SIZE;
    size_t middle = 32 + frames / 2 * FRAME_SIZE;
    size_t last = 32 + (frames - 1) * FRAME_SIZE;
    for (size_t i = 0; i < 24; i++) {
        check_flip(middle + i, (unsigned)(random_next() % 8));
        check_flip(last + i, (unsigned)(random_next() % 8));
    }
    for (int i = 0; i < 200; i++) {
        check_flip(32 + (size_t)(random_next() % (wal_size - 32)), (unsigned)(random_next() % 8));
    }
}

END_TEST

/* The log refuses to open and says why; without the scan SQLite would open it with fewer commits.
 */
START_TEST(test_flipped_bit_open)
{
    for (int i = 0; i < 10; i++) {
        char error[LOG_ERROR_SIZE] = "";
        size_t at = wal_size / 3 + (size_t)(random_next() % (wal_size / 3));
        wal[at] ^= 16;
        ck_assert_int_eq(open_bytes(wal, wal_size, error), -1);
        ck_assert_ptr_nonnull(strstr(error, WAL " is damaged: a bit of frame"));
        wal[at] ^= 16;
    }
}

END_TEST

/* More than a bit: a sector, a page, a run of frames; refused wherever two commits follow it. */
START_TEST(test_hole)
{
    static const size_t sizes[] = {512, 4096, 65536};
    uint8_t *bytes = malloc(wal_size);
    ck_assert_ptr_nonnull(bytes);
    for (int i = 0; i < 30; i++) {
        char error[LOG_ERROR_SIZE] = "";
        size_t size = sizes[i % 3];
        size_t at =
            4096 + (size_t)(random_next() % (commit_ends[COMMITS - 4] - 4096 - size)) / 512 * 512;
        memcpy(bytes, wal, wal_size);
        memset(bytes + at, (int)random_next(), size);
        if (memcmp(bytes, wal, wal_size) != 0) {
            ck_assert_int_eq(scan_bytes(bytes, wal_size, error), -EBADMSG);
            ck_assert_ptr_nonnull(strstr(error, "frame"));
        }
    }
    free(bytes);
}

END_TEST

/* Cut at any byte: every commit that is complete is there, and nothing is refused. */
START_TEST(test_cut)
{
    char error[LOG_ERROR_SIZE] = "";
    size_t cuts[CUTS];
    size_t count = 0;
    for (size_t at = 0; at < 34; at += 3) {
        cuts[count++] = at;
    }
    for (size_t i = 0; i < 10; i++) {
        size_t end = commit_ends[random_next() % COMMITS];
        cuts[count++] = end - 1;
        cuts[count++] = end;
        cuts[count++] = end + 1 < wal_size ? end + 1 : wal_size;
    }
    while (count < CUTS) {
        cuts[count++] = (size_t)(random_next() % wal_size);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t expected = records_in(commits_in(cuts[i]));
        int64_t found = open_bytes(wal, cuts[i], error);
        ck_assert_msg(found == expected, "cut at %zu: %" PRId64 " for %" PRId64 " records: %s",
                      cuts[i], found, expected, error);
    }
}

END_TEST

/* Before its sync the pages of the last commit reach the disk in any order: each subset opens. */
START_TEST(test_torn_last_commit)
{
    size_t begin = commit_ends[COMMITS - 2];
    size_t first = (begin + 4095) / 4096;
    uint8_t *bytes = malloc(wal_size);
    ck_assert_ptr_nonnull(bytes);
    for (int i = 0; i < 40; i++) {
        char error[LOG_ERROR_SIZE] = "";
        bool older = random_next() % 2 == 0; /* what is left is an older -wal, or nothing */
        memcpy(bytes, wal, wal_size);
        for (size_t page = first; page * 4096 < wal_size; page++) {
            size_t size = wal_size - page * 4096 < 4096 ? wal_size - page * 4096 : 4096;
            if (random_next() % 4 == 0 || page == first + (size_t)i % 8) {
                if (older) {
                    memcpy(bytes + page * 4096, wal + 4096, size);
                } else {
                    memset(bytes + page * 4096, 0, size);
                }
            }
        }
        ck_assert_msg(scan_bytes(bytes, wal_size, error) == 0, "%s", error);
        if (i < 10) {
            bool torn = memcmp(bytes, wal, wal_size) != 0;
            int64_t found = open_bytes(bytes, wal_size, error);
            ck_assert_msg(found == records_in(COMMITS - torn), "%" PRId64 ": %s", found, error);
        }
    }
    free(bytes);
}

END_TEST

/* After a torn commit the log goes on, is killed again, and opens again. */
START_TEST(test_go_on_after_torn)
{
    char error[LOG_ERROR_SIZE] = "";
    char again[PATH_MAX];
    size_t cut = commit_ends[COMMITS - 2] + FRAME_SIZE + 100;
    memset(wal + cut, 0, 4096); /* the commit's last frame is there, one before it is not */
    write_wal(target, wal, wal_size);
    struct command_log *log = support_open(target, 0);
    struct support_durable durable;
    struct support_batch batch = {0};
    support_durable_init(&durable);
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    support_fill(&batch, log, 5, 1, false);
    ck_assert_int_eq(support_append(log, &durable, &batch.batch), 0);
    support_directory(again);
    support_copy(target, again);
    log_stop(log);
    log_close(log);
    log = support_open(again, 0);
    ck_assert_int_eq(support_verify(log, error), records_in(COMMITS - 1) + 5);
    log_close(log);
    support_fini(&batch);
    support_remove(again);
}

END_TEST

/* Frames at the beginning of the -wal that carry the salts of its header. */
static size_t current_frames(void)
{
    size_t count = 0;
    while (32 + (count + 1) * FRAME_SIZE <= wal_size &&
           memcmp(wal + 16, wal + 32 + count * FRAME_SIZE + 8, 8) == 0) {
        count++;
    }
    return count;
}

/* Checkpoints keep the -wal bounded: SQLite begins it again, over older frames. Damage is found in
 * the new frames only, and nothing is lost with the older ones. */
START_TEST(test_begun_anew)
{
    char live[PATH_MAX];
    char error[LOG_ERROR_SIZE] = "";
    const uint64_t size_max = 18 << 20;
    support_directory(live);
    struct command_log *log = support_open(live, size_max);
    struct support_durable durable;
    struct support_batch batch = {0};
    support_durable_init(&durable);
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
    for (uint32_t i = 0; i < 900; i++) {
        support_fill(&batch, log, 10, 3, i % 7 == 0);
        ck_assert_int_eq(support_append(log, &durable, &batch.batch), 0);
    }
    ck_assert_uint_lt(file_size(live), 3 * size_max);
    support_remove(source);
    support_directory(source);
    support_copy(live, source);
    forget_end(source);
    log_stop(log);
    log_close(log);
    read_wal(source);
    size_t frames = current_frames();
    ck_assert_uint_gt(frames, 0);
    ck_assert_uint_lt(32 + frames * FRAME_SIZE, wal_size);
    ck_assert_int_eq(open_bytes(wal, wal_size, error), 9000);
    write_wal(target, wal, wal_size);
    for (int i = 0; i < 40; i++) {
        check_flip(32 + (size_t)(random_next() % (frames * FRAME_SIZE)),
                   (unsigned)(random_next() % 8));
    }
    for (size_t at = 32 + frames * FRAME_SIZE; at < wal_size; at += wal_size / 20) {
        wal[at] ^= 1;
    }
    ck_assert_int_eq(open_bytes(wal, wal_size, error), 9000);
    support_fini(&batch);
    support_remove(live);
}

END_TEST

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void sum_big_endian(uint32_t sum[2], const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 4) {
        uint32_t word = (uint32_t)bytes[i] << 24 | (uint32_t)bytes[i + 1] << 16 |
                        (uint32_t)bytes[i + 2] << 8 | bytes[i + 3];
        sum[i / 4 % 2] += word + sum[1 - i / 4 % 2];
    }
}

/* A -wal of a big-endian machine, whose checksums read the file the other way round. */
START_TEST(test_big_endian)
{
    char error[LOG_ERROR_SIZE] = "";
    uint32_t sum[2] = {0, 0};
    wal[3] |= 1;
    sum_big_endian(sum, wal, 24);
    put_u32(wal + 24, sum[0]);
    put_u32(wal + 28, sum[1]);
    for (size_t at = 32; at < wal_size; at += FRAME_SIZE) {
        sum_big_endian(sum, wal + at, 8);
        sum_big_endian(sum, wal + at + 24, FRAME_SIZE - 24);
        put_u32(wal + at + 16, sum[0]);
        put_u32(wal + at + 20, sum[1]);
    }
    ck_assert_msg(scan_bytes(wal, wal_size, error) == 0, "%s", error);
    ck_assert_int_eq(open_bytes(wal, wal_size, error), records_in(COMMITS));
    write_wal(target, wal, wal_size);
    for (int i = 0; i < 20; i++) {
        check_flip(32 + (size_t)(random_next() % (wal_size - 32)), (unsigned)(random_next() % 8));
    }
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("wal_scan");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    UNIT_ADD(tests, test_intact, test_missing, test_flipped_bit, test_flipped_bit_open, test_hole,
             test_cut, test_torn_last_commit, test_go_on_after_torn, test_begun_anew,
             test_big_endian);
    return unit_run(tests);
}
