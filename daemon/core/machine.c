/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static int map_memory(struct machine *machine, size_t size, char *error)
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
    machine->memory = memory;
    machine->memory_size = size;
    return 0;
}

int machine_init(struct machine *machine, const struct bs_config *config,
                 char error[LOG_ERROR_SIZE])
{
    *machine = (struct machine){0};
    outbox_init(&machine->outbox);
    size_t size = bs_engine_size(config);
    if (size == 0) {
        (void)snprintf(error, LOG_ERROR_SIZE, "the configured capacities are zero or too large");
        return -EINVAL;
    }
    int result = map_memory(machine, size, error);
    if (result < 0) {
        return result;
    }
    machine->effects.actions = calloc(MACHINE_ACTIONS_MAX, sizeof(struct bs_action));
    if (machine->effects.actions == NULL) {
        (void)snprintf(error, LOG_ERROR_SIZE, "out of memory");
        machine_fini(machine);
        return -ENOMEM;
    }
    machine->effects.actions_max = MACHINE_ACTIONS_MAX;
    machine->engine = bs_engine_init(machine->memory, size, config);
    return 0;
}

void machine_fini(struct machine *machine)
{
    outbox_fini(&machine->outbox);
    free(machine->effects.actions);
    if (machine->memory != NULL) {
        (void)munmap(machine->memory, machine->memory_size);
    }
    *machine = (struct machine){0};
}

static void collect(struct machine *machine)
{
    const struct bs_effects *effects = &machine->effects;
    if (effects->actions_count == 0 && !effects->settled && !machine->outbox.is_open) {
        return; /* nearly every command */
    }
    outbox_collect(&machine->outbox, effects, machine->seq, bs_engine_actions(machine->engine));
    machine->settlements_count += effects->settled ? 1 : 0;
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        uint8_t type = effects->actions[i].type;
        machine->pools_changed = machine->pools_changed || type == BS_ACTION_POOL_PAUSED ||
                                 type == BS_ACTION_POOL_RESUMED || type == BS_ACTION_POOL_HALTED;
    }
}

void machine_step(struct machine *machine, const struct bs_command *command)
{
    assert(!machine->effects.more);
    bs_engine_step(machine->engine, command, &machine->effects);
    machine->seq = command->seq;
    machine->pools_changed = machine->pools_changed || command->type == BS_COMMAND_DELETE_POOL;
    collect(machine);
}

void machine_continue(struct machine *machine)
{
    assert(machine->effects.more);
    bs_engine_continue(machine->engine, &machine->effects);
    collect(machine);
}

uint32_t machine_halted_pools(const struct machine *machine)
{
    const struct bs_engine *engine = machine->engine;
    struct bs_pool_view view = {0};
    uint32_t halted_count = 0;
    for (uint32_t pool = bs_pool_after(engine, view.pool); pool != 0;
         pool = bs_pool_after(engine, view.pool)) {
        bs_pool_view_get(engine, pool, &view);
        halted_count += view.state == BS_STATE_HALTED ? 1 : 0;
    }
    return halted_count;
}
