/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capacities in the settings and those in force. What decides an outcome must be in the log: a
 * setting that differs from the log's last record of capacities becomes the next record, before any
 * other command of this run.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/core/internal.h"
#include "daemon/logger/logger.h"

static int refuse(const struct core *core, enum bs_status status, const char *member, uint32_t held,
                  char *error)
{
    if (member == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "the configured capacities: %s",
                       bs_status_sentence(status));
    } else {
        (void)snprintf(error, LOG_ERROR_SIZE,
                       "capacity.%s is too small: the log at seq %" PRIu64 " holds %u", member,
                       core->seq, held);
    }
    return -EINVAL;
}

static void report(const struct bs_capacity_command *before,
                   const struct bs_capacity_command *after)
{
#define X(kind, member, json, when, most)                                                          \
    if (before->member != after->member) {                                                         \
        logger_write(LOGGER_INFO, "core", "a capacity changes from here on",                       \
                     LOGGER_FIELDS(logger_string("setting", #json),                                \
                                   logger_uint("from", before->member),                            \
                                   logger_uint("to", after->member)));                             \
    }
    BS_CAPACITY_FIELDS(X)
#undef X
}

int core_put_capacities(struct core *core, char *error)
{
    const struct bs_capacity_command *wanted = &core->options.engine.capacity;
    const struct bs_engine *engine = core->executor.engine;
    struct bs_capacity_command in_force;
    bool is_recorded = bs_engine_capacity(engine, &in_force);
    if (is_recorded && memcmp(&in_force, wanted, sizeof(in_force)) == 0) {
        return 0;
    }
    const char *member;
    uint32_t held;
    enum bs_status status = bs_engine_capacity_check(engine, wanted, &member, &held);
    if (status != BS_OK) {
        return refuse(core, status, member, held, error);
    }
    report(&in_force, wanted);
    const struct bs_command command = {.type = BS_COMMAND_CAPACITY, .as.capacity = *wanted};
    return core_put_record(core, &command, error);
}
