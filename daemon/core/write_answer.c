/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/write_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json_state.h"
#include "api/request_record.h"
#include "api/text.h"
#include "daemon/answer/answer.h"

/* The account states in the rejections of one answer; those beyond it carry none. */
#define STALE_STATES_SIZE_MAX ((size_t)4 << 20)

/* What an answer is made of, in bytes: all but the rejections, a rejection by the core, which says nothing
 * that JSON escapes but the quotes of a mark, and the most that a byte of another takes. */
#define ANSWER_ROOM 2048
#define REJECTION_ROOM 352
#define ESCAPED_MAX 6

/* At most, without the account states of rejections. */
static size_t room_for_answer(const struct api_batch *batch)
{
    uint32_t core = batch->records_count < API_LISTED_MAX ? batch->records_count : API_LISTED_MAX;
    size_t room = ANSWER_ROOM + (size_t)(batch->parser_listed_count + core) * REJECTION_ROOM;
    for (uint32_t i = 0; i < batch->parser_listed_count; i++) {
        room += strlen(batch->rejections[i].detail) * ESCAPED_MAX;
    }
    return room;
}

bool write_answer_reserve(struct request *request)
{
    buffer_clear(&request->body);
    return api_batch_reserve(&request->batch) &&
           buffer_reserve(&request->body, room_for_answer(&request->batch));
}

bool write_answer_admit(struct first_answers *answers, struct request *request, bool may_run)
{
    struct bs_command command;
    enum bs_status decoded = bs_command_decode((const uint8_t *)request->key_record.bytes,
                                               request->key_record.size, &command);
    assert(decoded == BS_OK);
    const struct bs_request_command *record = &command.as.request;
    const struct first_answer *answer = first_answers_find(answers, record);
    if (answer == NULL && may_run) {
        size_t room = room_for_answer(&request->batch);
        request->first_answer = first_answers_add(answers, record, room);
        if (request->first_answer == NULL) {
            answer_problem(request, BS_OUT_OF_MEMORY, NULL);
            return false;
        }
    }
    if (answer == NULL) {
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

void write_answer_withdraw(struct first_answers *answers, struct request *request)
{
    if (request->first_answer != NULL) {
        first_answers_drop(answers, request->first_answer);
        request->first_answer = NULL;
    }
}

enum bs_status write_answer_restore(struct first_answers *answers, struct request *request,
                                    const struct bs_request_command *record)
{
    assert(request->records_left == 0);
    api_batch_clear(&request->batch);
    buffer_clear(&request->body);
    *request = (struct request){.batch = request->batch, .body = request->body};
    if (!api_request_restore(&request->batch, record)) {
        return api_batch_failed(&request->batch) ? BS_OUT_OF_MEMORY : BS_NEWER_RECORD;
    }
    if (!write_answer_reserve(request)) {
        return BS_OUT_OF_MEMORY;
    }
    request->first_answer = first_answers_add(answers, record, room_for_answer(&request->batch));
    if (request->first_answer == NULL) {
        return BS_OUT_OF_MEMORY;
    }
    request->records_left = request->batch.records_count;
    return BS_OK;
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
    if (state.failed) { /* the answer goes without it */
        buffer_fini(&state);
        return;
    }
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
    char price[BS_DECIMAL_TEXT_MAX];
    char time[TEXT_TIME_SIZE];
    char agree[32] = "";
    int price_size = (int)bs_wide_print(view.mark_price, price);
    text_time_print(view.mark_time_ms, time);
    if (rejection->status == BS_MARK_OUT_OF_BAND) {
        (void)snprintf(agree, sizeof(agree), ", %" PRIu32 " agree", view.marks_in_run);
    }
    size_t size = strlen(rejection->detail);
    (void)snprintf(rejection->detail + size, sizeof(rejection->detail) - size,
                   "; held is \"%.*s\" of \"%s\", band %" PRIu32 " ppm%s", price_size, price, time,
                   view.max_move_ppm, agree);
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

/* An answer without the account states fits what was reserved; with them it may need more. */
static void drop_states_without_room(struct request *request)
{
    struct api_batch *batch = &request->batch;
    size_t room = room_for_answer(batch) + request->states_size;
    bool fits = buffer_reserve(&request->body, room) &&
                (request->first_answer == NULL || first_answers_grow(request->first_answer, room));
    for (uint32_t i = 0; i < batch->listed_count && !fits; i++) {
        free(batch->rejections[i].state);
        batch->rejections[i].state = NULL;
    }
    buffer_clear(&request->body);
}

void write_answer_finish(struct first_answers *answers, struct request *request)
{
    int status = 0;
    assert(request->records_left == 0);
    if (request->states_size > 0) {
        drop_states_without_room(request);
    }
    api_write_result(&request->body, request->last_seq, &request->batch, request->waiting, &status);
    assert(!request->body.failed); /* write_answer_reserve was called */
    answer_json(request, status);
    if (request->first_answer != NULL) {
        first_answers_finish(answers, request->first_answer, status, &request->body);
        request->first_answer = NULL;
    }
}
