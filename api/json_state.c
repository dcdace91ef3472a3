/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_state.h"

#include "api/json_writer.h"
#include "api/text.h"

static void member_flag(struct buffer *out, const char *name, bool value)
{
    member_name(out, name);
    buffer_text(out, value ? "true" : "false");
}

static void member_period(struct buffer *out, const char *name, uint64_t period_ms)
{
    char period[TEXT_PERIOD_SIZE];
    text_period_print(period_ms, period);
    member_word(out, name, period);
}

/* A row of lib/record/fields.h, as a member of `layer`. */
#define LAYER_MEMBER(kind, member, json, when, detail) LAYER_##kind(member, json, detail)
#define LAYER_ENUM(member, json, of_names) member_word(out, #json, FIRST of_names(layer->member));
#define FIRST(first, second) first
#define LAYER_BOOL(member, json, detail) member_flag(out, #json, layer->member);
#define LAYER_DECIMAL(member, json, detail) member_decimal(out, #json, layer->member);
#define LAYER_MAYBE_DECIMAL(member, json, detail)                                                  \
    if (layer->has_##json) {                                                                       \
        member_decimal(out, #json, layer->member);                                                 \
    }
#define LAYER_MAYBE_U32(member, json, detail)                                                      \
    if (layer->has_##json) {                                                                       \
        member_integer(out, #json, layer->member);                                                 \
    }
#define LAYER_MAYBE_PERIOD(member, json, detail)                                                   \
    if (layer->has_##json) {                                                                       \
        member_period(out, #json, layer->member);                                                  \
    }

/* One layer as it is spelled in PUT /v1/pools/{pool}. */
static void write_layer(struct buffer *out, const struct bs_layer *layer)
{
    buffer_append(out, "{", 1);
    member_word(out, "layer", bs_layer_type_name(layer->type));
    if (layer->type == BS_LAYER_INSURANCE) {
        BS_INSURANCE_FIELDS(LAYER_MEMBER)
    } else if (layer->type == BS_LAYER_ADL) {
        BS_ADL_FIELDS(LAYER_MEMBER)
    } else if (layer->type == BS_LAYER_HAIRCUT) {
        BS_HAIRCUT_FIELDS(LAYER_MEMBER)
    }
    for (uint8_t i = 0; i < BS_OPTION_COUNT; i++) {
        if (layer->has[i] && bs_layer_option_max(i) == 0) {
            member_flag(out, bs_layer_option_name(i), true);
        } else if (layer->has[i]) {
            member_integer(out, bs_layer_option_name(i), layer->options[i]);
        }
    }
    buffer_append(out, "}", 1);
}

void api_layers(struct buffer *out, const struct bs_layer *layers, uint32_t layers_count)
{
    buffer_append(out, "[", 1);
    for (uint32_t i = 0; i < layers_count; i++) {
        buffer_text(out, i > 0 ? "," : "");
        write_layer(out, &layers[i]);
    }
    buffer_append(out, "]", 1);
}

/* A row of lib/view/fields.h, as a member of `view`. */
#define VIEW_MEMBER(kind, member, json, shown, from)                                               \
    {                                                                                              \
        const char *name = #json;                                                                  \
        const BS_VIEW_##kind *value = &view->member;                                               \
        SHOWN_##shown                                                                              \
        {                                                                                          \
            PRINT_##kind;                                                                          \
        }                                                                                          \
    }
#define SHOWN_ALWAYS
#define SHOWN_NEVER if (false)
#define SHOWN_IF(flag) if (view->flag)
#define SHOWN_OR_NULL(flag)                                                                        \
    if (!view->flag) {                                                                             \
        member_null(out, name);                                                                    \
    } else
#define PRINT_TEXT member_text(out, name, *value)
#define PRINT_U32 member_integer(out, name, *value)
#define PRINT_U64 member_integer(out, name, *value)
#define PRINT_WIDE member_wide(out, name, *value)
#define PRINT_AMOUNT member_wide(out, name, *value)
#define PRINT_WIDES member_wides(out, name, value)
#define PRINT_DECIMAL member_decimal(out, name, *value)
#define PRINT_TIME member_time(out, name, *value)
#define PRINT_PERIOD member_period(out, name, *value)
#define PRINT_BOOL member_flag(out, name, *value)
#define PRINT_WORD(names) member_word(out, name, names(*value))
#define PRINT_LAYERS member_layers(out, name, value)
#define PRINT_POSITIONS member_positions(out, name, engine, account, *value)
#define PRINT_OBJECT(of_view)                                                                      \
    member_name(out, name);                                                                        \
    write_##of_view(out, value)

static void member_wides(struct buffer *out, const char *name, const struct bs_wides *wides)
{
    member_name(out, name);
    for (uint32_t i = 0; i < wides->count; i++) {
        buffer_text(out, i == 0 ? "[" : ",");
        api_wide(out, wides->rows[i]);
    }
    buffer_text(out, wides->count == 0 ? "[]" : "]");
}

static void member_layers(struct buffer *out, const char *name, const struct bs_layers *layers)
{
    member_name(out, name);
    api_layers(out, layers->rows, layers->count);
}

/* A function that prints a view as an object; the last line takes the semicolon. */
#define OBJECT(function, of_view, ROWS)                                                            \
    function(struct buffer *out, const struct of_view *view)                                       \
    {                                                                                              \
        buffer_append(out, "{", 1);                                                                \
        ROWS(VIEW_MEMBER)                                                                          \
        buffer_append(out, "}", 1);                                                                \
    }                                                                                              \
    struct of_view

static void OBJECT(write_bs_rules_view, bs_rules_view, BS_RULES_VIEW);
static void OBJECT(write_bs_fund_cash_view, bs_fund_cash_view, BS_FUND_CASH_VIEW);
static void OBJECT(write_bs_window_view, bs_window_view, BS_WINDOW_VIEW);
static void OBJECT(write_bs_best_close_view, bs_best_close_view, BS_BEST_CLOSE_VIEW);
static void OBJECT(write_bs_worst_close_view, bs_worst_close_view, BS_WORST_CLOSE_VIEW);
static void OBJECT(write_bs_close_range_view, bs_close_range_view, BS_CLOSE_RANGE_VIEW);
void OBJECT(api_pool, bs_pool_view, BS_POOL_VIEW);
void OBJECT(api_insurance_fund, bs_fund_view, BS_FUND_VIEW);
void OBJECT(api_fund_change, bs_fund_change_view, BS_FUND_CHANGE_VIEW);
void OBJECT(api_solvency, bs_solvency_view, BS_SOLVENCY_VIEW);
void OBJECT(api_market, bs_market_view, BS_MARKET_VIEW);
void OBJECT(api_queue_row, bs_queue_view, BS_QUEUE_VIEW);
void OBJECT(api_rank, bs_rank_view, BS_RANK_VIEW);
void OBJECT(api_provider, bs_provider_view, BS_PROVIDER_VIEW);
void OBJECT(api_source, bs_source_view, BS_SOURCE_VIEW);

/* The members of a position without the account that holds it. */
static void write_position(struct buffer *out, const struct bs_position_view *view)
{
    BS_POSITION_VIEW(VIEW_MEMBER)
}

void api_position(struct buffer *out, const struct bs_position_view *position)
{
    buffer_append(out, "{", 1);
    member_text(out, "account", position->account);
    write_position(out, position);
    buffer_append(out, "}", 1);
}

static void member_positions(struct buffer *out, const char *name, const struct bs_engine *engine,
                             uint32_t account, uint32_t count)
{
    member_name(out, name);
    buffer_append(out, "[", 1);
    for (uint32_t i = 0; i < count; i++) {
        struct bs_position_view position;
        bs_position_view_get(engine, account, i, &position);
        buffer_text(out, i > 0 ? ",{" : "{");
        write_position(out, &position);
        buffer_append(out, "}", 1);
    }
    buffer_append(out, "]", 1);
}

/* An account, or one of its isolated margins, without the last brace. */
static void write_account(struct buffer *out, const struct bs_engine *engine, uint32_t account)
{
    struct bs_account_view shown;
    const struct bs_account_view *view = &shown;
    bs_account_view_get(engine, account, &shown);
    buffer_append(out, "{", 1);
    BS_ACCOUNT_VIEW(VIEW_MEMBER)
}

void api_account(struct buffer *out, const struct bs_engine *engine, uint32_t account)
{
    write_account(out, engine, account);
    uint32_t isolated = bs_isolated_first(engine, account);
    if (isolated != 0) {
        member_name(out, "isolated");
        buffer_append(out, "[", 1);
        for (const char *comma = ""; isolated != 0;
             isolated = bs_isolated_next(engine, isolated), comma = ",") {
            buffer_text(out, comma);
            write_account(out, engine, isolated);
            buffer_append(out, "}", 1);
        }
        buffer_append(out, "]", 1);
    }
    buffer_append(out, "}", 1);
}

void api_settlement(struct buffer *out, const struct bs_settlement *settlement)
{
    buffer_append(out, "{", 1);
    member_text(out, "pool", settlement->pool);
    member_integer(out, "settlement", settlement->number);
    member_integer(out, "seq", settlement->seq);
    member_time(out, "time", settlement->time_ms);
#define X(name) member_integer(out, #name, settlement->name);
    BS_SETTLEMENT_INTEGERS(X)
#undef X
#define X(name) member_wide(out, #name, settlement->name);
    BS_SETTLEMENT_AMOUNTS(X)
#undef X
    buffer_append(out, "}", 1);
}
