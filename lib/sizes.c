/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sizes.h"

#include "lib/engine.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/queue.h"

#define NAME_STEPS_PER_ACCOUNT 9u /* the longest id */
#define ID_WINDOW_MAX (1u << 28)
#define SOURCE_WINDOW_MAX (1u << 24)
#define ACCOUNTS_LIMIT (1u << 28)
#define POSITIONS_LIMIT (1u << 28)

static bool window_is_valid(uint32_t window, uint32_t max)
{
    return window > 0 && window <= max && (window & (window - 1)) == 0;
}

bool bs_capacity_is_valid(const struct bs_capacity_command *capacity)
{
    return capacity->accounts_max > 0 && capacity->accounts_max <= ACCOUNTS_LIMIT &&
           capacity->positions_max > 0 && capacity->positions_max <= POSITIONS_LIMIT &&
           capacity->markets_max > 0 && capacity->markets_max <= BS_MARKETS_LIMIT &&
           capacity->pools_max > 0 && capacity->pools_max < UINT16_MAX &&
           window_is_valid(capacity->dedupe_window, ID_WINDOW_MAX) &&
           window_is_valid(capacity->transfer_window, ID_WINDOW_MAX) &&
           window_is_valid(capacity->source_window, SOURCE_WINDOW_MAX);
}

struct bs_capacity_command bs_capacity_larger(const struct bs_capacity_command *a,
                                              const struct bs_capacity_command *b)
{
    struct bs_capacity_command larger;
#define X(kind, member, json, when, most)                                                          \
    larger.member = a->member > b->member ? a->member : b->member;
    BS_CAPACITY_FIELDS(X)
#undef X
    return larger;
}

struct bs_sizes bs_sizes_of(const struct bs_capacity_command *capacity)
{
    uint64_t accounts = (uint64_t)capacity->accounts_max + capacity->pools_max;
    uint64_t positions = capacity->positions_max;
    uint64_t pools = (uint64_t)capacity->pools_max + 1;
    uint64_t markets = (uint64_t)capacity->markets_max + 1;
    uint64_t names = capacity->accounts_max + 3 * pools + markets;
    return (struct bs_sizes){
        .accounts = accounts,
        .pages = (accounts + BS_PAGE_ACCOUNTS - 1) / BS_PAGE_ACCOUNTS + capacity->pools_max,
        .pools = pools,
        .markets = markets,
        .positions = positions,
        /* twice the rows, and the largest room */
        .position_rows = 4 * positions + 4 * (uint64_t)BS_MARKETS_LIMIT,
        .name_steps = names * NAME_STEPS_PER_ACCOUNT,
        .trade_ids = capacity->dedupe_window,
        .transfer_ids = capacity->transfer_window,
        .source_items = capacity->source_window,
        .plan_steps =
            2 * (accounts + 1) + 2 * positions + 2 * markets + 2 * (uint64_t)BS_PROVIDERS_MAX,
        .plan_debtors = accounts + 2,
        .plan_weights = positions + markets,
        .plan_rounds = accounts + 1 + markets,
        .plan_working = accounts + 1,
        .plan_working_positions = positions + accounts + 1 + markets + BS_PROVIDERS_MAX,
    };
}

void bs_limits_set(struct bs_engine *engine)
{
    struct bs_plan *plan = engine->plan;
    const struct bs_sizes sizes = bs_sizes_of(&engine->largest);
    engine->pages_max = (uint32_t)sizes.pages;
    engine->positions_rows = (uint32_t)sizes.position_rows;
    engine->names.steps_max = (uint32_t)sizes.name_steps;
    plan->steps_max = (uint32_t)sizes.plan_steps;
    plan->debtors_max = (uint32_t)sizes.plan_debtors;
    plan->weights_max = (uint32_t)sizes.plan_weights;
    plan->rounds_max = (uint32_t)sizes.plan_rounds;
    plan->working_max = (uint32_t)sizes.plan_working;
    plan->working_positions_max = (uint32_t)sizes.plan_working_positions;
    plan->queues->candidates_max = (uint32_t)sizes.positions;
}
