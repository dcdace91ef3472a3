/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_rank.h"

#include "api/json_state.h"
#include "api/json_writer.h"

static const char *bound_name(uint8_t bound)
{
    static const char *const names[] = {
        [BS_BOUND_MARK] = "mark", [BS_BOUND_ENTRY] = "entry", [BS_BOUND_EQUITY] = "equity"};
    assert(bound < sizeof(names) / sizeof(names[0]));
    return names[bound];
}

/* The best and worst price of a close: the real one depends on which account becomes insolvent. */
static void write_if_chosen(struct buffer *out, const struct bs_rank_view *rank)
{
    if (!rank->closable) {
        member_null(out, "if_chosen_now");
        return;
    }
    member_name(out, "if_chosen_now");
    buffer_append(out, "{", 1);
    member_name(out, "best");
    buffer_append(out, "{", 1);
    member_wide(out, "price", rank->mark_price);
    member_word(out, "cost_to_mark", "0");
    buffer_append(out, "}", 1);
    member_name(out, "worst");
    buffer_append(out, "{", 1);
    member_wide(out, "price", rank->worst_price);
    member_wide(out, "cost_to_mark", rank->worst_cost);
    member_word(out, "bound", bound_name(rank->bound));
    buffer_append(out, "}}", 2);
}

/* Null unless the position is ranked. */
static void rank_integer(struct buffer *out, const char *name, bool ranked, uint64_t integer)
{
    if (ranked) {
        member_integer(out, name, integer);
    } else {
        member_null(out, name);
    }
}

static void rank_wide(struct buffer *out, const char *name, bool there, struct bs_wide value)
{
    if (there) {
        member_wide(out, name, value);
    } else {
        member_null(out, name);
    }
}

void api_rank(struct buffer *out, const struct bs_rank_view *rank)
{
    const struct bs_queue_view *place = &rank->place;
    buffer_append(out, "{", 1);
    member_text(out, "market", rank->market);
    member_word(out, "side", rank->side == 0 ? "long" : "short");
    member_word(out, "margin", rank->isolated ? "isolated" : "cross");
    member_wide(out, "size", place->size);
    member_word(out, "ranking", bs_ranking_name(rank->ranking));
    rank_integer(out, "rank", rank->ranked, place->rank);
    member_integer(out, "of", rank->of);
    rank_integer(out, "percentile_ppm", rank->ranked, place->percentile_ppm);
    rank_integer(out, "lights", rank->ranked, place->lights);
    rank_wide(out, "quantity_ahead", rank->ranked, place->quantity_ahead);
    rank_wide(out, "score", rank->ranked && place->has_score, place->score);
    member_wide(out, "unrealized_profit", place->unrealized_profit);
    rank_wide(out, "mark_price", rank->has_mark, rank->mark_price);
    write_if_chosen(out, rank);
    buffer_append(out, "}", 1);
}

void api_rank_ccxt(struct buffer *out, const struct bs_rank_view *rank, int64_t time_ms)
{
    buffer_append(out, "{", 1);
    member_name(out, "info");
    api_rank(out, rank);
    member_text(out, "symbol", rank->market);
    rank_integer(out, "rank", rank->ranked, rank->place.lights);
    member_null(out, "rating");
    if (rank->ranked) {
        struct bs_wide behind = {BS_PPM - rank->place.percentile_ppm, -4};
        char text[BS_DECIMAL_TEXT_MAX];
        size_t size = bs_wide_print(behind, text);
        member_name(out, "percentage");
        buffer_append(out, text, size);
    } else {
        member_null(out, "percentage");
    }
    member_integer(out, "timestamp", (uint64_t)time_ms);
    member_time(out, "datetime", time_ms);
    buffer_append(out, "}", 1);
}
