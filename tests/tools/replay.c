/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine on stdin and stdout, for tests and comparisons: one JSON object a line in, one out.
 *
 *   {"type":"reset"}           -> {"outcome":"ok","actions":[]}; a fresh engine; with "refuse":N its N-th
 *                                 check of a plan fails
 *   {"type":"clock","ms":N}    -> the same; the engine time of the lines that follow
 *   {"type":"state"}           -> {"pools":[..],"accounts":[..],"digest":".."}
 *   {"type":"queue","market":"M","side":"long"}  -> {"rows":[..]}; who would be closed there, in
 * order
 *   {"type":"ranks","account":"A"} -> {"rows":[..]}; where its positions stand
 * any other line             -> {"outcome":"ok" or a code,"actions":[..]}
 *
 * Other lines are what POST /v1/commands takes. Each one goes the whole way: JSON, record, stamp,
 * decoding, engine. Answers are flushed whenever the input pauses, so a driver may pipeline.
 *
 * With --read DIR the engine begins with what the log in DIR replays to, and state lines also carry
 * the digest that was stored with it, if any.
 *
 * Every state line goes on with an engine that was loaded from a snapshot of the one before.
 *
 * With --log DIR every state line also sends the records through the log in DIR: they are appended,
 * the log is closed, opened and replayed into a second engine, and the answer carries its digest
 * and the checksum of its actions beside our own.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/json_command.h"
#include "api/json_rank.h"
#include "api/json_state.h"
#include "tests/tools/replay.h"

#define READ_SIZE ((size_t)1 << 16)
#define QUEUE_ROWS 1000
#define NOTHING_HAPPENED "{\"outcome\":\"ok\",\"actions\":[]}\n"

struct session {
    struct replay_engine engine;
    struct replay_log *log; /* NULL without --log */
    struct replay_stored stored;
    int64_t now_ms;
    struct api_batch batch;
    struct buffer out;
};

static void session_reset(struct session *session)
{
    replay_engine_clear(&session->engine);
    if (session->log != NULL) {
        replay_log_clear(session->log);
    }
}

static void print_state(struct session *session)
{
    struct buffer *out = &session->out;
    replay_engine_reload(&session->engine);
    buffer_text(out, "{");
    replay_print_ledger(out, session->engine.engine);
    replay_print_digest(out, "digest", &session->engine);
    if (session->stored.known) {
        buffer_printf(out, ",\"stored_digest\":\"%016llx%016llx\"",
                      (unsigned long long)session->stored.digest.words[0],
                      (unsigned long long)session->stored.digest.words[1]);
    }
    if (session->log != NULL) {
        struct replay_engine copy = {.config = session->engine.config};
        replay_engine_clear(&copy);
        replay_log_round_trip(session->log, &copy);
        replay_print_digest(out, "log_digest", &copy);
        replay_engine_fini(&copy);
    }
    buffer_text(out, "}\n");
}

static void print_queue(struct buffer *out, struct bs_engine *engine, const char *market,
                        bool is_short)
{
    struct bs_queue_view rows[QUEUE_ROWS];
    struct bs_queue_page page = {.limit = QUEUE_ROWS, .side = is_short, .rows = rows};
    uint32_t found = bs_market_find(engine, (struct bs_text){market, (uint32_t)strlen(market)});
    if (found != 0) {
        page.market = found;
        bs_queue_page_get(engine, &page);
    }
    buffer_text(out, "{\"rows\":[");
    for (uint32_t i = 0; i < page.count; i++) {
        buffer_text(out, i == 0 ? "" : ",");
        api_queue_row(out, &rows[i]);
    }
    buffer_text(out, "]}\n");
}

static void print_ranks(struct buffer *out, struct bs_engine *engine, const char *account)
{
    struct bs_rank_view rows[BS_RANK_ROWS_MAX];
    uint32_t found = bs_account_find(engine, (struct bs_text){account, (uint32_t)strlen(account)});
    uint32_t offset = 0, count = BS_RANK_ROWS_MAX;
    buffer_text(out, "{\"rows\":[");
    for (; found != 0 && count == BS_RANK_ROWS_MAX; offset += count) {
        count = bs_rank_view_get(engine, found, offset, BS_RANK_ROWS_MAX, rows);
        for (uint32_t i = 0; i < count; i++) {
            buffer_text(out, offset + i == 0 ? "" : ",");
            api_rank(out, &rows[i]);
        }
    }
    buffer_text(out, "]}\n");
}

static const char *text_member(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

/* Takes the line when it is one of our own. */
static bool control_line(struct session *session, const char *line, size_t size)
{
    static const char *const words[] = {"\"reset\"", "\"clock\"", "\"state\"", "\"queue\"",
                                        "\"ranks\""};
    bool maybe = false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        maybe = maybe || memmem(line, size, words[i], strlen(words[i])) != NULL;
    }
    if (!maybe) {
        return false;
    }
    json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    const char *type = text_member(object, "type");
    bool taken = true;
    if (strcmp(type, "reset") == 0) {
        session->engine.config.refuses_check =
            (uint64_t)json_integer_value(json_object_get(object, "refuse"));
        session_reset(session);
        buffer_text(&session->out, NOTHING_HAPPENED);
    } else if (strcmp(type, "clock") == 0) {
        session->now_ms = json_integer_value(json_object_get(object, "ms"));
        buffer_text(&session->out, NOTHING_HAPPENED);
    } else if (strcmp(type, "state") == 0) {
        print_state(session);
    } else if (strcmp(type, "queue") == 0) {
        print_queue(&session->out, session->engine.engine, text_member(object, "market"),
                    strcmp(text_member(object, "side"), "short") == 0);
    } else if (strcmp(type, "ranks") == 0) {
        print_ranks(&session->out, session->engine.engine, text_member(object, "account"));
    } else {
        taken = false;
    }
    json_decref(object);
    return taken;
}

static void print_refusal(struct buffer *out, enum bs_status status, const char *detail)
{
    buffer_printf(out, "{\"outcome\":\"%s\",\"actions\":[],\"detail\":", bs_status_name(status));
    api_string(out, (struct bs_text){detail, (uint32_t)strlen(detail)});
    buffer_text(out, "}\n");
}

static void run_record(struct session *session)
{
    struct buffer *out = &session->out;
    uint8_t *record = (uint8_t *)session->batch.records.bytes;
    struct replay_outcome outcome;
    bs_record_stamp(record, bs_engine_seq(session->engine.engine) + 1, session->now_ms);
    if (session->log != NULL) {
        replay_log_add(session->log, record);
    }
    size_t start = out->size;
    buffer_text(out, "{\"outcome\":\"ok\",\"actions\":[");
    replay_step(&session->engine, record, out, &outcome);
    if (outcome.status != BS_OK) {
        out->size = start;
        print_refusal(out, outcome.status, outcome.field == NULL ? "" : outcome.field);
        return;
    }
    buffer_text(out, outcome.waiting ? "],\"waiting\":\"stale_mark\"}\n" : "]}\n");
}

/* `line` has API_BODY_PADDING readable bytes behind it. */
static void command_line(struct session *session, const char *line, size_t size)
{
    const struct api_route route = {0};
    struct api_error error;
    api_batch_clear(&session->batch);
    if (!api_parse(&session->batch, &route, line, size, true, &error)) {
        print_refusal(&session->out, error.status, error.detail);
    } else if (session->batch.rejections_count > 0) {
        print_refusal(&session->out, session->batch.rejections[0].status,
                      session->batch.rejections[0].detail);
    } else {
        run_record(session);
    }
}

static void flush(struct buffer *out)
{
    if (fwrite(out->bytes, 1, out->size, stdout) != out->size || fflush(stdout) != 0) {
        perror("replay: stdout");
        exit(EXIT_FAILURE);
    }
    buffer_clear(out);
}

/* Handles the whole lines at the front of `in` and keeps the rest. */
static void handle_lines(struct session *session, struct buffer *in)
{
    size_t done = 0;
    const char *end;
    buffer_reserve(in, API_BODY_PADDING);
    memset(in->bytes + in->size, 0, API_BODY_PADDING);
    while ((end = memchr(in->bytes + done, '\n', in->size - done)) != NULL) {
        const char *line = in->bytes + done;
        size_t size = (size_t)(end - line);
        if (!control_line(session, line, size)) {
            command_line(session, line, size);
        }
        done += size + 1;
    }
    memmove(in->bytes, in->bytes + done, in->size - done);
    in->size -= done;
}

static void serve(struct session *session)
{
    struct buffer in = {0};
    for (;;) {
        buffer_reserve(&in, READ_SIZE);
        ssize_t got = read(STDIN_FILENO, in.bytes + in.size, READ_SIZE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            perror("replay: stdin");
            exit(EXIT_FAILURE);
        }
        if (got == 0) {
            break;
        }
        in.size += (size_t)got;
        handle_lines(session, &in);
        flush(&session->out);
    }
    if (in.size > 0) { /* a last line without its newline */
        buffer_append(&in, "\n", 1);
        handle_lines(session, &in);
        flush(&session->out);
    }
    buffer_fini(&in);
}

static uint32_t capacity(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || value == 0 || value > UINT32_MAX) {
        fprintf(stderr, "replay: not a capacity: %s\n", text);
        exit(64);
    }
    return (uint32_t)value;
}

struct folders {
    const char *log, *read;
};

static struct folders parse_options(int argc, char **argv, struct bs_config *config)
{
    static const struct option options[] = {
        {"log", required_argument, NULL, 'l'},
        {"read", required_argument, NULL, 'r'},
        {"accounts", required_argument, NULL, 'a'},
        {"markets", required_argument, NULL, 'm'},
        {"positions", required_argument, NULL, 'p'},
        {"pools", required_argument, NULL, 'o'},
        {"dedupe", required_argument, NULL, 'd'},
        {"transfers", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    struct folders folders = {NULL, NULL};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'l':
            folders.log = optarg;
            break;
        case 'r':
            folders.read = optarg;
            break;
        case 'a':
            config->capacity.accounts_max = capacity(optarg);
            break;
        case 'p':
            config->capacity.positions_max = capacity(optarg);
            break;
        case 'm':
            config->capacity.markets_max = capacity(optarg);
            break;
        case 'o':
            config->capacity.pools_max = capacity(optarg);
            break;
        case 'd':
            config->capacity.dedupe_window = capacity(optarg);
            config->capacity.transfer_window = capacity(optarg);
            break;
        case 't':
            config->capacity.transfer_window = capacity(optarg);
            break;
        default:
            exit(64);
        }
    }
    return folders;
}

int main(int argc, char **argv)
{
    struct session session = {0};
    struct bs_config *config = &session.engine.config;
    bs_config_defaults(config);
    config->capacity.accounts_max = 1u << 14;
    config->capacity.positions_max = 1u << 16;
    config->capacity.markets_max = 64;
    config->capacity.pools_max = 16;
    config->capacity.dedupe_window = 1u << 12;
    config->capacity.transfer_window = 1u << 12;
    config->capacity.source_window = 1u << 4;
    config->checks_detection = true;
    struct folders folders = parse_options(argc, argv, config);
    if (folders.log != NULL) {
        session.log = replay_log_new(folders.log);
    }
    session_reset(&session);
    if (folders.read != NULL) {
        session.stored = replay_log_read(folders.read, &session.engine);
        session.now_ms = bs_engine_time_ms(session.engine.engine);
    }
    serve(&session);
    replay_log_free(session.log);
    replay_engine_fini(&session.engine);
    api_batch_fini(&session.batch);
    buffer_fini(&session.out);
    return 0;
}
