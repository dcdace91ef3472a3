/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/replay_to.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "api/text.h"
#include "daemon/app_options.h"
#include "daemon/log/identity.h"

int offline_log_open(struct command_log **ret_log, const char *directory, const char *archive,
                     char error[LOG_ERROR_SIZE])
{
    struct log_options options = {.directory = directory, .read_only = true, .archive = archive};
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

/* False: a snapshot is of another state. */
static bool check_kept(struct replay_to *replay)
{
    if (replay->kept != NULL) {
        const struct executor *executor = &replay->executor;
        replay->failure = kept_snapshots_check(
            replay->kept, executor->engine,
            replay->start.header.settlement + executor->settlements_count, replay->error);
    }
    return replay->failure == 0;
}

static bool takes(void *user, const struct bs_command *command)
{
    struct replay_to *replay = user;
    if (!check_kept(replay)) {
        return false;
    }
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

/* A log that was cut has no state before its first snapshot. */
static int check_start(const struct replay_to *replay, char *error)
{
    const struct snapshot_header *header = &replay->start.header;
    bool is_before = (replay->until.kind == UNTIL_SEQ && replay->until.seq < header->seq) ||
                     (replay->until.kind == UNTIL_TIME && replay->until.time_ms < header->time_ms);
    if (header->seq == 0 || !is_before) {
        return 0;
    }
    char time[TEXT_TIME_SIZE];
    text_time_print(header->time_ms, time);
    return log_error(error, -ERANGE,
                     "the first moment of the log is seq %" PRIu64
                     ", at %s, where its oldest snapshot was taken: the files before it were cut. "
                     "Take that one or a later one, or put the older files back",
                     header->seq, time);
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

/* The executor where the replay begins. */
static int begin(struct replay_to *replay, const char *directory, char *error)
{
    int code = 0;
    if (replay->kept != NULL) {
        code = kept_snapshots_load(replay->kept, directory, &replay->executor, replay->log, error);
    }
    if (code == 0 && log_begin(replay->log).seq > 0) {
        code =
            kept_snapshots_begin(&replay->start, directory, &replay->executor, replay->log, error);
    }
    return code == 0 ? check_start(replay, error) : code;
}

static int run(struct replay_to *replay, char *error)
{
    struct replay_options options = {
        .takes = takes,
        .user = replay,
        .start = replay->start.header.seq > 0 ? &replay->start.replay : NULL,
    };
    int code = replay_run(&replay->executor, replay->log, &options, &replay->result, error);
    if (code == 0 && check_kept(replay)) {
        code = replay->kept == NULL ? check_moment(replay, error)
                                    : kept_snapshots_check_chains(replay->kept, replay->log, error);
    }
    replay->settlements_count =
        replay->start.header.settlement + replay->executor.settlements_count;
    return code == 0 ? replay->failure : code;
}

int replay_to_run(struct replay_to *replay, const struct settings *settings,
                  const struct log_moment *moment, struct kept_snapshots *kept,
                  char error[LOG_ERROR_SIZE])
{
    struct core_options options;
    *replay = (struct replay_to){.until = moment->until, .kept = kept, .error = error};
    app_core_options(settings, &options);
    int code = offline_log_open(&replay->log, moment->directory,
                                moment->is_without_archive ? NULL : app_archive(settings), error);
    if (code == 0) {
        code = executor_init(&replay->executor, &options.engine, error);
    }
    if (code == 0) {
        code = begin(replay, moment->directory, error);
    }
    return code == 0 ? run(replay, error) : code;
}

void replay_to_fini(struct replay_to *replay)
{
    if (replay->executor.memory != NULL) {
        executor_fini(&replay->executor);
    }
    snapshot_start_fini(&replay->start);
    log_close(replay->log);
    *replay = (struct replay_to){0};
}
