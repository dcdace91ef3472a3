/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/text.h"
#include "daemon/answer/answer.h"
#include "daemon/http/access_check.h"
#include "daemon/http/actions.h"
#include "daemon/http/handlers.h"
#include "daemon/http/header.h"
#include "daemon/http/pool_filter.h"
#include "daemon/http/send.h"
#include "daemon/http/submit.h"
#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"

#define NOTE_SIZE 512
#define BLOCK_SIZE 4096 /* the library's buffer for a client without chunks (HTTP/1.0) */
#define RETRY_MS 2000
/* The kernel's buffer for one client (it doubles this): small, so many slow clients cost little. */
#define SEND_BUFFER_SIZE (128 << 10)
/* This near the end a filtered stream looks through the shared blocks: others need them too. */
#define NEAR_ACTIONS 1024
/* Further away it looks at so many at a time. */
#define SEARCH_ACTIONS 16384

struct stream {
    struct log_filter filter; /* its texts are the connection's */
    bool is_filtered;
    bool is_told_end;
    bool is_searching;        /* it found nothing yet and goes on in the next turn */
    bool wants_block;         /* it goes on when the next block has been read */
    struct feed_load load;    /* of that block, unless another stream reads it */
    uint32_t generation;      /* of the server's access when the key was looked at */
    uint8_t end;              /* enum stream_end */
    const char *log;          /* its identity */
    uint64_t after;           /* up to here all was sent or does not match */
    uint64_t told;            /* the last id the client was sent */
    struct feed_block *block; /* NULL: none is needed now */
    uint32_t index;           /* of its next event; */
    size_t sent;              /* bytes of it that were sent */
    char note[NOTE_SIZE];     /* text other than events, to be sent before the next event */
    size_t note_size, note_sent;
    int64_t ping_ms;      /* when the next ping is due */
    int64_t caught_up_ms; /* when it last had everything; 0 = never */
};

static const char *const end_names[STREAM_ENDS_COUNT] = {
    [STREAM_GOES_ON] = "goes_on",        [STREAM_GONE] = "gone",
    [STREAM_STALLED] = "stalled",        [STREAM_BEHIND] = "behind",
    [STREAM_EXPIRED] = "cursor_expired", [STREAM_UNREADABLE] = "internal",
    [STREAM_RELOADED] = "reloaded",      [STREAM_STOPPING] = "stopping",
};

const char *stream_end_name(enum stream_end end)
{
    assert(end < STREAM_ENDS_COUNT);
    return end_names[end];
}

static int64_t stall_ms(const struct connection *connection)
{
    return (int64_t)connection->server->options.streams.stall_timeout_s * 1000;
}

__attribute__((format(printf, 2, 3))) static void say(struct stream *stream, const char *format,
                                                      ...)
{
    va_list arguments;
    assert(stream->note_sent == stream->note_size);
    va_start(arguments, format);
    int size = vsnprintf(stream->note, NOTE_SIZE, format, arguments);
    va_end(arguments);
    assert(size > 0);
    assert(size < NOTE_SIZE);
    stream->note_size = (size_t)size;
    stream->note_sent = 0;
}

/* ---- the place in the feed ---- */

/* False: there is nothing after the stream's place, or it has to end. */
static bool next_block(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct stream *stream = connection->stream;
    uint64_t durable = core_durable_ordinal(server->core);
    char error[LOG_ERROR_SIZE];
    if (stream->after >= durable) {
        return false;
    }
    if (stream->after < log_dropped_ordinal(core_log(server->core))) {
        stream->end = STREAM_EXPIRED;
        return false;
    }
    bool is_kept = feed_keeps(&server->feed, stream->after);
    bool is_far = durable - stream->after > NEAR_ACTIONS;
    bool is_shared = !stream->is_filtered || !is_far || is_kept;
    if (is_shared && is_far && !is_kept) {
        stream->wants_block = true;
        return false;
    }
    if (!is_shared && sweep_now_ms() >= server->search_until_ms) {
        stream->is_searching = true;
        return false;
    }
    uint64_t last =
        durable - stream->after > SEARCH_ACTIONS ? stream->after + SEARCH_ACTIONS : durable;
    stream->filter.after = stream->after;
    stream->block = is_shared ? feed_shared(&server->feed, stream->after, durable, error)
                              : feed_selected(&server->feed, &stream->filter, last, error);
    stream->index = 0;
    if (stream->block == NULL) {
        stream->end = STREAM_UNREADABLE;
        logger_write(LOGGER_ERROR, "http", "reading the log failed",
                     LOGGER_FIELDS(logger_string("error", error)));
    }
    return stream->block != NULL;
}

/* The next event of the block that was not sent and matches; passes over the others. */
static bool event_in_block(struct stream *stream)
{
    const struct feed_block *block = stream->block;
    for (; stream->index < block->count; stream->index++) {
        uint64_t ordinal = block->events[stream->index].ordinal;
        if (ordinal <= stream->after) {
            continue;
        }
        if (block->first == 0 || !stream->is_filtered ||
            feed_matches(block, stream->index, &stream->filter)) {
            return true;
        }
        stream->after = ordinal;
    }
    return false;
}

static bool next_event(struct connection *connection)
{
    struct stream *stream = connection->stream;
    stream->is_searching = false;
    stream->wants_block = false;
    while (stream->end == STREAM_GOES_ON) {
        if (stream->block == NULL && !next_block(connection)) {
            return false;
        }
        if (event_in_block(stream)) {
            return true;
        }
        if (stream->block->last > stream->after) {
            stream->after = stream->block->last;
        }
        feed_release(&connection->server->feed, stream->block);
        stream->block = NULL;
    }
    return false;
}

bool stream_has_news(struct connection *connection)
{
    struct stream *stream = connection->stream;
    return next_event(connection) || stream->end != STREAM_GOES_ON ||
           (stream->wants_block && !feed_is_loading(&connection->server->feed, stream->after));
}

/* ---- bytes for the library ---- */

static size_t take_note(struct stream *stream, char *room, size_t size)
{
    size_t left = stream->note_size - stream->note_sent;
    size_t part = left < size ? left : size;
    memcpy(room, stream->note + stream->note_sent, part);
    stream->note_sent += part;
    return part;
}

/* As much of the current event as fits. */
static size_t take_event(struct connection *connection, char *room, size_t size)
{
    struct stream *stream = connection->stream;
    const struct feed_block *block = stream->block;
    const struct feed_event *event = &block->events[stream->index];
    size_t start = stream->index == 0 ? 0 : block->events[stream->index - 1].end;
    size_t left = event->end - start - stream->sent;
    size_t part = left < size ? left : size;
    memcpy(room, block->text.bytes + start + stream->sent, part);
    stream->sent += part;
    if (part == left) {
        stream->sent = 0;
        stream->after = event->ordinal;
        stream->told = event->ordinal;
        stream->index++;
        connection->server->streams.events++;
    }
    return part;
}

/* Between two events: whether it has to end here. */
static void check_end(struct connection *connection, int64_t now_ms)
{
    struct http_server *server = connection->server;
    struct stream *stream = connection->stream;
    if (stream->end != STREAM_GOES_ON || stream->sent > 0) {
        return;
    }
    uint64_t behind = core_durable_ordinal(server->core) - stream->after;
    if (server->waits_ended) {
        stream->end = STREAM_STOPPING;
    } else if (server->keys != NULL && stream->generation != server->generation) {
        stream->end = STREAM_RELOADED;
    } else if (behind > server->options.streams.behind_max && stream->caught_up_ms > 0 &&
               now_ms - stream->caught_up_ms > stall_ms(connection)) {
        stream->end = STREAM_BEHIND;
    }
}

static size_t fill(struct connection *connection, int64_t now_ms, char *room, size_t size)
{
    struct stream *stream = connection->stream;
    size_t taken = take_note(stream, room, size);
    if (stream->sent > 0) {
        taken += take_event(connection, room + taken, size - taken);
    }
    check_end(connection, now_ms);
    while (taken < size && next_event(connection)) {
        taken += take_event(connection, room + taken, size - taken);
    }
    return taken;
}

/* No event is left to send: the last words, or a ping when one is due. */
/* The last event. One whose place was cut is told where the log begins now. */
static void say_end(struct connection *connection)
{
    struct stream *stream = connection->stream;
    const struct command_log *log = core_log(connection->server->core);
    if (stream->end == STREAM_EXPIRED) {
        struct buffer begin = {0};
        actions_put_begin(&begin, log);
        say(stream, "event: closing\ndata: {\"reason\":\"%s\",%s}\n\n", end_names[stream->end],
            buffer_string(&begin));
        buffer_fini(&begin);
    } else {
        say(stream, "event: closing\ndata: {\"reason\":\"%s\"}\n\n", end_names[stream->end]);
    }
}

static void find_words(struct connection *connection, int64_t now_ms)
{
    struct stream *stream = connection->stream;
    if (stream->end != STREAM_GOES_ON) {
        if (!stream->is_told_end) {
            stream->is_told_end = true;
            say_end(connection);
        }
        return;
    }
    if (!stream->is_searching && !stream->wants_block) {
        stream->caught_up_ms = now_ms;
    }
    if (now_ms < stream->ping_ms && !connection->sweep.has_left) {
        return;
    }
    if (sweep_peer_is_gone(&connection->sweep)) {
        stream->end = STREAM_GONE;
        stream->is_told_end = true;
    } else if (stream->told == stream->after) {
        say(stream, ": ping\n\n");
    } else {
        say(stream, ": ping\nid: %.*s_%" PRIu64 "\n\n", API_LOG_DIGITS, stream->log, stream->after);
        stream->told = stream->after;
    }
}

/* ---- blocks that the thread of log_reads.h reads ---- */

static bool take_load(struct connection *connection)
{
    return log_reads_submit(connection->server->log_reads, &connection->stream->load.read);
}

/* The stream is suspended until it has the block; false: another stream reads it. */
static bool begin_load(struct connection *connection)
{
    struct stream *stream = connection->stream;
    stream->load.read.request = &connection->request;
    if (!feed_load_begin(&connection->server->feed, &stream->load, stream->after)) {
        return false; /* without memory it is tried again with the next sweep */
    }
    sweep_stage(&connection->sweep, STAGE_WORKING, 0);
    connection->course = COURSE_BEGUN;
    (void)submit(connection, take_load);
    return true;
}

/* It is back from the thread. */
static void end_load(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct stream *stream = connection->stream;
    struct feed_load *load = &stream->load;
    if (load->block == NULL) {
        return;
    }
    feed_load_end(&server->feed, load);
    if (load->is_awaited) {
        server->tells_streams = true;
    }
    if (load->is_read) {
        return;
    }
    if (connection->course == COURSE_NOT_TAKEN || !load->read.is_run) {
        stream->end = STREAM_STOPPING;
        return;
    }
    stream->end = STREAM_UNREADABLE;
    logger_write(LOGGER_ERROR, "http", "reading the log failed",
                 LOGGER_FIELDS(logger_string("error", load->error)));
}

/* What libmicrohttpd calls when the connection can take bytes; 0 only when it was suspended. */
static ssize_t on_room(void *user, uint64_t position, char *room, size_t size)
{
    struct connection *connection = user;
    struct http_server *server = connection->server;
    struct stream *stream = connection->stream;
    int64_t now_ms = sweep_now_ms();
    (void)position;
    end_load(connection);
    size_t taken = fill(connection, now_ms, room, size);
    if (taken == 0) {
        find_words(connection, now_ms);
        taken = fill(connection, now_ms, room, size);
    }
    if (taken > 0) {
        stream->ping_ms = now_ms + (int64_t)server->options.streams.ping_interval_s * 1000;
        server->streams.bytes += taken;
        sweep_stage(&connection->sweep, STAGE_STREAMING, stall_ms(connection));
        return (ssize_t)taken;
    }
    if (stream->end != STREAM_GOES_ON) {
        return stream->end == STREAM_GONE ? MHD_CONTENT_READER_END_WITH_ERROR
                                          : MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (stream->wants_block && begin_load(connection)) {
        return 0;
    }
    MHD_suspend_connection(connection->mhd);
    sweep_wait(&server->sweep, &connection->sweep, stream->is_searching ? now_ms : stream->ping_ms);
    server->streams.waiting++;
    return 0;
}

bool stream_send(struct connection *connection)
{
    int size = SEND_BUFFER_SIZE;
    (void)setsockopt(connection->sweep.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    (void)MHD_set_connection_option(connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    sweep_stage(&connection->sweep, STAGE_STREAMING, stall_ms(connection));
    return send_chunked(connection, &(struct chunked){.content_type = "text/event-stream",
                                                      .block_size = BLOCK_SIZE,
                                                      .fill = on_room,
                                                      .user = connection});
}

/* ---- the request ---- */

/* Where to begin; false: the answer is there. The header is newer than the URL of an EventSource.
 */
static bool find_start(struct connection *connection, uint64_t *ret_after)
{
    struct read_query *query = &connection->query;
    struct request *request = &connection->request;
    uint64_t durable = core_durable_ordinal(connection->server->core);
    struct bs_text id;
    uint32_t count = header_find(connection, "Last-Event-ID", &id);
    if (count > 1 || (count == 1 && !api_cursor_parse(id, &query->after))) {
        answer_problem(request, BS_INVALID_HEADER,
                       count > 1 ? "Last-Event-ID: is given more than once"
                                 : "Last-Event-ID: is not the id of an event of this stream");
        return false;
    }
    if (count == 0 && (query->given & QUERY_AFTER_CURSOR) == 0) {
        *ret_after = durable;
        return true;
    }
    *ret_after = query->after.ordinal;
    return actions_check_after(connection, count == 1 ? "Last-Event-ID" : "after", durable);
}

static struct stream *stream_new(struct connection *connection, uint64_t after)
{
    const struct read_query *query = &connection->query;
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->filter = (struct log_filter){.pool = query_name(query, NAME_POOL),
                                         .account = query_name(query, NAME_MEMBER),
                                         .type = query->type};
    stream->is_filtered = stream->filter.pool.size > 0 || stream->filter.account.size > 0 ||
                          stream->filter.type != UINT8_MAX;
    stream->generation = connection->server->generation;
    stream->after = after;
    stream->told = after;
    stream->log = log_reader_identity(connection->server->reader);
    say(stream, "retry: %d\nid: %.*s_%" PRIu64 "\n\n", RETRY_MS, API_LOG_DIGITS, stream->log,
        after);
    return stream;
}

static enum outcome begin(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct request *request = &connection->request;
    uint64_t after = 0;
    if (!find_start(connection, &after)) {
        return OUTCOME_ANSWER;
    }
    connection->closes = true;
    if (connection->is_head) {
        return OUTCOME_STREAM;
    }
    if (server->waits_ended || sweep_is_crowded(&server->sweep) ||
        server->streams.open >= server->options.streams.clients_max) {
        server->streams.refused++;
        connection->retry_after_s = 1;
        answer_problem(request, server->waits_ended ? BS_NOT_READY : BS_TOO_MANY_STREAMS, NULL);
        return OUTCOME_ANSWER;
    }
    connection->stream = stream_new(connection, after);
    if (connection->stream == NULL) {
        answer_problem(request, BS_OUT_OF_MEMORY, NULL);
        return OUTCOME_ANSWER;
    }
    server->streams.open++;
    server->streams.opened++;
    return OUTCOME_STREAM;
}

enum outcome stream_begin(struct connection *connection)
{
    bool of_pool = query_name(&connection->query, NAME_POOL).size > 0;
    return of_pool ? pool_filter_begin(connection) : begin(connection);
}

enum outcome stream_end(struct connection *connection)
{
    enum outcome outcome = pool_filter_end(connection);
    bool is_refused = outcome == OUTCOME_ANSWER && connection->request.status != 0;
    return outcome == OUTCOME_SUBMITTED || is_refused ? outcome : begin(connection);
}

void stream_free(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct stream *stream = connection->stream;
    if (stream == NULL) {
        return;
    }
    if (stream->end == STREAM_GOES_ON) {
        stream->end = connection->sweep.cut ? STREAM_STALLED : STREAM_GONE;
    }
    if (stream->end == STREAM_STALLED || stream->end == STREAM_BEHIND) {
        logger_write(LOGGER_WARN, "http", "a slow reader of the stream is dropped",
                     LOGGER_FIELDS(logger_string("reason", end_names[stream->end]),
                                   logger_uint("sent", stream->told),
                                   logger_uint("last", core_durable_ordinal(server->core))));
    }
    server->streams.ended[stream->end]++;
    server->streams.open--;
    feed_release(&server->feed, stream->block);
    if (stream->load.block != NULL) { /* at the end of the server */
        feed_load_end(&server->feed, &stream->load);
    }
    free(stream);
    connection->stream = NULL;
}
