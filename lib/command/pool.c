/* SPDX-License-Identifier: Apache-2.0 */
/* Pools: created with their backstop account, replaced whole, deleted. */
#include "lib/book/accounts.h"
#include "lib/book/closes.h"
#include "lib/book/convert.h"
#include "lib/book/fund.h"
#include "lib/book/names.h"
#include "lib/book/pools.h"
#include "lib/command/apply.h"

/* The drawdown limit: all three fields or none. */
static struct bs_outcome check_drawdown(const struct bs_layer *layer)
{
    if (!layer->has_max_drawdown_ppm && !layer->has_drawdown_window && !layer->has_resume_ppm) {
        return BS_ACCEPTED;
    }
    const char *wrong = NULL;
    if (!layer->has_max_drawdown_ppm || layer->max_drawdown_ppm == 0 ||
        layer->max_drawdown_ppm > BS_PPM) {
        wrong = "max_drawdown_ppm";
    } else if (layer->drawdown_window_ms == 0) {
        wrong = "drawdown_window";
    } else if (!layer->has_resume_ppm || layer->resume_ppm == 0 ||
               layer->resume_ppm > layer->max_drawdown_ppm) {
        wrong = "resume_ppm";
    }
    return wrong == NULL ? BS_ACCEPTED : bs_refuse(BS_INVALID_WATERFALL, wrong);
}

static struct bs_outcome read_layer(const struct bs_pool *pool, const struct bs_layer *layer,
                                    struct bs_policy *policy)
{
    if (layer->type != BS_LAYER_INSURANCE) {
        return BS_ACCEPTED;
    }
    enum bs_status status = bs_to_quanta(pool, layer->floor, &policy->floor);
    if (status != BS_OK) {
        return bs_refuse(status, "floor");
    }
    if (policy->floor < 0) {
        return bs_refuse(BS_INVALID_VALUE, "floor");
    }
    struct bs_outcome outcome = check_drawdown(layer);
    if (outcome.status != BS_OK || !layer->has_max_per_settlement) {
        return outcome;
    }
    status = bs_to_quanta(pool, layer->max_per_settlement, &policy->max_per_settlement);
    if (status != BS_OK) {
        return bs_refuse(status, "max_per_settlement");
    }
    if (policy->max_per_settlement < 0) {
        return bs_refuse(BS_INVALID_VALUE, "max_per_settlement");
    }
    return BS_ACCEPTED;
}

/* Each type at most once, haircut last, assign before adl; a basis of unrealized profit divides at
 * once, and only it may divide by market; only gains of periods have ages. */
static bool waterfall_is_valid(const struct bs_pool_command *command)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < command->layers_count; i++) {
        const struct bs_layer *layer = &command->layers[i];
        if (seen & (1u << layer->type)) {
            return false;
        }
        seen |= 1u << layer->type;
        if (layer->type == BS_LAYER_ASSIGN && (seen & 1u << BS_LAYER_ADL) != 0) {
            return false;
        }
        if (layer->type == BS_LAYER_HAIRCUT) {
            bool aged = layer->has[BS_OPTION_SENIORITY];
            bool unrealized = layer->basis == BS_BASIS_UNREALIZED_PROFIT;
            if (i + 1 != command->layers_count ||
                (unrealized && layer->divide != BS_DIVIDE_AT_ONCE) ||
                (!unrealized && layer->scope != BS_SCOPE_POOL) ||
                (aged && (layer->basis != BS_BASIS_PERIOD_GAIN ||
                          layer->options[BS_OPTION_SENIORITY] == 0))) {
                return false;
            }
        }
    }
    return true;
}

struct bs_outcome bs_policy_read(const struct bs_pool *pool, const struct bs_pool_command *command,
                                 struct bs_policy *ret_policy)
{
    if (!waterfall_is_valid(command)) {
        return bs_refuse(BS_INVALID_WATERFALL, "waterfall");
    }
    assert(command->layers_count <= BS_LAYERS_MAX);
    struct bs_policy policy = {.period_ms = command->period_ms,
                               .layers_count = command->layers_count,
                               .max_per_settlement = INT64_MAX};
    memcpy(policy.layers, command->layers, command->layers_count * sizeof policy.layers[0]);
    for (uint32_t i = 0; i < command->layers_count; i++) {
        struct bs_outcome outcome = read_layer(pool, &command->layers[i], &policy);
        if (outcome.status != BS_OK) {
            return outcome;
        }
    }
    assert(policy.floor >= 0);
    assert(policy.max_per_settlement >= 0);
    *ret_policy = policy;
    return BS_ACCEPTED;
}

static void print_backstop_name(struct bs_text pool, char name[BS_ID_SIZE_MAX], uint32_t *ret_size)
{
    assert(pool.size <= BS_ID_SIZE_MAX - 9);
    memcpy(name, "backstop:", 9);
    memcpy(name + 9, pool.bytes, pool.size);
    *ret_size = 9 + pool.size;
}

/* A row for a pool of this name: its old one, so that action numbers continue, or a free one. */
static uint32_t row_for_pool(struct bs_engine *engine, struct bs_text name)
{
    for (uint32_t row = 1; row <= engine->pools_used; row++) {
        if (engine->pools[row].retired && bs_text_equal(bs_pool_text(engine, row), name)) {
            return row;
        }
    }
    return bs_free_row(engine->pool_name, &engine->pools_used, engine->capacity.pools_max);
}

/* Names and the backstop account of a new pool; on failure nothing is left. */
static enum bs_status furnish_pool(struct bs_engine *engine, uint32_t row,
                                   const struct bs_pool_command *command)
{
    struct bs_pool *pool = &engine->pools[row];
    char name[BS_ID_SIZE_MAX];
    struct bs_text backstop = {name, 0};
    enum bs_status status = BS_FULL_NAMES;
    bool retired = pool->retired;
    print_backstop_name(command->pool, name, &backstop.size);
    uint32_t pool_name = retired ? pool->name : bs_names_add(&engine->names, command->pool);
    uint32_t asset = bs_names_add(&engine->names, command->asset);
    if (pool_name != 0 && asset != 0) {
        pool->backstop = bs_account_new(engine, row, backstop, &status);
        if (pool->backstop != 0) {
            pool->name = pool_name;
            pool->asset = asset;
            pool->accounts = 0;
            return BS_OK;
        }
    }
    if (asset != 0) {
        bs_names_remove(&engine->names, asset);
    }
    if (pool_name != 0 && !retired) {
        bs_names_remove(&engine->names, pool_name);
    }
    return status;
}

static struct bs_outcome new_pool(struct bs_engine *engine, const struct bs_pool_command *command)
{
    if (command->pool.size > BS_ID_SIZE_MAX - 9) { /* "backstop:" and the name are an account id */
        return bs_refuse(BS_INVALID_NAME, "pool");
    }
    struct bs_policy policy;
    struct bs_pool sized = {.decimals = command->decimals};
    struct bs_outcome outcome = bs_policy_read(&sized, command, &policy);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    uint32_t row = row_for_pool(engine, command->pool);
    if (row == 0) {
        return bs_refuse(BS_FULL_POOLS, NULL);
    }
    enum bs_status status = furnish_pool(engine, row, command);
    if (status != BS_OK) {
        return bs_refuse(status, NULL);
    }
    struct bs_pool *pool = &engine->pools[row];
    pool->decimals = command->decimals;
    pool->mark_max_age_ms = command->mark_max_age_ms;
    pool->trigger = command->trigger;
    pool->state = BS_STATE_PAUSED;
    pool->retired = false;
    pool->changed = true;
    pool->policy = policy;
    bs_pool_period_open(pool, engine->time_ms);
    engine->pool_name[row] = pool->name;
    bs_order_insert(&engine->pool_index, engine->pool_order, &engine->pools_count, row);
    bs_index_add(&engine->pool_index, row);
    return BS_ACCEPTED;
}

static bool pool_in_use(const struct bs_engine *engine, const struct bs_pool *pool)
{
    return pool->accounts > 0 || pool->markets > 0 || pool->period_loss != 0 ||
           pool->unallocated != 0 || bs_account_cash(engine, pool->backstop) != 0;
}

static bool same_policy(const struct bs_policy *a, const struct bs_policy *b)
{
    if (a->period_ms != b->period_ms || a->layers_count != b->layers_count ||
        a->floor != b->floor || a->max_per_settlement != b->max_per_settlement) {
        return false;
    }
    for (uint32_t i = 0; i < a->layers_count; i++) {
        const struct bs_layer *x = &a->layers[i], *y = &b->layers[i];
        if (x->type != y->type || x->ranking != y->ranking || x->price != y->price ||
            x->protect_principal != y->protect_principal || x->rule != y->rule ||
            x->basis != y->basis || x->divide != y->divide || x->scope != y->scope ||
            memcmp(x->has, y->has, sizeof x->has) != 0 ||
            memcmp(x->options, y->options, sizeof x->options) != 0 ||
            x->max_drawdown_ppm != y->max_drawdown_ppm || x->resume_ppm != y->resume_ppm ||
            x->drawdown_window_ms != y->drawdown_window_ms) {
            return false;
        }
    }
    return true;
}

struct bs_outcome bs_pool_apply(struct bs_engine *engine, const struct bs_pool_command *command)
{
    uint32_t row = bs_index_find(&engine->pool_index, command->pool);
    if (row == 0) {
        return new_pool(engine, command);
    }
    struct bs_pool *pool = &engine->pools[row];
    struct bs_text asset = bs_names_get(&engine->names, pool->asset);
    bool asset_changes = !bs_text_equal(asset, command->asset);
    if (pool_in_use(engine, pool) && (asset_changes || pool->decimals != command->decimals)) {
        return bs_refuse(BS_IN_USE, asset_changes ? "asset" : "decimals");
    }
    struct bs_pool changed = *pool;
    changed.decimals = command->decimals;
    struct bs_outcome outcome = bs_policy_read(&changed, command, &changed.next);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    if (asset_changes) {
        changed.asset = bs_names_add(&engine->names, command->asset);
        if (changed.asset == 0) {
            return bs_refuse(BS_FULL_NAMES, NULL);
        }
        bs_names_remove(&engine->names, pool->asset);
    }
    if (command->trigger != BS_TRIGGER_HANDOVER) {
        bs_pool_handovers_clear(engine, row);
    }
    changed.mark_max_age_ms = command->mark_max_age_ms;
    changed.trigger = command->trigger;
    changed.has_next = !same_policy(&changed.next, &changed.policy);
    changed.changed = true;
    changed.handovers = pool->handovers;
    *pool = changed;
    return BS_ACCEPTED;
}

struct bs_outcome bs_delete_pool_apply(struct bs_engine *engine, struct bs_text name)
{
    uint32_t row = bs_index_find(&engine->pool_index, name);
    if (row == 0) {
        return bs_refuse(BS_UNKNOWN_POOL, NULL);
    }
    struct bs_pool *pool = &engine->pools[row];
    if (pool_in_use(engine, pool)) {
        return bs_refuse(BS_IN_USE, NULL);
    }
    bs_account_delete(engine, pool->backstop);
    bs_fund_clear(engine, row);
    bs_closes_spend_exclusions(engine, row);
    bs_order_remove(engine->pool_order, &engine->pools_count, row);
    bs_index_remove(&engine->pool_index, row);
    bs_names_remove(&engine->names, pool->asset);
    /* Its pages of accounts stay with the row, and its numbers and name when actions carry them. */
    struct bs_pool left = {.page_head = pool->page_head,
                           .page_tail = pool->page_tail,
                           .account_free = pool->account_free};
    if (pool->actions > 0) {
        left.retired = true;
        left.name = pool->name;
        left.actions = pool->actions;
        left.settlements = pool->settlements;
        left.closes_forgotten = pool->closes_forgotten;
    } else {
        bs_names_remove(&engine->names, pool->name);
        engine->pool_name[row] = 0;
    }
    *pool = left;
    return BS_ACCEPTED;
}
