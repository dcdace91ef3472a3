/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archived files of the log. Goal: a file comes out as it went in, or is refused by name; a log that was
 * cut reads with its archive as it read whole; what stops half way leaves nothing under a file's name.
 * Method: bytes flipped one at a time, a source that fails or stops at each of its pieces, and a log of
 * many small files, archived and cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/archive/archive_read.h"
#include "daemon/archive/archive_write.h"
#include "daemon/archive/archiver.h"
#include "daemon/log/file_bytes.h"
#include "daemon/log/identity.h"
#include "daemon/log/log_cut.h"
#include "lib/record/header.h"
#include "lib/record/wire.h"
#include "tests/unit/log_fixture.h"
#include "tests/unit/unit_main.h"

#define FILE_SIZE ((uint64_t)512 << 10)
#define FILES_MAX 64
#define BATCHES 16
#define BYTES_SIZE (((size_t)3 << 20) + 17)
#define IDENTITY "0123456789abcdef0123456789abcdef"

static char archive_directory[PATH_MAX];
static int archive_fd;

static void set_up_archive(void)
{
    set_up();
    support_directory(archive_directory);
    archive_fd = open(archive_directory, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(archive_fd, 0);
}

static void tear_down_archive(void)
{
    (void)close(archive_fd);
    support_remove(archive_directory);
    tear_down();
}

static bool has(const char *name)
{
    return faccessat(archive_fd, name, F_OK, 0) == 0;
}

/* ---- one file ---- */

/* The bytes of a log file that never was, and when they end. */
struct bytes {
    uint8_t *at;
    size_t size;
    uint32_t pieces;
    uint32_t fails_at, stops_at; /* the number of a piece, 0: never */
};

static int read_bytes(void *user, uint64_t offset, size_t size, struct buffer *out, char *why)
{
    struct bytes *bytes = user;
    if (++bytes->pieces == bytes->fails_at) {
        return log_error(why, -EIO, "it fails");
    }
    buffer_append(out, bytes->at + offset, size);
    return 0;
}

static bool on_piece(void *user, size_t size)
{
    const struct bytes *bytes = user;
    (void)size;
    return bytes->pieces != bytes->stops_at;
}

static struct bytes make_bytes(size_t size)
{
    struct bytes bytes = {.at = malloc(size), .size = size};
    for (size_t i = 0; i < size; i++) {
        bytes.at[i] = (uint8_t)(i * i / 97 + i / 4096);
    }
    return bytes;
}

static struct archive_head make_head(const struct bytes *bytes)
{
    struct archive_head head = {.number = 7, .identity = IDENTITY, .size = bytes->size};
    head.start = (struct log_position){100, 50, 5, {1, 2, 3}};
    head.end = (struct log_position){200, 70, 6, {4, 5, 6}};
    return head;
}

static int write_bytes(struct bytes *bytes, struct archive_head *ret_head)
{
    const struct archive_source source = {read_bytes, on_piece, bytes};
    *ret_head = make_head(bytes);
    return archive_write(archive_fd, ret_head, &source, error);
}

struct seen {
    const struct bytes *bytes;
    size_t at;
};

static int put(void *user, const void *bytes, size_t size, char *why)
{
    struct seen *seen = user;
    (void)why;
    ck_assert_uint_le(size, seen->bytes->size - seen->at);
    ck_assert_int_eq(memcmp(bytes, seen->bytes->at + seen->at, size), 0);
    seen->at += size;
    return 0;
}

START_TEST(a_file_comes_out_as_it_went_in)
{
    static const size_t sizes[] = {1, 4096, 131072, 1 << 20, BYTES_SIZE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct bytes bytes = make_bytes(sizes[i]);
        struct archive_head head;
        struct archive_head found;
        struct seen seen = {.bytes = &bytes};
        const struct archive_sink sink = {.put = put, .user = &seen};
        ck_assert_msg(write_bytes(&bytes, &head) == 0, "%s", error);
        ck_assert_msg(archive_read(archive_fd, 7, &sink, &found, error) == 0, "%s", error);
        ck_assert_uint_eq(seen.at, sizes[i]);
        ck_assert_uint_eq(found.size, sizes[i]);
        ck_assert_uint_eq(found.number, 7);
        ck_assert_str_eq(found.identity, IDENTITY);
        ck_assert_str_eq(found.sha256, head.sha256);
        ck_assert_int_eq(memcmp(&found.start, &head.start, sizeof(head.start)), 0);
        ck_assert_int_eq(memcmp(&found.end, &head.end, sizeof(head.end)), 0);
        free(bytes.at);
    }
    ck_assert(has("log-00000007.db.zst"));
    ck_assert(!has("log-00000007.db.zst.new"));
}

END_TEST

START_TEST(every_changed_byte_is_found)
{
    struct bytes bytes = make_bytes(5000);
    struct archive_head head;
    const struct archive_sink nowhere = {0};
    uint8_t whole[8192];
    ck_assert_int_eq(write_bytes(&bytes, &head), 0);
    int fd = openat(archive_fd, "log-00000007.db.zst", O_RDWR);
    ssize_t size = file_read_at(fd, whole, sizeof(whole), 0);
    ck_assert_int_gt(size, ARCHIVE_HEAD_SIZE);
    for (ssize_t at = 0; at < size; at++) {
        uint8_t changed = whole[at] ^ (uint8_t)(1u << at % 8);
        ck_assert_int_eq(file_write_at(fd, &changed, 1, (uint64_t)at), 0);
        ck_assert_int_eq(archive_read(archive_fd, 7, &nowhere, &head, error), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(error, "log-00000007.db.zst"));
        ck_assert_int_eq(file_write_at(fd, &whole[at], 1, (uint64_t)at), 0);
    }
    for (ssize_t left = 0; left < size; left += 1 + size / 50) {
        ck_assert_int_eq(ftruncate(fd, left), 0);
        ck_assert_int_eq(archive_read(archive_fd, 7, &nowhere, &head, error), -EBADMSG);
    }
    (void)close(fd);
    ck_assert_int_eq(archive_read(archive_fd, 8, &nowhere, &head, error), -ENOENT);
    ck_assert_int_eq(renameat(archive_fd, "log-00000007.db.zst", archive_fd, "log-00000008.db.zst"),
                     0);
    ck_assert_int_eq(archive_read(archive_fd, 8, &nowhere, &head, error), -EBADMSG);
    free(bytes.at);
}

END_TEST

START_TEST(a_newer_format_is_refused_by_name)
{
    struct bytes bytes = make_bytes(100);
    struct archive_head head = make_head(&bytes);
    uint8_t encoded[ARCHIVE_HEAD_SIZE];
    memset(head.sha256, 'a', sizeof(head.sha256) - 1);
    archive_head_encode(&head, encoded);
    ck_assert_int_eq(archive_head_decode(encoded, &head), 0);
    encoded[16]++;
    ck_assert_int_eq(archive_head_decode(encoded, &head), -EBADMSG);
    bs_wire_put_u32(encoded + 252, bs_crc32c(0, encoded, 252));
    ck_assert_int_eq(archive_head_decode(encoded, &head), -EPROTO);
    free(bytes.at);
}

END_TEST

START_TEST(what_stops_half_way_leaves_what_was)
{
    struct bytes bytes = make_bytes(BYTES_SIZE);
    struct archive_head head;
    struct archive_head found;
    const struct archive_sink nowhere = {0};
    for (uint32_t piece = 1; piece <= 4; piece++) {
        bytes.pieces = 0;
        bytes.fails_at = piece;
        ck_assert_int_eq(write_bytes(&bytes, &head), -EIO);
        bytes.pieces = 0;
        bytes.fails_at = 0;
        bytes.stops_at = piece;
        ck_assert_int_eq(write_bytes(&bytes, &head), -ECANCELED);
        bytes.stops_at = 0;
        ck_assert(!has("log-00000007.db.zst"));
        ck_assert(!has("log-00000007.db.zst.new"));
    }
    ck_assert_int_eq(write_bytes(&bytes, &head), 0);
    bytes.pieces = 0;
    bytes.fails_at = 2;
    ck_assert_int_eq(write_bytes(&bytes, &found), -EIO);
    ck_assert_int_eq(archive_read(archive_fd, 7, &nowhere, &found, error), 0);
    ck_assert_str_eq(found.sha256, head.sha256);
    free(bytes.at);
}

END_TEST

/* ---- a log ---- */

static struct command_log *make_log(void)
{
    struct command_log *log = support_make(directory, FILE_SIZE, BATCHES);
    ck_assert_int_eq(log_identify(log, error), 0);
    return log;
}

static struct command_log *archived_log;

static bool always(void *user)
{
    (void)user;
    return true;
}

static void cut(void *user, const struct log_old_file *file)
{
    uint32_t count;
    (void)user;
    ck_assert_msg(log_cut(archived_log, file->last_seq, &count, error) == 0, "%s", error);
    ck_assert_uint_eq(count, 1);
}

static struct archiver_state archive_all(struct command_log *log, uint64_t up_to_seq)
{
    static struct log_old_file files[FILES_MAX];
    const struct archiver_options options = {
        .directory = archive_directory, .log = log, .goes_on = always};
    struct archiver_state state;
    struct archiver *archiver = archiver_new(&options);
    ck_assert_ptr_nonnull(archiver);
    archived_log = log;
    uint32_t count = log_old_files(log, files, FILES_MAX);
    archiver_run(archiver, files, count, up_to_seq, cut);
    archiver_state_get(archiver, &state);
    archiver_free(archiver);
    return state;
}

/* The log with its archive has as many records as it had, and its chains hold. */
static void check_whole(int64_t records)
{
    struct command_log *log;
    const struct log_options options = {
        .directory = directory, .read_only = true, .archive = archive_directory};
    ck_assert_msg(log_open_sqlite(&log, &options, error) == 0, "%s", error);
    ck_assert_uint_eq(log_begin(log).seq, 0);
    ck_assert_msg(log_identify(log, error) == 0, "%s", error);
    ck_assert_msg(support_verify(log, error) == records, "%s", error);
    log_close(log);
}

START_TEST(a_cut_log_is_whole_with_its_archive)
{
    struct command_log *log = make_log();
    int64_t records = support_verify(log, error);
    struct log_old_file files[FILES_MAX];
    uint32_t count = log_old_files(log, files, FILES_MAX);
    ck_assert_uint_gt(count, 3);
    struct archiver_state state = archive_all(log, files[2].last_seq);
    ck_assert_msg(!state.is_failing, "%s", state.error);
    ck_assert_uint_eq(state.files, count); /* all are stored, three are cut */
    ck_assert_uint_eq(state.last_seq, files[count - 1].last_seq);
    ck_assert_uint_lt(state.bytes_out, state.bytes_in);
    ck_assert_uint_eq(log_begin(log).seq, files[2].last_seq);
    state = archive_all(log, UINT64_MAX); /* by another life of the daemon */
    ck_assert_msg(!state.is_failing, "%s", state.error);
    ck_assert_uint_eq(state.files, 0);
    ck_assert_uint_eq(log_begin(log).seq, files[count - 1].last_seq);
    log_close(log);
    check_whole(records);
}

END_TEST

START_TEST(what_is_not_safe_is_not_cut)
{
    struct command_log *log = make_log();
    int64_t records = support_verify(log, error);
    struct archiver_state state;
    ck_assert_int_eq(mkdirat(archive_fd, "log-00000002.db.zst.new", 0700), 0);
    state = archive_all(log, UINT64_MAX);
    ck_assert(state.is_failing);
    ck_assert_uint_eq(state.files, 1);
    ck_assert_uint_eq(log_begin(log).seq, state.last_seq); /* the first one went */
    ck_assert_int_eq(unlinkat(archive_fd, "log-00000002.db.zst.new", AT_REMOVEDIR), 0);
    state = archive_all(log, 0);
    ck_assert(!state.is_failing);
    uint8_t byte = 0x55; /* one that was stored rots before it is read back */
    int fd = openat(archive_fd, "log-00000003.db.zst", O_RDWR);
    ck_assert_int_eq(file_write_at(fd, &byte, 1, 1000), 0);
    (void)close(fd);
    state = archive_all(log, UINT64_MAX);
    ck_assert_msg(!state.is_failing, "%s", state.error);
    ck_assert_uint_eq(state.files, 1); /* written again */
    log_close(log);
    check_whole(records);
}

END_TEST

START_TEST(an_archive_of_another_log_is_refused)
{
    struct bytes bytes = make_bytes(5000);
    struct archive_head head;
    struct command_log *log = make_log();
    ck_assert_int_eq(write_bytes(&bytes, &head), 0);
    ck_assert_int_eq(renameat(archive_fd, "log-00000007.db.zst", archive_fd, "log-00000001.db.zst"),
                     0);
    struct archiver_state state = archive_all(log, UINT64_MAX); /* of number 7: damaged, mended */
    ck_assert_msg(!state.is_failing, "%s", state.error);
    log_close(log);
    support_remove(directory);
    support_directory(directory);
    log = make_log();
    state = archive_all(log, UINT64_MAX);
    ck_assert(state.is_failing);
    ck_assert_ptr_nonnull(strstr(state.error, "of its own"));
    ck_assert_uint_eq(log_begin(log).seq, 0);
    log_close(log);
    free(bytes.at);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("archive");
    tcase_add_checked_fixture(tests, set_up_archive, tear_down_archive);
    UNIT_ADD(tests, a_file_comes_out_as_it_went_in);
    UNIT_ADD(tests, every_changed_byte_is_found);
    UNIT_ADD(tests, a_newer_format_is_refused_by_name);
    UNIT_ADD(tests, what_stops_half_way_leaves_what_was);
    UNIT_ADD(tests, a_cut_log_is_whole_with_its_archive);
    UNIT_ADD(tests, what_is_not_safe_is_not_cut);
    UNIT_ADD(tests, an_archive_of_another_log_is_refused);
    return unit_run(tests);
}
