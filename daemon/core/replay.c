/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/core/answer_follower.h"
#include "daemon/core/lookahead.h"
#include "daemon/log/chain.h"

/* Of the outbox, before the read of records is paused and the actions are compared. */
#define REPLAY_SEGMENTS_MAX 128
#define PROGRESS_RECORDS 256 /* between two signs of life */

struct replay {
    struct executor *executor;
    struct command_log *log;
    const struct replay_options *options;
    struct replay_result *result;
    bool has_digest;
    uint64_t digest_seq;
    struct bs_digest digest;
    uint64_t compared_ordinal; /* actions up to here are equal */
    struct pool_chains chains; /* of those */
    /* Settlements: the last stored one that was compared, and the replayed one that comes next. */
    struct log_reader *reader;
    uint64_t compared_settlement;
    const struct outbox_segment *segment;
    uint32_t settlement_at;
    bool is_paused;          /* the read was stopped to compare what has gathered */
    uint64_t capacity_seq;   /* of the first record of capacities; 0: none was met yet */
    struct bs_config config; /* of the engine that takes all records of capacities met so far */
    bool begins_again;       /* the read was stopped because the engine is not that one */
    struct answer_follower follower;
    int failure;
    char *error;
};

static bool fail(struct replay *replay, int code)
{
    replay->failure = code;
    return false;
}

static bool digest_is_right(struct replay *replay)
{
    struct bs_digest digest = bs_engine_digest(replay->executor->engine);
    replay->result->digest_compared = true;
    if (memcmp(digest.words, replay->digest.words, sizeof(digest.words)) == 0) {
        return true;
    }
    (void)snprintf(replay->error, LOG_ERROR_SIZE,
                   "replay differs from the log: after seq %" PRIu64
                   " the state's digest is %016" PRIx64 "%016" PRIx64
                   ", at the clean shutdown it was %016" PRIx64 "%016" PRIx64,
                   replay->digest_seq, digest.words[0], digest.words[1], replay->digest.words[0],
                   replay->digest.words[1]);
    return fail(replay, -EBADMSG);
}

/* The command was stepped: it may be part of a request with a key. */
static bool follow_request(struct replay *replay, const struct bs_command *command)
{
    const struct executor *executor = replay->executor;
    enum bs_status status =
        answer_follower_step(&replay->follower, executor->engine, &executor->effects, command);
    if (status == BS_OK) {
        return true;
    }
    if (status == BS_OUT_OF_MEMORY) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE, "out of memory for the first answers");
        return fail(replay, -ENOMEM);
    }
    (void)snprintf(replay->error, LOG_ERROR_SIZE,
                   "the request at seq %" PRIu64 " is not one this version can answer",
                   command->seq);
    return fail(replay, -EBADMSG);
}

static bool has_room(struct replay *replay)
{
    if (outbox_reserve(&replay->executor->outbox)) {
        return true;
    }
    (void)snprintf(replay->error, LOG_ERROR_SIZE, "out of memory for the actions of the replay");
    return fail(replay, -ENOMEM);
}

/* Reports progress, within a batch too, because a batch can take long. False: the start is
 * abandoned. */
static bool show_progress(struct replay *replay)
{
    const struct replay_options *options = replay->options;
    if (options->on_progress == NULL ||
        options->on_progress(options->user, replay->executor->seq, log_last_seq(replay->log))) {
        return true;
    }
    (void)snprintf(replay->error, LOG_ERROR_SIZE, "stopped during the replay");
    return fail(replay, -ECANCELED);
}

static bool is_same(const struct bs_capacity_command *a, const struct bs_capacity_command *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * The first record says what was in force before it too: older builds wrote none. Memory must hold
 * the largest of all. The engine cannot grow, so where it is too small it is made again, and the
 * replay begins again: mostly at once, as the first record is the second of the log.
 */
static bool engine_takes(struct replay *replay, const struct bs_command *command)
{
    const struct bs_config *config = &replay->executor->config;
    struct bs_config *needed = &replay->config;
    if (replay->capacity_seq == 0) {
        replay->capacity_seq = command->seq;
    }
    if (command->seq == replay->capacity_seq) {
        needed->capacity = command->as.capacity;
    }
    needed->room = bs_capacity_larger(&needed->room, &command->as.capacity);
    replay->begins_again =
        !is_same(&config->capacity, &needed->capacity) || !is_same(&config->room, &needed->room);
    return !replay->begins_again;
}

static bool step_record(struct replay *replay, const uint8_t *record, uint64_t seq)
{
    struct executor *executor = replay->executor;
    struct bs_command command;
    if (!executor_decode(executor->engine, record, seq, &command, replay->error)) {
        return fail(replay, -EBADMSG);
    }
    const struct replay_options *options = replay->options;
    if (options->takes != NULL && !options->takes(options->user, &command)) {
        replay->result->ended_early = true;
        return false;
    }
    if (command.type == BS_COMMAND_CAPACITY && !engine_takes(replay, &command)) {
        return false;
    }
    if (!has_room(replay)) {
        return false;
    }
    executor_step(executor, &command);
    if (options->answers != NULL && !follow_request(replay, &command)) {
        return false;
    }
    while (executor->effects.more) {
        if (!has_room(replay)) {
            return false;
        }
        executor_continue(executor);
    }
    if (replay->has_digest && seq == replay->digest_seq) {
        return digest_is_right(replay);
    }
    return true;
}

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    struct replay *replay = user;
    struct lookahead ahead;
    lookahead_begin(&ahead, replay->executor->engine, records, size);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *record = lookahead_next(&ahead, replay->executor->engine);
        if (!step_record(replay, record, first_seq + i)) {
            return false;
        }
        if ((i + 1) % PROGRESS_RECORDS == 0 && !show_progress(replay)) {
            return false;
        }
    }
    replay->result->records_count += count;
    if (!show_progress(replay)) {
        return false;
    }
    replay->is_paused = replay->compared_ordinal < log_last_ordinal(replay->log) &&
                        replay->executor->outbox.segments_count >= REPLAY_SEGMENTS_MAX;
    return !replay->is_paused;
}

/* The column in which two rows differ, or NULL. */
static const char *difference(const struct log_action_row *a, const struct log_action_row *b)
{
    if (a->ordinal != b->ordinal) {
        return "ordinal";
    }
    if (!bs_text_equal(a->pool, b->pool)) {
        return "pool";
    }
    if (a->id != b->id) {
        return "id";
    }
    if (a->settlement != b->settlement) {
        return "settlement";
    }
    if (a->type != b->type) {
        return "type";
    }
    if (!bs_text_equal(a->account, b->account)) {
        return "account";
    }
    if (a->record_size != b->record_size || memcmp(a->record, b->record, a->record_size) != 0) {
        return "record";
    }
    return NULL;
}

/* The oldest action in the outbox that was not compared yet. */
static const struct log_action_row *next_action(struct replay *replay, uint64_t *ret_seq)
{
    outbox_drop(&replay->executor->outbox, replay->compared_ordinal);
    const struct outbox_segment *segment = replay->executor->outbox.first;
    if (segment == NULL || segment->actions_first == segment->actions_count) {
        return NULL;
    }
    *ret_seq = segment->seqs[segment->actions_first];
    return &segment->actions[segment->actions_first];
}

static bool on_stored_action(void *user, const struct log_action_row *row,
                             const uint8_t hash[LOG_HASH_SIZE])
{
    struct replay *replay = user;
    uint64_t seq = 0;
    const struct log_action_row *replayed = next_action(replay, &seq);
    if (replayed == NULL) {
        return false;
    }
    const char *column = difference(replayed, row);
    if (column != NULL) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE,
                       "replay differs from the log: action %" PRIu64 " (pool %.*s, id %" PRIu64
                       "), caused by seq %" PRIu64 ", has another %s than the stored row",
                       replayed->ordinal, (int)replayed->pool.size, replayed->pool.bytes,
                       replayed->id, seq, column);
        return fail(replay, -EBADMSG);
    }
    replay->compared_ordinal = row->ordinal;
    replay->result->actions_compared++;
    memcpy(replay->result->action_hash, hash, LOG_HASH_SIZE);
    return true;
}

/* The oldest settlement in the outbox that was not compared yet. */
static const struct log_settlement_row *next_settlement(struct replay *replay)
{
    while (replay->segment != NULL && replay->settlement_at == replay->segment->settlements_count) {
        replay->segment = replay->segment->next;
        replay->settlement_at = replay->segment == NULL ? 0 : replay->segment->settlements_first;
    }
    return replay->segment == NULL ? NULL : &replay->segment->settlements[replay->settlement_at];
}

/* Equal records are of the same pool and number. */
static bool settlements_equal(const struct log_settlement_row *a,
                              const struct log_settlement_row *b)
{
    return a->record_size == b->record_size && memcmp(a->record, b->record, a->record_size) == 0;
}

static bool on_stored_settlement(void *user, const struct log_settlement_row *row)
{
    struct replay *replay = user;
    struct bs_settlement stored;
    const struct log_settlement_row *replayed = next_settlement(replay);
    if (replayed == NULL) {
        return false;
    }
    enum bs_status status = log_settlement_decode(row, &stored);
    if (status != BS_OK) {
        (void)snprintf(
            replay->error, LOG_ERROR_SIZE, "the record of settlement %" PRIu64 " of pool %.*s %s",
            row->number, (int)row->pool.size, row->pool.bytes,
            status == BS_NEWER_RECORD ? "is of a newer version of backstopd" : "is damaged");
        return fail(replay, -EBADMSG);
    }
    if (!settlements_equal(replayed, row)) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE,
                       "replay differs from the log: settlement %" PRIu64
                       " of pool %.*s is not what the stored row of settlement %" PRIu64
                       " of pool %.*s says",
                       replayed->number, (int)replayed->pool.size, replayed->pool.bytes,
                       row->number, (int)row->pool.size, row->pool.bytes);
        return fail(replay, -EBADMSG);
    }
    replay->settlement_at++;
    replay->compared_settlement = row->ordinal;
    replay->result->settlements_compared++;
    return true;
}

/* The log has the row of every settlement whose last action it has. */
static int compare_settlements(struct replay *replay)
{
    struct log_settlement_filter left_to_compare = {.after = replay->compared_settlement,
                                                    .limit = UINT32_MAX};
    replay->segment = replay->executor->outbox.first;
    replay->settlement_at = replay->segment == NULL ? 0 : replay->segment->settlements_first;
    if (next_settlement(replay) == NULL) {
        return 0;
    }
    int result = log_reader_settlements(replay->reader, &left_to_compare, on_stored_settlement,
                                        replay, replay->error);
    if (replay->failure < 0 || result < 0) {
        return replay->failure < 0 ? replay->failure : result;
    }
    const struct log_settlement_row *left = next_settlement(replay);
    if (left != NULL && replay->segment->settlement_ordinals[replay->settlement_at] <=
                            log_last_ordinal(replay->log)) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE,
                       "replay differs from the log: the log has the actions of settlement %" PRIu64
                       " of pool %.*s, but not its row",
                       left->number, (int)left->pool.size, left->pool.bytes);
        return -EBADMSG;
    }
    return 0;
}

static bool on_settlement_left(void *user, const struct log_settlement_row *row)
{
    struct replay *replay = user;
    (void)snprintf(replay->error, LOG_ERROR_SIZE,
                   "replay differs from the log: the log holds settlement %" PRIu64
                   " of pool %.*s, replay gives none",
                   row->number, (int)row->pool.size, row->pool.bytes);
    return fail(replay, -EBADMSG);
}

/* Compares what is in the outbox, as far as the log has rows. Settlements come first, because
 * actions are dropped as they are compared, and their settlements with them. */
static int compare_actions(struct replay *replay)
{
    int result = compare_settlements(replay);
    if (result == 0 && replay->compared_ordinal < log_last_ordinal(replay->log)) {
        const struct log_action_place place = {.ordinal = replay->compared_ordinal,
                                               .chains = &replay->chains};
        result = log_read_actions(replay->log, &place, on_stored_action, replay, replay->error);
    }
    outbox_drop(&replay->executor->outbox, replay->compared_ordinal);
    return replay->failure < 0 ? replay->failure : result;
}

static int check_end(const struct replay *replay)
{
    const struct bs_engine *engine = replay->executor->engine;
    uint64_t last_seq = log_last_seq(replay->log);
    if (bs_engine_seq(engine) != last_seq) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE,
                       "the log says it ends at seq %" PRIu64 ", its records end at %" PRIu64,
                       last_seq, bs_engine_seq(engine));
        return -EBADMSG;
    }
    if (replay->compared_ordinal != log_last_ordinal(replay->log)) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE,
                       "replay differs from the log: the log holds action %" PRIu64
                       ", replay gives none after %" PRIu64,
                       replay->compared_ordinal + 1, replay->compared_ordinal);
        return -EBADMSG;
    }
    if (replay->has_digest && !replay->result->digest_compared) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE,
                       "the log ends at seq %" PRIu64 ", but was shut down cleanly at seq %" PRIu64
                       ": records are missing",
                       last_seq, replay->digest_seq);
        return -EBADMSG;
    }
    if (answer_follower_is_within(&replay->follower)) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE,
                       "the log ends at seq %" PRIu64 " within a request: records are missing",
                       last_seq);
        return -EBADMSG;
    }
    return 0;
}

/* The executor is where the replay begins. */
static int begin(struct replay *replay)
{
    const struct replay_start *start = replay->options->start;
    const struct executor *executor = replay->executor;
    struct bs_capacity_command in_force;
    if (bs_engine_capacity(executor->engine, &in_force)) {
        replay->capacity_seq = executor->seq; /* or before it */
    }
    replay->compared_ordinal = bs_engine_actions(executor->engine);
    replay->compared_settlement = start == NULL ? 0 : start->settlement;
    replay->segment = NULL;
    pool_chains_fini(&replay->chains);
    if (start != NULL && pool_chains_copy(&replay->chains, start->chains) != 0) {
        (void)snprintf(replay->error, LOG_ERROR_SIZE, "out of memory for the hash chains");
        return -ENOMEM;
    }
    bool is_right =
        !replay->has_digest || replay->digest_seq != executor->seq || digest_is_right(replay);
    return is_right ? 0 : replay->failure;
}

static int begin_again(struct replay *replay)
{
    const struct replay_options *options = replay->options;
    replay->begins_again = false;
    *replay->result = (struct replay_result){0};
    answer_follower_clear(&replay->follower);
    if (options->answers != NULL) {
        first_answers_clear(options->answers);
    }
    int result = options->start != NULL
                     ? options->start->load(options->start->user, &replay->config, replay->error)
                     : executor_begin_again(replay->executor, &replay->config, replay->error);
    return result == 0 ? begin(replay) : result;
}

/* Reads and compares as much as the outbox takes. */
static int run_part(struct replay *replay)
{
    replay->is_paused = false;
    int result =
        log_read_records(replay->log, replay->executor->seq, on_records, replay, replay->error);
    if (replay->failure < 0 || result < 0) {
        return replay->failure < 0 ? replay->failure : result;
    }
    return replay->begins_again ? 0 : compare_actions(replay);
}

static int run(struct replay *replay)
{
    bool goes_on;
    int result = begin(replay);
    if (result < 0) {
        return result;
    }
    do {
        result = run_part(replay);
        goes_on = replay->is_paused || replay->begins_again;
        if (result == 0 && replay->begins_again) {
            result = begin_again(replay);
        }
        if (result < 0) {
            return result;
        }
    } while (goes_on);
    replay->executor->pools_changed = true; /* the counter has not been read yet */
    if (replay->result->ended_early) {
        return 0;
    }
    result = check_end(replay);
    if (result == 0) {
        struct log_settlement_filter next = {.after = replay->compared_settlement, .limit = 1};
        result = log_reader_settlements(replay->reader, &next, on_settlement_left, replay,
                                        replay->error);
    }
    return replay->failure < 0 ? replay->failure : result;
}

int replay_run(struct executor *executor, struct command_log *log,
               const struct replay_options *options, struct replay_result *ret_result,
               char error[LOG_ERROR_SIZE])
{
    *ret_result = (struct replay_result){0};
    struct replay replay = {
        .executor = executor, .log = log, .options = options, .result = ret_result, .error = error};
    replay.config = executor->config;
    replay.follower.answers = options->answers;
    replay.has_digest = log_get_digest(log, &replay.digest_seq, &replay.digest) &&
                        replay.digest_seq >= executor->seq;
    int result = log_reader_open(&replay.reader, log, error);
    if (result == 0) {
        result = run(&replay);
        log_reader_close(replay.reader);
    }
    answer_follower_clear(&replay.follower);
    pool_chains_fini(&replay.chains);
    return result;
}
