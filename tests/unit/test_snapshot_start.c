/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a start from a snapshot is the same as one from the log's beginning: state, answers of
 * keys, stored rows. What does not fit is passed over, and the one before it is used. Method: a
 * core on a memory log with snapshots taken at several places, restarted after each kind of damage
 * and compared with a core that replays everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/request_record.h"
#include "daemon/core/internal.h"
#include "daemon/log/chain.h"
#include "daemon/log/identity.h"
#include "daemon/snapshot/snapshot_directory.h"
#include "daemon/snapshot/snapshot_reader.h"
#include "daemon/snapshot/snapshot_save.h"
#include "tests/unit/core_support.h"
#include "tests/unit/log_support.h"
#include "tests/unit/unit_main.h"

#define TRANSFER "{\"type\":\"transfer\",\"account\":\"b\",\"amount\":\"1\"}\n"
#define SOME_REJECTED TRANSFER "{\"type\":\"transfer\",\"account\":\"nobody\",\"amount\":\"1\"}\n"
#define SETTLEMENT                                                                                 \
    "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"80\"}\n{\"type\":\"settle\",\"pool\":\"p\"}"  \
    "\n"
#define KEYS_MAX 16

static char where[PATH_MAX];
static char error[LOG_ERROR_SIZE];
static int directory;
static struct world world;
static struct buffer answers[KEYS_MAX]; /* the first ones, by key */
static uint32_t keys_count;

static void set_up(void)
{
    support_directory(where);
    directory = open(where, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(directory, 0);
    keys_count = 0;
    world_init(&world);
    world.options.snapshots = where;
    ck_assert_msg(world_start(&world, error) == 0, "%s", error);
    world_set_up(&world);
}

static void tear_down(void)
{
    for (uint32_t i = 0; i < keys_count; i++) {
        buffer_fini(&answers[i]);
    }
    world_stop(&world);
    world_fini(&world);
    (void)close(directory);
    support_remove(where);
}

static void send_key(uint32_t number, const char *items, struct request *request)
{
    char key[16];
    uint8_t fingerprint[BS_FINGERPRINT_SIZE] = {(uint8_t)number};
    int size = snprintf(key, sizeof(key), "key %u", number);
    const struct bs_request_command who = {
        .caller = {"desk", 4}, .key = {key, (uint32_t)size}, .fingerprint = fingerprint};
    request_init(request, items);
    ck_assert_int_eq(api_request_encode(&request->key_record, &who, &request->batch), BS_OK);
    request_run(&world, request);
}

static void request_free(struct request *request)
{
    buffer_fini(&request->key_record);
    request_fini(request);
}

/* A write with a new key, whose answer is kept. */
static void write_items(const char *items)
{
    struct request request;
    send_key(keys_count, items, &request);
    ck_assert_int_eq(request.repeat, REPEAT_NO);
    answers[keys_count] = (struct buffer){0};
    buffer_append(&answers[keys_count++], request.body.bytes, request.body.size);
    request_free(&request);
}

static void expect_first_answers(void)
{
    for (uint32_t i = 0; i < keys_count; i++) {
        struct request request;
        send_key(i, TRANSFER, &request);
        ck_assert_int_eq(request.repeat, REPEAT_ANSWERED);
        ck_assert_uint_eq(request.body.size, answers[i].size);
        ck_assert_mem_eq(request.body.bytes, answers[i].bytes, answers[i].size);
        request_free(&request);
    }
}

static bool rows_are_stored(void *user)
{
    (void)user;
    return log_last_ordinal(world.log) == bs_engine_actions(world.core->executor.engine);
}

static bool pass_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                         size_t size)
{
    (void)user, (void)first_seq, (void)count, (void)records, (void)size;
    return true;
}

static bool take_chain(void *user, const struct log_action_row *row,
                       const uint8_t hash[LOG_HASH_SIZE])
{
    memcpy(pool_chains_get(user, row->pool)->hash, hash, LOG_HASH_SIZE);
    return true;
}

static bool take_settlement(void *user, const struct log_settlement_row *row)
{
    *(uint64_t *)user = row->ordinal;
    return true;
}

/* A snapshot of the state as it is, of a log of this name. Returns its sequence. */
static uint64_t take_of(const char *identity)
{
    struct log_reader *reader;
    struct log_reader_place place = {0};
    struct pool_chains chains = {0};
    struct snapshot_save save;
    struct snapshot_header header;
    struct log_filter all = {.type = UINT8_MAX, .limit = UINT32_MAX};
    struct log_settlement_filter all_settlements = {.limit = UINT32_MAX};
    world_wait(&world, rows_are_stored, NULL);
    struct snapshot_source source = {.engine = world.core->executor.engine,
                                     .answers = &world.core->first_answers,
                                     .chains = &chains,
                                     .identity = identity};
    ck_assert_int_eq(log_reader_open(&reader, world.log, error), 0);
    ck_assert_int_eq(
        log_reader_records(reader, &place, log_last_seq(world.log), pass_records, NULL, error), 0);
    memcpy(source.link, place.link, LOG_HASH_SIZE);
    ck_assert_int_eq(log_reader_actions(reader, &all, take_chain, &chains, error), 0);
    ck_assert_int_eq(log_reader_settlements(reader, &all_settlements, take_settlement,
                                            &source.settlement, error),
                     0);
    log_reader_close(reader);
    ck_assert_msg(snapshot_save_begin(&save, &source, directory, error) == 0, "%s", error);
    int code;
    while ((code = snapshot_save_next(&save, &header, error)) == 1) {
    }
    ck_assert_msg(code == 0, "%s", error);
    pool_chains_fini(&chains);
    return header.seq;
}

static uint64_t take(void)
{
    return take_of(log_identity(world.log));
}

/* A restart gives the same state, from that snapshot (0: from none), and passes over so many. */
static void restart(uint64_t seq, uint64_t passed_over)
{
    struct bs_digest before = bs_engine_digest(world.core->executor.engine);
    world_stop(&world);
    ck_assert_msg(world_start(&world, error) == 0, "%s", error);
    struct bs_digest after = bs_engine_digest(world.core->executor.engine);
    ck_assert_mem_eq(&after, &before, sizeof(after));
    ck_assert_uint_eq(core_snapshot_seq(world.core), seq);
    ck_assert_uint_eq(core_snapshots_passed_over(world.core), passed_over);
    expect_first_answers();
}

static int open_snapshot(uint64_t seq)
{
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(seq, "", name);
    int fd = openat(directory, name, O_RDWR);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void damage(uint64_t seq)
{
    int fd = open_snapshot(seq);
    ck_assert_int_eq(pwrite(fd, "x", 1, SNAPSHOT_PAGE_SIZE + 1000), 1);
    (void)close(fd);
}

START_TEST(test_same_as_whole_replay)
{
    write_items(TRANSFER);
    write_items(SOME_REJECTED);
    uint64_t first = take();
    restart(first, 0);
    write_items(SETTLEMENT);
    uint64_t second = take();
    restart(second, 0);
    write_items(TRANSFER TRANSFER);
    write_items("{\"type\":\"resume\",\"pool\":\"p\"}\n");
    restart(second, 0);
    world.options.snapshots = NULL;
    restart(0, 0);
}

END_TEST

/* Also what is in the outbox after a crash: the log holds less rows than replay gives. */
START_TEST(test_damaged_ones_are_passed_over)
{
    write_items(TRANSFER);
    uint64_t first = take();
    write_items(SETTLEMENT);
    uint64_t second = take();
    write_items(SOME_REJECTED);
    damage(second);
    restart(first, 1);
    damage(first);
    restart(0, 2);
}

END_TEST

START_TEST(test_another_log)
{
    write_items(TRANSFER);
    uint64_t first = take();
    write_items(SETTLEMENT);
    (void)take_of("ffeeddccbbaa99887766554433221100");
    restart(first, 1);
}

END_TEST

/* Writes the header again, changed, with the right checksum. */
static void change_header(uint64_t seq, void (*change)(struct snapshot_header *header))
{
    uint8_t page[SNAPSHOT_PAGE_SIZE];
    struct snapshot_header header;
    int fd = open_snapshot(seq);
    ck_assert_int_eq(pread(fd, page, sizeof(page), 0), (ssize_t)sizeof(page));
    ck_assert_int_eq(snapshot_header_decode(page, &header), BS_OK);
    change(&header);
    snapshot_header_encode(&header, page);
    ck_assert_int_eq(pwrite(fd, page, sizeof(page), 0), (ssize_t)sizeof(page));
    (void)close(fd);
}

static void change_link(struct snapshot_header *header)
{
    header->link[7] ^= 1;
}

static void change_digest(struct snapshot_header *header)
{
    header->digest.words[1] ^= 1;
}

static void change_ordinal(struct snapshot_header *header)
{
    header->ordinal += 1000;
}

static void change_time(struct snapshot_header *header)
{
    header->time_ms++;
}

START_TEST(test_headers_that_do_not_fit)
{
    static void (*const changes[])(struct snapshot_header *) = {change_link, change_digest,
                                                                change_ordinal, change_time};
    write_items(TRANSFER);
    write_items(SETTLEMENT);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        change_header(take(), changes[i]);
        restart(0, 1);
    }
}

END_TEST

static uint32_t crc_of_pages(int fd, uint64_t pages_count)
{
    uint8_t page[SNAPSHOT_PAGE_SIZE];
    uint32_t crc = 0;
    for (uint64_t i = 1; i < pages_count; i++) {
        ck_assert_int_eq(pread(fd, page, sizeof(page), (off_t)i * SNAPSHOT_PAGE_SIZE),
                         (ssize_t)sizeof(page));
        crc = snapshot_pages_crc(crc, page);
    }
    return crc;
}

static uint32_t new_crc;

static void change_crc(struct snapshot_header *header)
{
    header->pages_crc = new_crc;
}

/*
 * Every byte of the sections changed, under right checksums: the rows or the digest give it away, or
 * it is in an answer, whose bytes nothing else has. Never does a start fail, or another state.
 */
START_TEST(test_changed_bytes_under_right_checksums)
{
    struct snapshot_header header;
    write_items(SOME_REJECTED);
    write_items(SETTLEMENT);
    uint64_t seq = take();
    ck_assert_int_eq(snapshot_file_check(directory, seq, &header, error), 0);
    struct bs_digest before = bs_engine_digest(world.core->executor.engine);
    int fd = open_snapshot(seq);
    for (uint32_t at = 0; at < header.sizes[SNAPSHOT_ENGINE]; at += 13) {
        uint8_t page[SNAPSHOT_PAGE_SIZE];
        off_t offset = (off_t)(1 + at / SNAPSHOT_PAYLOAD) * SNAPSHOT_PAGE_SIZE;
        uint32_t in_page = SNAPSHOT_PAGE_HEAD + at % SNAPSHOT_PAYLOAD;
        ck_assert_int_eq(pread(fd, page, sizeof(page), offset), (ssize_t)sizeof(page));
        page[in_page] ^= (uint8_t)(1u << (at % 8));
        snapshot_page_seal(page, 1 + at / SNAPSHOT_PAYLOAD, seq);
        ck_assert_int_eq(pwrite(fd, page, sizeof(page), offset), (ssize_t)sizeof(page));
        new_crc = crc_of_pages(fd, snapshot_pages_count(&header));
        change_header(seq, change_crc);
        world_stop(&world);
        ck_assert_msg(world_start(&world, error) == 0, "%s", error);
        struct bs_digest after = bs_engine_digest(world.core->executor.engine);
        ck_assert_mem_eq(&after, &before, sizeof(after));
        page[in_page] ^= (uint8_t)(1u << (at % 8));
        snapshot_page_seal(page, 1 + at / SNAPSHOT_PAYLOAD, seq);
        ck_assert_int_eq(pwrite(fd, page, sizeof(page), offset), (ssize_t)sizeof(page));
    }
    (void)close(fd);
}

END_TEST

/* A capacity that grew after the snapshot: the engine is made again, from the snapshot. */
START_TEST(test_larger_capacities_after_it)
{
    write_items(TRANSFER);
    uint64_t seq = take();
    world.options.engine.capacity.accounts_max = 3000;
    restart(seq, 0);
    write_items(SETTLEMENT);
    world.options.engine.capacity.accounts_max = 10;
    restart(seq, 0);
    write_items(TRANSFER);
    restart(seq, 0);
    uint64_t last = take();
    restart(last, 0);
}

END_TEST

START_TEST(test_what_a_crash_leaves_goes)
{
    int fd = openat(directory, "snapshot-00000000000000000003.bss.new", O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    restart(0, 0);
    ck_assert_int_ne(faccessat(directory, "snapshot-00000000000000000003.bss.new", F_OK, 0), 0);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("snapshot_start");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    UNIT_ADD(tests, test_same_as_whole_replay, test_damaged_ones_are_passed_over, test_another_log,
             test_headers_that_do_not_fit, test_changed_bytes_under_right_checksums,
             test_larger_capacities_after_it, test_what_a_crash_leaves_goes);
    return unit_run(tests);
}
