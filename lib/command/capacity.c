/* SPDX-License-Identifier: Apache-2.0 */
/* What the log is made for: how much fits, and how many ids and items are remembered. */
#include "lib/book/dedupe.h"
#include "lib/command/apply.h"
#include "lib/command/source.h"
#include "lib/engine.h"
#include "lib/sizes.h"

static bool fits_memory(const struct bs_engine *engine, const struct bs_capacity_command *capacity)
{
    struct bs_capacity_command room =
        bs_capacity_larger(&engine->config.capacity, &engine->config.room);
    struct bs_capacity_command larger = bs_capacity_larger(&room, capacity);
    return memcmp(&larger, &room, sizeof room) == 0;
}

enum bs_status bs_engine_capacity_check(const struct bs_engine *engine,
                                        const struct bs_capacity_command *capacity,
                                        const char **ret_member, uint32_t *ret_held)
{
    const struct {
        const char *member;
        uint32_t most, held;
        enum bs_status status;
    } rows[] = {
        {"pools_max", capacity->pools_max, bs_rows_taken(engine->pool_name, engine->pools_used),
         BS_FULL_POOLS},
        {"markets_max", capacity->markets_max, engine->markets_count, BS_FULL_MARKETS},
        /* accounts may take what the pools leave of theirs */
        {"accounts_max", capacity->accounts_max + capacity->pools_max, engine->accounts_count,
         BS_FULL_ACCOUNTS},
        {"positions_max", capacity->positions_max, engine->positions_count, BS_FULL_POSITIONS},
    };

    *ret_member = NULL;
    if (!bs_capacity_is_valid(capacity)) {
        return BS_INVALID_VALUE;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].held > rows[i].most) {
            *ret_member = rows[i].member;
            *ret_held = rows[i].status == BS_FULL_ACCOUNTS ? rows[i].held - engine->pools_count
                                                           : rows[i].held;
            return rows[i].status;
        }
    }
    return fits_memory(engine, capacity) ? BS_OK : BS_OUT_OF_RANGE;
}

bool bs_engine_capacity(const struct bs_engine *engine, struct bs_capacity_command *ret_capacity)
{
    *ret_capacity = engine->capacity;
    return engine->has_capacity;
}

struct bs_outcome bs_capacity_apply(struct bs_engine *engine,
                                    const struct bs_capacity_command *command)
{
    const char *member;
    uint32_t held;
    enum bs_status status = bs_engine_capacity_check(engine, command, &member, &held);
    if (status != BS_OK) {
        return bs_refuse(status, member);
    }
    bs_sources_forget(engine);
    engine->capacity = *command;
    engine->largest = bs_capacity_larger(&engine->largest, command);
    engine->has_capacity = true;
    bs_limits_set(engine);
    bs_dedupe_trim(engine);
    return BS_ACCEPTED;
}
