/* SPDX-License-Identifier: Apache-2.0 */
/* Reads notices from the log into a lane. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/logger/logger.h"
#include "daemon/webhooks/endpoint.h"

#define READ_BELOW 128                         /* messages: below it, more are read */
#define READ_SIZE_BELOW ((size_t)1 << 20)      /* of their bodies: likewise */
#define WINDOW_SIZE_MAX (2 * READ_SIZE_BELOW)  /* reading stops there */
#define BATCHES_MAX 2                          /* one under way, one that grows */
#define ROWS_PER_READ 256                      /* then other endpoints have their turn */
#define COUNT_MAX (READ_BELOW + ROWS_PER_READ) /* messages in a lane of the log */
#define ROWS_BACK ((uint64_t)4096)             /* first look for the notice before one */

struct read {
    struct lane *lane;
    uint64_t until; /* rows past it are not looked at */
    uint32_t rows;
    uint32_t rows_max;
    bool is_whole;  /* all go into one message, whatever its size */
    bool is_broken; /* a stored row cannot be read */
    bool has_no_memory;
    uint64_t last; /* of the rows that pass the filter */
    bool counts;   /* no messages are made */
};

/* The lane is read up to this ordinal. */
static void advance(struct lane *lane, uint64_t position)
{
    assert(position >= lane->position);
    assert(position <= lane->until);
    lane->position = position;
}

static bool is_one_of(const struct api_name *names, uint32_t count, struct bs_text text)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bs_text_equal(api_name_text(&names[i]), text)) {
            return true;
        }
    }
    return count == 0;
}

static bool passes(const struct api_webhook *asked, const struct log_action_row *row)
{
    return (asked->events & API_EVENT_BIT(row->type)) != 0 &&
           is_one_of(asked->pools, asked->pools_count, row->pool) &&
           is_one_of(asked->accounts, asked->accounts_count, row->account);
}

/* The part of the filter that the log's indexes can serve. */
static struct log_filter filter_of(const struct api_webhook *asked, uint64_t after, uint32_t limit)
{
    struct log_filter filter = {.after = after, .type = UINT8_MAX, .limit = limit};
    uint64_t events = asked->events & API_EVENTS_OF_ACTIONS;
    if (asked->pools_count == 1) {
        filter.pool = api_name_text(&asked->pools[0]);
    }
    if (asked->accounts_count == 1) {
        filter.account = api_name_text(&asked->accounts[0]);
    }
    if (events != 0 && (events & (events - 1)) == 0) {
        filter.type = (uint8_t)__builtin_ctzll(events);
    }
    return filter;
}

/* The message that the next notice goes into; NULL: no memory. */
static struct message *message_for(struct read *read, const struct bs_action *action)
{
    struct lane *lane = read->lane;
    struct message *last = lane->last;
    uint32_t batch_max = lane->endpoint->asked.batch_max;
    bool joins = last != NULL && batch_max > 1 && !last->is_sent && last->failures == 0 &&
                 !lane_saves(lane, last) && last->count < batch_max;
    if (joins || (read->is_whole && last->count > 0)) {
        return last;
    }
    if (!read->is_whole) {
        last = lane_add(lane);
    }
    if (last == NULL) {
        return NULL;
    }
    assert(lane->previous < action->ordinal);
    last->first = action->ordinal;
    last->previous = lane->previous;
    last->event = action->type;
    last->time_ms = action->time_ms;
    return last;
}

/* The message is as it was before a notice for which there was no memory. */
static void take_back(struct read *read, struct message *message, size_t size)
{
    message->body.failed = false;
    message->body.size = size;
    if (message->count == 0 && !read->is_whole) {
        lane_remove(read->lane, message);
    }
}

/* False: no memory, and nothing is changed. */
static bool put(struct read *read, const struct bs_action *action, const char *hash)
{
    struct lane *lane = read->lane;
    const struct api_origin origin = {.log = lane->endpoint->host->log, .hash = hash};
    struct message *message = message_for(read, action);
    if (message == NULL) {
        return false;
    }
    size_t size = message->body.size;
    bool is_batch = lane->endpoint->asked.batch_max > 1;
    assert(message->last < action->ordinal);
    if (is_batch && size == 0) {
        api_batch_begin(&message->body);
    }
    if (is_batch) {
        api_batch_notice(&message->body, action, origin, lane->previous);
    } else {
        api_notice(&message->body, action, origin, lane->previous);
    }
    if (message->body.failed) {
        take_back(read, message, size);
        return false;
    }
    message->last = action->ordinal;
    message->count++;
    if (is_batch) {
        (void)snprintf(message->id, sizeof(message->id), "act_%.*s_%" PRIu64 "_%" PRIu64,
                       API_LOG_DIGITS, origin.log, message->first, message->last);
    } else {
        (void)snprintf(message->id, sizeof(message->id), "act_%.*s_%" PRIu64, API_LOG_DIGITS,
                       origin.log, message->first);
    }
    lane->size += message->body.size - size;
    lane->previous = action->ordinal;
    return true;
}

static bool on_row(void *user, const struct log_action_row *row, const uint8_t hash[LOG_HASH_SIZE])
{
    struct read *read = user;
    struct lane *lane = read->lane;
    if (row->ordinal > read->until) {
        return false;
    }
    read->rows++;
    bool is_notice = passes(&lane->endpoint->asked, row);
    read->last = is_notice ? row->ordinal : read->last;
    if (read->counts) {
        return true;
    }
    if (is_notice) {
        struct bs_action action;
        char hash_text[API_HASH_TEXT_SIZE];
        if (bs_action_decode(row->record, row->record_size, &action) != BS_OK) {
            read->is_broken = true;
            return false;
        }
        api_hash_print(hash_text, hash);
        if (!put(read, &action, hash_text)) {
            read->has_no_memory = true;
            return false;
        }
    }
    if (!read->is_whole) {
        advance(lane, row->ordinal);
    }
    return read->is_whole || lane->size < WINDOW_SIZE_MAX;
}

static int run(struct read *read, uint64_t after, char error[LOG_ERROR_SIZE])
{
    struct endpoint *endpoint = read->lane->endpoint;
    struct log_filter filter = filter_of(&endpoint->asked, after, read->rows_max);
    int code = log_reader_actions(endpoint->host->reader, &filter, on_row, read, error);
    if (code == 0 && read->is_broken) {
        (void)snprintf(error, LOG_ERROR_SIZE, "a stored action cannot be decoded");
        code = -EBADMSG;
    }
    return code == 0 && read->has_no_memory
               ? log_error(error, -ENOMEM, "out of memory for a notice")
               : code;
}

static bool has_room(const struct lane *lane)
{
    uint32_t batch_max = lane->endpoint->asked.batch_max;
    bool grows = lane->last != NULL && lane->last->count < batch_max;
    uint32_t count_max = batch_max > 1 ? BATCHES_MAX + (grows ? 1 : 0) : READ_BELOW;
    return lane->size < READ_SIZE_BELOW && lane->count < count_max;
}

/*
 * A lane whose place was cut from the log goes on where the log begins now. The next notice names that
 * place as the one before it, so that the receiver sees that something is missing.
 */
static void pass_over_cut(struct lane *lane, uint64_t until)
{
    struct endpoint *endpoint = lane->endpoint;
    uint64_t begin = log_reader_begin(endpoint->host->reader).ordinal;
    uint64_t to = begin < until ? begin : until;
    if (!lane->is_open || lane->position >= to) {
        return;
    }
    counters_cut(&endpoint->host->counters, endpoint->id, to - lane->position, begin);
    advance(lane, to);
    lane->previous = to;
    endpoint->is_dirty = true;
}

bool lane_fill(struct lane *lane)
{
    char error[LOG_ERROR_SIZE];
    uint64_t durable = lane->endpoint->host->durable;
    uint64_t until = durable < lane->until ? durable : lane->until;
    pass_over_cut(lane, until);
    if (!lane->is_open || lane->position >= until || !has_room(lane)) {
        return false;
    }
    struct read read = {.lane = lane, .until = until, .rows_max = ROWS_PER_READ};
    int code = run(&read, lane->position, error);
    if (code != 0) {
        lane->endpoint->is_dirty = true; /* some may have been read */
        logger_write(LOGGER_ERROR, "webhooks", "reading the log failed",
                     LOGGER_FIELDS(logger_string("endpoint", lane->endpoint->id),
                                   logger_string("error", error)));
        return false;
    }
    if (read.rows < ROWS_PER_READ && lane->size < WINDOW_SIZE_MAX) {
        advance(lane, until); /* the filter lets nothing else through */
    }
    lane->endpoint->is_dirty = true;
    assert(lane->count < COUNT_MAX);
    lane_check(lane);
    return lane->position < until && has_room(lane);
}

int lane_restore(struct lane *lane, const struct message *saved, char error[LOG_ERROR_SIZE])
{
    struct read read = {
        .lane = lane, .until = saved->last, .rows_max = UINT32_MAX, .is_whole = true};
    assert(lane->kind != LANE_OTHER);
    assert(saved->first > 0);
    assert(saved->first <= saved->last);
    struct message *message = lane_add(lane);
    if (message == NULL) {
        return log_error(error, -ENOMEM, "out of memory for a notice");
    }
    uint64_t previous = lane->previous;
    lane->previous = saved->previous;
    int code = run(&read, saved->first - 1, error);
    lane->previous = previous;
    if (code == 0 && (message->first != saved->first || message->last != saved->last)) {
        (void)snprintf(error, LOG_ERROR_SIZE,
                       "the log does not hold the actions %" PRIu64 " to %" PRIu64
                       " that a webhook is about",
                       saved->first, saved->last);
        code = -EBADMSG;
    }
    message->failures = saved->failures;
    message->spared = saved->spared;
    message->due_ms = saved->due_ms;
    if (lane->touched < saved->last) {
        lane->touched = saved->last;
    }
    return code;
}

int lane_previous(struct endpoint *endpoint, uint64_t ordinal, uint64_t start,
                  uint64_t *ret_previous, char error[LOG_ERROR_SIZE])
{
    assert(ordinal > start);
    struct lane lane = {.endpoint = endpoint};
    uint64_t after = ordinal;
    uint64_t rows_back = ROWS_BACK;
    int code = 0;
    struct read read = {
        .lane = &lane, .until = ordinal - 1, .rows_max = UINT32_MAX, .counts = true};
    while (code == 0 && read.last == 0 && after > start) {
        read.until = after - 1;
        after = after > start + rows_back ? after - rows_back : start;
        rows_back *= 4;
        code = run(&read, after, error);
    }
    assert(read.last < ordinal);
    *ret_previous = read.last;
    return code;
}
