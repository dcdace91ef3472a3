/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the core loop: the digest is stored, the log thread ends, the handles close. */
#include "daemon/core/internal.h"

#include <sched.h>

#include "daemon/logger/logger.h"

static void store_digest(struct core *core)
{
    char error[LOG_ERROR_SIZE];
    struct bs_digest digest = bs_engine_digest(core->executor.engine);
    if (log_put_digest(core->log, core->executor.seq, digest, error) < 0) {
        logger_write(LOGGER_ERROR, "core", "the digest was not stored",
                     LOGGER_FIELDS(logger_string("error", error)));
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct core *core = handle->data;
    core->handles_closing--;
    if (core->handles_closing == 0 && core->on_stopped != NULL) {
        core->on_stopped(core->on_stopped_user);
    }
}

void core_finish_stop(struct core *core)
{
    core->is_stopped = true;
    if (!core->is_failed) {
        store_digest(core);
    }
    log_stop(core->log);
    while (atomic_load(&core->submitters_count) > 0) {
        (void)sched_yield(); /* the last one may still be about to wake us */
    }
    core->handles_closing = 2;
    uv_close((uv_handle_t *)&core->wake, on_closed);
    uv_close((uv_handle_t *)&core->timer, on_closed);
}
