/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what was acknowledged is read back, whole, in order, checked and by every filter, from both
 * logs and over file borders. Method: the same batches go into the memory log and the SQLite log
 * with small files; both must answer alike. Hashes are computed once more by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/json_state.h"
#include "daemon/log/chain.h"
#include "daemon/log/log_memory.h"
#include "tests/unit/log_fixture.h"
#include "tests/unit/unit_main.h"

#define SMALL_FILE 350000 /* bytes: a new file every few commits */

static void start(struct command_log *log)
{
    ck_assert_int_eq(log_start(log, support_on_durable, &durable), 0);
}

static void stop(struct command_log *log)
{
    log_stop(log);
    log_close(log);
}

static uint32_t count_files(void)
{
    uint32_t count = 0;
    for (;; count++) {
        char path[PATH_MAX + 32];
        (void)snprintf(path, sizeof(path), "%s/log-%08" PRIu32 ".db", directory, count + 1);
        if (access(path, F_OK) != 0) {
            return count;
        }
    }
}

/* What a read delivered, as text: two reads are equal when these are. */
static bool note_action(void *user, const struct log_action_row *row,
                        const uint8_t hash[LOG_HASH_SIZE])
{
    struct buffer *seen = user;
    buffer_printf(seen, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %u %.*s %.*s %u:", row->ordinal,
                  row->id, row->settlement, row->type, (int)row->pool.size, row->pool.bytes,
                  (int)row->account.size, row->account.bytes, row->record_size);
    buffer_append(seen, row->record, row->record_size);
    buffer_append(seen, hash, LOG_HASH_SIZE);
    return true;
}

static bool note_settlement(void *user, const struct log_settlement_row *row)
{
    struct bs_settlement settlement;
    ck_assert_int_eq(log_settlement_decode(row, &settlement), BS_OK);
    buffer_printf(user, "%" PRIu64 " %.*s %" PRIu64 " %u:", row->ordinal, (int)row->pool.size,
                  row->pool.bytes, row->number, row->record_size);
    buffer_append(user, row->record, row->record_size);
    return true;
}

static void check_equal(struct buffer *a, struct buffer *b)
{
    ck_assert_uint_eq(a->size, b->size);
    ck_assert(a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
    buffer_clear(a);
    buffer_clear(b);
}

static void check_filters(struct log_reader *one, struct log_reader *two, uint64_t last)
{
    static const struct bs_text pools[] = {{"", 0}, {"p1", 2}, {"p9", 2}};
    static const struct bs_text accounts[] = {{"", 0}, {"account4", 8}, {"account", 7}};
    static const uint8_t types[] = {UINT8_MAX, BS_ACTION_HAIRCUT, BS_ACTION_NETTING};
    static const uint32_t limits[] = {0, 7, 100000};
    struct buffer seen_one = {0};
    struct buffer seen_two = {0};
    for (uint32_t i = 0; i < 3 * 3 * 3 * 3 * 3 * 2; i++) {
        struct log_filter filter = {
            .pool = pools[i % 3],
            .account = accounts[i / 3 % 3],
            .type = types[i / 9 % 3],
            .settlement = i / 27 % 3 * 3,
            .limit = limits[i / 81 % 3],
            .after = i / 243 * last / 2,
        };
        ck_assert_int_eq(log_reader_actions(one, &filter, note_action, &seen_one, error), 0);
        ck_assert_int_eq(log_reader_actions(two, &filter, note_action, &seen_two, error), 0);
        check_equal(&seen_one, &seen_two);
    }
    buffer_fini(&seen_one);
    buffer_fini(&seen_two);
}

static void check_settlements(struct log_reader *one, struct log_reader *two, uint64_t last)
{
    static const struct bs_text pools[] = {{"", 0}, {"p0", 2}, {"p1", 2}};
    struct buffer seen_one = {0};
    struct buffer seen_two = {0};
    for (uint64_t after = 0; after <= last; after++) {
        for (uint32_t i = 0; i < 6; i++) {
            struct log_settlement_filter filter = {
                .pool = pools[i % 3], .after = after, .limit = i < 3 ? 1 : 1000};
            ck_assert_int_eq(
                log_reader_settlements(one, &filter, note_settlement, &seen_one, error), 0);
            ck_assert_int_eq(
                log_reader_settlements(two, &filter, note_settlement, &seen_two, error), 0);
            ck_assert(i % 3 == 2 || after == last || seen_one.size > 0);
            check_equal(&seen_one, &seen_two);
        }
    }
    buffer_fini(&seen_one);
    buffer_fini(&seen_two);
}

static void check_alike(struct command_log *one, struct command_log *two)
{
    struct log_reader *reader_one;
    struct log_reader *reader_two;
    ck_assert_int_eq(log_reader_open(&reader_one, one, error), 0);
    ck_assert_int_eq(log_reader_open(&reader_two, two, error), 0);
    check_filters(reader_one, reader_two, log_last_ordinal(one));
    check_settlements(reader_one, reader_two, batch.settled);
    log_reader_close(reader_one);
    log_reader_close(reader_two);
}

START_TEST(test_both_alike)
{
    struct command_log *memory;
    ck_assert_int_eq(log_open_memory(&memory), 0);
    struct command_log *sqlite = support_open(directory, SMALL_FILE);
    start(memory);
    start(sqlite);
    for (uint32_t i = 0; i < 60; i++) {
        append(memory, i % 4 * 40, 10 + i % 3 * 20, i % 3 == 0);
        ck_assert_int_eq(support_append(sqlite, &durable, &batch.batch), 0);
    }
    ck_assert_uint_eq(log_last_seq(memory), log_last_seq(sqlite));
    ck_assert_uint_eq(log_last_ordinal(memory), log_last_ordinal(sqlite));
    check_alike(memory, sqlite);
    uint32_t files = count_files();
    ck_assert_uint_ge(files, 3);
    log_stop(memory);
    stop(sqlite);

    sqlite = support_open(directory, SMALL_FILE);
    ck_assert_uint_eq(count_files(), files);
    ck_assert_uint_eq(log_last_seq(memory), log_last_seq(sqlite));
    ck_assert_uint_eq(log_last_ordinal(memory), log_last_ordinal(sqlite));
    ck_assert_int_eq(support_verify(sqlite, error), (int64_t)log_last_seq(sqlite));
    ck_assert_int_eq(support_verify(memory, error), (int64_t)log_last_seq(sqlite));
    check_alike(memory, sqlite);

    /* The chains go on where they ended. */
    start(sqlite);
    log_stop(sqlite);
    start(sqlite);
    append(sqlite, 5, 9, true);
    log_stop(sqlite);
    ck_assert_int_eq(support_verify(sqlite, error), (int64_t)log_last_seq(sqlite));
    log_close(sqlite);
    log_close(memory);
}

END_TEST

struct part {
    uint64_t next;
    uint32_t calls;
    uint32_t calls_max;
};

static bool take_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                         size_t size)
{
    struct part *part = user;
    ck_assert_uint_eq(first_seq, part->next);
    for (uint32_t i = 0; i < count; i++) {
        struct bs_command command;
        uint32_t record_size = bs_record_size(records);
        ck_assert_uint_le(record_size, size);
        ck_assert_int_eq(bs_command_decode(records, record_size, &command), BS_OK);
        ck_assert_uint_eq(command.seq, part->next);
        part->next++;
        records += record_size;
        size -= record_size;
    }
    ck_assert_uint_eq(size, 0);
    return ++part->calls < part->calls_max;
}

/* From any sequence on, also from the middle of a batch; and stopped early. */
START_TEST(test_read_records_after)
{
    struct command_log *logs[2];
    ck_assert_int_eq(log_open_memory(&logs[0]), 0);
    logs[1] = support_open(directory, SMALL_FILE);
    for (int i = 0; i < 2; i++) {
        struct command_log *log = logs[i];
        start(log);
        for (uint32_t k = 0; k < 40; k++) {
            append(log, k % 7 * 30, 20, false);
        }
        log_stop(log);
        uint64_t last = log_last_seq(log);
        for (uint64_t after = 0; after <= last + 1; after += after < 35 ? 1 : 89) {
            struct part part = {.next = after + 1, .calls_max = UINT32_MAX};
            ck_assert_msg(log_read_records(log, after, take_records, &part, error) == 0, "%s",
                          error);
            ck_assert_uint_eq(part.next, after > last ? after + 1 : last + 1);
        }
        struct part part = {.next = 1, .calls_max = 3};
        ck_assert_int_eq(log_read_records(log, 0, take_records, &part, error), 0);
        ck_assert_uint_eq(part.calls, 3);
        log_close(log);
    }
}

END_TEST

struct recount {
    uint64_t ordinal;
    uint8_t hashes[3][LOG_HASH_SIZE];
    struct buffer text;
};

/* The documented bytes, spelled out: the previous hash as hex, a newline, the canonical bytes. */
static bool rehash(void *user, const struct log_action_row *row, const uint8_t hash[LOG_HASH_SIZE])
{
    struct recount *recount = user;
    uint8_t *last = recount->hashes[row->pool.bytes[1] - '0'];
    struct bs_action action;
    ck_assert_uint_eq(row->ordinal, recount->ordinal + 1);
    ck_assert_int_eq(bs_action_decode(row->record, row->record_size, &action), BS_OK);
    buffer_clear(&recount->text);
    for (size_t i = 0; i < LOG_HASH_SIZE; i++) {
        buffer_printf(&recount->text, "%02x", last[i]);
    }
    buffer_text(&recount->text, "\n");
    api_action_canonical(&recount->text, &action);
    gnutls_hash_fast(GNUTLS_DIG_SHA256, recount->text.bytes, recount->text.size, last);
    ck_assert_mem_eq(last, hash, LOG_HASH_SIZE);
    recount->ordinal++;
    return true;
}

START_TEST(test_action_hashes)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    struct recount recount = {0};
    start(log);
    for (uint32_t i = 0; i < 12; i++) {
        append(log, 0, 100, false);
    }
    stop(log);
    log = support_open(directory, SMALL_FILE);
    ck_assert_int_eq(log_read_actions(log, &(struct log_action_place){0}, rehash, &recount, error),
                     0);
    ck_assert_uint_eq(recount.ordinal, 1200);
    log_close(log);
    buffer_fini(&recount.text);
}

END_TEST

static bool stop_at_once(void *user, const struct log_action_row *row,
                         const uint8_t hash[LOG_HASH_SIZE])
{
    (void)hash;
    *(uint64_t *)user = row->ordinal;
    return false;
}

START_TEST(test_read_actions_after)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    start(log);
    for (uint32_t i = 0; i < 6; i++) {
        append(log, 1, 100, false);
    }
    log_stop(log);
    for (uint64_t after = 0; after < 600; after += 50) {
        uint64_t seen = 0;
        ck_assert_int_eq(log_read_actions(log, &(struct log_action_place){.ordinal = after},
                                          stop_at_once, &seen, error),
                         0);
        ck_assert_uint_eq(seen, after + 1);
        struct buffer all = {0};
        ck_assert_int_eq(log_read_actions(log, &(struct log_action_place){.ordinal = after},
                                          note_action, &all, error),
                         0);
        ck_assert_uint_gt(all.size, 0);
        buffer_fini(&all);
    }
    log_close(log);
}

END_TEST

/* More records than one blob holds become several rows, acknowledged as one. */
/* The link at the end of each batch, over several files, and at no other sequence; a read that begins
 * there with it goes on. */
START_TEST(test_link)
{
    struct command_log *logs[2];
    ck_assert_int_eq(log_open_memory(&logs[0]), 0);
    logs[1] = support_open(directory, SMALL_FILE);
    for (int i = 0; i < 2; i++) {
        struct command_log *log = logs[i];
        struct log_reader *reader;
        struct log_reader_place place = {0};
        uint8_t link[LOG_HASH_SIZE];
        start(log);
        for (uint32_t k = 0; k < 40; k++) {
            append(log, 30, 200, false);
        }
        log_stop(log);
        ck_assert_int_eq(log_reader_open(&reader, log, error), 0);
        for (uint64_t seq = 0; seq <= 1200; seq += 30) {
            ck_assert_int_eq(log_link(log, seq, link, error), 0);
            ck_assert_mem_eq(link, place.link, LOG_HASH_SIZE);
            ck_assert_int_eq(log_link(log, seq + 1, link, error), -ENOENT);
            if (seq < 1200) {
                struct part part = {.next = seq + 1, .calls_max = UINT32_MAX};
                ck_assert_int_eq(
                    log_reader_records(reader, &place, seq + 30, take_records, &part, error), 0);
            }
        }
        ck_assert_int_eq(log_link(log, 1230, link, error), -ENOENT);
        log_reader_close(reader);
        log_close(log);
    }
}

END_TEST

/* With the chains of the place a read begins at, the first row of a pool is checked too. */
START_TEST(test_read_actions_with_chains)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    struct pool_chains chains = {0};
    struct log_action_place place = {.chains = &chains};
    uint64_t seen = 0;
    start(log);
    append(log, 1, 100, false);
    log_stop(log);
    ck_assert_int_eq(log_read_actions(log, &place, stop_at_once, &seen, error), 0);
    ck_assert_uint_eq(seen, 1); /* what was not taken is not part of the chains */
    struct buffer all = {0};
    ck_assert_int_eq(log_read_actions(log, &place, note_action, &all, error), 0);
    ck_assert_uint_eq(chains.count, 3);
    log_close(log);
    log = support_open(directory, SMALL_FILE);
    start(log);
    append(log, 1, 100, false);
    log_stop(log);
    place.ordinal = 100;
    ck_assert_int_eq(log_read_actions(log, &place, note_action, &all, error), 0);
    chains.items[0].hash[0] ^= 1;
    ck_assert_int_eq(log_read_actions(log, &place, note_action, &all, error), -EBADMSG);
    ck_assert_ptr_nonnull(strstr(error, "the hash chain of pool"));
    buffer_fini(&all);
    pool_chains_fini(&chains);
    log_close(log);
}

END_TEST

START_TEST(test_large_batch)
{
    struct command_log *log = support_open(directory, 0);
    uint32_t count = (uint32_t)(LOG_BLOB_SIZE_MAX / 45);
    start(log);
    append(log, 10, 0, false);
    append(log, count, 2, true);
    ck_assert_uint_gt(batch.records.size, LOG_BLOB_SIZE_MAX);
    ck_assert_uint_eq(durable.calls, 2);
    append(log, 10, 1, false);
    ck_assert_uint_eq(log_last_seq(log), count + 20u);
    struct log_stats stats = log_stats_get(log);
    ck_assert_uint_eq(stats.records, count + 20u);
    ck_assert_uint_eq(stats.commits, 4);
    ck_assert_uint_gt(stats.commit_ns_max, 0);
    ck_assert_uint_ge(stats.commit_ns_total, stats.commit_ns_max);
    stop(log);
    log = support_open(directory, 0);
    ck_assert_int_eq(support_verify(log, error), (int64_t)count + 20);
    log_close(log);
}

END_TEST

/* A reader that takes its time between two rows keeps neither commits nor checkpoints waiting. */
static bool append_meanwhile(void *user, const struct log_action_row *row,
                             const uint8_t hash[LOG_HASH_SIZE])
{
    struct command_log *log = user;
    (void)row;
    (void)hash;
    append(log, 200, 5, false);
    return log_last_ordinal(log) < 400;
}

START_TEST(test_slow_reader)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    struct log_reader *reader;
    struct log_filter all = {.type = UINT8_MAX, .limit = UINT32_MAX};
    start(log);
    append(log, 1, 10, false);
    ck_assert_int_eq(log_reader_open(&reader, log, error), 0);
    while (log_last_ordinal(log) < 400) {
        ck_assert_int_eq(log_reader_actions(reader, &all, append_meanwhile, log, error), 0);
    }
    ck_assert_uint_ge(count_files(), 2);
    log_reader_close(reader);
    stop(log);
}

END_TEST

struct follower {
    struct command_log *log;
    uint64_t target;
    uint64_t seen;
};

static bool follow_row(void *user, const struct log_action_row *row,
                       const uint8_t hash[LOG_HASH_SIZE])
{
    struct follower *follower = user;
    (void)hash;
    ck_assert_uint_eq(row->ordinal, follower->seen + 1);
    follower->seen = row->ordinal;
    return true;
}

static void *follow(void *user)
{
    struct follower *follower = user;
    struct log_reader *reader;
    char message[LOG_ERROR_SIZE];
    int result = log_reader_open(&reader, follower->log, message);
    while (result == 0 && follower->seen < follower->target) {
        struct log_filter filter = {.after = follower->seen, .type = UINT8_MAX, .limit = 50};
        result = log_reader_actions(reader, &filter, follow_row, follower, message);
    }
    ck_assert_msg(result == 0, "%s", message);
    log_reader_close(reader);
    return NULL;
}

/* Readers on their own threads follow the writer over file borders. */
START_TEST(test_followers)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    struct follower followers[2];
    pthread_t threads[2];
    start(log);
    for (int i = 0; i < 2; i++) {
        followers[i] = (struct follower){.log = log, .target = 3000};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, follow, &followers[i]), 0);
    }
    while (log_last_ordinal(log) < 3000) {
        append(log, 20, 30, true);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_uint_ge(count_files(), 2);
    stop(log);
}

END_TEST

START_TEST(test_digest)
{
    struct command_log *log = support_open(directory, SMALL_FILE);
    uint64_t seq;
    struct bs_digest digest;
    ck_assert(!log_get_digest(log, &seq, &digest));
    start(log);
    append(log, 7, 0, false);
    ck_assert_int_eq(log_put_digest(log, 6, (struct bs_digest){{1, 2}}, error), 0);
    ck_assert_int_eq(log_put_digest(log, 7, (struct bs_digest){{UINT64_MAX, 5}}, error), 0);
    stop(log);
    log = support_open(directory, SMALL_FILE);
    ck_assert(log_get_digest(log, &seq, &digest));
    ck_assert_uint_eq(seq, 7);
    ck_assert_uint_eq(digest.words[0], UINT64_MAX);
    ck_assert_uint_eq(digest.words[1], 5);
    log_close(log);
}

END_TEST

/* on_durable begins the next append; stop waits for the last one. */
struct relay {
    struct command_log *log;
    struct support_batch batch;
    uint32_t left;
};

static void on_relay(void *user, int failure, const char *message)
{
    struct relay *relay = user;
    ck_assert_int_eq(failure, 0);
    ck_assert_ptr_null(message);
    if (relay->left > 0) {
        relay->left--;
        support_fill(&relay->batch, relay->log, 3, 2, false);
        log_append(relay->log, &relay->batch.batch);
    }
}

START_TEST(test_append_from_callback)
{
    struct relay relay = {.log = support_open(directory, SMALL_FILE), .left = 50};
    ck_assert_int_eq(log_start(relay.log, on_relay, &relay), 0);
    support_fill(&relay.batch, relay.log, 3, 2, false);
    log_append(relay.log, &relay.batch.batch);
    while (log_last_seq(relay.log) < 3 * 51) {
        usleep(100);
    }
    log_stop(relay.log);
    ck_assert_uint_eq(relay.left, 0);
    ck_assert_int_eq(support_verify(relay.log, error), 3 * 51);
    log_close(relay.log);
    support_fini(&relay.batch);
}

END_TEST

START_TEST(test_stop_waits)
{
    struct command_log *log = support_open(directory, 0);
    start(log);
    support_fill(&batch, log, 20000, 500, true);
    log_append(log, &batch.batch);
    log_stop(log);
    ck_assert_uint_eq(durable.calls, 1);
    ck_assert_uint_eq(log_last_seq(log), 20000);
    log_close(log);
    log_close(NULL);
    log_reader_close(NULL);
}

END_TEST

/* The n-th append fails, for every n; it is reported once, and again for each later append. */
START_TEST(test_injected_failure)
{
    for (uint32_t n = 1; n <= 8; n++) {
        struct command_log *log;
        ck_assert_int_eq(log_open_memory(&log), 0);
        log_memory_fail(log, n, -ENOSPC);
        support_durable_init(&durable);
        start(log);
        for (uint32_t i = 1; i <= 10; i++) {
            support_fill(&batch, log, 2, 2, false);
            int result = support_append(log, &durable, &batch.batch);
            ck_assert_int_eq(result, i < n ? 0 : -ENOSPC);
            ck_assert_uint_eq(durable.calls, i);
            ck_assert_uint_eq(log_last_seq(log), 2 * (i < n ? i : n - 1));
        }
        ck_assert_ptr_nonnull(strstr(durable.message, "No space left"));
        ck_assert_int_eq(log_put_digest(log, 1, (struct bs_digest){{1, 1}}, error), -ENOSPC);
        log_stop(log);
        ck_assert_int_eq(support_verify(log, error), 2 * ((int64_t)n - 1));
        log_close(log);
    }
}

END_TEST

/* The format's version is the last of the 4 bytes at 60 of an SQLite file. */
START_TEST(test_another_format_is_refused_by_name)
{
    struct command_log *log = support_open(directory, 0);
    start(log);
    append(log, 1, 1, true);
    stop(log);
    char path[PATH_MAX + 32];
    (void)snprintf(path, sizeof(path), "%s/log-00000001.db", directory);
    int file = open(path, O_RDWR);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(pwrite(file, "\001", 1, 63), 1);
    (void)close(file);
    struct log_options options = {.directory = directory};
    ck_assert_int_eq(log_open_sqlite(&log, &options, error), -EBADMSG);
    ck_assert_msg(strstr(error, "log-00000001.db has format version 1; this backstopd reads version"
                                " 2. Read it with the backstopd that wrote it, or start with an"
                                " empty data directory") != NULL,
                  "%s", error);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("log");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    UNIT_ADD(tests, test_both_alike, test_read_records_after, test_action_hashes,
             test_read_actions_after, test_link, test_read_actions_with_chains, test_large_batch,
             test_slow_reader, test_followers, test_digest, test_append_from_callback,
             test_stop_waits, test_injected_failure, test_another_format_is_refused_by_name);
    return unit_run(tests);
}
