/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/engine.h"

#include <sys/mman.h>

#include "lib/settlement/plan.h"

#define START_MS 1760130964831

void fuzz_engine_clear(struct fuzz_engine *engine)
{
    struct bs_config config;
    bs_config_defaults(&config);
    config.capacity.accounts_max = 24;
    config.capacity.positions_max = 64;
    config.capacity.markets_max = FUZZ_MARKETS_MAX;
    config.capacity.pools_max = FUZZ_POOLS_MAX;
    config.capacity.dedupe_window = 16;
    config.capacity.transfer_window = 16;
    config.capacity.source_window = 16;
    config.hash_seed = engine->hash_seed;
    if (engine->memory == NULL) {
        engine->size = bs_engine_size(&config);
        engine->memory = mmap(NULL, engine->size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert(engine->memory != MAP_FAILED);
    }
    int zeroed = madvise(engine->memory, engine->size, MADV_DONTNEED);
    assert(zeroed == 0);
    engine->engine = bs_engine_init(engine->memory, engine->size, &config);
    engine->time_ms = START_MS;
    engine->is_refusing = false;
    engine->ordinal = 0;
    engine->actions_crc = 0;
    engine->books = (struct fuzz_books){.digest = bs_engine_digest(engine->engine)};
}

void fuzz_engine_refuse(struct fuzz_engine *engine, uint32_t skipped)
{
    engine->engine->config.refuses_check = engine->engine->plan->checks_count + skipped + 1;
    engine->is_refusing = true;
}

static bs_i128 quanta(const struct bs_pool_view *pool, struct bs_wide amount)
{
    assert(amount.mantissa == 0 || amount.exponent == -(int32_t)pool->decimals);
    return amount.mantissa;
}

/* Collateral less entry values, of an account and its isolated margins. */
static bs_i128 cash_of(const struct bs_engine *engine, const struct bs_pool_view *pool,
                       uint32_t account)
{
    struct bs_account_view view;
    bs_account_view_get(engine, account, &view);
    bs_i128 cash = quanta(pool, view.collateral);
    for (uint32_t i = 0; i < view.positions_count; i++) {
        struct bs_position_view position;
        bs_position_view_get(engine, account, i, &position);
        cash -= quanta(pool, position.entry_value);
    }
    return cash;
}

static bs_i128 cash_in(struct bs_engine *engine, uint32_t pool, const struct bs_pool_view *view)
{
    bs_i128 cash = -quanta(view, view->period_loss) - quanta(view, view->unallocated_deficit);
    struct bs_account_view account = {0};
    uint32_t handle;
    while ((handle = bs_account_after(engine, pool, account.account)) != 0) {
        cash += cash_of(engine, view, handle);
        for (uint32_t isolated = bs_isolated_first(engine, handle); isolated != 0;
             isolated = bs_isolated_next(engine, isolated)) {
            cash += cash_of(engine, view, isolated);
        }
        bs_account_view_get(engine, handle, &account);
    }
    return cash;
}

static void take_books(struct fuzz_engine *engine)
{
    struct fuzz_books *books = &engine->books;
    struct bs_pool_view pool = {0};
    struct bs_market_view market = {0};
    bool is_halted = false;
    uint32_t handle;
    *books = (struct fuzz_books){.digest = bs_engine_digest(engine->engine)};
    while ((handle = bs_pool_after(engine->engine, pool.pool)) != 0) {
        bs_pool_view_get(engine->engine, handle, &pool);
        assert(pool.state != BS_STATE_HALTED || !engine->is_exact || engine->is_refusing);
        is_halted = is_halted || pool.state == BS_STATE_HALTED;
        books->cash[handle] = cash_in(engine->engine, handle, &pool);
    }
    bool has_refused = engine->engine->plan->checks_count >= engine->engine->config.refuses_check;
    engine->is_refusing = engine->is_refusing && (is_halted || !has_refused);
    while ((handle = bs_market_after(engine->engine, market.market)) != 0) {
        bs_market_view_get(engine->engine, handle, &market);
        books->lots[handle] = market.open_long.mantissa - market.open_short.mantissa;
    }
}

/* The pool's next settlement ends a market: its final settlement was refused. */
static bool owes_final(const struct fuzz_engine *engine, const struct bs_command *command)
{
    uint32_t pool = bs_pool_find(engine->engine, command->as.name.name);
    return pool != 0 && engine->engine->pools[pool].again_final != 0;
}

/* Commands that move no money in or out, and nobody's position but between accounts. To be asked
 * before the step. */
static bool conserves(const struct fuzz_engine *engine, const struct bs_command *command)
{
    uint8_t type = command->type;
    bool settles =
        type == BS_COMMAND_SETTLE || type == BS_COMMAND_CLOSE_PERIOD || type == BS_COMMAND_RESUME;
    if (settles && owes_final(engine, command)) {
        return false;
    }
    return type == BS_COMMAND_POOL || type == BS_COMMAND_MARK || type == BS_COMMAND_SETTLE ||
           type == BS_COMMAND_CLOSE_PERIOD || type == BS_COMMAND_RESUME ||
           type == BS_COMMAND_PAUSE || type == BS_COMMAND_HANDOVER ||
           type == BS_COMMAND_OPEN_WINDOW || type == BS_COMMAND_CLOSE_WINDOW ||
           type == BS_COMMAND_PROVIDER || type == BS_COMMAND_OWN_FUND;
}

static void take_actions(struct fuzz_engine *engine, const struct bs_effects *effects)
{
    assert(effects->actions_count <= engine->actions_max);
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        uint8_t record[BS_ACTION_RECORD_SIZE_MAX];
        uint8_t again[BS_ACTION_RECORD_SIZE_MAX];
        struct bs_action decoded;
        size_t size = bs_action_encode(&effects->actions[i], record);
        bool good = bs_action_decode(record, size, &decoded) == BS_OK;
        assert(good);
        assert(bs_action_encode(&decoded, again) == size);
        assert(memcmp(record, again, size) == 0);
        assert(decoded.ordinal == ++engine->ordinal);
        engine->actions_crc = bs_crc32c(engine->actions_crc, record, size);
    }
}

static void check_settled(struct fuzz_engine *engine, struct bs_text name)
{
    struct bs_solvency_view solvency;
    struct bs_pool_view pool;
    uint32_t handle = bs_pool_find(engine->engine, name);
    bs_pool_view_get(engine->engine, handle, &pool);
    bs_solvency_view_get(engine->engine, handle, &solvency);
    assert(pool.state == BS_STATE_HALTED ||
           solvency.insolvent_accounts == solvency.waiting_for_handover);
}

static void audit(struct fuzz_engine *engine, const struct bs_command *command,
                  enum bs_status status, bool is_conserved)
{
    const struct fuzz_books before = engine->books;
    const struct fuzz_books *after = &engine->books;
    take_books(engine);
    bool is_remembered = status == BS_MARK_OUT_OF_BAND || command->has_source;
    if (status != BS_OK && !is_remembered) {
        assert(memcmp(&before.digest, &after->digest, sizeof before.digest) == 0);
    }
    if (status != BS_OK || is_conserved) {
        assert(memcmp(before.cash, after->cash, sizeof before.cash) == 0);
        assert(memcmp(before.lots, after->lots, sizeof before.lots) == 0);
    }
}

enum bs_status fuzz_engine_step(struct fuzz_engine *engine, struct bs_command *command)
{
    struct bs_action actions[FUZZ_ACTIONS_MAX];
    struct bs_effects effects = {.actions = actions, .actions_max = engine->actions_max};
    bool is_conserved = conserves(engine, command);
    command->seq = bs_engine_seq(engine->engine) + 1;
    command->time_ms = engine->time_ms;
    bs_engine_step(engine->engine, command, &effects);
    enum bs_status status = effects.status;
    bool waiting = effects.waiting;
    take_actions(engine, &effects);
    while (effects.more) {
        bs_engine_continue(engine->engine, &effects);
        take_actions(engine, &effects);
    }
    bool settles = !command->has_source && /* or it may be a repeat, which does nothing */
                   (command->type == BS_COMMAND_SETTLE || command->type == BS_COMMAND_CLOSE_PERIOD);
    if (settles && status == BS_OK && !waiting) {
        check_settled(engine, command->as.name.name);
    }
    if (engine->is_audited) {
        audit(engine, command, status, is_conserved);
    }
    return status;
}
