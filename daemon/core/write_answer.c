/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/write_answer.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/json_state.h"
#include "api/request_record.h"
#include "daemon/answer/answer.h"

/* The account states in the rejections of one answer; those beyond it carry none. */
#define STALE_STATES_SIZE_MAX ((size_t)4 << 20)

bool write_answer_admit(struct first_answers *answers, struct request *request, bool may_run)
{
    struct bs_command command;
    enum bs_status decoded = bs_command_decode((const uint8_t *)request->key_record.bytes,
                                               request->key_record.size, &command);
    assert(decoded == BS_OK);
    const struct bs_request_command *record = &command.as.request;
    const struct first_answer *answer = first_answers_find(answers, record);
    if (answer == NULL) {
        request->first_answer = may_run ? first_answers_add(answers, record) : NULL;
        return true;
    }
    if (memcmp(answer->fingerprint, record->fingerprint, BS_FINGERPRINT_SIZE) != 0) {
        answer_problem(request, BS_IDEMPOTENCY_KEY_REUSED, NULL);
    } else if (answer->status == 0) {
        answer_problem(request, BS_REQUEST_IN_PROGRESS, NULL);
        request->repeat = REPEAT_TOO_EARLY;
    } else {
        buffer_append(&request->body, answer->body, answer->body_size);
        answer_json(request, answer->status);
        request->repeat = REPEAT_ANSWERED;
    }
    return false;
}

bool write_answer_restore(struct first_answers *answers, struct request *request,
                          const struct bs_request_command *record)
{
    assert(request->records_left == 0);
    api_batch_clear(&request->batch);
    buffer_clear(&request->body);
    *request = (struct request){.batch = request->batch, .body = request->body};
    if (!api_request_restore(&request->batch, record)) {
        return false;
    }
    request->records_left = request->batch.records_count;
    request->first_answer = first_answers_add(answers, record);
    return true;
}

/* A stale_update shows the account as it is now, so the sender need not read it. */
static void attach_state(struct request *request, struct api_rejection *rejection,
                         const struct bs_engine *engine, const struct bs_command *command)
{
    struct bs_text name = command->type == BS_COMMAND_ACCOUNT ? command->as.account.account
                                                              : command->as.position.account;
    uint32_t account = bs_account_find(engine, name);
    if (account == 0 || request->states_size >= STALE_STATES_SIZE_MAX) {
        return;
    }
    struct buffer state = {0};
    api_account(&state, engine, account);
    request->states_size += state.size;
    rejection->state = state.bytes;
}

/* Names the expected number, so the sender need not read it. */
static void name_expected(struct api_rejection *rejection, const struct bs_engine *engine,
                          struct bs_text source)
{
    struct bs_source_view view;
    if (bs_source_view_get(engine, source, &view)) {
        size_t size = strlen(rejection->detail);
        (void)snprintf(rejection->detail + size, sizeof(rejection->detail) - size,
                       "; the next is %" PRIu64, view.next_seq);
    }
}

/* Names the mark that is held and its band, so the sender need not read them; and for a mark out of
 * the band how many that agree have been seen, this one included. */
static void name_held_mark(struct api_rejection *rejection, const struct bs_engine *engine,
                           struct bs_text name)
{
    uint32_t market = bs_market_find(engine, name);
    struct bs_market_view view;
    if (market == 0) {
        return;
    }
    bs_market_view_get(engine, market, &view);
    if (!view.has_mark) {
        return;
    }
    struct buffer held = {0};
    api_wide(&held, view.mark_price);
    buffer_text(&held, " of ");
    api_time(&held, view.mark_time_ms);
    buffer_printf(&held, ", band %" PRIu32 " ppm", view.max_move_ppm);
    if (rejection->status == BS_MARK_OUT_OF_BAND) {
        buffer_printf(&held, ", %" PRIu32 " agree", view.marks_in_run);
    }
    size_t size = strlen(rejection->detail);
    (void)snprintf(rejection->detail + size, sizeof(rejection->detail) - size, "; held is %.*s",
                   (int)held.size, (const char *)held.bytes);
    buffer_fini(&held);
}

void write_answer_collect(struct request *request, const struct bs_engine *engine,
                          const struct bs_effects *effects, const struct bs_command *command)
{
    assert(request->records_left > 0);
    struct api_batch *batch = &request->batch;
    request->waiting = request->waiting || effects->waiting;
    if (effects->status == BS_OK) {
        return;
    }
    uint32_t record = batch->records_count - request->records_left;
    uint32_t index = batch->record_items != NULL ? batch->record_items[record] : record;
    struct api_rejection *rejection =
        api_batch_reject_record(batch, index, effects->status, effects->field);
    if (rejection == NULL) {
        return;
    }
    if (effects->status == BS_STALE_UPDATE) {
        attach_state(request, rejection, engine, command);
    } else if (effects->status == BS_SEQUENCE_GAP || effects->status == BS_SEQUENCE_REGRESSION) {
        name_expected(rejection, engine, command->source);
    } else if (effects->status == BS_MARK_OUT_OF_BAND || effects->status == BS_STALE_MARK) {
        name_held_mark(rejection, engine, command->as.mark.market);
    }
}

void write_answer_finish(struct first_answers *answers, struct request *request)
{
    int status = 0;
    assert(request->records_left == 0);
    api_write_result(&request->body, request->last_seq, &request->batch, request->waiting, &status);
    answer_json(request, status);
    if (request->first_answer != NULL) {
        first_answers_finish(answers, request->first_answer, status, &request->body);
        request->first_answer = NULL;
    }
}
