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

static void write_rules(struct buffer *out, uint64_t period_ms, const struct bs_layer *layers,
                        uint32_t layers_count)
{
    member_period(out, "period", period_ms);
    member_name(out, "waterfall");
    api_layers(out, layers, layers_count);
}

static void write_fund(struct buffer *out, const struct bs_pool_view *pool)
{
    member_text(out, "account", pool->backstop_account);
    member_wide(out, "collateral", pool->fund_collateral);
    member_wide(out, "equity", pool->fund_equity);
    member_wide(out, "floor", pool->fund_floor);
    member_wide(out, "own_funds", pool->own_funds);
    member_wide(out, "available", pool->fund_available);
}

static void write_window(struct buffer *out, const struct bs_pool_view *pool)
{
    if (!pool->has_window) {
        member_null(out, "window");
        return;
    }
    member_name(out, "window");
    buffer_append(out, "{", 1);
    member_text(out, "name", pool->window);
    member_time(out, "opened", pool->window_opened_ms);
    member_wide(out, "loss", pool->window_loss);
    buffer_append(out, "}", 1);
}

void api_pool(struct buffer *out, const struct bs_pool_view *pool)
{
    static const char *const states[] = {"paused", "running", "halted"};
    buffer_append(out, "{", 1);
    member_text(out, "pool", pool->pool);
    member_text(out, "asset", pool->asset);
    member_integer(out, "decimals", pool->decimals);
    member_integer(out, "mark_max_age_ms", pool->mark_max_age_ms);
    member_word(out, "trigger", bs_trigger_name(pool->trigger));
    write_rules(out, pool->period_ms, pool->layers, pool->layers_count);
    if (pool->has_next) {
        member_name(out, "next_period");
        buffer_append(out, "{", 1);
        write_rules(out, pool->next_period_ms, pool->next_layers, pool->next_layers_count);
        buffer_append(out, "}", 1);
    } else {
        member_null(out, "next_period");
    }
    assert(pool->state < sizeof(states) / sizeof(states[0]));
    member_word(out, "state", states[pool->state]);
    member_word(out, "waiting", pool->waiting == BS_WAITING_STALE_MARK ? "stale_mark" : NULL);
    if (pool->reason.size > 0) {
        member_text(out, "reason", pool->reason);
    } else {
        member_null(out, "reason");
    }
    member_time(out, "period_start", pool->period_start_ms);
    if (pool->period_end_ms != 0) {
        member_time(out, "period_end", pool->period_end_ms);
    } else {
        member_null(out, "period_end");
    }
    member_integer(out, "accounts", pool->accounts);
    member_integer(out, "positions", pool->positions);
    member_integer(out, "last_action", pool->last_action);
    member_integer(out, "last_settlement", pool->last_settlement);
    member_name(out, "insurance_fund");
    buffer_append(out, "{", 1);
    write_fund(out, pool);
    buffer_append(out, "}", 1);
    member_wide(out, "period_loss", pool->period_loss);
    member_wide(out, "unallocated_deficit", pool->unallocated_deficit);
    member_wide(out, "claims", pool->claims);
    write_window(out, pool);
    buffer_append(out, "}", 1);
}

/* The value, or null where there is none. */
static void member_known(struct buffer *out, const char *name, bool known, struct bs_wide value)
{
    if (known) {
        member_wide(out, name, value);
    } else {
        member_null(out, name);
    }
}

void api_insurance_fund(struct buffer *out, const struct bs_pool_view *pool,
                        const struct bs_fund_view *fund)
{
    static const char *const states[] = {"normal", "restricted", "exhausted"};
    buffer_append(out, "{", 1);
    member_text(out, "pool", pool->pool);
    member_text(out, "asset", pool->asset);
    write_fund(out, pool);
    member_wide(out, "balance", pool->fund_collateral);
    member_known(out, "max_per_settlement", fund->has_max_per_settlement, fund->max_per_settlement);
    member_known(out, "peak", fund->has_drawdown, fund->peak);
    if (fund->has_drawdown) {
        member_integer(out, "drawdown_ppm", fund->drawdown_ppm);
    } else {
        member_null(out, "drawdown_ppm");
    }
    member_known(out, "threshold", fund->has_drawdown, fund->threshold);
    member_known(out, "distance", fund->has_drawdown, fund->distance);
    member_known(out, "resume_at", fund->has_drawdown, fund->resume_at);
    assert(fund->state < sizeof(states) / sizeof(states[0]));
    member_word(out, "state", states[fund->state]);
    buffer_append(out, "}", 1);
}

void api_fund_change(struct buffer *out, const struct bs_fund_change_view *change)
{
    buffer_append(out, "{", 1);
    member_integer(out, "id", change->number);
    member_time(out, "time", change->time_ms);
    member_word(out, "cause", bs_fund_cause_name(change->cause));
    if (change->settlement != 0) {
        member_integer(out, "settlement", change->settlement);
    } else {
        member_null(out, "settlement");
    }
    member_wide(out, "amount", change->amount);
    member_wide(out, "balance", change->balance);
    member_wide(out, "equity", change->equity);
    member_wide(out, "own_funds", change->own_funds);
    buffer_append(out, "}", 1);
}

void api_solvency(struct buffer *out, const struct bs_pool_view *pool,
                  const struct bs_solvency_view *solvency)
{
    buffer_append(out, "{", 1);
    member_text(out, "pool", pool->pool);
    member_text(out, "asset", pool->asset);
    member_wide(out, "collateral", solvency->collateral);
    member_wide(out, "equity_positive", solvency->equity_positive);
    member_wide(out, "deficit", solvency->deficit);
    member_wide(out, "gains", solvency->gains);
    member_wide(out, "unrealized_profit", solvency->unrealized_profit);
    member_wide(out, "unrealized_loss", solvency->unrealized_loss);
    member_integer(out, "insolvent_accounts", solvency->insolvent_accounts);
    member_integer(out, "waiting_for_handover", solvency->waiting_for_handover);
    member_wide(out, "fund", pool->fund_equity);
    member_wide(out, "period_loss", pool->period_loss);
    member_wide(out, "unallocated_deficit", pool->unallocated_deficit);
    buffer_append(out, "}", 1);
}

/* A row of lib/view/fields.h, as a member of `view`. */
#define VIEW_MEMBER(kind, member, json, shown, from)                                               \
    {                                                                                              \
        const char *name = #json;                                                                  \
        SHOWN_##shown member_##kind(out, name, view->member);                                      \
    }
#define SHOWN_ALWAYS
#define SHOWN_NEVER if (false)
#define SHOWN_IF(flag) if (view->flag)
#define SHOWN_OR_NULL(flag)                                                                        \
    if (!view->flag) {                                                                             \
        member_null(out, name);                                                                    \
    } else
#define member_TEXT member_text
#define member_U32 member_integer
#define member_U64 member_integer
#define member_WIDE member_wide
#define member_DECIMAL member_decimal
#define member_TIME member_time
#define member_PERIOD member_period
#define member_BOOL member_flag
#define member_CONTRACT(out, name, value) member_word(out, name, bs_contract_name(value))
#define member_MARGIN(out, name, value) member_word(out, name, bs_margin_name(value))

void api_market(struct buffer *out, const struct bs_market_view *view)
{
    buffer_append(out, "{", 1);
    BS_MARKET_VIEW(VIEW_MEMBER)
    buffer_append(out, "}", 1);
}

/* The members of a position without the account that holds it. */
static void write_position(struct buffer *out, const struct bs_position_view *view)
{
    BS_POSITION_VIEW(VIEW_MEMBER)
}

/* An account, or one of its isolated margins, without the last brace. */
static void write_account(struct buffer *out, const struct bs_engine *engine, uint32_t account)
{
    struct bs_account_view view;
    bs_account_view_get(engine, account, &view);
    buffer_append(out, "{", 1);
    member_text(out, "account", view.account);
    member_text(out, "pool", view.pool);
    if (view.isolated) {
        member_word(out, "margin", "isolated");
        member_text(out, "market", view.market);
    }
    member_wide(out, "equity", view.equity);
    member_wide(out, "collateral", view.collateral);
    member_wide(out, "gain", view.gain);
    member_wide(out, "baseline", view.baseline);
    member_wide(out, "maintenance", view.maintenance);
    if (view.has_leverage) {
        member_wide(out, "leverage", view.leverage);
    } else {
        member_null(out, "leverage");
    }
    member_name(out, "positions");
    buffer_append(out, "[", 1);
    for (uint32_t i = 0; i < view.positions_count; i++) {
        struct bs_position_view position;
        bs_position_view_get(engine, account, i, &position);
        buffer_text(out, i > 0 ? ",{" : "{");
        write_position(out, &position);
        buffer_append(out, "}", 1);
    }
    buffer_append(out, "]", 1);
    member_flag(out, "handed_over", view.handed_over);
    if (view.haircut_cap_ppm < BS_PPM) {
        member_integer(out, "haircut_cap_ppm", view.haircut_cap_ppm);
    }
    if (view.has_window) {
        member_wide(out, "window_gain", view.window_gain);
        member_wide(out, "window_taken", view.window_taken);
    }
    if (view.claim.mantissa > 0) {
        member_wide(out, "claim", view.claim);
    }
    if (view.gains_count > 0) {
        member_name(out, "older_gains");
        for (uint32_t i = 0; i < view.gains_count; i++) {
            buffer_text(out, i == 0 ? "[" : ",");
            api_wide(out, view.gains[i]);
        }
        buffer_append(out, "]", 1);
    }
    member_integer(out, "last_action", view.last_action);
    member_integer(out, "seq", view.seq);
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

void api_position(struct buffer *out, const struct bs_position_view *position)
{
    buffer_append(out, "{", 1);
    member_text(out, "account", position->account);
    write_position(out, position);
    buffer_append(out, "}", 1);
}

void api_queue_row(struct buffer *out, const struct bs_queue_view *row)
{
    buffer_append(out, "{", 1);
    member_text(out, "account", row->account);
    member_word(out, "margin", row->isolated ? "isolated" : "cross");
    member_integer(out, "rank", row->rank);
    member_wide(out, "size", row->size);
    member_wide(out, "unrealized_profit", row->unrealized_profit);
    if (row->has_score) {
        member_wide(out, "score", row->score);
    } else {
        member_null(out, "score");
    }
    member_wide(out, "quantity_ahead", row->quantity_ahead);
    member_integer(out, "percentile_ppm", row->percentile_ppm);
    member_integer(out, "lights", row->lights);
    buffer_append(out, "}", 1);
}

void api_provider(struct buffer *out, const struct bs_provider_view *view)
{
    buffer_append(out, "{", 1);
    BS_PROVIDER_VIEW(VIEW_MEMBER)
    buffer_append(out, "}", 1);
}

void api_source(struct buffer *out, const struct bs_source_view *source)
{
    buffer_append(out, "{", 1);
    member_text(out, "source", source->source);
    member_integer(out, "next_seq", source->next_seq);
    member_integer(out, "oldest_seq", source->oldest_seq);
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
