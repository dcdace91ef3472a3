/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/history.h"

#include <inttypes.h>

struct reading {
    struct ledger *ledger;
    uint64_t read_seq; /* what was read before this reading */
    uint64_t ordinal;
};

const uint8_t *history_record(const struct ledger *ledger, uint64_t seq)
{
    assert(seq > 0);
    return ledger->history.records + ledger->history.ends[seq - 1];
}

static void take_record(struct reading *reading, uint64_t seq, const uint8_t *record)
{
    struct ledger *ledger = reading->ledger;
    struct ledger_history *history = &ledger->history;
    uint32_t size = bs_record_size(record);
    if (seq <= reading->read_seq) {
        LEDGER_EXPECT(ledger, memcmp(history_record(ledger, seq), record, size) == 0,
                      "the record at seq %" PRIu64 " has changed", seq);
        return;
    }
    LEDGER_EXPECT(ledger,
                  seq < LEDGER_SEQS_MAX && history->ends[seq - 1] + size <= LEDGER_HISTORY_SIZE,
                  "too many records");
    memcpy(history->records + history->ends[seq - 1], record, size);
    history->ends[seq] = history->ends[seq - 1] + size;
}

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    struct reading *reading = user;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        take_record(reading, first_seq + i, records + at);
        at += bs_record_size(records + at);
    }
    assert(at == size);
    return true;
}

static bool on_row(void *user, const struct log_action_row *row, const uint8_t hash[LOG_HASH_SIZE])
{
    struct reading *reading = user;
    struct ledger *ledger = reading->ledger;
    struct ledger_history *history = &ledger->history;
    uint32_t crc = bs_crc32c(0, row->record, row->record_size);
    (void)hash;
    reading->ordinal++;
    LEDGER_EXPECT(ledger, row->ordinal == reading->ordinal,
                  "action %" PRIu64 " comes as number %" PRIu64, row->ordinal, reading->ordinal);
    LEDGER_EXPECT(ledger, row->ordinal < LEDGER_ACTIONS_MAX, "too many actions");
    LEDGER_EXPECT(ledger,
                  row->ordinal > history->ordinal || crc == history->action_crcs[row->ordinal],
                  "action %" PRIu64 " has changed", row->ordinal);
    history->action_crcs[row->ordinal] = crc;
    return true;
}

static int read_actions(struct reading *reading, uint64_t last, struct log_reader *reader,
                        char *error)
{
    int result = 0;
    while (result == 0 && reading->ordinal < last) {
        uint64_t before = reading->ordinal;
        const struct log_filter rest = {
            .after = before, .last = last, .type = UINT8_MAX, .limit = UINT32_MAX};
        result = log_reader_actions(reader, &rest, on_row, reading, error);
        LEDGER_EXPECT(reading->ledger, result != 0 || reading->ordinal > before,
                      "actions are missing after %" PRIu64, before);
    }
    return result;
}

static int read_all(struct reading *reading, struct command_log *log, struct log_reader_place place,
                    struct log_reader *reader, char *error)
{
    struct ledger_history *history = &reading->ledger->history;
    uint64_t last_seq = log_last_seq(log);
    uint64_t last_ordinal = log_last_ordinal(log);
    reading->read_seq = history->place.seq;
    LEDGER_EXPECT(reading->ledger,
                  last_seq >= history->place.seq && last_ordinal >= history->ordinal,
                  "the log ends at seq %" PRIu64 " and action %" PRIu64 ", it has held %" PRIu64
                  " and %" PRIu64,
                  last_seq, last_ordinal, history->place.seq, history->ordinal);
    int result = log_reader_records(reader, &place, last_seq, on_records, reading, error);
    if (result != 0) {
        return result;
    }
    history->place = place;
    result = read_actions(reading, last_ordinal, reader, error);
    history->ordinal = result == 0 ? last_ordinal : history->ordinal;
    return result;
}

int history_follow(struct ledger *ledger, struct command_log *log, struct log_reader *reader,
                   char error[LOG_ERROR_SIZE])
{
    struct reading reading = {.ledger = ledger, .ordinal = ledger->history.ordinal};
    return read_all(&reading, log, ledger->history.place, reader, error);
}

int history_compare(struct ledger *ledger, struct command_log *log,
                    const struct log_reader_place *begin, struct log_reader *reader,
                    char error[LOG_ERROR_SIZE])
{
    struct reading reading = {.ledger = ledger, .ordinal = log_begin(log).ordinal};
    LEDGER_EXPECT(ledger,
                  begin->seq <= ledger->history.place.seq &&
                      reading.ordinal <= ledger->history.ordinal,
                  "the log begins after seq %" PRIu64 " and action %" PRIu64
                  ", of which only %" PRIu64 " and %" PRIu64 " were ever seen",
                  begin->seq, reading.ordinal, ledger->history.place.seq, ledger->history.ordinal);
    return read_all(&reading, log, *begin, reader, error);
}
