/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/replay_to.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "api/text.h"
#include "daemon/app_options.h"
#include "daemon/log/identity.h"

int offline_log_open(struct command_log **ret_log, const char *directory,
                     char error[LOG_ERROR_SIZE])
{
    struct log_options options = {.directory = directory, .read_only = true};
    struct command_log *log;
    int code = log_open_sqlite(&log, &options, error);
    if (code < 0) {
        return code;
    }
    if (log_last_seq(log) == 0) {
        code = log_error(error, -ENOENT, "the log in %s holds no command yet", directory);
    } else {
        code = log_identify(log, error);
    }
    if (code < 0) {
        log_close(log);
        return code;
    }
    *ret_log = log;
    return 0;
}

static bool takes(void *user, const struct bs_command *command)
{
    struct replay_to *replay = user;
    if (command->seq == 1) {
        replay->first_time_ms = command->time_ms;
    }
    switch ((enum until_kind)replay->until.kind) {
    case UNTIL_END:
        break;
    case UNTIL_SEQ:
        return command->seq <= replay->until.seq;
    case UNTIL_TIME:
        return command->time_ms <= replay->until.time_ms;
    }
    return true;
}

/* Whether the log has the moment that was asked for. */
static int check_moment(const struct replay_to *replay, char *error)
{
    uint64_t last_seq = log_last_seq(replay->log);
    if (replay->until.kind == UNTIL_SEQ && replay->until.seq > last_seq) {
        (void)snprintf(error, LOG_ERROR_SIZE,
                       "the log ends at seq %" PRIu64 ": there is no %" PRIu64 " in it", last_seq,
                       replay->until.seq);
        return -ERANGE;
    }
    if (replay->until.kind == UNTIL_TIME && replay->executor.seq == 0) {
        char begin[TEXT_TIME_SIZE];
        char wanted[TEXT_TIME_SIZE];
        text_time_print(replay->first_time_ms, begin);
        text_time_print(replay->until.time_ms, wanted);
        (void)snprintf(error, LOG_ERROR_SIZE, "the log begins at %s, after %s", begin, wanted);
        return -ERANGE;
    }
    return 0;
}

int replay_to_run(struct replay_to *replay, const struct settings *settings,
                  const struct log_moment *moment, char error[LOG_ERROR_SIZE])
{
    struct core_options options;
    *replay = (struct replay_to){.until = moment->until};
    app_core_options(settings, &options);
    int code = offline_log_open(&replay->log, moment->directory, error);
    if (code == 0) {
        code = executor_init(&replay->executor, &options.engine, error);
    }
    if (code == 0) {
        struct replay_options replay_options = {.takes = takes, .user = replay};
        code = replay_run(&replay->executor, replay->log, &replay_options, &replay->result, error);
    }
    return code == 0 ? check_moment(replay, error) : code;
}

void replay_to_fini(struct replay_to *replay)
{
    if (replay->executor.memory != NULL) {
        executor_fini(&replay->executor);
    }
    log_close(replay->log);
    *replay = (struct replay_to){0};
}
