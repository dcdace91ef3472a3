/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_memory.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/log/batch_check.h"
#include "daemon/log/log_backend.h"

#define PAGE_ROWS_MAX 64

struct memory_batch {
    uint64_t first_seq;
    uint32_t count;
    uint8_t link[LOG_HASH_SIZE];
    uint8_t *records;
    size_t size;
};

/* The texts and the record are one block, at row.record. */
struct memory_action {
    struct log_action_row row;
    uint8_t hash[LOG_HASH_SIZE];
    char *block;
};

struct memory_settlement {
    struct log_settlement_row row;
    char *block;
};

struct log_memory {
    struct command_log base;
    pthread_mutex_t rows;      /* guards all below; what a row points at never changes */
    struct buffer batches;     /* of struct memory_batch */
    struct buffer actions;     /* of struct memory_action */
    struct buffer settlements; /* of struct memory_settlement */
    uint32_t countdown;
    int error;
};

struct memory_reader {
    struct log_reader base;
    struct log_memory *log;
};

static struct log_memory *memory_of(struct command_log *log)
{
    return (struct log_memory *)log; /* base is its first member */
}

static void *copy_of(const void *bytes, size_t size)
{
    void *block = malloc(size == 0 ? 1 : size);
    assert(block != NULL);
    if (size > 0) {
        memcpy(block, bytes, size);
    }
    return block;
}

static struct bs_text put_text(char **at, struct bs_text text)
{
    struct bs_text placed = {*at, text.size};
    if (text.size > 0) {
        memcpy(*at, text.bytes, text.size);
    }
    *at += text.size;
    return placed;
}

static void add_action(struct log_memory *memory, const struct log_action_row *row,
                       const uint8_t *hash)
{
    struct memory_action action = {.row = *row};
    memcpy(action.hash, hash, LOG_HASH_SIZE);
    action.block = malloc((size_t)row->pool.size + row->account.size + row->record_size);
    assert(action.block != NULL);
    char *at = action.block;
    action.row.pool = put_text(&at, row->pool);
    action.row.account = put_text(&at, row->account);
    memcpy(at, row->record, row->record_size);
    action.row.record = (const uint8_t *)at;
    buffer_append(&memory->actions, &action, sizeof(action));
    assert(!memory->actions.failed);
}

static void add_settlement(struct log_memory *memory, const struct log_settlement_row *row,
                           uint64_t ordinal)
{
    struct memory_settlement settlement = {.row = *row};
    settlement.row.ordinal = ordinal;
    settlement.block = malloc((size_t)row->pool.size + row->record_size);
    assert(settlement.block != NULL);
    char *at = settlement.block;
    settlement.row.pool = put_text(&at, row->pool);
    memcpy(at, row->record, row->record_size);
    settlement.row.record = (const uint8_t *)at;
    buffer_append(&memory->settlements, &settlement, sizeof(settlement));
    assert(!memory->settlements.failed);
}

static void add(struct log_memory *memory, const struct log_commit *commit)
{
    const struct log_batch *batch = commit->batch;
    if (batch->records_count > 0) {
        struct memory_batch stored = {
            .first_seq = batch->first_seq,
            .count = batch->records_count,
            .records = copy_of(batch->records, batch->records_size),
            .size = batch->records_size,
        };
        memcpy(stored.link, commit->end.link, LOG_HASH_SIZE);
        buffer_append(&memory->batches, &stored, sizeof(stored));
        assert(!memory->batches.failed);
    }
    for (uint32_t i = 0; i < batch->actions_count; i++) {
        add_action(memory, &batch->actions[i], commit->hashes + (size_t)i * LOG_HASH_SIZE);
    }
    uint64_t before = commit->end.settlement - batch->settlements_count;
    for (uint32_t i = 0; i < batch->settlements_count; i++) {
        add_settlement(memory, &batch->settlements[i], before + 1 + i);
    }
}

static int on_commit(struct command_log *log, const struct log_commit *commit, char *error)
{
    struct log_memory *memory = memory_of(log);
    int result = 0;
    pthread_mutex_lock(&memory->rows);
    if (memory->countdown > 0 && --memory->countdown == 0) {
        result = log_error(error, memory->error, "injected failure: %s", strerror(-memory->error));
    } else {
        add(memory, commit);
    }
    pthread_mutex_unlock(&memory->rows);
    return result;
}

static int on_start(struct command_log *log, char *error)
{
    (void)log;
    (void)error;
    return 0;
}

static int on_tidy(struct command_log *log, char *error)
{
    (void)log;
    (void)error;
    return 0;
}

static void on_stop(struct command_log *log)
{
    (void)log;
}

static int on_put_digest(struct command_log *log, const struct log_digest *digest, char *error)
{
    (void)log;
    (void)digest; /* the caller keeps it */
    (void)error;
    return 0;
}

static int on_read_batches(struct command_log *log, uint64_t after, struct batch_check *check,
                           char *error)
{
    struct log_memory *memory = memory_of(log);
    const struct memory_batch *batches = (const void *)memory->batches.bytes;
    size_t count = memory->batches.size / sizeof(*batches);
    int result = 0;
    for (size_t i = 0; i < count && result == 0 && !check->stopped; i++) {
        const struct memory_batch *batch = &batches[i];
        struct batch_row row = {"the log in memory", batch->first_seq, batch->count,
                                batch->link,         batch->records,   batch->size};
        if (batch->first_seq + batch->count - 1 <= after) {
            check->seq = batch->first_seq + batch->count - 1;
            memcpy(check->link, batch->link, LOG_HASH_SIZE);
        } else {
            result = batch_check_row(check, &row, error);
        }
    }
    return result;
}

static int on_link(struct command_log *log, uint64_t seq, bool *ret_found,
                   uint8_t ret_link[LOG_HASH_SIZE], char *error)
{
    (void)error;
    struct log_memory *memory = memory_of(log);
    const struct memory_batch *batches = (const void *)memory->batches.bytes;
    size_t count = memory->batches.size / sizeof(*batches);
    *ret_found = seq == 0;
    memset(ret_link, 0, LOG_HASH_SIZE);
    for (size_t i = 0; i < count && !*ret_found; i++) {
        *ret_found = batches[i].first_seq + batches[i].count - 1 == seq;
        memcpy(ret_link, batches[i].link, LOG_HASH_SIZE);
    }
    return 0;
}

static bool matches(const struct log_filter *filter, const struct log_action_row *row)
{
    return row->ordinal > filter->after && (filter->last == 0 || row->ordinal <= filter->last) &&
           (filter->pool.size == 0 || bs_text_equal(filter->pool, row->pool)) &&
           (filter->account.size == 0 || bs_text_equal(filter->account, row->account)) &&
           (filter->type == UINT8_MAX || filter->type == row->type) &&
           (filter->settlement == 0 || filter->settlement == row->settlement);
}

/* Copies the next rows that match; *next is where to continue. */
static uint32_t action_page(struct log_memory *memory, const struct log_filter *filter,
                            size_t *next, struct memory_action page[PAGE_ROWS_MAX])
{
    uint32_t found = 0;
    pthread_mutex_lock(&memory->rows);
    const struct memory_action *actions = (const void *)memory->actions.bytes;
    size_t count = memory->actions.size / sizeof(*actions);
    for (; *next < count && found < PAGE_ROWS_MAX; *next += 1) {
        if (matches(filter, &actions[*next].row)) {
            page[found++] = actions[*next];
        }
    }
    pthread_mutex_unlock(&memory->rows);
    return found;
}

static int on_actions(struct log_reader *base, const struct log_filter *filter, log_action_fn fn,
                      void *user, char *error)
{
    (void)error;
    struct log_memory *memory = ((struct memory_reader *)base)->log;
    struct memory_action page[PAGE_ROWS_MAX];
    size_t next = 0;
    uint32_t found;
    uint32_t left = filter->limit;
    while ((found = action_page(memory, filter, &next, page)) > 0) {
        for (uint32_t i = 0; i < found; i++, left--) {
            if (left == 0 || !fn(user, &page[i].row, page[i].hash)) {
                return 0;
            }
        }
    }
    return 0;
}

static int on_chains(struct command_log *log, uint64_t ordinal, struct pool_chains *chains,
                     char *error)
{
    struct log_memory *memory = memory_of(log);
    int result = 0;
    pthread_mutex_lock(&memory->rows);
    const struct memory_action *actions = (const void *)memory->actions.bytes;
    size_t count = memory->actions.size / sizeof(*actions);
    for (size_t i = 0; i < count && result == 0 && actions[i].row.ordinal <= ordinal; i++) {
        struct pool_chain *chain = pool_chains_get(chains, actions[i].row.pool);
        if (chain == NULL) {
            result = log_error(error, -ENOMEM, "out of memory for the pools of the log");
        } else {
            memcpy(chain->hash, actions[i].hash, LOG_HASH_SIZE);
        }
    }
    pthread_mutex_unlock(&memory->rows);
    return result;
}

static bool next_settlement(struct log_memory *memory, const struct log_settlement_filter *filter,
                            size_t *next, struct log_settlement_row *ret_row)
{
    bool found = false;
    pthread_mutex_lock(&memory->rows);
    const struct memory_settlement *settlements = (const void *)memory->settlements.bytes;
    size_t count = memory->settlements.size / sizeof(*settlements);
    for (; *next < count && !found; *next += 1) {
        *ret_row = settlements[*next].row;
        found = filter->pool.size == 0
                    ? ret_row->ordinal > filter->after
                    : ret_row->number > filter->after && bs_text_equal(filter->pool, ret_row->pool);
    }
    pthread_mutex_unlock(&memory->rows);
    return found;
}

static int on_settlements(struct log_reader *base, const struct log_settlement_filter *filter,
                          log_settlement_fn fn, void *user, char *error)
{
    (void)error;
    struct log_memory *memory = ((struct memory_reader *)base)->log;
    struct log_settlement_row row;
    size_t next = 0;
    uint32_t left = filter->limit;
    while (left-- > 0 && next_settlement(memory, filter, &next, &row)) {
        if (!fn(user, &row)) {
            return 0;
        }
    }
    return 0;
}

static int on_next_batch(struct log_reader *base, struct batch_check *check, char *error)
{
    struct log_memory *memory = ((struct memory_reader *)base)->log;
    struct memory_batch batch = {0};
    pthread_mutex_lock(&memory->rows);
    const struct memory_batch *batches = (const void *)memory->batches.bytes;
    size_t count = memory->batches.size / sizeof(*batches);
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (batches[middle].first_seq > check->seq) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if (low < count) {
        batch = batches[low];
    }
    pthread_mutex_unlock(&memory->rows);
    struct batch_row row = {"the log in memory", batch.first_seq, batch.count,
                            batch.link,          batch.records,   batch.size};
    return batch.count > 0 ? batch_check_row(check, &row, error) : 0;
}

static void on_reader_close(struct log_reader *base)
{
    free(base);
}

static int on_reader_open(struct log_reader **ret_reader, struct command_log *log, char *error)
{
    struct memory_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return log_error(error, -ENOMEM, "out of memory for a reader of the log");
    }
    reader->base.actions = on_actions;
    reader->base.settlements = on_settlements;
    reader->base.next_batch = on_next_batch;
    reader->base.close = on_reader_close;
    reader->log = memory_of(log);
    *ret_reader = &reader->base;
    return 0;
}

static void on_close(struct command_log *log)
{
    struct log_memory *memory = memory_of(log);
    const struct memory_batch *batches = (const void *)memory->batches.bytes;
    const struct memory_action *actions = (const void *)memory->actions.bytes;
    const struct memory_settlement *settlements = (const void *)memory->settlements.bytes;
    for (size_t i = 0; i < memory->batches.size / sizeof(*batches); i++) {
        free(batches[i].records);
    }
    for (size_t i = 0; i < memory->actions.size / sizeof(*actions); i++) {
        free(actions[i].block);
    }
    for (size_t i = 0; i < memory->settlements.size / sizeof(*settlements); i++) {
        free(settlements[i].block);
    }
    buffer_fini(&memory->batches);
    buffer_fini(&memory->actions);
    buffer_fini(&memory->settlements);
    pthread_mutex_destroy(&memory->rows);
    log_base_fini(log);
    free(memory);
}

static const struct log_backend backend = {
    .start = on_start,
    .commit = on_commit,
    .tidy = on_tidy,
    .stop = on_stop,
    .read_batches = on_read_batches,
    .link = on_link,
    .chains = on_chains,
    .put_digest = on_put_digest,
    .reader_open = on_reader_open,
    .close = on_close,
};

int log_open_memory(struct command_log **ret_log)
{
    struct log_memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        return -ENOMEM;
    }
    int result = -pthread_mutex_init(&memory->rows, NULL);
    if (result != 0) {
        free(memory);
        return result;
    }
    result = log_base_init(&memory->base, &backend);
    if (result != 0) {
        pthread_mutex_destroy(&memory->rows);
        free(memory);
        return result;
    }
    *ret_log = &memory->base;
    return 0;
}

void log_memory_drop(struct command_log *log, uint64_t ordinal)
{
    assert(log->backend == &backend);
    struct log_memory *memory = memory_of(log);
    pthread_mutex_lock(&memory->rows);
    struct memory_action *actions = (void *)memory->actions.bytes;
    size_t count = memory->actions.size / sizeof(*actions);
    size_t dropped = 0;
    for (; dropped < count && actions[dropped].row.ordinal <= ordinal; dropped++) {
        free(actions[dropped].block);
    }
    memmove(actions, actions + dropped, (count - dropped) * sizeof(*actions));
    memory->actions.size = (count - dropped) * sizeof(*actions);
    atomic_store(&log->dropped_ordinal, ordinal);
    pthread_mutex_unlock(&memory->rows);
}

void log_memory_fail(struct command_log *log, uint32_t countdown, int error)
{
    assert(log->backend == &backend);
    assert(error < 0 || countdown == 0);
    struct log_memory *memory = memory_of(log);
    pthread_mutex_lock(&memory->rows);
    memory->countdown = countdown;
    memory->error = error;
    pthread_mutex_unlock(&memory->rows);
}
