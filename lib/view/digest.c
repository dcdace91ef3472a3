/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest: 128 bits over everything that can change a later outcome or view, in name order, so
 * that row numbers, free lists and the order of posting leave no trace in it. Capacities are left
 * out: equal books have equal digests whatever fits beside them.
 */
#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/book/closes.h"
#include "lib/book/feature.h"
#include "lib/book/fund.h"
#include "lib/book/names.h"
#include "lib/book/providers.h"
#include "lib/book/window.h"
#include "lib/command/source.h"
#include "lib/engine.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/progress.h"

struct stream {
    uint64_t words[2];
};

static void add(struct stream *stream, uint64_t word)
{
    for (int i = 0; i < 2; i++) {
        bs_u128 product = (bs_u128)(stream->words[i] ^ word) *
                          (i == 0 ? UINT64_C(0x9e3779b97f4a7c15) : UINT64_C(0xd6e8feb86659fd93));
        stream->words[i] = (uint64_t)product ^ (uint64_t)(product >> 64) ^
                           ((stream->words[i] << 29) | (stream->words[i] >> 35));
    }
}

static void add_wide(struct stream *stream, bs_i128 value)
{
    add(stream, (uint64_t)value);
    add(stream, (uint64_t)((bs_u128)value >> 64));
}

static void add_text(struct stream *stream, struct bs_text text)
{
    add(stream, text.size);
    add(stream, bs_hash(0, text.bytes, text.size));
    add(stream, bs_hash(1, text.bytes, text.size));
}

static void add_decimal(struct stream *stream, struct bs_decimal value)
{
    add(stream, (uint64_t)value.mantissa);
    add(stream, (uint64_t)value.exponent);
}

/* What is added by hand below. A new field of a layer or member of a struct is added, too, unless it
 * follows from others; then its number here is put right. */
#define FIELD(...) 1 +
_Static_assert(BS_ADL_FIELDS(FIELD) BS_HAIRCUT_FIELDS(FIELD) BS_INSURANCE_FIELDS(FIELD)
                       BS_ASSIGN_FIELDS(FIELD) 0 == 12,
               "fields of the layers");
#undef FIELD
_Static_assert(sizeof(struct bs_position_row) == 24, "a position");
_Static_assert(sizeof(struct bs_account_past) == 304, "an account's past");
_Static_assert(sizeof(struct bs_close) == 192, "a close");

static void add_bs_policy(struct stream *stream, const struct bs_policy *policy)
{
    add(stream, policy->period_ms);
    add(stream, policy->layers_count);
    add(stream, (uint64_t)policy->floor);
    add(stream, (uint64_t)policy->max_per_settlement);
    for (uint32_t i = 0; i < policy->layers_count; i++) {
        const struct bs_layer *layer = &policy->layers[i];
        const uint8_t fields[8] = {
            layer->type, layer->ranking, layer->price,  layer->protect_principal,
            layer->rule, layer->basis,   layer->divide, layer->scope};
        uint64_t word;
        _Static_assert(sizeof fields == sizeof word, "the kinds of a layer fill one word");
        memcpy(&word, fields, sizeof word);
        add(stream, word);
        for (int k = 0; k < BS_OPTION_COUNT; k++) {
            add(stream, layer->has[k] ? 1 + (uint64_t)layer->options[k] : 0);
        }
        add(stream, layer->max_drawdown_ppm);
        add(stream, layer->resume_ppm);
        add(stream, layer->drawdown_window_ms);
    }
}

static void add_bs_window(struct stream *stream, const struct bs_window *window)
{
    add(stream, window->open);
    if (window->open) {
        add_text(stream, (struct bs_text){window->name, window->name_size});
        add(stream, (uint64_t)window->opened_ms);
        add_wide(stream, window->loss);
    }
}

static void add_bs_provider_use(struct stream *stream, const struct bs_provider_use *use)
{
    add(stream, use->settlement);
    add(stream, (uint64_t)use->lots);
    add(stream, (uint64_t)use->period);
    add_wide(stream, use->value);
}

/* A row of lib/book/kept.h, as words of `kept`. */
#define ADD(kind, member, when)                                                                    \
    WHEN_##when(member)                                                                            \
    {                                                                                              \
        const BS_KEPT_##kind *value = &kept->member;                                               \
        ADD_##kind;                                                                                \
    }
#define WHEN_ALWAYS(member)
#define WHEN_IF(flag)                                                                              \
    if (kept->flag != 0)                                                                           \
    WHEN_ALWAYS
#define WHEN_NEW(member) if (kept->member != 0)
#define ADD_U8 add(stream, *value)
#define ADD_U32 add(stream, *value)
#define ADD_U64 add(stream, *value)
#define ADD_I64 add(stream, (uint64_t)*value)
#define ADD_BOOL add(stream, *value)
#define ADD_WIDE add_wide(stream, *value)
#define ADD_DECIMAL add_decimal(stream, *value)
#define ADD_NAME add_text(stream, bs_names_get(&engine->names, *value))
#define ADD_ACCOUNT add_text(stream, bs_account_key(engine, *value))
#define ADD_MARKET add_text(stream, bs_market_text(engine, *value))
#define ADD_POOL add_text(stream, bs_pool_text(engine, *value))
#define ADD_PART(type) add_##type(stream, value)

static void add_fund(struct stream *stream, const struct bs_fund *fund)
{
    add(stream, (uint64_t)fund->drawdown.part_ms);
    for (uint32_t i = 0; fund->drawdown.part_ms != 0 && i < BS_DRAWDOWN_PARTS; i++) {
        add(stream, fund->drawdown.parts[i].known);
        add(stream, (uint64_t)fund->drawdown.parts[i].number);
        add_wide(stream, fund->drawdown.parts[i].equity);
    }
    add(stream, fund->drawdown.restricted);
    add(stream, fund->changes);
    add(stream, fund->digest[0]);
    add(stream, fund->digest[1]);
}

static void add_pool(struct stream *stream, const struct bs_engine *engine, uint32_t row)
{
    const struct bs_pool *kept = &engine->pools[row];
    add_text(stream, bs_pool_text(engine, row));
    BS_POOL_KEPT(ADD)
    add_fund(stream, &engine->funds[row]);
    BS_POOL_KEPT_TOO(ADD)
    add_text(stream, (struct bs_text){kept->reason, kept->reason_size});
    if (kept->again_ends_period || kept->again_final != 0) {
        add(stream, kept->again_ends_period);
        if (kept->again_final != 0) {
            add_text(stream, bs_market_text(engine, kept->again_final));
        }
    }
}

static void add_market(struct stream *stream, const struct bs_engine *engine, uint32_t row)
{
    const struct bs_market *kept = &engine->markets[row];
    add_text(stream, bs_market_text(engine, row));
    BS_MARKET_KEPT(ADD)
    for (uint32_t side = 0; side < 2; side++) { /* what a settlement that halted left */
        if (engine->plan->market_loss[row * 2 + side] != 0) {
            add_wide(stream, engine->plan->market_loss[row * 2 + side]);
        }
    }
}

/* An account without a past leaves nothing. */
static void add_past(struct stream *stream, const struct bs_account_past *past)
{
    for (uint64_t age = 1; age <= BS_AGES_MAX; age++) {
        if (past->gains[age - 1] != 0) {
            add(stream, age);
            add_wide(stream, past->gains[age - 1]);
        }
    }
    if (past->claim != 0) {
        add_wide(stream, past->claim);
    }
    for (int kind = 0; kind < BS_LIMIT_SPANS; kind++) {
        const struct bs_limit_use *use = &past->limits[kind];
        if (use->number != 0) {
            add(stream, use->number);
            add_wide(stream, use->base.equity);
            add_wide(stream, use->base.gross);
            add_wide(stream, use->lost);
            add_wide(stream, use->closed);
            add(stream, past->hits);
        }
    }
}

static void add_account(struct stream *stream, const struct bs_engine *engine, uint32_t account)
{
    const struct bs_accounts *a = &engine->accounts;
    const struct bs_positions *p = &engine->positions;
    const struct bs_account_cold *kept = &a->cold[account];
    add_text(stream, bs_account_key(engine, account));
    add_text(stream, bs_pool_text(engine, a->hot[account].pool));
    add(stream, (uint64_t)a->hot[account].collateral);
    BS_ACCOUNT_KEPT(ADD)
    add(stream, a->hot[account].position_count);
    uint32_t first = a->hot[account].position_at;
    for (uint32_t i = first; i < first + a->hot[account].position_count; i++) {
        add_text(stream, bs_market_text(engine, p->rows[i].market));
        add(stream, (uint64_t)p->rows[i].size);
        add(stream, (uint64_t)p->rows[i].entry);
        add(stream, p->rows[i].priority);
        add(stream, (uint64_t)p->taken[i]);
    }
    if (a->any_past) {
        add_past(stream, &a->past[account]);
    }
    if (engine->pools[a->hot[account].pool].window.open) {
        add_wide(stream, a->window[account].carried);
        add_wide(stream, a->window[account].taken);
    }
    if (a->any_beyond && a->beyond[account] != 0) {
        add_wide(stream, a->beyond[account]);
    }
}

static void add_close(struct stream *stream, const struct bs_engine *engine,
                      const struct bs_close *close)
{
    bool stands = bs_close_stands(engine, close);
    add_text(stream, bs_pool_text(engine, close->pool));
    add(stream, close->action);
    add(stream, stands);
    add(stream, close->excludes);
    if (!stands) {
        return;
    }
    add_text(stream, bs_market_text(engine, close->market));
    add(stream, (uint64_t)close->lots);
    add(stream, (uint64_t)close->reversed);
    add_wide(stream, close->value);
    add_wide(stream, close->mark_value);
    add(stream, close->is_long);
    add(stream, close->assigned);
    if (close->group != 0) {
        add(stream, engine->closes.added - close->group);
        add(stream, close->debtors);
    }
    for (int side = 0; side < BS_SIDES; side++) {
        if (close->account[side] == 0) {
            continue;
        }
        add_text(stream, bs_account_key(engine, close->account[side]));
        add(stream, (uint64_t)close->entry[side]);
        add(stream, (uint64_t)close->taken[side]);
        add(stream, close->priority[side]);
    }
}

static void add_provider(struct stream *stream, const struct bs_engine *engine,
                         const struct bs_provider *kept)
{
    BS_PROVIDER_KEPT(ADD)
}

static void add_source(struct stream *stream, const struct bs_source *kept)
{
    add_text(stream, bs_source_name(kept));
    BS_SOURCE_KEPT(ADD)
}

struct bs_digest bs_engine_digest(struct bs_engine *engine)
{
    return bs_engine_digest_part(engine, 0, UINT32_MAX);
}

struct bs_digest bs_engine_digest_part(struct bs_engine *engine, uint32_t first, uint32_t count)
{
    struct stream stream = {{UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)}};
    assert(!engine->progress->running); /* half a settlement has no digest */
    bs_account_order_refresh(engine);
    add(&stream, engine->ordinal);
    for (uint32_t i = 0; i < engine->pools_count; i++) {
        add_pool(&stream, engine, engine->pool_order[i]);
    }
    for (uint32_t i = 0; i < engine->markets_count; i++) {
        add_market(&stream, engine, engine->market_order[i]);
    }
    uint32_t place = 0;
    for (uint32_t at = 0, account; (account = bs_account_order_next(engine, &at)) != 0; place++) {
        if (place >= first && place - first < count) {
            add_account(&stream, engine, account);
        }
    }
    for (uint32_t i = 0; i < engine->providers_count; i++) {
        add_provider(&stream, engine, &engine->providers[i]);
    }
    for (uint32_t i = 0; i < engine->sources_count; i++) {
        add_source(&stream, &engine->sources[i]);
    }
    for (uint64_t number = bs_closes_first(engine); number <= engine->closes.added; number++) {
        add_close(&stream, engine, bs_closes_at(engine, number));
    }
    if (engine->feature_level > BS_FEATURE_LEVEL_FIRST) {
        add(&stream, engine->feature_level);
    }
    return (struct bs_digest){{stream.words[0], stream.words[1]}};
}
