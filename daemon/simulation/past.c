/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/past.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "api/json_state.h"
#include "daemon/answer/answer.h"
#include "daemon/log/chain.h"
#include "daemon/logger/logger.h"
#include "daemon/snapshot/snapshot_block.h"

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
        past->seq = settlement.seq;
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

static bool is_made_by(void *user, struct block *block, const struct bs_command *command)
{
    (void)block;
    return command->seq == ((const struct past *)user)->seq;
}

/* Whether the pool had so many settlements where the log begins. */
static int find_out_if_cut(struct past *past, bool *ret_cut, char *error)
{
    struct pool_chains chains = {0};
    int code = log_chains(past->log, log_reader_begin(past->reader).ordinal, &chains, error);
    const struct pool_chain *chain = pool_chains_find(&chains, past->pool);
    *ret_cut = chain != NULL && past->settlement > 0 && chain->settlement >= past->settlement;
    pool_chains_fini(&chains);
    return code;
}

static void refuse_cut(const struct past *past, struct run *run, bool has_row)
{
    char detail[200];
    struct log_begin begin = log_reader_begin(past->reader);
    (void)snprintf(detail, sizeof(detail),
                   has_row ? "settlement %" PRIu64 " is kept, but no snapshot from before it: the "
                             "commands up to seq %" PRIu64 " were cut"
                           : "settlement %" PRIu64
                             " was cut with the older files of the log, which "
                             "begins after seq %" PRIu64,
                   past->settlement, begin.seq);
    answer_problem(run->request, BS_SETTLEMENT_EXPIRED, detail);
}

static void refuse(struct run *run, int code, const char *error)
{
    if (code == -ETIMEDOUT || code == -ECANCELED) {
        answer_problem(run->request, code == -ETIMEDOUT ? BS_SIMULATION_TIMEOUT : BS_NOT_READY,
                       NULL);
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

/* The block comes to just before the command, which is decoded. */
static int go_there(struct past *past, struct bs_command *ret_command, char *error)
{
    int code = snapshot_block_open_before(&past->block, past->config, past->reader, past->snapshots,
                                          past->seq, error);
    if (code == 0 && block_seq(&past->block) < log_reader_begin(past->reader).seq) {
        return -ESTALE;
    }
    if (code == 0) {
        code = block_advance_to(&past->block, past->seq, past->limit, is_made_by, past,
                                past->record, error);
    }
    if (code == 0) {
        enum bs_status status =
            bs_command_decode(past->record, bs_record_size(past->record), ret_command);
        assert(status == BS_OK);
    }
    return code;
}

static bool compare(struct past *past, struct run *run)
{
    char error[LOG_ERROR_SIZE];
    struct bs_command command;
    struct bs_settlement actual = {0};
    int code = go_there(past, &command, error);
    if (code == -ESTALE) {
        refuse_cut(past, run, true);
        return true;
    }
    if (code != 0) {
        refuse(run, code, error);
        return true;
    }
    if (command.type != BS_COMMAND_SETTLE && command.type != BS_COMMAND_CLOSE_PERIOD) {
        answer_problem(run->request, BS_UNSUPPORTED,
                       "only settlements made by settle or close_period can be compared");
        return true;
    }
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
    bool is_cut = false;
    int code = read_stored(past, error);
    if (code == 0 && past->stored_size == 0 && log_reader_begin(past->reader).seq > 0) {
        code = find_out_if_cut(past, &is_cut, error);
    }
    if (code != 0) {
        refuse(run, code, error);
    } else if (is_cut) {
        refuse_cut(past, run, false);
    } else if (past->stored_size == 0) {
        answer_problem(run->request, BS_UNKNOWN_SETTLEMENT, NULL);
    } else {
        is_same = compare(past, run);
    }
    run_fini(run);
    block_close(&past->block);
    return is_same;
}
