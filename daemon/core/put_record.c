/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that the daemon itself writes at its start. */
#include <errno.h>

#include "daemon/core/internal.h"
#include "daemon/log/log_error.h"

#define RECORD_SIZE 96

int core_put_record(struct core *core, const struct bs_command *command, char *error)
{
    uint8_t record[RECORD_SIZE];
    struct bs_command stored;
    size_t size = bs_command_encode(command, record, sizeof(record));
    assert(size > 0);
    int64_t time_ms = core_now_ms(core);
    time_ms = time_ms > core->time_ms ? time_ms : core->time_ms;
    if (!outbox_reserve(&core->executor.outbox)) {
        return log_error(error, -ENOMEM, "out of memory for the actions of a step");
    }
    int code = log_put_record(core->log, record, time_ms, error);
    if (code < 0) {
        return code;
    }
    enum bs_status status = bs_command_decode(record, size, &stored);
    assert(status == BS_OK);
    executor_step(&core->executor, &stored);
    assert(core->executor.effects.status == BS_OK);
    core->seq = stored.seq;
    core->time_ms = stored.time_ms;
    counter_set(&core->counters.applied_seq, core->seq);
    return 0;
}
