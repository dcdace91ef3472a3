/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/executor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "daemon/log/log_error.h"

static int map_memory(struct executor *executor, size_t size, char *error)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        int code = errno;
        (void)snprintf(error, LOG_ERROR_SIZE,
                       "cannot map %zu bytes for the engine: %s; lower the capacities or raise "
                       "the limit of address space",
                       size, strerror(code));
        return -code;
    }
    /* Only faster with huge pages: a kernel without them is fine. */
    (void)madvise(memory, size, MADV_HUGEPAGE);
    executor->memory = memory;
    executor->memory_size = size;
    return 0;
}

static int make_engine(struct executor *executor, const struct bs_config *config, char *error)
{
    size_t size = bs_engine_size(config);
    if (size == 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "the configured capacities are zero or too large");
        return -EINVAL;
    }
    int result = map_memory(executor, size, error);
    if (result == 0) {
        executor->config = *config;
        executor->config.room = bs_capacity_larger(&config->capacity, &config->room);
        executor->engine = bs_engine_init(executor->memory, size, &executor->config);
    }
    return result;
}

static void drop_engine(struct executor *executor)
{
    if (executor->memory != NULL) {
        (void)munmap(executor->memory, executor->memory_size);
    }
    executor->memory = NULL;
    executor->engine = NULL;
}

int executor_init(struct executor *executor, const struct bs_config *config,
                  char error[LOG_ERROR_SIZE])
{
    *executor = (struct executor){0};
    int result = outbox_init(&executor->outbox);
    if (result < 0) {
        return log_error(error, result, "out of memory for the outbox");
    }
    result = make_engine(executor, config, error);
    if (result < 0) {
        executor_fini(executor);
        return result;
    }
    executor->effects.actions = calloc(EXECUTOR_ACTIONS_MAX, sizeof(struct bs_action));
    if (executor->effects.actions == NULL) {
        executor_fini(executor);
        return log_error(error, -ENOMEM, "out of memory for the actions of a step");
    }
    executor->effects.actions_max = EXECUTOR_ACTIONS_MAX;
    return 0;
}

void executor_fini(struct executor *executor)
{
    outbox_fini(&executor->outbox);
    free(executor->effects.actions);
    drop_engine(executor);
    *executor = (struct executor){0};
}

int executor_begin_again(struct executor *executor, const struct bs_config *config,
                         char error[LOG_ERROR_SIZE])
{
    assert(!executor->effects.more);
    outbox_fini(&executor->outbox);
    drop_engine(executor);
    if (outbox_init(&executor->outbox) < 0) {
        return log_error(error, -ENOMEM, "out of memory for the outbox");
    }
    executor->seq = 0;
    executor->settlements_count = 0;
    return make_engine(executor, config, error);
}

/* Another build raised the level: what is decided from here on is not known here. */
static bool knows_level(const struct bs_engine *engine, const struct bs_command *command,
                        char *error)
{
    uint32_t level = command->as.feature_level.level;
    if (bs_engine_feature_level_check(engine, level) != BS_NEWER_RECORD) {
        return true;
    }
    (void)snprintf(error, LOG_ERROR_SIZE,
                   "the log is at feature level %" PRIu32 " from seq %" PRIu64 " on, but this"
                   " version knows levels up to %" PRIu32 ": start the version that raised it, or a"
                   " later one",
                   level, command->seq, bs_engine_feature_newest(engine));
    return false;
}

bool executor_decode(const struct bs_engine *engine, const uint8_t *record, uint64_t seq,
                     struct bs_command *ret_command, char error[LOG_ERROR_SIZE])
{
    assert(record != NULL);
    if (bs_command_decode(record, bs_record_size(record), ret_command) == BS_OK &&
        ret_command->seq == seq && ret_command->time_ms >= bs_engine_time_ms(engine)) {
        return ret_command->type != BS_COMMAND_FEATURE_LEVEL ||
               knows_level(engine, ret_command, error);
    }
    (void)snprintf(error, LOG_ERROR_SIZE,
                   "the record at seq %" PRIu64 " is not one this version can execute", seq);
    return false;
}

static void collect(struct executor *executor)
{
    const struct bs_effects *effects = &executor->effects;
    if (effects->actions_count == 0 && !effects->settled && !executor->outbox.is_open) {
        return; /* nearly every command */
    }
    outbox_collect(&executor->outbox, effects, executor->seq, bs_engine_actions(executor->engine));
    executor->settlements_count += effects->settled ? 1 : 0;
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        uint8_t type = effects->actions[i].type;
        executor->pools_changed = executor->pools_changed || type == BS_ACTION_POOL_PAUSED ||
                                  type == BS_ACTION_POOL_RESUMED || type == BS_ACTION_POOL_HALTED;
    }
}

void executor_step(struct executor *executor, const struct bs_command *command)
{
    assert(!executor->effects.more);
    bs_engine_step(executor->engine, command, &executor->effects);
    executor->seq = command->seq;
    executor->pools_changed = executor->pools_changed || command->type == BS_COMMAND_DELETE_POOL;
    collect(executor);
}

void executor_continue(struct executor *executor)
{
    assert(executor->effects.more);
    bs_engine_continue(executor->engine, &executor->effects);
    collect(executor);
}

uint32_t executor_halted_pools(const struct executor *executor)
{
    const struct bs_engine *engine = executor->engine;
    struct bs_pool_view view = {0};
    uint32_t halted_count = 0;
    for (uint32_t pool = bs_pool_after(engine, view.pool); pool != 0;
         pool = bs_pool_after(engine, view.pool)) {
        bs_pool_view_get(engine, pool, &view);
        halted_count += view.state == BS_STATE_HALTED ? 1 : 0;
    }
    return halted_count;
}
