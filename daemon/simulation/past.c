/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/past.h"

#include <errno.h>
#include <inttypes.h>

#include "api/json_state.h"
#include "daemon/answer/answer.h"
#include "daemon/logger/logger.h"

static bool on_stored(void *user, const struct log_settlement_row *row)
{
    struct past *past = user;
    struct bs_settlement settlement;
    if (row->number != past->settlement) {
        return false;
    }
    past->is_unreadable = log_settlement_decode(row, &settlement) != BS_OK;
    if (!past->is_unreadable) {
        memcpy(past->stored, row->record, row->record_size);
        past->stored_size = row->record_size;
        past->time_ms = settlement.time_ms;
    }
    return false;
}

static int read_stored(struct past *past, char *error)
{
    struct log_settlement_filter one = {
        .pool = past->pool, .after = past->settlement - 1, .limit = 1};
    int code = past->settlement == 0
                   ? 0
                   : log_reader_settlements(past->reader, &one, on_stored, past, error);
    return code == 0 && past->is_unreadable
               ? log_error(error, -EBADMSG,
                           "the stored settlement %" PRIu64 " of pool %.*s cannot be decoded",
                           past->settlement, (int)past->pool.size, past->pool.bytes)
               : code;
}

/* A settlement comes from a settle or close_period of the same time: each one is tried on a
 * copy. */
static bool makes_settlement(void *user, struct block *block, const struct bs_command *command)
{
    struct past *past = user;
    bool may = (command->type == BS_COMMAND_SETTLE || command->type == BS_COMMAND_CLOSE_PERIOD) &&
               command->time_ms == past->time_ms &&
               bs_text_equal(command->as.name.name, past->pool);
    if (!may) {
        return false;
    }
    struct bs_effects *effects = &block->effects;
    view_take(past->base, block);
    bs_engine_step(past->base->engine, command, effects);
    while (effects->more) {
        bs_engine_continue(past->base->engine, effects);
    }
    return effects->settled && effects->settlement.number == past->settlement;
}

static void refuse(struct run *run, int code, const char *error)
{
    if (code == -ETIMEDOUT || code == -ECANCELED) {
        answer_problem(run->request, code == -ETIMEDOUT ? BS_SIMULATION_TIMEOUT : BS_NOT_READY,
                       NULL);
    } else if (code == -ENOENT) {
        answer_problem(run->request, BS_UNSUPPORTED,
                       "only settlements made by settle or close_period can be compared");
    } else {
        logger_write(LOGGER_ERROR, "simulator", "the log cannot be run again",
                     LOGGER_FIELDS(logger_string("error", error)));
        answer_failure(run->request, code);
    }
}

/* True if the settlement that was run again equals the stored one. */
static bool is_equal(const struct past *past, const struct bs_settlement *actual)
{
    uint8_t again[BS_SETTLEMENT_RECORD_SIZE_MAX];
    size_t size = bs_settlement_encode(actual, again);
    if (size == past->stored_size && memcmp(again, past->stored, size) == 0) {
        return true;
    }
    struct bs_settlement stored;
    enum bs_status status = bs_settlement_decode(past->stored, past->stored_size, &stored);
    assert(status == BS_OK);
    struct buffer text = {0};
    api_settlement(&text, &stored);
    uint32_t stored_text_size = (uint32_t)text.size;
    api_settlement(&text, actual);
    logger_write(
        LOGGER_ERROR, "simulator",
        "self-check failed: a settlement that was run again differs from the stored one",
        LOGGER_FIELDS(
            logger_text("stored", (struct bs_text){text.bytes, stored_text_size}),
            logger_text("again", (struct bs_text){text.bytes + stored_text_size,
                                                  (uint32_t)text.size - stored_text_size})));
    buffer_fini(&text);
    return false;
}

static bool compare(struct past *past, struct run *run)
{
    char error[LOG_ERROR_SIZE];
    int code = block_open(&past->block, past->config, past->reader, error);
    if (code == 0) {
        code = block_advance_to(&past->block, past->last_seq, past->limit, makes_settlement, past,
                                past->record, error);
    }
    if (code != 0) {
        refuse(run, code, error);
        return true;
    }
    struct bs_command command;
    struct bs_settlement actual = {0};
    enum bs_status status = bs_command_decode(past->record, bs_record_size(past->record), &command);
    assert(status == BS_OK);
    view_take(past->base, &past->block);
    block_close(&past->block);
    run_comparison(run, &command, past->settlement, &actual);
    if (actual.number != 0 && !is_equal(past, &actual)) {
        answer_problem(run->request, BS_INTERNAL, NULL);
        return false;
    }
    return true;
}

bool past_compare(struct past *past, struct run *run)
{
    char error[LOG_ERROR_SIZE];
    bool is_same = true;
    int code = read_stored(past, error);
    if (code != 0) {
        refuse(run, code, error);
    } else if (past->stored_size == 0) {
        answer_problem(run->request, BS_UNKNOWN_SETTLEMENT, NULL);
    } else {
        is_same = compare(past, run);
    }
    run_fini(run);
    block_close(&past->block);
    return is_same;
}
