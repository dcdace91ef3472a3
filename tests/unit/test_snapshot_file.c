/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a snapshot file is read as it was written or refused by name, and the newest two whole ones
 * stay. Method: sections of sizes around those of a page, every byte changed, every length cut;
 * files that a crash, another log and another hand left.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/snapshot/snapshot_directory.h"
#include "daemon/snapshot/snapshot_reader.h"
#include "daemon/snapshot/snapshot_writer.h"
#include "tests/unit/log_support.h"
#include "tests/unit/unit_main.h"

static char where[PATH_MAX];
static char error[LOG_ERROR_SIZE];
static int directory;

static void set_up(void)
{
    support_directory(where);
    directory = open(where, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(directory, 0);
}

static void tear_down(void)
{
    (void)close(directory);
    support_remove(where);
}

static struct snapshot_header header_of(uint64_t seq)
{
    struct snapshot_header header = {
        .identity = "00112233445566778899aabbccddeeff",
        .seq = seq,
        .time_ms = 1700000000000 + (int64_t)seq,
        .ordinal = 3 * seq,
        .settlement = 7,
        .digest = {{seq, ~seq}},
    };
    memset(header.link, 0x5a, sizeof(header.link));
    return header;
}

/* The byte of a section at an offset: no two pages are alike. */
static uint8_t byte_at(enum snapshot_section section, size_t at)
{
    return (uint8_t)(at * 2654435761u >> 13) ^ (uint8_t)(section * 31);
}

static int write_file(const struct snapshot_header *header,
                      const size_t sizes[SNAPSHOT_SECTIONS_COUNT], size_t piece)
{
    struct snapshot_writer writer;
    ck_assert_msg(snapshot_writer_open(&writer, directory, header, error) == 0, "%s", error);
    for (enum snapshot_section section = 0; section < SNAPSHOT_SECTIONS_COUNT; section++) {
        uint8_t bytes[1000];
        for (size_t at = 0; at < sizes[section];) {
            size_t size = sizes[section] - at < piece ? sizes[section] - at : piece;
            for (size_t i = 0; i < size; i++) {
                bytes[i] = byte_at(section, at + i);
            }
            ck_assert_int_eq(snapshot_writer_add(&writer, section, bytes, size, error), 0);
            at += size;
        }
    }
    struct snapshot_header written;
    return snapshot_writer_finish(&writer, &written, error);
}

static void expect_whole(uint64_t seq, const size_t sizes[SNAPSHOT_SECTIONS_COUNT])
{
    struct snapshot_reader reader;
    enum snapshot_section section;
    const uint8_t *bytes;
    size_t size;
    size_t read[SNAPSHOT_SECTIONS_COUNT] = {0};
    struct snapshot_header expected = header_of(seq);
    ck_assert_msg(snapshot_reader_open(&reader, directory, seq, error) == 0, "%s", error);
    int code;
    while ((code = snapshot_reader_next(&reader, &section, &bytes, &size, error)) == 1) {
        ck_assert_uint_gt(size, 0);
        for (size_t i = 0; i < size; i++) {
            ck_assert_uint_eq(bytes[i], byte_at(section, read[section] + i));
        }
        read[section] += size;
    }
    ck_assert_int_eq(code, 0);
    ck_assert_mem_eq(read, sizes, sizeof(read));
    ck_assert_str_eq(reader.header.identity, expected.identity);
    ck_assert_mem_eq(reader.header.link, expected.link, LOG_HASH_SIZE);
    ck_assert_uint_eq(reader.header.ordinal, expected.ordinal);
    ck_assert_uint_eq(reader.header.settlement, expected.settlement);
    ck_assert_int_eq(reader.header.time_ms, expected.time_ms);
    ck_assert_mem_eq(&reader.header.digest, &expected.digest, sizeof(expected.digest));
    snapshot_reader_close(&reader);
}

static bool exists(uint64_t seq, const char *suffix)
{
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(seq, suffix, name);
    return faccessat(directory, name, F_OK, 0) == 0;
}

START_TEST(test_sizes)
{
    static const size_t edges[] = {0,
                                   1,
                                   SNAPSHOT_PAYLOAD - 1,
                                   SNAPSHOT_PAYLOAD,
                                   SNAPSHOT_PAYLOAD + 1,
                                   (size_t)SNAPSHOT_PAYLOAD * SNAPSHOT_CHUNK_PAGES,
                                   (size_t)SNAPSHOT_PAYLOAD * SNAPSHOT_CHUNK_PAGES + 1};
    const size_t count = sizeof(edges) / sizeof(edges[0]);
    for (size_t i = 0; i < count; i++) {
        const size_t sizes[] = {edges[i], edges[(i + 3) % count], edges[(i + 5) % count]};
        const struct snapshot_header header = header_of(i + 1);
        ck_assert_int_eq(write_file(&header, sizes, i % 2 == 0 ? 1000 : 997), 0);
        ck_assert(exists(i + 1, ""));
        ck_assert(!exists(i + 1, SNAPSHOT_PARTIAL));
        expect_whole(i + 1, sizes);
    }
}

END_TEST

static void expect_damaged(uint64_t seq)
{
    struct snapshot_header header;
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(seq, "", name);
    ck_assert_int_eq(snapshot_file_check(directory, seq, &header, error), -EBADMSG);
    ck_assert_ptr_nonnull(strstr(error, name));
}

static int open_file(uint64_t seq)
{
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(seq, "", name);
    int fd = openat(directory, name, O_RDWR);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(test_every_byte)
{
    const size_t sizes[] = {100, 0, 0};
    const struct snapshot_header header = header_of(5);
    ck_assert_int_eq(write_file(&header, sizes, 64), 0);
    int fd = open_file(5);
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_size, 2 * SNAPSHOT_PAGE_SIZE);
    for (off_t at = 0; at < status.st_size; at++) {
        uint8_t before;
        ck_assert_int_eq(pread(fd, &before, 1, at), 1);
        uint8_t changed = before ^ (uint8_t)(1u << (at % 8));
        ck_assert_int_eq(pwrite(fd, &changed, 1, at), 1);
        expect_damaged(5);
        ck_assert_int_eq(pwrite(fd, &before, 1, at), 1);
    }
    expect_whole(5, sizes);
    for (off_t size = status.st_size - 1; size >= 0; size--) {
        ck_assert_int_eq(ftruncate(fd, size), 0);
        expect_damaged(5);
    }
    (void)close(fd);
}

END_TEST

/* Every page whole, but not of one file: another snapshot of the same sequence, and pages swapped. */
START_TEST(test_mixed_pages)
{
    const size_t sizes[] = {SNAPSHOT_PAYLOAD * 2, 0, 50};
    uint8_t pages[2][SNAPSHOT_PAGE_SIZE];
    struct snapshot_header header = header_of(9);
    ck_assert_int_eq(write_file(&header, (const size_t[]){SNAPSHOT_PAYLOAD * 2 - 1, 1, 50}, 64), 0);
    int fd = open_file(9);
    ck_assert_int_eq(pread(fd, pages[0], SNAPSHOT_PAGE_SIZE, 2 * SNAPSHOT_PAGE_SIZE),
                     SNAPSHOT_PAGE_SIZE);
    (void)close(fd);
    ck_assert_int_eq(write_file(&header, sizes, 64), 0);
    fd = open_file(9);
    ck_assert_int_eq(pread(fd, pages[1], SNAPSHOT_PAGE_SIZE, 2 * SNAPSHOT_PAGE_SIZE),
                     SNAPSHOT_PAGE_SIZE);
    ck_assert_int_eq(pwrite(fd, pages[0], SNAPSHOT_PAGE_SIZE, 2 * SNAPSHOT_PAGE_SIZE),
                     SNAPSHOT_PAGE_SIZE);
    expect_damaged(9);
    ck_assert_int_eq(pwrite(fd, pages[1], SNAPSHOT_PAGE_SIZE, SNAPSHOT_PAGE_SIZE),
                     SNAPSHOT_PAGE_SIZE);
    expect_damaged(9);
    (void)close(fd);
}

END_TEST

/* The header of a later format says so, and is not called damaged. */
START_TEST(test_newer_version)
{
    const size_t sizes[] = {10, 10, 10};
    const struct snapshot_header header = header_of(4);
    struct snapshot_header ignored;
    uint8_t page[SNAPSHOT_PAGE_SIZE];
    ck_assert_int_eq(write_file(&header, sizes, 64), 0);
    int fd = open_file(4);
    ck_assert_int_eq(pread(fd, page, sizeof(page), 0), (ssize_t)sizeof(page));
    page[SNAPSHOT_PAGE_HEAD + 8]++; /* the version follows the magic */
    snapshot_page_seal(page, 0, 4);
    ck_assert_int_eq(pwrite(fd, page, sizeof(page), 0), (ssize_t)sizeof(page));
    ck_assert_int_eq(snapshot_file_check(directory, 4, &ignored, error), -EBADMSG);
    ck_assert_ptr_nonnull(strstr(error, "newer version"));
    (void)close(fd);
}

END_TEST

START_TEST(test_renamed)
{
    const size_t sizes[] = {10, 10, 10};
    const struct snapshot_header header = header_of(4);
    char names[2][SNAPSHOT_NAME_SIZE];
    ck_assert_int_eq(write_file(&header, sizes, 64), 0);
    snapshot_name(4, "", names[0]);
    snapshot_name(6, "", names[1]);
    ck_assert_int_eq(renameat(directory, names[0], directory, names[1]), 0);
    expect_damaged(6);
}

END_TEST

static void put_other(const char *name)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
}

START_TEST(test_abandoned)
{
    const struct snapshot_header header = header_of(8);
    struct snapshot_writer writer;
    ck_assert_int_eq(snapshot_writer_open(&writer, directory, &header, error), 0);
    ck_assert_int_eq(snapshot_writer_add(&writer, SNAPSHOT_ENGINE, "abc", 3, error), 0);
    ck_assert(exists(8, SNAPSHOT_PARTIAL));
    snapshot_writer_abandon(&writer);
    snapshot_writer_abandon(&writer);
    ck_assert(!exists(8, SNAPSHOT_PARTIAL));
    ck_assert(!exists(8, ""));
}

END_TEST

START_TEST(test_partial_files_go)
{
    put_other("snapshot-00000000000000000007.bss.new");
    put_other("snapshot-00000000000000000009.bss.new");
    put_other("snapshot-7.bss.new");
    put_other("snapshot-99999999999999999999.bss.new"); /* no sequence */
    ck_assert_int_eq(snapshot_remove_partial(directory, error), 0);
    ck_assert(!exists(7, SNAPSHOT_PARTIAL));
    ck_assert(!exists(9, SNAPSHOT_PARTIAL));
    ck_assert_int_eq(faccessat(directory, "snapshot-7.bss.new", F_OK, 0), 0);
    ck_assert_int_eq(faccessat(directory, "snapshot-99999999999999999999.bss.new", F_OK, 0), 0);
}

END_TEST

START_TEST(test_newest_two_stay)
{
    const size_t sizes[] = {100, 100, 100};
    struct snapshot_header header;
    struct snapshot_list list;
    uint64_t oldest;
    for (uint64_t seq = 10; seq <= 60; seq += 10) {
        header = header_of(seq);
        if (seq == 40) { /* of another log */
            header.identity[0] = 'f';
        }
        ck_assert_int_eq(write_file(&header, sizes, 100), 0);
    }
    int fd = open_file(30);
    ck_assert_int_eq(ftruncate(fd, 100), 0);
    (void)close(fd);
    put_other("snapshot-00000000000000000070.bss");
    ck_assert_int_eq(snapshot_list_read(&list, directory, error), 0);
    ck_assert_uint_eq(list.count, 7);
    ck_assert_uint_eq(list.seqs[0], 70);
    ck_assert_uint_eq(list.seqs[6], 10);
    header = header_of(50);
    ck_assert_int_eq(snapshot_keep_newest(directory, &header, &oldest, error), 0);
    ck_assert_uint_eq(oldest, 20);
    ck_assert_int_eq(snapshot_list_read(&list, directory, error), 0);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_uint_eq(list.seqs[0], 50);
    ck_assert_uint_eq(list.seqs[1], 20);
}

END_TEST

START_TEST(test_more_than_are_listed)
{
    struct snapshot_list list;
    char name[SNAPSHOT_NAME_SIZE];
    for (uint64_t i = 0; i < SNAPSHOTS_MAX + 9; i++) {
        snapshot_name(1 + i * 37 % (SNAPSHOTS_MAX + 9), "", name);
        put_other(name);
    }
    ck_assert_int_eq(snapshot_list_read(&list, directory, error), 0);
    ck_assert_uint_eq(list.count, SNAPSHOTS_MAX);
    for (uint32_t i = 0; i < list.count; i++) {
        ck_assert_uint_eq(list.seqs[i], SNAPSHOTS_MAX + 9 - i);
    }
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("snapshot_file");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    UNIT_ADD(tests, test_sizes, test_every_byte, test_mixed_pages, test_newer_version, test_renamed,
             test_abandoned, test_partial_files_go, test_newest_two_stay,
             test_more_than_are_listed);
    return unit_run(tests);
}
