/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a start refuses every log that does not replay to itself, and completes one that merely
 * lacks the last rows. Method: the log of a real run, copied into a new one with a change. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/core/internal.h"
#include "tests/unit/core_support.h"
#include "tests/unit/unit_main.h"

#define SETTLEMENT                                                                                 \
    "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"80\"}\n{\"type\":\"settle\",\"pool\":\"p\"}"  \
    "\n"
#define ACTIONS_MAX 64
#define FAR_MS INT64_C(4102444800000) /* 2100: engine time goes on from the log's last */

/* Everything a log holds, with the memory it lies in. */
struct content {
    struct buffer records;
    uint32_t records_count;
    struct log_action_row actions[ACTIONS_MAX];
    uint32_t actions_count;
    struct log_settlement_row settlements[2]; /* the one there is, and room for another */
    uint32_t settlements_count;
};

static void *copy(const void *bytes, size_t size)
{
    void *memory = malloc(size + 1);
    ck_assert_ptr_nonnull(memory);
    memcpy(memory, bytes, size);
    return memory;
}

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    struct content *content = user;
    ck_assert_uint_eq(first_seq, content->records_count + 1);
    buffer_append(&content->records, records, size);
    content->records_count += count;
    return true;
}

static bool on_action(void *user, const struct log_action_row *row,
                      const uint8_t hash[LOG_HASH_SIZE])
{
    (void)hash;
    struct content *content = user;
    ck_assert_uint_lt(content->actions_count, ACTIONS_MAX);
    struct log_action_row *action = &content->actions[content->actions_count++];
    *action = *row;
    action->pool.bytes = copy(row->pool.bytes, row->pool.size);
    action->account.bytes = copy(row->account.bytes, row->account.size);
    action->record = copy(row->record, row->record_size);
    return true;
}

static bool on_settlement(void *user, const struct log_settlement_row *row)
{
    struct content *content = user;
    ck_assert_uint_eq(content->settlements_count, 0);
    struct log_settlement_row *settlement = &content->settlements[content->settlements_count++];
    *settlement = *row;
    settlement->pool.bytes = copy(row->pool.bytes, row->pool.size);
    settlement->record = copy(row->record, row->record_size);
    return true;
}

/* The log of a run with one settlement. */
static void make(struct content *content)
{
    struct world world;
    struct request write;
    char error[LOG_ERROR_SIZE] = "";
    *content = (struct content){0};
    world_init(&world);
    ck_assert_int_eq(world_start(&world, error), 0);
    world_set_up(&world);
    request_init(&write, SETTLEMENT);
    request_run(&world, &write);
    ck_assert_int_eq(write.status, 200);
    request_fini(&write);
    world_stop(&world);
    ck_assert_int_eq(log_read_records(world.log, 0, on_records, content, error), 0);
    ck_assert_int_eq(
        log_read_actions(world.log, &(struct log_action_place){0}, on_action, content, error), 0);
    ck_assert_uint_gt(content->actions_count, 2);
    struct log_reader *reader;
    struct log_settlement_filter all = {.limit = 9};
    ck_assert_int_eq(log_reader_open(&reader, world.log, error), 0);
    ck_assert_int_eq(log_reader_settlements(reader, &all, on_settlement, content, error), 0);
    log_reader_close(reader);
    ck_assert_uint_eq(content->settlements_count, 1);
    world_fini(&world);
}

static void content_fini(struct content *content)
{
    for (uint32_t i = 0; i < content->actions_count; i++) {
        free((void *)(uintptr_t)content->actions[i].pool.bytes);
        free((void *)(uintptr_t)content->actions[i].account.bytes);
        free((void *)(uintptr_t)content->actions[i].record);
    }
    if (content->settlements_count > 0) {
        free((void *)(uintptr_t)content->settlements[0].pool.bytes);
        free((void *)(uintptr_t)content->settlements[0].record);
    }
    buffer_fini(&content->records);
}

static void on_durable(void *user, int error, const char *message)
{
    (void)user;
    ck_assert_msg(error == 0, "%s", message);
}

/* A log that holds the records and the first `actions_count` of the actions; with the last of them
 * the settlement's row. */
static void store(struct world *world, const struct content *content, uint32_t actions_count)
{
    struct log_batch batch = {
        .first_seq = 1,
        .records_count = content->records_count,
        .records = (const uint8_t *)content->records.bytes,
        .records_size = content->records.size,
        .actions = content->actions,
        .actions_count = actions_count,
        .settlements = content->settlements,
        .settlements_count =
            actions_count >= content->actions_count ? content->settlements_count : 0,
    };
    world_init(world);
    ck_assert_int_eq(log_start(world->log, on_durable, NULL), 0);
    log_append(world->log, &batch);
    log_stop(world->log);
}

static void expect_refusal(struct world *world, const char *words)
{
    char error[LOG_ERROR_SIZE] = "";
    ck_assert_int_eq(world_start(world, error), -EBADMSG);
    ck_assert_msg(strstr(error, words) != NULL, "\"%s\" does not say \"%s\"", error, words);
    world_fini(world);
}

static bool rows_are_stored(void *user)
{
    struct world *world = user;
    return log_last_ordinal(world->log) == bs_engine_actions(world->core->executor.engine);
}

START_TEST(missing_rows_are_rebuilt)
{
    struct content content;
    make(&content);
    for (uint32_t present = 0; present <= content.actions_count; present++) {
        struct world world;
        struct content rebuilt = {0};
        char error[LOG_ERROR_SIZE] = "";
        store(&world, &content, present);
        ck_assert_msg(world_start(&world, error) == 0, "%s", error);
        ck_assert_uint_eq(core_durable_ordinal(world.core), present);
        world_wait(&world, rows_are_stored, &world);
        world_stop(&world);
        ck_assert_int_eq(
            log_read_actions(world.log, &(struct log_action_place){0}, on_action, &rebuilt, error),
            0);
        ck_assert_uint_eq(rebuilt.actions_count, content.actions_count);
        for (uint32_t i = 0; i < rebuilt.actions_count; i++) {
            ck_assert_uint_eq(rebuilt.actions[i].record_size, content.actions[i].record_size);
            ck_assert_mem_eq(rebuilt.actions[i].record, content.actions[i].record,
                             content.actions[i].record_size);
        }
        content_fini(&rebuilt);
        world_fini(&world);
    }
    content_fini(&content);
}

END_TEST

START_TEST(another_action_is_refused)
{
    struct content content;
    struct world world;
    struct bs_action action;
    uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
    make(&content);
    struct log_action_row *row = &content.actions[content.actions_count - 1];
    const uint8_t *original = row->record;
    ck_assert_int_eq(bs_action_decode(row->record, row->record_size, &action), BS_OK);
    action.rank += 1;
    row->record_size = (uint32_t)bs_action_encode(&action, record);
    row->record = record;
    store(&world, &content, content.actions_count);
    expect_refusal(&world, "caused by seq 11, has another record than the stored row");
    row->record = original;
    content_fini(&content);
}

END_TEST

START_TEST(an_action_too_many_is_refused)
{
    struct content content;
    struct world world;
    make(&content);
    struct log_action_row *last = &content.actions[content.actions_count - 1];
    struct log_action_row *extra = &content.actions[content.actions_count];
    struct bs_action action;
    uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
    ck_assert_int_eq(bs_action_decode(last->record, last->record_size, &action), BS_OK);
    action.ordinal++;
    action.id++;
    *extra = *last;
    extra->ordinal++;
    extra->id++;
    extra->record_size = (uint32_t)bs_action_encode(&action, record);
    extra->record = record;
    store(&world, &content, content.actions_count + 1);
    expect_refusal(&world, "replay gives none after");
    content_fini(&content);
}

END_TEST

START_TEST(another_settlement_is_refused)
{
    struct content content;
    struct world world;
    struct bs_settlement settlement;
    uint8_t record[BS_SETTLEMENT_RECORD_SIZE_MAX];
    make(&content);
    struct log_settlement_row *row = &content.settlements[0];
    const uint8_t *original = row->record;
    ck_assert_int_eq(log_settlement_decode(row, &settlement), BS_OK);
    settlement.payers++;
    row->record_size = (uint32_t)bs_settlement_encode(&settlement, record);
    row->record = record;
    store(&world, &content, content.actions_count);
    expect_refusal(&world, "settlement 1 of pool p is not what the stored row of settlement 1");
    row->record = original;
    content_fini(&content);
}

END_TEST

/* The log keeps no JSON of a settlement, so a member more or less in it stops no start. */
START_TEST(a_settlement_is_stored_as_its_record)
{
    struct content content;
    struct bs_settlement settlement;
    uint8_t record[BS_SETTLEMENT_RECORD_SIZE_MAX];
    make(&content);
    const struct log_settlement_row *row = &content.settlements[0];
    ck_assert_int_eq(bs_settlement_decode(row->record, row->record_size, &settlement), BS_OK);
    ck_assert_uint_eq(settlement.number, row->number);
    ck_assert(bs_text_equal(settlement.pool, row->pool));
    ck_assert_uint_eq(bs_settlement_encode(&settlement, record), row->record_size);
    ck_assert_mem_eq(record, row->record, row->record_size);
    content_fini(&content);
}

END_TEST

/* Every byte of the record in turn; then the columns beside it. */
START_TEST(a_damaged_settlement_is_refused)
{
    struct content content;
    struct world world;
    make(&content);
    struct log_settlement_row *row = &content.settlements[0];
    uint8_t *record = (uint8_t *)(uintptr_t)row->record;
    for (uint32_t i = 0; i < row->record_size; i++) {
        record[i] ^= 1;
        store(&world, &content, content.actions_count);
        expect_refusal(&world, "the record of settlement 1 of pool p is damaged");
        record[i] ^= 1;
    }
    row->record_size--;
    store(&world, &content, content.actions_count);
    expect_refusal(&world, "the record of settlement 1 of pool p is damaged");
    row->record_size++;
    row->number = 2;
    store(&world, &content, content.actions_count);
    expect_refusal(&world, "the record of settlement 2 of pool p is damaged");
    content_fini(&content);
}

END_TEST

/* A record of a later minor version, with a right checksum. */
START_TEST(a_newer_settlement_is_refused)
{
    struct content content;
    struct world world;
    make(&content);
    uint8_t *record = (uint8_t *)(uintptr_t)content.settlements[0].record;
    record[25]++;
    bs_record_seal(record);
    store(&world, &content, content.actions_count);
    expect_refusal(&world, "the record of settlement 1 of pool p is of a newer version");
    content_fini(&content);
}

END_TEST

START_TEST(a_settlement_that_is_missing_or_too_many_is_refused)
{
    struct content content;
    struct world world;
    make(&content);
    content.settlements[1] = content.settlements[0];
    content.settlements[1].number = 2;
    content.settlements_count = 2;
    store(&world, &content, content.actions_count);
    expect_refusal(&world, "the log holds settlement 2 of pool p, replay gives none");
    content.settlements_count = 0;
    store(&world, &content, content.actions_count);
    expect_refusal(&world, "has the actions of settlement 1 of pool p, but not its row");
    content.settlements_count = 1;
    content_fini(&content);
}

END_TEST

START_TEST(another_digest_is_refused)
{
    struct content content;
    struct world world;
    char error[LOG_ERROR_SIZE];
    struct bs_digest wrong = {{1, 2}};
    make(&content);
    for (uint64_t seq = 0; seq <= content.records_count; seq++) {
        store(&world, &content, content.actions_count);
        ck_assert_int_eq(log_put_digest(world.log, seq, wrong, error), 0);
        expect_refusal(&world, "at the clean shutdown it was 00000000000000010000000000000002");
    }
    content_fini(&content);
}

END_TEST

/* A record that no version of the API writes, with a right checksum. */
START_TEST(an_unknown_record_is_refused)
{
    struct content content;
    struct world world;
    make(&content);
    size_t offset = 0;
    for (uint32_t i = 0; i + 1 < content.records_count; i++) {
        offset += bs_record_size((const uint8_t *)content.records.bytes + offset);
    }
    uint8_t *record = (uint8_t *)content.records.bytes + offset;
    memset(record + BS_RECORD_HEADER_SIZE, 0xff, bs_record_size(record) - BS_RECORD_HEADER_SIZE);
    struct bs_command first;
    uint8_t *begin = (uint8_t *)content.records.bytes;
    ck_assert_int_eq(bs_command_decode(begin, bs_record_size(begin), &first), BS_OK);
    bs_record_stamp(record, content.records_count, first.time_ms + 3600000);
    store(&world, &content, 0);
    expect_refusal(&world, "the record at seq 11 is not one this version can execute");
    content_fini(&content);
}

END_TEST

static bool abandon(void *user, uint64_t seq, uint64_t last_seq)
{
    (void)user;
    ck_assert_uint_le(seq, last_seq);
    return false;
}

START_TEST(a_replay_can_be_abandoned)
{
    struct content content;
    struct world world;
    char error[LOG_ERROR_SIZE];
    make(&content);
    store(&world, &content, content.actions_count);
    world.options.on_replay = abandon;
    ck_assert_int_eq(world_start(&world, error), -ECANCELED);
    world_fini(&world);
    content_fini(&content);
}

END_TEST

/* Appends a command of an older build's log. */
static void put(struct world *world, struct bs_command command)
{
    uint8_t record[512];
    char error[LOG_ERROR_SIZE];
    ck_assert_uint_gt(bs_command_encode(&command, record, sizeof(record)), 0);
    int64_t time_ms = FAR_MS + (int64_t)log_last_seq(world->log) * 3600000;
    ck_assert_int_eq(log_put_record(world->log, record, time_ms, error), 0);
}

static void put_accounts(struct world *world, const char *names)
{
    for (uint32_t i = 0; names[i] != '\0'; i++) {
        put(world,
            (struct bs_command){.type = BS_COMMAND_ACCOUNT,
                                .as.account = {.account = {names + i, 1}, .pool = {"p", 1}}});
    }
}

static uint32_t accounts_after_start(struct world *world, uint32_t accounts_max)
{
    char error[LOG_ERROR_SIZE] = "";
    world->options.engine.capacity.accounts_max = accounts_max;
    ck_assert_msg(world_start(world, error) == 0, "%s", error);
    uint32_t accounts = bs_engine_usage(world->core->executor.engine).accounts;
    world_stop(world);
    return accounts;
}

/* A log of a build that wrote no capacities goes on with the settings of its first start here, and
 * what they refused stays refused after they were raised, lowered and raised again. */
START_TEST(a_log_without_capacities_keeps_those_of_its_first_start)
{
    struct world world;
    world_init(&world);
    world.options.engine.capacity.pools_max = 1;
    put(&world, (struct bs_command){.type = BS_COMMAND_POOL,
                                    .as.pool = {.pool = {"p", 1}, .asset = {"X", 1}}});
    put_accounts(&world, "abc");
    ck_assert_uint_eq(accounts_after_start(&world, 2), 2);
    ck_assert_uint_eq(accounts_after_start(&world, 5000), 2);
    put_accounts(&world, "cdef");
    ck_assert_uint_eq(accounts_after_start(&world, 6), 6);
    put_accounts(&world, "gh");
    ck_assert_uint_eq(accounts_after_start(&world, 100), 6);
    put_accounts(&world, "gh");
    ck_assert_uint_eq(accounts_after_start(&world, 8), 8);
    world.options.engine.capacity.accounts_max = 7;
    char error[LOG_ERROR_SIZE] = "";
    uint64_t seq = log_last_seq(world.log);
    ck_assert_int_eq(world_start(&world, error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "capacity.accounts_max is too small"));
    ck_assert_uint_eq(log_last_seq(world.log), seq);
    world_fini(&world);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("replay");
    UNIT_ADD(tests, missing_rows_are_rebuilt, another_action_is_refused,
             an_action_too_many_is_refused, another_settlement_is_refused,
             a_settlement_is_stored_as_its_record, a_damaged_settlement_is_refused,
             a_newer_settlement_is_refused, a_settlement_that_is_missing_or_too_many_is_refused,
             another_digest_is_refused, an_unknown_record_is_refused, a_replay_can_be_abandoned,
             a_log_without_capacities_keeps_those_of_its_first_start);
    return unit_run(tests);
}
