/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "api/json_state.h"

const char *state_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [STATE_POOL] = "pool",         [STATE_INSURANCE_FUND] = "insurance_fund",
        [STATE_MARKET] = "market",     [STATE_ACCOUNT] = "account",
        [STATE_PROVIDER] = "provider", [STATE_SOURCE] = "source",
    };
    _Static_assert(sizeof names / sizeof names[0] == STATE_KIND_COUNT, "every kind has a name");
    assert(kind < STATE_KIND_COUNT);
    return names[kind];
}

/* A handle after a name: 0 past the last. */
static uint32_t next_pool(struct bs_engine *engine, struct state_thing *thing)
{
    struct bs_pool_view view;
    uint32_t pool = bs_pool_after(engine, thing->name);
    if (pool != 0) {
        bs_pool_view_get(engine, pool, &view);
        thing->name = view.pool;
    }
    return pool;
}

static uint32_t next_market(struct bs_engine *engine, struct state_thing *thing)
{
    struct bs_market_view view;
    uint32_t market = bs_market_after(engine, thing->name);
    if (market != 0) {
        bs_market_view_get(engine, market, &view);
        thing->name = view.market;
    }
    return market;
}

static uint32_t next_account(struct bs_engine *engine, struct state_thing *thing)
{
    struct bs_account_view view;
    uint32_t account = bs_account_after(engine, 0, thing->name);
    if (account != 0) {
        bs_account_view_get(engine, account, &view);
        thing->name = view.account;
    }
    return account;
}

/* Row 0 may be a provider, so the handle is a row + 1. */
static uint32_t next_provider(const struct bs_engine *engine, struct state_thing *thing)
{
    struct bs_provider_view view;
    uint32_t row =
        thing->name.size == 0 ? 0 : bs_provider_after(engine, thing->name, thing->second);
    if (!bs_provider_next(engine, 0, 0, &row)) {
        return 0;
    }
    bs_provider_view_get(engine, row, &view);
    thing->name = view.account;
    thing->second = view.market;
    return row + 1;
}

static uint32_t next_source(const struct bs_engine *engine, struct state_thing *thing)
{
    struct bs_source_view view;
    if (!bs_source_after(engine, thing->name, &view)) {
        return 0;
    }
    thing->name = view.source;
    return 1;
}

static uint32_t next_of_kind(struct bs_engine *engine, struct state_thing *thing)
{
    switch ((enum state_kind)thing->kind) {
    case STATE_POOL:
    case STATE_INSURANCE_FUND:
        return next_pool(engine, thing);
    case STATE_MARKET:
        return next_market(engine, thing);
    case STATE_ACCOUNT:
        return next_account(engine, thing);
    case STATE_PROVIDER:
        return next_provider(engine, thing);
    case STATE_SOURCE:
        return next_source(engine, thing);
    case STATE_KIND_COUNT:
        break;
    }
    return 0;
}

bool state_next(struct bs_engine *engine, struct state_thing *thing)
{
    while (thing->kind < STATE_KIND_COUNT) {
        thing->handle = next_of_kind(engine, thing);
        if (thing->handle != 0) {
            return true;
        }
        *thing = (struct state_thing){.kind = (uint8_t)(thing->kind + 1)};
    }
    return false;
}

int state_compare(const struct state_thing *a, const struct state_thing *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    int order = bs_text_compare(a->name, b->name);
    return order != 0 ? order : bs_text_compare(a->second, b->second);
}

_Noreturn void state_out_of_memory(void)
{
    (void)fputs("backstopd: out of memory\n", stderr);
    exit(EX_OSERR);
}

void state_json(struct buffer *out, struct bs_engine *engine, const struct state_thing *thing)
{
    union {
        struct bs_pool_view pool;
        struct bs_fund_view fund;
        struct bs_market_view market;
        struct bs_provider_view provider;
        struct bs_source_view source;
    } view;

    switch ((enum state_kind)thing->kind) {
    case STATE_POOL:
        bs_pool_view_get(engine, thing->handle, &view.pool);
        api_pool(out, &view.pool);
        return;
    case STATE_INSURANCE_FUND:
        bs_fund_view_get(engine, thing->handle, &view.fund);
        api_insurance_fund(out, &view.fund);
        return;
    case STATE_MARKET:
        bs_market_view_get(engine, thing->handle, &view.market);
        api_market(out, &view.market);
        return;
    case STATE_ACCOUNT:
        api_account(out, engine, thing->handle);
        return;
    case STATE_PROVIDER:
        bs_provider_view_get(engine, thing->handle - 1, &view.provider);
        api_provider(out, &view.provider);
        return;
    case STATE_SOURCE: {
        bool is_there = bs_source_view_get(engine, thing->name, &view.source);
        assert(is_there);
        api_source(out, &view.source);
        return;
    }
    case STATE_KIND_COUNT:
        break;
    }
    assert(false); /* no such kind */
}
