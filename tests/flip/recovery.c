/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/flip/recovery.h"

#include <stdio.h>

#include "daemon/core/core.h"
#include "daemon/core/replay.h"
#include "daemon/log/identity.h"
#include "daemon/log/log_backend.h"
#include "daemon/log/log_pages.h"
#include "daemon/snapshot/snapshot_entries.h"
#include "daemon/snapshot/snapshot_start.h"
#include "daemon/webhooks/registry.h"
#include "lib/snapshot/snapshot.h"

#define HASH_BEGIN 14695981039346656037u
#define HASH_FACTOR 1099511628211u
#define ANSWERS_MAX 1000

static void hash_bytes(uint64_t *hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        *hash = (*hash ^ at[i]) * HASH_FACTOR;
    }
}

static void hash_number(uint64_t *hash, uint64_t number)
{
    hash_bytes(hash, &number, sizeof(number));
}

static void hash_text(uint64_t *hash, struct bs_text text)
{
    hash_number(hash, text.size);
    hash_bytes(hash, text.bytes, text.size);
}

/* ---- the state ---- */

/* Small: the log's record of capacities makes it larger. */
static void small_config(struct bs_config *config)
{
    bs_config_defaults(config);
    config->capacity.accounts_max = 100;
    config->capacity.positions_max = 200;
    config->capacity.markets_max = 10;
    config->capacity.pools_max = 10;
    config->capacity.dedupe_window = 1024;
    config->capacity.transfer_window = 1024;
    config->capacity.source_window = 16;
}

static uint64_t hash_state(const struct executor *executor, const struct first_answers *answers)
{
    uint64_t hash = HASH_BEGIN;
    struct bs_snapshot_writer writer;
    uint8_t rows[4 * BS_SNAPSHOT_ROW_MAX];
    size_t size;
    struct buffer entry = {0};
    bs_snapshot_begin(&writer, executor->engine);
    while ((size = bs_snapshot_next(&writer, rows, sizeof(rows))) > 0) {
        hash_bytes(&hash, rows, size);
    }
    for (const struct first_answer *answer = answers->oldest; answer != NULL;
         answer = answer->newer) {
        buffer_clear(&entry);
        snapshot_put_answer(&entry, answer);
        hash_bytes(&hash, entry.bytes, entry.size);
    }
    buffer_fini(&entry);
    hash_number(&hash, executor->seq);
    return hash;
}

/* ---- what readers get ---- */

struct published {
    uint64_t hash;
    /* Of the actions, to filter by. */
    struct pool_chains pools, accounts; /* only the names count */
    uint64_t types;                     /* bits */
    uint64_t settlement_last;
};

static bool take_action(void *user, const struct log_action_row *row,
                        const uint8_t hash[LOG_HASH_SIZE])
{
    struct published *published = user;
    hash_number(&published->hash, row->ordinal);
    hash_number(&published->hash, row->id);
    hash_number(&published->hash, row->settlement);
    hash_number(&published->hash, row->type);
    hash_text(&published->hash, row->pool);
    hash_text(&published->hash, row->account);
    hash_bytes(&published->hash, row->record, row->record_size);
    hash_bytes(&published->hash, hash, LOG_HASH_SIZE);
    return true;
}

static bool take_names(void *user, const struct log_action_row *row,
                       const uint8_t hash[LOG_HASH_SIZE])
{
    struct published *published = user;
    if (row->pool.size <= BS_ID_SIZE_MAX) {
        (void)pool_chains_get(&published->pools, row->pool);
    }
    if (row->account.size <= BS_ID_SIZE_MAX) {
        (void)pool_chains_get(&published->accounts, row->account);
    }
    published->types |= UINT64_C(1) << row->type % 64;
    if (row->settlement > published->settlement_last && row->settlement < 100) {
        published->settlement_last = row->settlement;
    }
    return take_action(user, row, hash);
}

static bool take_settlement(void *user, const struct log_settlement_row *row)
{
    struct published *published = user;
    hash_text(&published->hash, row->pool);
    hash_number(&published->hash, row->number);
    hash_number(&published->hash, row->ordinal);
    hash_bytes(&published->hash, row->record, row->record_size);
    return true;
}

static bool take_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                         size_t size)
{
    struct published *published = user;
    hash_number(&published->hash, first_seq);
    hash_number(&published->hash, count);
    hash_bytes(&published->hash, records, size);
    return true;
}

static struct bs_text name_of(const struct pool_chain *chain)
{
    return (struct bs_text){chain->name, chain->name_size};
}

/* Every filter that one index serves. */
static int read_filtered(struct published *published, struct log_reader *reader, char *error)
{
    const struct log_filter all = {.type = UINT8_MAX, .limit = UINT32_MAX};
    struct log_filter filter;
    int code = 0;
    for (uint32_t i = 0; code == 0 && i < published->pools.count; i++) {
        filter = all;
        filter.pool = name_of(&published->pools.items[i]);
        code = log_reader_actions(reader, &filter, take_action, published, error);
        struct log_settlement_filter settlements = {.pool = filter.pool, .limit = UINT32_MAX};
        code = code == 0
                   ? log_reader_settlements(reader, &settlements, take_settlement, published, error)
                   : code;
    }
    for (uint32_t i = 0; code == 0 && i < published->accounts.count; i++) {
        filter = all;
        filter.account = name_of(&published->accounts.items[i]);
        if (filter.account.size > 0) {
            code = log_reader_actions(reader, &filter, take_action, published, error);
        }
    }
    for (uint8_t type = 0; code == 0 && type < 64; type++) {
        filter = all;
        filter.type = type;
        code = (published->types >> type & 1) == 0
                   ? 0
                   : log_reader_actions(reader, &filter, take_action, published, error);
    }
    for (uint64_t number = 1; code == 0 && number <= published->settlement_last; number++) {
        filter = all;
        filter.settlement = number;
        code = log_reader_actions(reader, &filter, take_action, published, error);
    }
    return code;
}

static int read_published(struct command_log *log, uint64_t *ret_hash, char *error)
{
    struct published published = {.hash = HASH_BEGIN};
    const struct log_filter all = {.type = UINT8_MAX, .limit = UINT32_MAX};
    const struct log_settlement_filter settlements = {.limit = UINT32_MAX};
    struct log_reader_place place = {0};
    struct log_reader *reader;
    int code = log_reader_open(&reader, log, error);
    if (code != 0) {
        return code;
    }
    code = log_reader_actions(reader, &all, take_names, &published, error);
    code = code == 0
               ? log_reader_settlements(reader, &settlements, take_settlement, &published, error)
               : code;
    code = code == 0 ? log_reader_records(reader, &place, log_last_seq(log), take_records,
                                          &published, error)
                     : code;
    code = code == 0 ? read_filtered(&published, reader, error) : code;
    log_reader_close(reader);
    pool_chains_fini(&published.pools);
    pool_chains_fini(&published.accounts);
    *ret_hash = published.hash;
    return code;
}

/* ---- webhooks ---- */

static int hash_rows(sqlite3 *db, const char *sql, uint64_t *hash, char *error)
{
    sqlite3_stmt *statement;
    int code = db_prepare(&statement, db, sql, error);
    if (code != 0) {
        return code;
    }
    while ((code = db_step(statement, error)) == 1) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            hash_number(hash, (uint64_t)sqlite3_column_type(statement, i));
            const void *bytes = sqlite3_column_blob(statement, i);
            hash_text(hash, (struct bs_text){bytes, (uint32_t)sqlite3_column_bytes(statement, i)});
        }
    }
    (void)sqlite3_finalize(statement);
    return code;
}

static void hash_webhooks(struct registry *registry, struct recovery *recovery)
{
    char ignored[LOG_ERROR_SIZE];
    sqlite3 *db = store_db(registry->store);
    recovery->endpoints = recovery->places = recovery->history = HASH_BEGIN;

    const struct {
        const char *sql;
        uint64_t *hash;
    } tables[] = {
        {"SELECT * FROM secret ORDER BY 1, 2", &recovery->endpoints},
        {"SELECT identity FROM log", &recovery->endpoints},
        {"SELECT * FROM endpoint ORDER BY 1", &recovery->places}, /* with what failed last */
        {"SELECT * FROM lane ORDER BY 1, 2", &recovery->places},
        {"SELECT * FROM message ORDER BY 1, 2, 3", &recovery->places},
        {"SELECT * FROM attempt ORDER BY 1, 2", &recovery->history},
        {"SELECT * FROM answer ORDER BY 1, 2", &recovery->history},
    };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        hash_number(tables[i].hash,
                    (uint64_t)hash_rows(db, tables[i].sql, tables[i].hash, ignored));
    }
    for (uint32_t i = 0; i < registry->endpoints_count; i++) {
        const struct endpoint *endpoint = registry->endpoints[i];
        hash_bytes(&recovery->endpoints, endpoint->id, strlen(endpoint->id));
        hash_text(&recovery->endpoints,
                  (struct bs_text){endpoint->asked.url, (uint32_t)strlen(endpoint->asked.url)});
    }
}

void recovery_webhooks(struct command_log *log, const char *directory,
                       struct recovery *ret_recovery)
{
    const struct webhooks_options options = {.directory = directory,
                                             .parallel_max = 16,
                                             .endpoints_max = 100,
                                             .history_max = 20000,
                                             .disable_after_s = 432000};
    struct registry registry = {
        .host = {.log = log_identity(log), .durable = log_last_ordinal(log)}};
    *ret_recovery = (struct recovery){0};
    char *error = ret_recovery->error;
    int code = log_reader_open(&registry.host.reader, log, error);
    if (code == 0) {
        code = registry_open(&registry, &options, error);
        code = code == 0 ? registry_restore(&registry, error) : code;
        if (code == 0) {
            hash_webhooks(&registry, ret_recovery);
        }
        registry_close(&registry);
        log_reader_close(registry.host.reader);
    }
    ret_recovery->code = code;
}

/* ---- the log and its snapshots ---- */

static int open_log(const char *directory, bool read_only, struct command_log **ret_log,
                    char *error)
{
    const struct log_options options = {.directory = directory, .read_only = read_only};
    int code = log_open_sqlite(ret_log, &options, error);
    return code == 0 ? log_identify(*ret_log, error) : code;
}

struct start {
    struct executor executor;
    struct first_answers answers;
    struct snapshot_start snapshot;
};

/* `snapshots` NULL: from the beginning of the log. */
static int replay(struct start *start, struct command_log *log, const char *snapshots, char *error)
{
    struct bs_config config;
    struct replay_result result;
    small_config(&config);
    int code = executor_init(&start->executor, &config, error);
    code = code == 0 ? first_answers_init(&start->answers, ANSWERS_MAX, 1) : code;
    code = code == 0 ? snapshot_start_init(&start->snapshot, snapshots, &start->executor,
                                           &start->answers, log, error)
                     : code;
    const struct replay_options options = {
        .answers = &start->answers,
        .start = start->snapshot.header.seq > 0 ? &start->snapshot.replay : NULL};
    return code == 0 ? replay_run(&start->executor, log, &options, &result, error) : code;
}

static void end(struct start *start)
{
    snapshot_start_fini(&start->snapshot);
    if (start->answers.slots != NULL) {
        first_answers_fini(&start->answers);
    }
    if (start->executor.memory != NULL) {
        executor_fini(&start->executor);
    }
}

void recovery_state(struct command_log *log, const char *directory, struct recovery *ret_recovery)
{
    struct start start = {0};
    *ret_recovery = (struct recovery){0};
    ret_recovery->code = replay(&start, log, directory, ret_recovery->error);
    if (ret_recovery->code == 0) {
        ret_recovery->passed_over = start.snapshot.passed_over_count;
        ret_recovery->state = hash_state(&start.executor, &start.answers);
    }
    end(&start);
}

void recovery_start(const char *directory, struct recovery *ret_recovery)
{
    struct command_log *log = NULL;
    *ret_recovery = (struct recovery){0};
    ret_recovery->code = open_log(directory, false, &log, ret_recovery->error);
    if (ret_recovery->code == 0) {
        recovery_state(log, directory, ret_recovery);
    }
    if (ret_recovery->code == 0) {
        ret_recovery->published_code =
            read_published(log, &ret_recovery->published, ret_recovery->error);
    }
    log_close(log);
}

void recovery_verify(const char *directory, struct recovery *ret_recovery)
{
    struct start start = {0};
    struct command_log *log = NULL;
    *ret_recovery = (struct recovery){0};
    ret_recovery->code = open_log(directory, true, &log, ret_recovery->error);
    if (ret_recovery->code == 0) {
        ret_recovery->code = replay(&start, log, NULL, ret_recovery->error);
    }
    if (ret_recovery->code == 0) {
        ret_recovery->code = log_check_pages(log, ret_recovery->error);
    }
    end(&start);
    log_close(log);
}

struct command_log *recovery_log_open(const char *directory)
{
    char error[LOG_ERROR_SIZE];
    struct command_log *log = NULL;
    if (open_log(directory, false, &log, error) != 0) {
        (void)fprintf(stderr, "%s\n", error);
        log_close(log);
        log = NULL;
    }
    return log;
}
