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

#define RECORD_SIZE 96

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

static int put(struct core *core, const struct bs_capacity_command *capacity, char *error)
{
    uint8_t record[RECORD_SIZE];
    struct bs_command command = {.type = BS_COMMAND_CAPACITY, .as.capacity = *capacity};
    size_t size = bs_command_encode(&command, record, sizeof(record));
    assert(size > 0);
    int64_t time_ms = core_now_ms(core);
    time_ms = time_ms > core->time_ms ? time_ms : core->time_ms;
    int code = log_put_record(core->log, record, time_ms, error);
    if (code < 0) {
        return code;
    }
    enum bs_status status = bs_command_decode(record, size, &command);
    assert(status == BS_OK);
    executor_step(&core->executor, &command);
    assert(core->executor.effects.status == BS_OK);
    core->seq = command.seq;
    core->time_ms = command.time_ms;
    counter_set(&core->counters.applied_seq, core->seq);
    return 0;
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
    return put(core, wanted, error);
}
