/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An action as JSON and as the bytes of its hash chain. Both come from one walk over its members,
 * so that the bytes can always be derived from the JSON.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/action_cursor.h"
#include "api/json_state.h"
#include "api/json_writer.h"
#include "api/text.h"

struct action_writer {
    struct buffer *out;
    bool canonical;
    const char *inside; /* "reason." or "queue." while a nested object is written; else "" */
};

/* Begins a member; in canonical form "reason.deficit=", to be ended by end_member. */
static void begin_member(struct action_writer *writer, const char *name)
{
    if (!writer->canonical) {
        member_name(writer->out, name);
        return;
    }
    buffer_text(writer->out, writer->inside);
    buffer_text(writer->out, name);
    buffer_append(writer->out, "=", 1);
}

static void end_member(struct action_writer *writer)
{
    if (writer->canonical) {
        buffer_append(writer->out, "\n", 1);
    }
}

static void write_text(struct action_writer *writer, const char *name, struct bs_text text)
{
    if (text.size == 0) {
        return;
    }
    begin_member(writer, name);
    if (writer->canonical) {
        buffer_append(writer->out, text.bytes, text.size);
    } else {
        api_string(writer->out, text);
    }
    end_member(writer);
}

static void write_word(struct action_writer *writer, const char *name, const char *word)
{
    write_text(writer, name, (struct bs_text){.bytes = word, .size = (uint32_t)strlen(word)});
}

static void write_integer(struct action_writer *writer, const char *name, uint64_t integer)
{
    begin_member(writer, name);
    buffer_integer(writer->out, integer);
    end_member(writer);
}

static void write_settlement(struct action_writer *writer, const struct bs_action *action)
{
    begin_member(writer, "settlement");
    if ((action->present & BS_ACTION_HAS_SETTLEMENT) != 0) {
        buffer_integer(writer->out, action->settlement);
    } else {
        buffer_text(writer->out, "null");
    }
    end_member(writer);
}

static void write_time(struct action_writer *writer, int64_t time_ms)
{
    char text[TEXT_TIME_SIZE];
    text_time_print(time_ms, text);
    write_word(writer, "time", text);
}

static void write_wide(struct action_writer *writer, const char *name, struct bs_wide value)
{
    begin_member(writer, name);
    if (writer->canonical) {
        buffer_wide(writer->out, value);
    } else {
        api_wide(writer->out, value);
    }
    end_member(writer);
}

static void begin_object(struct action_writer *writer, const char *name, const char *inside)
{
    writer->inside = inside;
    if (!writer->canonical) {
        member_name(writer->out, name);
        buffer_append(writer->out, "{", 1);
    }
}

static void end_object(struct action_writer *writer)
{
    if (!writer->canonical) {
        buffer_append(writer->out, "}", 1);
    }
    writer->inside = "";
}

/* The decimals `first` to `last` that are present; `skip` bytes of their names are left out. */
static void write_decimals(struct action_writer *writer, const struct bs_action *action,
                           uint32_t first, uint32_t last, size_t skip)
{
    for (uint32_t i = first; i <= last; i++) {
        if ((action->present & 1u << i) == 0) {
            continue;
        }
        write_wide(writer, bs_action_decimal_name(i) + skip, action->decimals[i]);
    }
}

/* Why: an object of amounts for what a settlement did, the operator's words for a pause or halt. Of
 * a window: which one. */
static void write_reason(struct action_writer *writer, const struct bs_action *action)
{
    const uint32_t amounts = 1u << BS_ACTION_DECIMAL_reason_deficit |
                             1u << BS_ACTION_DECIMAL_reason_fund_paid |
                             1u << BS_ACTION_DECIMAL_reason_residual;
    if ((action->present & amounts) == 0) {
        bool of_window =
            action->type == BS_ACTION_WINDOW_OPENED || action->type == BS_ACTION_WINDOW_CLOSED;
        write_text(writer, of_window ? "window" : "reason", action->reason);
        return;
    }
    assert(action->reason.size == 0);
    begin_object(writer, "reason", "reason.");
    write_decimals(writer, action, BS_ACTION_DECIMAL_reason_deficit,
                   BS_ACTION_DECIMAL_reason_residual, sizeof("reason_") - 1);
    end_object(writer);
}

/* A close's part of what is divided. The record keeps it in the fields of a haircut. */
static bool has_share(const struct bs_action *action)
{
    return (action->type == BS_ACTION_LIQUIDATION_CLOSE || action->type == BS_ACTION_ADL) &&
           (action->present & 1u << BS_ACTION_DECIMAL_gains_total) != 0;
}

static void write_share(struct action_writer *writer, const struct bs_action *action)
{
    const struct bs_wide *decimals = action->decimals;
    begin_object(writer, "share", "share.");
    write_wide(writer, "amount", decimals[BS_ACTION_DECIMAL_loss]);
    write_wide(writer, "total", decimals[BS_ACTION_DECIMAL_gains_total]);
    write_wide(writer, "prefix", decimals[BS_ACTION_DECIMAL_prefix]);
    write_wide(writer, "weight", decimals[BS_ACTION_DECIMAL_weight]);
    end_object(writer);
}

static void write_input(struct action_writer *writer, const struct bs_action_queue *queue,
                        uint32_t input)
{
    if ((queue->present & 1u << input) != 0) {
        write_wide(writer, bs_action_input_name(input), queue->inputs[input]);
    }
}

/* The place of the position in the ranked list, and why. */
static void write_queue(struct action_writer *writer, const struct bs_action_queue *queue)
{
    char digest[17];
    (void)snprintf(digest, sizeof(digest), "%016" PRIx64, queue->digest);
    begin_object(writer, "queue", "queue.");
    write_integer(writer, "of", queue->of);
    write_word(writer, "digest", digest);
    write_integer(writer, "tier", queue->tier);
    for (uint32_t i = BS_ACTION_INPUT_profit; i <= BS_ACTION_INPUT_maintenance; i++) {
        write_input(writer, queue, i);
    }
    if (queue->ahead.size > 0) {
        write_text(writer, "ahead", queue->ahead);
        write_integer(writer, "ahead_tier", queue->ahead_tier);
        write_input(writer, queue, BS_ACTION_INPUT_ahead_score);
    }
    if (queue->behind.size > 0) {
        write_text(writer, "behind", queue->behind);
        write_integer(writer, "behind_tier", queue->behind_tier);
        write_input(writer, queue, BS_ACTION_INPUT_behind_score);
    }
    end_object(writer);
}

/* null where a side was closed together: nobody in particular is the other one. */
static void write_counterparty(struct action_writer *writer, const struct bs_action *action)
{
    bool is_closed = action->type == BS_ACTION_LIQUIDATION_CLOSE || action->type == BS_ACTION_ADL ||
                     action->type == BS_ACTION_REVERSAL;
    if (is_closed && action->counterparty.size == 0) {
        begin_member(writer, "counterparty");
        buffer_text(writer->out, "null");
        end_member(writer);
        return;
    }
    write_text(writer, "counterparty", action->counterparty);
}

/* The lots that leg_value is for, where a side was closed together. The record keeps them in a field of
 * assignments. */
static void write_leg_size(struct action_writer *writer, const struct bs_action *action)
{
    if (action->type == BS_ACTION_ADL &&
        (action->present & 1u << BS_ACTION_DECIMAL_size_taken) != 0) {
        write_wide(writer, "leg_size", action->decimals[BS_ACTION_DECIMAL_size_taken]);
    }
}

static void write_members(struct action_writer *writer, const struct bs_action *action)
{
    write_word(writer, "type", bs_action_type_name(action->type));
    write_text(writer, "pool", action->pool);
    write_settlement(writer, action);
    write_integer(writer, "seq", action->seq);
    write_time(writer, action->time_ms);
    write_text(writer, "account", action->account);
    write_text(writer, "market", action->market);
    if ((action->present & BS_ACTION_IS_ISOLATED) != 0) {
        write_word(writer, "margin", "isolated");
    }
    write_counterparty(writer, action);
    if ((action->present & BS_ACTION_HAS_REVERSES) != 0) {
        write_integer(writer, "reverses", action->reverses);
    }
    if ((action->present & BS_ACTION_HAS_SIDE) != 0) {
        write_word(writer, "side", action->side == 0 ? "long" : "short");
    }
    if (action->type != BS_ACTION_ADL) {
        write_decimals(writer, action, BS_ACTION_DECIMAL_size_taken, BS_ACTION_DECIMAL_size_taken,
                       0);
    }
    write_decimals(writer, action, BS_ACTION_DECIMAL_size_closed, BS_ACTION_DECIMAL_cost_to_mark,
                   0);
    write_decimals(writer, action, BS_ACTION_DECIMAL_leg_value, BS_ACTION_DECIMAL_leg_value, 0);
    write_leg_size(writer, action);
    if (has_share(action)) {
        write_share(writer, action);
    }
    if ((action->present & BS_ACTION_HAS_RANKING) != 0) {
        write_word(writer, "ranking", bs_ranking_name(action->ranking));
    }
    if ((action->present & BS_ACTION_HAS_RANK) != 0) {
        write_integer(writer, "rank", action->rank);
    }
    if ((action->present & BS_ACTION_HAS_HITS) != 0) {
        write_integer(writer, "hits", action->hits);
    }
    write_decimals(writer, action, BS_ACTION_DECIMAL_score, BS_ACTION_DECIMAL_score, 0);
    if ((action->present & BS_ACTION_HAS_QUEUE) != 0) {
        write_queue(writer, &action->queue);
    }
    if (!has_share(action)) {
        write_decimals(writer, action, BS_ACTION_DECIMAL_amount, BS_ACTION_DECIMAL_taken, 0);
    }
    if ((action->present & BS_ACTION_HAS_BASIS) != 0) {
        write_word(writer, "basis", bs_basis_name(action->basis));
    }
    write_reason(writer, action);
}

void api_hash_print(char text[API_HASH_TEXT_SIZE], const uint8_t hash[API_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < API_HASH_SIZE; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    text[API_HASH_TEXT_SIZE - 1] = '\0';
}

void api_action(struct buffer *out, const struct bs_action *action, struct api_origin origin)
{
    struct action_writer writer = {.out = out, .inside = ""};
    buffer_append(out, "{", 1);
    member_integer(out, "id", action->id);
    member_name(out, "cursor");
    buffer_append(out, "\"", 1);
    api_cursor_print(out, origin.log, action->ordinal);
    buffer_append(out, "\"", 1);
    write_members(&writer, action);
    if (origin.hash != NULL) {
        member_word(out, "hash", origin.hash);
    }
    buffer_append(out, "}", 1);
}

void api_action_canonical(struct buffer *out, const struct bs_action *action)
{
    struct action_writer writer = {.out = out, .canonical = true, .inside = ""};
    write_integer(&writer, "id", action->id);
    write_members(&writer, action);
}
