/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's memory: one walk over all tables serves both to add up their sizes and to place
 * them. Tables that are never written stay unmapped: capacity costs address space only.
 */
#include "lib/book/account_order.h"
#include "lib/book/closes.h"
#include "lib/book/dedupe.h"
#include "lib/book/fund.h"
#include "lib/book/providers.h"
#include "lib/command/source.h"
#include "lib/engine.h"
#include "lib/settlement/legs.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/queue.h"

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
    PLACE(layout, a->order, bs_account_order_places(accounts));
    PLACE(layout, a->order_waiting, accounts);
    PLACE(layout, a->order_spare, accounts);
    PLACE(layout, a->links, rows);
    PLACE(layout, a->past, rows);
    PLACE(layout, a->window, rows);
    PLACE(layout, a->bound, rows);
    PLACE(layout, engine->page_next, (uint64_t)engine->pages_max + 1);
    PLACE(layout, engine->page_bound, (uint64_t)engine->pages_max + 1);
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

/* Tables of the plan by account and by position. */
static void place_plan(struct layout *layout, struct bs_engine *engine, struct bs_plan *plan)
{
    uint64_t accounts = (uint64_t)engine->config.accounts_max + engine->config.pools_max + 1;
    uint64_t positions = engine->config.positions_max;
    uint64_t markets = (uint64_t)engine->config.markets_max + 1;
    plan->steps_max = (uint32_t)(2 * accounts + 2 * positions + 2 * BS_PROVIDERS_MAX);
    plan->debtors_max = (uint32_t)accounts + 1;
    plan->weights_max = (uint32_t)(positions + markets);
    plan->rounds_max = (uint32_t)(accounts + markets);
    plan->working_max = (uint32_t)accounts;
    plan->working_positions_max = (uint32_t)(positions + accounts + markets + BS_PROVIDERS_MAX);
    PLACE(layout, plan->steps, plan->steps_max);
    PLACE(layout, plan->debtors, plan->debtors_max);
    PLACE(layout, plan->weights, plan->weights_max);
    PLACE(layout, plan->rounds, plan->rounds_max);
    PLACE(layout, plan->touch, ((uint64_t)engine->pages_max + 1) * BS_PAGE_ACCOUNTS);
    PLACE(layout, plan->working, (uint64_t)plan->working_max + 1);
    PLACE(layout, plan->pasts, (uint64_t)plan->working_max + 1);
    PLACE(layout, plan->working_positions, plan->working_positions_max);
    PLACE(layout, plan->payers, accounts);
    PLACE(layout, plan->excluded, BS_CLOSES_MAX);
    PLACE(layout, plan->asked, BS_PROVIDERS_MAX);
}

/* Tables of the plan by market, and of the legs of one account. */
static void place_plan_markets(struct layout *layout, struct bs_engine *engine,
                               struct bs_plan *plan)
{
    uint64_t markets = (uint64_t)engine->config.markets_max + 1;
    uint64_t legs = markets > BS_ACCOUNT_POSITIONS_MAX ? markets : BS_ACCOUNT_POSITIONS_MAX;
    PLACE(layout, plan->market_loss, 2 * markets);
    PLACE(layout, plan->market_loss_applied, 2 * markets);
    PLACE(layout, plan->market_sides, markets);
    PLACE(layout, plan->budget_used, markets);
    PLACE(layout, plan->own_funds, markets);
    PLACE(layout, plan->leg_weights, legs);
    PLACE(layout, plan->closing_legs, legs);
    PLACE(layout, plan->check_legs, legs);
    PLACE(layout, plan->check_budget_used, markets);
    PLACE(layout, plan->check_market_sizes, markets);
}

static void place_queues(struct layout *layout, struct bs_engine *engine, struct bs_queues *queues)
{
    uint64_t positions = engine->config.positions_max;
    uint64_t markets = (uint64_t)engine->config.markets_max + 1;
    queues->candidates_max = (uint32_t)positions;
    PLACE(layout, queues->ranked, positions);
    PLACE(layout, queues->candidates, positions);
    PLACE(layout, queues->lists, 2 * markets);
    PLACE(layout, queues->markets, 2 * markets);
}

/* The tables of a settlement. While sizes are only added up there is no memory to write to. */
static void place_settlement(struct layout *layout, struct bs_engine *engine)
{
    struct bs_plan no_plan = {0};
    struct bs_queues no_queues = {0};
    PLACE(layout, engine->progress, 1);
    PLACE(layout, engine->plan, 1);
    struct bs_plan *plan = engine->plan != NULL ? engine->plan : &no_plan;
    PLACE(layout, plan->queues, 1);
    place_plan(layout, engine, plan);
    place_plan_markets(layout, engine, plan);
    place_queues(layout, engine, plan->queues != NULL ? plan->queues : &no_queues);
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
    place_settlement(layout, engine);
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
