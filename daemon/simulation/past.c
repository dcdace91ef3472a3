/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/past.h"

#include <errno.h>
#include <inttypes.h>

#include "api/json_state.h"
#include "api/text.h"
#include "daemon/answer/answer.h"
#include "daemon/logger/logger.h"

static bool on_stored(void *user, const struct log_settlement_row *row)
{
    struct past *past = user;
    if (row->number == past->settlement) {
        buffer_append(&past->stored, row->json.bytes, row->json.size);
        buffer_append(&past->stored, "", 1);
    }
    return false;
}

/* The time in the stored JSON; names in it have their quotes escaped. */
static bool read_time(struct past *past)
{
    static const char member[] = "\"time\":\"";
    const char *at = past->stored.size == 0 ? NULL : strstr(past->stored.bytes, member);
    if (at == NULL) {
        return false;
    }
    at += sizeof(member) - 1;
    struct bs_text text = {at, (uint32_t)strcspn(at, "\"")};
    return text_time_parse(text, &past->time_ms);
}

/* A settlement is made by a settle or close_period of its own time: tried on a copy. */
static bool makes_settlement(void *user, struct shadow *shadow, const struct bs_command *command)
{
    struct past *past = user;
    bool may = (command->type == BS_COMMAND_SETTLE || command->type == BS_COMMAND_CLOSE_PERIOD) &&
               command->time_ms == past->time_ms &&
               bs_text_equal(command->as.name.name, past->pool);
    if (!may) {
        return false;
    }
    struct bs_engine *view = shadow_view(shadow);
    bs_engine_step(view, command, &shadow->effects);
    while (shadow->effects.more) {
        bs_engine_continue(view, &shadow->effects);
    }
    return shadow->effects.settled && shadow->effects.settlement.number == past->settlement;
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
        answer_problem(run->request, BS_INTERNAL, NULL);
    }
}

/* Whether the settlement run again is the one stored. */
static bool is_equal(const struct past *past, const struct bs_settlement *actual)
{
    struct buffer again = {0};
    api_settlement(&again, actual);
    bool equal = again.size + 1 == past->stored.size &&
                 memcmp(again.bytes, past->stored.bytes, again.size) == 0;
    if (!equal) {
        logger_write(LOGGER_ERROR, "simulator",
                     "self-check failed: a settlement run again is not the one stored",
                     LOGGER_FIELDS(logger_string("stored", past->stored.bytes),
                                   logger_text("again", (struct bs_text){again.bytes,
                                                                         (uint32_t)again.size})));
    }
    buffer_fini(&again);
    return equal;
}

static bool compare(struct past *past, struct run *run)
{
    char error[LOG_ERROR_SIZE];
    int code = shadow_open(&past->shadow, past->config, past->reader, error);
    if (code == 0) {
        code = shadow_advance_to(&past->shadow, past->last_seq, past->limit, makes_settlement, past,
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
    run->shadow = &past->shadow;
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
    int code = past->settlement == 0
                   ? 0
                   : log_reader_settlements(past->reader, past->pool, past->settlement - 1, 1,
                                            on_stored, past, error);
    if (code != 0) {
        refuse(run, code, error);
    } else if (!read_time(past)) {
        answer_problem(run->request, BS_UNKNOWN_SETTLEMENT, NULL);
    } else {
        is_same = compare(past, run);
    }
    run_fini(run);
    shadow_close(&past->shadow);
    buffer_fini(&past->stored);
    return is_same;
}
