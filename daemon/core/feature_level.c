/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feature level in the settings and the one in force. A new log gets the newest level. Any other
 * log keeps its own until the setting says a higher one: until then the version before can read it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/core/internal.h"
#include "daemon/logger/logger.h"

/* It holds its identity, if that. */
bool core_is_log_new(const struct core *core)
{
    struct bs_capacity_command capacity;
    return core->seq <= 1 && !bs_engine_capacity(core->executor.engine, &capacity);
}

int core_put_feature_level(struct core *core, bool is_new, char *error)
{
    const struct bs_engine *engine = core->executor.engine;
    uint32_t in_force = bs_engine_feature_level(engine);
    uint32_t newest = bs_engine_feature_newest(engine);
    uint32_t wanted = core->options.feature_level;
    if (wanted == FEATURE_LEVEL_OF_LOG) {
        wanted = is_new ? newest : in_force;
    }
    if (wanted > newest) {
        (void)snprintf(error, LOG_ERROR_SIZE,
                       "core.feature_level is %" PRIu32 ", but this version knows levels up to"
                       " %" PRIu32,
                       wanted, newest);
        return -EINVAL;
    }
    if (wanted < in_force) {
        (void)snprintf(error, LOG_ERROR_SIZE,
                       "core.feature_level is %" PRIu32 ", but the log is at level %" PRIu32
                       ", which is never taken back: set it to %" PRIu32 " or to 0",
                       wanted, in_force, in_force);
        return -EINVAL;
    }
    if (wanted == in_force) {
        return 0;
    }
    logger_write(LOGGER_INFO, "core", "the feature level rises from here on",
                 LOGGER_FIELDS(logger_uint("from", in_force), logger_uint("to", wanted)));
    const struct bs_command command = {.type = BS_COMMAND_FEATURE_LEVEL,
                                       .as.feature_level.level = wanted};
    return core_put_record(core, &command, error);
}
