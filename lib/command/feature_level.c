/* SPDX-License-Identifier: Apache-2.0 */
/* Which level of behaviour is in force from here on: lib/book/feature.h. */
#include "lib/book/feature.h"
#include "lib/command/apply.h"
#include "lib/engine.h"

uint32_t bs_engine_feature_level(const struct bs_engine *engine)
{
    assert(engine->feature_level >= BS_FEATURE_LEVEL_FIRST);
    return engine->feature_level;
}

uint32_t bs_engine_feature_newest(const struct bs_engine *engine)
{
    return bs_feature_newest(engine);
}

enum bs_status bs_engine_feature_level_check(const struct bs_engine *engine, uint32_t level)
{
    if (level > bs_feature_newest(engine)) {
        return BS_NEWER_RECORD;
    }
    return level >= engine->feature_level ? BS_OK : BS_INVALID_VALUE;
}

struct bs_outcome bs_feature_level_apply(struct bs_engine *engine,
                                         const struct bs_feature_level_command *command)
{
    enum bs_status status = bs_engine_feature_level_check(engine, command->level);
    if (status != BS_OK) {
        return bs_refuse(status, "level");
    }
    engine->feature_level = command->level;
    return BS_ACCEPTED;
}
