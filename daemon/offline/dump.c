/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log as text: each command, and after it what it caused, from the rows that the log stores. A
 * running daemon stores those with the next commit, so the last ones may not be there yet.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "api/json_state.h"
#include "api/text.h"
#include "daemon/app.h"
#include "daemon/app_options.h"
#include "daemon/log/identity.h"
#include "daemon/offline/offline.h"
#include "daemon/offline/replay_to.h"
#include "daemon/offline/state.h"

#define SEQ_NONE UINT64_MAX

struct rows {
    uint64_t passed;   /* ordinal of the last row that was read */
    uint64_t next_seq; /* of the command of the one that follows; SEQ_NONE: there is none */
};

struct dump {
    struct log_reader *reader;
    const char *log; /* its identity */
    const struct until *until;
    uint64_t from;
    uint64_t first_seq;  /* of the log */
    uint64_t seq;        /* of the command whose rows are printed */
    struct rows actions; /* each read once, as far as its command is printed */
    struct rows settlements;
    struct buffer line;
    int code;
    char *error;
};

static bool fail_at(struct dump *dump, const char *what, uint64_t number)
{
    (void)snprintf(dump->error, LOG_ERROR_SIZE,
                   "the record %s %" PRIu64 " is not one this version can read", what, number);
    dump->code = -EBADMSG;
    return false;
}

static void print_line(struct dump *dump, const char *kind, uint64_t number)
{
    if (dump->line.failed) {
        state_out_of_memory();
    }
    (void)printf("  %s %" PRIu64 " %s\n", kind, number, dump->line.bytes);
}

/* Whether the row is of a command up to the one that is printed. */
static bool pass(const struct dump *dump, struct rows *rows, uint64_t ordinal, uint64_t seq)
{
    if (seq > dump->seq) {
        rows->next_seq = seq;
        return false;
    }
    rows->passed = ordinal;
    return true;
}

static bool on_action(void *user, const struct log_action_row *row,
                      const uint8_t hash[LOG_HASH_SIZE])
{
    struct dump *dump = user;
    struct bs_action action;
    if (bs_action_decode(row->record, row->record_size, &action) != BS_OK) {
        return fail_at(dump, "of action", row->ordinal);
    }
    if (!pass(dump, &dump->actions, row->ordinal, action.seq)) {
        return false;
    }
    if (action.seq == dump->seq) {
        char text[API_HASH_TEXT_SIZE];
        api_hash_print(text, hash);
        buffer_clear(&dump->line);
        api_action(&dump->line, &action, (struct api_origin){.log = dump->log, .hash = text});
        print_line(dump, "action", row->ordinal);
    }
    return true;
}

static bool on_settlement(void *user, const struct log_settlement_row *row)
{
    struct dump *dump = user;
    struct bs_settlement settlement;
    if (log_settlement_decode(row, &settlement) != BS_OK) {
        return fail_at(dump, "of settlement", row->ordinal);
    }
    if (!pass(dump, &dump->settlements, row->ordinal, settlement.seq)) {
        return false;
    }
    if (settlement.seq == dump->seq) {
        buffer_clear(&dump->line);
        api_settlement(&dump->line, &settlement);
        print_line(dump, "settlement", row->ordinal);
    }
    return true;
}

static bool print_actions(struct dump *dump)
{
    struct log_filter filter = {
        .after = dump->actions.passed, .type = UINT8_MAX, .limit = UINT32_MAX};
    dump->actions.next_seq = SEQ_NONE;
    int code = log_reader_actions(dump->reader, &filter, on_action, dump, dump->error);
    dump->code = code < 0 ? code : dump->code;
    return dump->code == 0;
}

static bool print_settlements(struct dump *dump)
{
    struct log_settlement_filter filter = {.after = dump->settlements.passed, .limit = UINT32_MAX};
    dump->settlements.next_seq = SEQ_NONE;
    int code = log_reader_settlements(dump->reader, &filter, on_settlement, dump, dump->error);
    dump->code = code < 0 ? code : dump->code;
    return dump->code == 0;
}

static bool is_past(const struct until *until, const struct bs_command *command)
{
    return (until->kind == UNTIL_SEQ && command->seq > until->seq) ||
           (until->kind == UNTIL_TIME && command->time_ms > until->time_ms);
}

static bool fail_before(struct dump *dump, const struct bs_command *first)
{
    char time[TEXT_TIME_SIZE];
    text_time_print(first->time_ms, time);
    dump->code = log_error(dump->error, -ERANGE,
                           "the log begins with seq %" PRIu64 ", at %s: there is nothing before it",
                           first->seq, time);
    return false;
}

/* A command and what it caused; false: that was the last one to print, or it failed. */
static bool print_command(struct dump *dump, const struct bs_command *command)
{
    char time[TEXT_TIME_SIZE];
    struct bs_text name = bs_command_subject(command);
    text_time_print(command->time_ms, time);
    (void)printf("%" PRIu64 " %s %s %.*s\n", command->seq, time,
                 bs_command_type_name(command->type), (int)name.size, name.bytes);
    dump->seq = command->seq;
    if (dump->actions.next_seq <= dump->seq && !print_actions(dump)) {
        return false;
    }
    if (dump->settlements.next_seq <= dump->seq && !print_settlements(dump)) {
        return false;
    }
    return ferror(stdout) == 0;
}

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    struct dump *dump = user;
    size_t offset = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bs_command command;
        uint32_t record_size = bs_record_size(records + offset);
        assert(record_size <= size - offset);
        if (bs_command_decode(records + offset, record_size, &command) != BS_OK) {
            return fail_at(dump, "at seq", first_seq + i);
        }
        offset += record_size;
        bool is_first = command.seq == dump->first_seq;
        bool is_ended = is_past(dump->until, &command);
        if (is_first && (is_ended || (dump->from > 0 && dump->from < command.seq))) {
            return fail_before(dump, &command);
        }
        if (is_ended) {
            return false;
        }
        if (command.seq >= dump->from && !print_command(dump, &command)) {
            return false;
        }
    }
    return true;
}

static int dump_log(struct command_log *log, struct dump *dump)
{
    uint64_t last_seq = log_last_seq(log);
    if (dump->from > last_seq) {
        (void)snprintf(dump->error, LOG_ERROR_SIZE,
                       "the log ends at seq %" PRIu64 ": there is no %" PRIu64 " in it", last_seq,
                       dump->from);
        return -ERANGE;
    }
    dump->log = log_identity(log);
    int code = log_reader_open(&dump->reader, log, dump->error);
    if (code < 0) {
        return code;
    }
    struct log_begin begin = log_begin(log);
    uint64_t after = dump->from > begin.seq ? dump->from - 1 : begin.seq;
    dump->first_seq = begin.seq + 1;
    code = log_read_records(log, after, on_records, dump, dump->error);
    log_reader_close(dump->reader);
    buffer_fini(&dump->line);
    return code < 0 ? code : dump->code;
}

int offline_dump(const struct settings *settings, uint64_t from, const struct until *until)
{
    char error[LOG_ERROR_SIZE];
    struct command_log *log;
    struct dump dump = {.until = until, .from = from, .error = error};
    int code = offline_log_open(&log, settings_text(settings, SETTING_STORAGE_DATA),
                                app_archive(settings), error);
    if (code == 0) {
        code = dump_log(log, &dump);
        log_close(log);
    }
    int flushed = fflush(stdout);
    if (code < 0) {
        (void)fprintf(stderr, "backstopd: %s\n", error);
        return app_exit_status(code);
    }
    return flushed == 0 ? EX_OK : EX_IOERR;
}
