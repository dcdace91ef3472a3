/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/record/action.h"
#include "tests/sim/clients.h"
#include "tests/sim/history.h"

#define ACTIONS_MAX 64
#define CASH_DECIMALS 2
#define CASH_UNIT 100

struct judge {
    struct ledger *ledger;
    const struct bs_config *config;
    void *memory;
    size_t memory_size;
    struct bs_engine *engine;
    struct bs_effects effects;
    uint64_t seq;
    uint32_t sample;                     /* the next one to compare */
    uint32_t found[LEDGER_REQUESTS_MAX]; /* how often each request is in the log */
    uint64_t actions;

    struct {
        char name[16];
        uint64_t last;
    } pools[8];
};

/* ---- the judge's own engine ---- */

/* In each pool the ids have no gaps. */
static void follow_pool(struct judge *judge, const struct bs_action *action)
{
    uint32_t i = 0;
    while (judge->pools[i].name[0] != '\0' &&
           !bs_text_equal(
               (struct bs_text){judge->pools[i].name, (uint32_t)strlen(judge->pools[i].name)},
               action->pool)) {
        i++;
        assert(i < 8);
    }
    memcpy(judge->pools[i].name, action->pool.bytes, action->pool.size);
    LEDGER_EXPECT(judge->ledger, action->id == judge->pools[i].last + 1,
                  "action %" PRIu64 " of pool %s follows %" PRIu64, action->id,
                  judge->pools[i].name, judge->pools[i].last);
    judge->pools[i].last = action->id;
}

/* What was stored is what the commands give. The last actions may be durable later than those. */
static void take_actions(struct judge *judge)
{
    const struct ledger_history *history = &judge->ledger->history;
    for (uint32_t i = 0; i < judge->effects.actions_count; i++) {
        uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
        size_t size = bs_action_encode(&judge->effects.actions[i], record);
        judge->actions++;
        LEDGER_EXPECT(judge->ledger,
                      judge->actions > history->ordinal ||
                          history->action_crcs[judge->actions] == bs_crc32c(0, record, size),
                      "action %" PRIu64 " is not what the commands give", judge->actions);
        follow_pool(judge, &judge->effects.actions[i]);
    }
    judge->ledger->settlements += judge->effects.settled ? 1 : 0;
}

static uint32_t number_of(struct bs_text key)
{
    char text[32] = "";
    memcpy(text, key.bytes, key.size < sizeof(text) ? key.size : sizeof(text) - 1);
    uint32_t number = LEDGER_REQUESTS_MAX;
    return sscanf(text, "request-%u", &number) == 1 ? number : LEDGER_REQUESTS_MAX;
}

/* Which request the command is the first of, if it is, and was it done? */
static void count_request(struct judge *judge, const struct bs_command *command)
{
    uint32_t number = LEDGER_REQUESTS_MAX;
    if (command->type == BS_COMMAND_REQUEST) {
        number = number_of(command->as.request.key);
    } else if (command->has_source && judge->effects.status == BS_OK) {
        number = (uint32_t)(command->source_seq - 1) * CLIENTS_COUNT + 1;
    }
    if (number >= LEDGER_REQUESTS_MAX) {
        return;
    }
    judge->found[number]++;
    LEDGER_EXPECT(judge->ledger, judge->ledger->requests[number].is_sent,
                  "request %u is in the log and was never sent", number);
    LEDGER_EXPECT(judge->ledger, judge->found[number] == 1 || command->has_source,
                  "request %u was done twice, again at seq %" PRIu64, number, command->seq);
    judge->found[number] = 1; /* a source's repeat is taken and changes nothing: check_transfers */
}

static void compare_samples(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    struct bs_digest digest;
    bool is_known = false;
    for (;
         judge->sample < ledger->samples_count && ledger->samples[judge->sample].seq <= judge->seq;
         judge->sample++) {
        const struct ledger_sample *sample = &ledger->samples[judge->sample];
        if (sample->seq == judge->seq) {
            digest = is_known ? digest : bs_engine_digest(judge->engine);
            is_known = true;
            LEDGER_EXPECT(judge->ledger, memcmp(&digest, &sample->digest, sizeof(digest)) == 0,
                          "the state at seq %" PRIu64 " is not the one that was seen", judge->seq);
        }
    }
}

static void step(struct judge *judge, const uint8_t *record, uint64_t seq)
{
    struct bs_command command;
    uint32_t size = bs_record_size(record);
    LEDGER_EXPECT(judge->ledger, bs_command_decode(record, size, &command) == BS_OK,
                  "the record at seq %" PRIu64 " does not decode", seq);
    LEDGER_EXPECT(judge->ledger, command.seq == seq && seq == judge->seq + 1,
                  "seq %" PRIu64 " follows seq %" PRIu64, command.seq, judge->seq);
    bs_engine_step(judge->engine, &command, &judge->effects);
    count_request(judge, &command);
    take_actions(judge);
    while (judge->effects.more) {
        bs_engine_continue(judge->engine, &judge->effects);
        take_actions(judge);
    }
    judge->seq = seq;
    compare_samples(judge);
}

/* ---- the requests ---- */

/* Over what the sender determines. */
static uint32_t sent_crc(const struct ledger *ledger, uint64_t seq)
{
    const uint8_t *record = history_record(ledger, seq);
    return bs_crc32c(0, record + BS_WIRE_MAJOR_AT, bs_record_size(record) - BS_WIRE_MAJOR_AT);
}

/* What was answered is where the answer said; the last of its records is at last_seq. */
static void check_answered(struct judge *judge, uint32_t number)
{
    const struct ledger_request *request = &judge->ledger->requests[number];
    if (!request->is_answered || request->last_seq == 0) {
        return; /* by the answer of an earlier life: the count says that it is there */
    }
    LEDGER_EXPECT(judge->ledger,
                  request->last_seq <= judge->seq && request->last_seq > request->records_count,
                  "request %u was answered at seq %" PRIu64 ", the log ends at %" PRIu64, number,
                  request->last_seq, judge->seq);
    uint64_t first = request->last_seq - request->records_count + 1;
    for (uint32_t i = 0; i < request->records_count; i++) {
        LEDGER_EXPECT(judge->ledger, sent_crc(judge->ledger, first + i) == request->records_crc[i],
                      "record %u of request %u is not at seq %" PRIu64, i, number, first + i);
    }
}

/* Each request that is there has paid 1 to its account, once. */
static void check_transfers(struct judge *judge)
{
    for (uint32_t client = 0; client < CLIENTS_COUNT; client++) {
        uint64_t expected = 0;
        char name[16];
        for (uint32_t number = client; number < LEDGER_REQUESTS_MAX; number += CLIENTS_COUNT) {
            expected += number == 0 ? 0 : judge->found[number];
        }
        clients_account(client, name);
        uint32_t account =
            bs_account_find(judge->engine, (struct bs_text){name, (uint32_t)strlen(name)});
        if (account == 0) {
            continue; /* the request that sets up is not there yet */
        }
        struct bs_account_view view;
        bs_account_view_get(judge->engine, account, &view);
        bs_i128 quanta = view.collateral.mantissa;
        for (int32_t i = view.collateral.exponent; i > -CASH_DECIMALS; i--) {
            quanta *= 10;
        }
        LEDGER_EXPECT(judge->ledger, quanta == (bs_i128)expected * CASH_UNIT,
                      "account %s holds %" PRId64 " quanta after %" PRIu64 " transfers of 1", name,
                      (int64_t)quanta, expected);
    }
}

static void check_requests(struct judge *judge)
{
    for (uint32_t number = 0; number < LEDGER_REQUESTS_MAX; number++) {
        const struct ledger_request *request = &judge->ledger->requests[number];
        check_answered(judge, number);
        LEDGER_EXPECT(judge->ledger, !request->is_answered || judge->found[number] == 1,
                      "request %u was answered %d, and the log does not hold it", number,
                      request->status);
    }
    check_transfers(judge);
}

/* ---- all of it ---- */

static void make_engine(struct judge *judge)
{
    judge->memory_size = bs_engine_size(judge->config);
    judge->memory = mmap(NULL, judge->memory_size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(judge->memory != MAP_FAILED);
    judge->engine = bs_engine_init(judge->memory, judge->memory_size, judge->config);
    judge->effects.actions = calloc(ACTIONS_MAX, sizeof(struct bs_action));
    judge->effects.actions_max = ACTIONS_MAX;
    assert(judge->effects.actions != NULL);
}

static void judge_free(struct judge *judge)
{
    (void)munmap(judge->memory, judge->memory_size);
    free(judge->effects.actions);
    free(judge);
}

static struct judge *judge_new(const struct judge_case *judged)
{
    struct judge *judge = calloc(1, sizeof(*judge));
    assert(judge != NULL);
    judge->ledger = judged->ledger;
    judge->config = judged->config;
    judge->ledger->settlements = 0;
    make_engine(judge);
    for (uint64_t seq = 1; seq <= judge->ledger->history.place.seq; seq++) {
        step(judge, history_record(judge->ledger, seq), seq);
    }
    judge->ledger->records = judge->seq;
    judge->ledger->actions = judge->ledger->history.ordinal;
    LEDGER_EXPECT(judge->ledger, judge->actions >= judge->ledger->history.ordinal,
                  "the log holds %" PRIu64 " actions, the commands give %" PRIu64,
                  judge->ledger->history.ordinal, judge->actions);
    check_requests(judge);
    return judge;
}

/* False: the disk fails, or is known to be damaged, and the log cannot be read. */
static bool read_log(const struct judge_case *judged, bool compares, char *error)
{
    struct log_reader *reader = NULL;
    struct ledger *ledger = judged->ledger;
    int result = log_reader_open(&reader, judged->log, error);
    if (result == 0) {
        result = compares ? history_compare(ledger, judged->log, &judged->begin, reader, error)
                          : history_follow(ledger, judged->log, reader, error);
    }
    log_reader_close(reader);
    LEDGER_EXPECT(ledger, result == 0 || ledger->disk_failed, "the log cannot be read: %s", error);
    return result == 0;
}

bool judge_recovered(const struct judge_case *judged, char error[LOG_ERROR_SIZE])
{
    struct ledger *ledger = judged->ledger;
    if (!read_log(judged, true, error)) {
        return false;
    }
    struct judge *judge = judge_new(judged);
    LEDGER_EXPECT(ledger, ledger->samples_count == judge->sample,
                  "a state was seen at seq %" PRIu64 ", the log ends at %" PRIu64,
                  ledger->samples[judge->sample].seq, judge->seq);
    LEDGER_EXPECT(ledger, ledger->history.ordinal >= ledger->published,
                  "action %" PRIu64 " was published, the log ends at %" PRIu64, ledger->published,
                  ledger->history.ordinal);
    ledger->judged_times++;
    judge_free(judge);
    return true;
}

void judge_end(const struct judge_case *judged, uint32_t requests_count)
{
    char error[LOG_ERROR_SIZE];
    struct ledger *ledger = judged->ledger;
    if (!read_log(judged, false, error)) {
        return;
    }
    struct judge *judge = judge_new(judged);
    for (uint32_t number = 0; number < requests_count; number++) {
        LEDGER_EXPECT(ledger, judge->found[number] == 1, "request %u was never done", number);
    }
    LEDGER_EXPECT(ledger, ledger->history.ordinal == judge->actions,
                  "the log holds %" PRIu64 " of %" PRIu64 " actions", ledger->history.ordinal,
                  judge->actions);
    for (uint64_t i = ledger->notices_after + 1; i <= ledger->awaited; i++) {
        LEDGER_EXPECT(ledger, ledger->notices[i].deliveries > 0,
                      "notice %" PRIu64 " was never delivered", i);
    }
    judge_free(judge);
}
