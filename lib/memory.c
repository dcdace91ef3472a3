/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's memory: one walk over all tables serves both to add up their sizes and to place
 * them. Tables that are never written stay unmapped: capacity costs address space only.
 */
#include "lib/book/account_order.h"
#include "lib/book/closes.h"
#include "lib/book/dedupe.h"
#include "lib/book/feature.h"
#include "lib/book/fund.h"
#include "lib/book/providers.h"
#include "lib/command/source.h"
#include "lib/engine.h"
#include "lib/settlement/legs.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/queue.h"
#include "lib/sizes.h"

#define ALIGNMENT 64u

struct layout {
    const struct bs_sizes *sizes;
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
        .capacity =
            {
                .accounts_max = 1000000,
                .positions_max = 4000000,
                .markets_max = 10000,
                .pools_max = 1000,
                .dedupe_window = 1u << 20,
                .transfer_window = 1u << 20,
                .source_window = 1u << 16,
            },
    };
}

static void place_accounts(struct layout *layout, struct bs_engine *engine)
{
    struct bs_accounts *a = &engine->accounts;
    uint64_t accounts = layout->sizes->accounts;
    uint64_t pages = layout->sizes->pages + 1;
    uint64_t rows = pages * BS_PAGE_ACCOUNTS;
    PLACE(layout, a->hot, rows);
    PLACE(layout, a->cold, rows);
    PLACE(layout, a->order, bs_account_order_places(accounts));
    PLACE(layout, a->order_waiting, accounts);
    PLACE(layout, a->order_spare, accounts);
    PLACE(layout, a->links, rows);
    PLACE(layout, a->past, rows);
    PLACE(layout, a->window, rows);
    PLACE(layout, a->beyond, rows);
    PLACE(layout, a->bound, rows);
    PLACE(layout, engine->page_next, pages);
    PLACE(layout, engine->page_bound, pages);
    uint32_t slots = bs_index_slots((uint32_t)accounts);
    engine->account_index.mask = slots - 1;
    PLACE(layout, engine->account_index.slots, slots);
}

static void place_positions(struct layout *layout, struct bs_engine *engine)
{
    PLACE(layout, engine->positions.rows, layout->sizes->position_rows);
    PLACE(layout, engine->positions.taken, layout->sizes->position_rows);
}

static void place_setup(struct layout *layout, struct bs_engine *engine)
{
    uint64_t pools = layout->sizes->pools;
    uint64_t markets = layout->sizes->markets;
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
    engine->names.bytes = place(layout, layout->sizes->name_steps, BS_NAME_STEP);
}

static void place_ids(struct layout *layout, struct bs_dedupe *ids, uint64_t count)
{
    ids->entries_mask = (uint32_t)count - 1;
    ids->heads_mask = 2 * (uint32_t)count - 1;
    ids->entries = place(layout, count, bs_dedupe_entry_size());
    PLACE(layout, ids->heads, 2 * count);
}

static void place_sources(struct layout *layout, struct bs_engine *engine)
{
    engine->source_ring_mask = (uint32_t)layout->sizes->source_items - 1;
    PLACE(layout, engine->sources, BS_SOURCES_MAX);
    PLACE(layout, engine->source_rings, BS_SOURCES_MAX * layout->sizes->source_items);
}

static void place_closes(struct layout *layout, struct bs_engine *engine)
{
    PLACE(layout, engine->closes.entries, BS_CLOSES_MAX);
    PLACE(layout, engine->closes.by_action, 2 * (uint64_t)BS_CLOSES_MAX);
    PLACE(layout, engine->closes.by_place, 2 * (uint64_t)BS_CLOSES_MAX);
}

/* Tables of the plan by account and by position. */
static void place_plan(struct layout *layout, struct bs_plan *plan)
{
    const struct bs_sizes *sizes = layout->sizes;
    PLACE(layout, plan->steps, sizes->plan_steps);
    PLACE(layout, plan->debtors, sizes->plan_debtors);
    PLACE(layout, plan->weights, sizes->plan_weights);
    PLACE(layout, plan->rounds, sizes->plan_rounds);
    PLACE(layout, plan->touch, (sizes->pages + 1) * BS_PAGE_ACCOUNTS);
    PLACE(layout, plan->working, sizes->plan_working + 1);
    PLACE(layout, plan->pasts, sizes->plan_working + 1);
    PLACE(layout, plan->working_positions, sizes->plan_working_positions);
    PLACE(layout, plan->payers, sizes->accounts + 1);
    PLACE(layout, plan->excluded, BS_CLOSES_MAX);
    PLACE(layout, plan->asked, BS_PROVIDERS_MAX);
}

/* Tables of the plan by market, and of the legs of one account. */
static void place_plan_markets(struct layout *layout, struct bs_plan *plan)
{
    uint64_t markets = layout->sizes->markets;
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

static void place_queues(struct layout *layout, struct bs_queues *queues)
{
    uint64_t markets = layout->sizes->markets;
    PLACE(layout, queues->ranked, layout->sizes->positions);
    PLACE(layout, queues->candidates, layout->sizes->positions);
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
    place_plan(layout, plan);
    place_plan_markets(layout, plan);
    place_queues(layout, plan->queues != NULL ? plan->queues : &no_queues);
}

static size_t place_all(struct layout *layout, struct bs_engine *engine)
{
    place_accounts(layout, engine);
    place_positions(layout, engine);
    place_setup(layout, engine);
    place_ids(layout, &engine->trades, layout->sizes->trade_ids);
    place_ids(layout, &engine->transfers, layout->sizes->transfer_ids);
    place_closes(layout, engine);
    place_sources(layout, engine);
    place_settlement(layout, engine);
    return layout->used;
}

static struct bs_sizes sizes_of_memory(const struct bs_config *config)
{
    struct bs_capacity_command room = bs_capacity_larger(&config->capacity, &config->room);
    return bs_sizes_of(&room);
}

size_t bs_engine_size(const struct bs_config *config)
{
    struct bs_capacity_command room = bs_capacity_larger(&config->capacity, &config->room);
    if (!bs_capacity_is_valid(&config->capacity) || !bs_capacity_is_valid(&room)) {
        return 0;
    }
    struct bs_engine engine = {.config = *config};
    const struct bs_sizes sizes = sizes_of_memory(config);
    struct layout layout = {&sizes, NULL, sizeof engine};
    return place_all(&layout, &engine);
}

struct bs_engine *bs_engine_init(void *memory, size_t size, const struct bs_config *config)
{
    assert(memory != NULL);
    assert((uintptr_t)memory % ALIGNMENT == 0);
    assert(size >= bs_engine_size(config));
    struct bs_engine *engine = memory;
    *engine = (struct bs_engine){.config = *config,
                                 .capacity = config->capacity,
                                 .largest = config->capacity,
                                 .feature_level = BS_FEATURE_LEVEL_FIRST};
    engine->positions_used = 1; /* row 0 is "none" */
    return bs_engine_attach(memory);
}

struct bs_engine *bs_engine_attach(void *memory)
{
    assert((uintptr_t)memory % ALIGNMENT == 0);
    struct bs_engine *engine = memory;
    const struct bs_sizes sizes = sizes_of_memory(&engine->config);
    struct layout layout = {&sizes, memory, sizeof *engine};
    (void)place_all(&layout, engine);
    bs_limits_set(engine);
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
