/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_start.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"
#include "daemon/snapshot/snapshot_directory.h"
#include "daemon/snapshot/snapshot_load.h"
#include "daemon/snapshot/snapshot_reader.h"

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct bs_engine *make_engine(void *user, const struct bs_capacity_command *in_force,
                                     const struct bs_capacity_command *largest, int *ret_code,
                                     char error[LOG_ERROR_SIZE])
{
    struct snapshot_start *start = user;
    struct bs_config config = *start->config;
    config.room = bs_capacity_larger(&config.room, &config.capacity);
    config.room = bs_capacity_larger(&config.room, largest);
    config.capacity = *in_force;
    *ret_code = executor_begin_again(start->executor, &config, error);
    return start->executor->engine;
}

static int load(struct snapshot_start *start, uint64_t seq, char *error)
{
    const struct snapshot_target target = {
        .make = make_engine, .user = start, .answers = start->answers, .chains = &start->chains};
    pool_chains_fini(&start->chains);
    int code = snapshot_load(start->directory, seq, &target, &start->header, error);
    start->executor->seq = code == 0 ? seq : 0;
    return code;
}

/* The engine is too small for what the log goes on with. */
static int load_again(void *user, const struct bs_config *config, char error[LOG_ERROR_SIZE])
{
    struct snapshot_start *start = user;
    start->config = config;
    int code = load(start, start->header.seq, error);
    start->config = NULL;
    return code;
}

/* Whether the log has the commands up to the snapshot's, and its actions. -ERANGE: it ends before
 * them; -EBADMSG: it holds others. */
static int check_log(struct command_log *log, const struct snapshot_header *header, char *error)
{
    uint8_t link[LOG_HASH_SIZE];
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(header->seq, "", name);
    if (strcmp(header->identity, log_identity(log)) != 0) {
        return log_error(error, -EBADMSG, "%s is of the log %s, and this one is %s", name,
                         header->identity, log_identity(log));
    }
    if (header->seq > log_last_seq(log) || header->ordinal > log_last_ordinal(log)) {
        return log_error(error, -ERANGE, "%s is past the end of the log", name);
    }
    int code = log_link(log, header->seq, link, error);
    return code == -ENOENT || (code == 0 && memcmp(link, header->link, LOG_HASH_SIZE) != 0)
               ? log_error(error, -EBADMSG, "%s does not fit what the log holds at its sequence",
                           name)
               : code;
}

static int try_snapshot(struct snapshot_start *start, struct command_log *log, uint64_t seq,
                        char *error)
{
    struct snapshot_reader reader;
    int code = snapshot_reader_open(&reader, start->directory, seq, error);
    if (code == 0) {
        code = check_log(log, &reader.header, error);
        snapshot_reader_close(&reader);
    }
    return code == 0 ? load(start, seq, error) : code;
}

/* Everything is as if the snapshot had not been tried. */
static int pass_over(struct snapshot_start *start, const struct bs_config *config,
                     const char *reason, char *error)
{
    logger_write(LOGGER_ERROR, "snapshot", "a snapshot is passed over",
                 LOGGER_FIELDS(logger_string("reason", reason)));
    start->passed_over_count++;
    start->header = (struct snapshot_header){0};
    if (start->answers != NULL) {
        first_answers_clear(start->answers);
    }
    return executor_begin_again(start->executor, config, error);
}

static int try_all(struct snapshot_start *start, struct command_log *log, char *error)
{
    const struct bs_config config = start->executor->config;
    struct snapshot_list list;
    int code = snapshot_list_read(&list, start->directory, error);
    for (uint32_t i = 0; code == 0 && i < list.count && start->header.seq == 0; i++) {
        char reason[LOG_ERROR_SIZE];
        uint64_t start_ns = now_ns();
        start->config = &config;
        int result = try_snapshot(start, log, list.seqs[i], reason);
        if (result == 0) {
            start->load_ns = now_ns() - start_ns;
        } else if (result == -ENOMEM) { /* it may be good, and the replay would need memory too */
            code = log_error(error, result, "%s", reason);
        } else {
            code = pass_over(start, &config, reason, error);
        }
        start->config = NULL;
    }
    return code;
}

static int begin(struct snapshot_start *start, const char *directory, struct executor *executor,
                 char *error)
{
    assert(executor->seq == 0);
    *start = (struct snapshot_start){.directory = -1, .executor = executor};
    start->replay =
        (struct replay_start){.chains = &start->chains, .load = load_again, .user = start};
    if (directory == NULL) {
        return 0;
    }
    start->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return start->directory >= 0 ? 0
                                 : log_error(error, -errno, "cannot open %s for its snapshots: %s",
                                             directory, strerror(errno));
}

int snapshot_start_init(struct snapshot_start *start, const char *directory,
                        struct executor *executor, struct first_answers *answers,
                        struct command_log *log, char error[LOG_ERROR_SIZE])
{
    int code = begin(start, directory, executor, error);
    start->answers = answers;
    if (code == 0 && directory != NULL) {
        code = snapshot_remove_partial(start->directory, error);
        code = code == 0 ? try_all(start, log, error) : code;
    }
    start->replay.settlement = start->header.settlement;
    return code;
}

int snapshot_start_at(struct snapshot_start *start, const char *directory, uint64_t seq,
                      struct executor *executor, struct command_log *log,
                      char error[LOG_ERROR_SIZE])
{
    const struct bs_config config = executor->config;
    int code = begin(start, directory, executor, error);
    if (code == 0) {
        start->config = &config;
        code = try_snapshot(start, log, seq, error);
        start->config = NULL;
    }
    start->replay.settlement = start->header.settlement;
    return code;
}

void snapshot_start_fini(struct snapshot_start *start)
{
    pool_chains_fini(&start->chains);
    if (start->executor != NULL && start->directory >= 0) {
        (void)close(start->directory);
    }
    *start = (struct snapshot_start){0};
}
