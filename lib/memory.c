/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's memory: one walk over all tables serves both to add up their sizes and to place
 * them. Tables that are never written stay unmapped: capacity costs address space only.
 */
#include "lib/book/book.h"
#include "lib/book/closes.h"
#include "lib/book/fund.h"
#include "lib/book/providers.h"
#include "lib/command/source.h"
#include "lib/engine.h"
#include "lib/settlement/plan.h"

#define ALIGNMENT 64u
#define NAME_STEPS_PER_ACCOUNT 9u /* the longest id */
#define DEDUPE_WINDOW_MAX (1u << 28)
#define SOURCE_WINDOW_MAX (1u << 24)
#define ACCOUNTS_LIMIT (1u << 28)
#define POSITIONS_LIMIT (1u << 28)

struct layout {
    uint8_t *base; /* NULL: only add up */
    size_t used;
};

static void *place(struct layout *layout, uint64_t count, size_t size)
{
    layout->used = (layout->used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t at = layout->used;
    layout->used += (size_t)count * size;
    return layout->base == NULL ? NULL : layout->base + at;
}

#define PLACE(layout, pointer, count) (pointer) = place(layout, count, sizeof *(pointer))

void bs_config_defaults(struct bs_config *config)
{
    *config = (struct bs_config){
        .accounts_max = 1000000,
        .positions_max = 4000000,
        .markets_max = 10000,
        .pools_max = 1000,
        .dedupe_window = 1u << 20,
        .source_window = 1u << 16,
    };
}

static bool window_is_valid(uint32_t window, uint32_t max)
{
    return window > 0 && window <= max && (window & (window - 1)) == 0;
}

static bool config_is_valid(const struct bs_config *config)
{
    return config->accounts_max > 0 && config->accounts_max <= ACCOUNTS_LIMIT &&
           config->positions_max > 0 && config->positions_max <= POSITIONS_LIMIT &&
           config->markets_max > 0 && config->markets_max <= BS_MARKETS_LIMIT &&
           config->pools_max > 0 && config->pools_max < UINT16_MAX &&
           window_is_valid(config->dedupe_window, DEDUPE_WINDOW_MAX) &&
           window_is_valid(config->source_window, SOURCE_WINDOW_MAX);
}

static void place_accounts(struct layout *layout, struct bs_engine *engine)
{
    struct bs_accounts *a = &engine->accounts;
    uint64_t accounts = (uint64_t)engine->config.accounts_max + engine->config.pools_max;
    uint64_t rows = ((uint64_t)engine->pages_max + 1) * BS_PAGE_ACCOUNTS;
    PLACE(layout, a->hot, rows);
    PLACE(layout, a->cold, rows);
    PLACE(layout, a->order, accounts);
    PLACE(layout, a->touch, rows);
    PLACE(layout, a->past, rows);
    PLACE(layout, a->window, rows);
    PLACE(layout, a->watch, rows);
    PLACE(layout, engine->page_next, (uint64_t)engine->pages_max + 1);
    PLACE(layout, engine->page_watch, (uint64_t)engine->pages_max + 1);
    uint32_t slots = bs_index_slots((uint32_t)accounts);
    engine->account_index.mask = slots - 1;
    PLACE(layout, engine->account_index.slots, slots);
}

static void place_positions(struct layout *layout, struct bs_engine *engine)
{
    struct bs_positions *p = &engine->positions;
    /* Rooms are powers of two and move when they grow: twice the rows, and the largest room. */
    uint64_t rows = 4 * (uint64_t)engine->config.positions_max + 4 * (uint64_t)BS_MARKETS_LIMIT;
    engine->positions_rows = (uint32_t)rows;
    PLACE(layout, p->rows, rows);
    PLACE(layout, p->taken, rows);
}

static void place_setup(struct layout *layout, struct bs_engine *engine)
{
    uint64_t pools = (uint64_t)engine->config.pools_max + 1;
    uint64_t markets = (uint64_t)engine->config.markets_max + 1;
    PLACE(layout, engine->pools, pools);
    PLACE(layout, engine->pool_name, pools);
    PLACE(layout, engine->funds, pools);
    PLACE(layout, engine->pool_order, pools);
    engine->pool_index.mask = bs_index_slots((uint32_t)pools) - 1;
    PLACE(layout, engine->pool_index.slots, (uint64_t)engine->pool_index.mask + 1);
    PLACE(layout, engine->markets, markets);
    PLACE(layout, engine->market_name, markets);
    PLACE(layout, engine->market_order, markets);
    engine->market_index.mask = bs_index_slots((uint32_t)markets) - 1;
    PLACE(layout, engine->market_index.slots, (uint64_t)engine->market_index.mask + 1);
    PLACE(layout, engine->scratch_markets, markets);
    PLACE(layout, engine->providers, BS_PROVIDERS_MAX);
    uint64_t names = (uint64_t)engine->config.accounts_max + 3 * pools + markets;
    engine->names.steps_max = (uint32_t)(names * NAME_STEPS_PER_ACCOUNT);
    engine->names.bytes = place(layout, engine->names.steps_max, BS_NAME_STEP);
}

static void place_dedupe(struct layout *layout, struct bs_engine *engine)
{
    struct bs_dedupe *d = &engine->dedupe;
    d->window = engine->config.dedupe_window;
    d->heads_mask = 2 * d->window - 1;
    d->entries = place(layout, d->window, bs_dedupe_entry_size());
    PLACE(layout, d->heads, 2 * (uint64_t)d->window);
}

static void place_sources(struct layout *layout, struct bs_engine *engine)
{
    PLACE(layout, engine->sources, BS_SOURCES_MAX);
    PLACE(layout, engine->source_rings, (uint64_t)BS_SOURCES_MAX * engine->config.source_window);
}

static void place_closes(struct layout *layout, struct bs_engine *engine)
{
    PLACE(layout, engine->closes.entries, BS_CLOSES_MAX);
    PLACE(layout, engine->closes.by_action, 2 * (uint64_t)BS_CLOSES_MAX);
    PLACE(layout, engine->closes.by_place, 2 * (uint64_t)BS_CLOSES_MAX);
}

static void place_scratch(struct layout *layout, struct bs_engine *engine)
{
    uint64_t accounts = (uint64_t)engine->config.accounts_max + engine->config.pools_max + 1;
    uint64_t positions = engine->config.positions_max;
    uint64_t markets = (uint64_t)engine->config.markets_max + 1;
    struct bs_scratch local = {0};
    struct bs_scratch *s = place(layout, 1, sizeof local);
    engine->scratch = s;
    if (s == NULL) {
        s = &local;
    }
    s->steps_max = (uint32_t)(2 * accounts + 2 * positions + 2 * BS_PROVIDERS_MAX);
    s->cases_max = (uint32_t)accounts + 1;
    s->weights_max = (uint32_t)(positions + markets);
    s->rounds_max = (uint32_t)(accounts + markets);
    s->working_max = (uint32_t)accounts;
    s->working_positions_max = (uint32_t)(positions + accounts + markets + BS_PROVIDERS_MAX);
    s->rankings.candidates_max = (uint32_t)positions;
    PLACE(layout, s->steps, s->steps_max);
    PLACE(layout, s->cases, s->cases_max);
    PLACE(layout, s->weights, s->weights_max);
    PLACE(layout, s->rounds, s->rounds_max);
    PLACE(layout, s->working, (uint64_t)s->working_max + 1);
    PLACE(layout, s->pasts, (uint64_t)s->working_max + 1);
    PLACE(layout, s->working_positions, s->working_positions_max);
    PLACE(layout, s->payers, accounts);
    PLACE(layout, s->market_loss, 2 * markets);
    PLACE(layout, s->market_sides, markets);
    PLACE(layout, s->market_sizes, markets);
    PLACE(layout, s->budget_planned, markets);
    PLACE(layout, s->budget_checked, markets);
    PLACE(layout, s->own_funds, markets);
    uint64_t legs = markets > BS_ACCOUNT_POSITIONS_MAX ? markets : BS_ACCOUNT_POSITIONS_MAX;
    PLACE(layout, s->leg_weights, legs);
    PLACE(layout, s->adl_legs, legs);
    PLACE(layout, s->priced_legs, legs);
    PLACE(layout, s->excluded, BS_CLOSES_MAX);
    PLACE(layout, s->volunteers, BS_PROVIDERS_MAX);
    PLACE(layout, s->rankings.ranked, positions);
    PLACE(layout, s->rankings.candidates, positions);
    PLACE(layout, s->rankings.lists, 2 * markets);
    PLACE(layout, s->rankings.markets, 2 * markets);
}

static size_t place_all(struct layout *layout, struct bs_engine *engine)
{
    uint64_t accounts = (uint64_t)engine->config.accounts_max + engine->config.pools_max;
    engine->pages_max =
        (uint32_t)((accounts + BS_PAGE_ACCOUNTS - 1) / BS_PAGE_ACCOUNTS) + engine->config.pools_max;
    place_accounts(layout, engine);
    place_positions(layout, engine);
    place_setup(layout, engine);
    place_dedupe(layout, engine);
    place_closes(layout, engine);
    place_sources(layout, engine);
    place_scratch(layout, engine);
    return layout->used;
}

size_t bs_engine_size(const struct bs_config *config)
{
    if (!config_is_valid(config)) {
        return 0;
    }
    struct bs_engine engine = {.config = *config};
    struct layout layout = {NULL, sizeof engine};
    return place_all(&layout, &engine);
}

struct bs_engine *bs_engine_init(void *memory, size_t size, const struct bs_config *config)
{
    assert(memory != NULL);
    assert((uintptr_t)memory % ALIGNMENT == 0);
    assert(size >= bs_engine_size(config));
    struct bs_engine *engine = memory;
    *engine = (struct bs_engine){.config = *config};
    engine->positions_used = 1; /* row 0 is "none" */
    return bs_engine_attach(memory);
}

struct bs_engine *bs_engine_attach(void *memory)
{
    assert((uintptr_t)memory % ALIGNMENT == 0);
    struct bs_engine *engine = memory;
    struct layout layout = {memory, sizeof *engine};
    (void)place_all(&layout, engine);
    struct bs_index *indexes[] = {&engine->pool_index, &engine->market_index,
                                  &engine->account_index};
    const void *names[] = {engine->pool_name, engine->market_name, &engine->accounts.cold[0].name};
    const size_t strides[] = {sizeof(uint32_t), sizeof(uint32_t), sizeof(struct bs_account_cold)};
    for (int i = 0; i < 3; i++) {
        indexes[i]->seed = engine->config.hash_seed;
        indexes[i]->names = &engine->names;
        indexes[i]->name_of = names[i];
        indexes[i]->name_stride = strides[i];
    }
    return engine;
}
