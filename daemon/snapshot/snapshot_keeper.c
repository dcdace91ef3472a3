/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/core/answer_follower.h"
#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"
#include "daemon/snapshot/snapshot_block.h"
#include "daemon/snapshot/snapshot_directory.h"
#include "daemon/snapshot/snapshot_save.h"

#define RETRY_MS 60000 /* after a failure */

struct snapshot_counters { /* written by the follower's thread */
    _Atomic uint64_t seq, taken, failures, write_ns_last, write_ns_total, size, passed_over;
    _Atomic int64_t taken_ms;
};

struct snapshot_keeper {
    struct snapshot_counters counters;
    struct core *core;
    struct command_log *log;
    uint64_t every_commands;
    void (*on_two_kept)(void *user, uint64_t older_seq);
    void *user;
    int directory;
    /* What belongs to the block, as of its last command. */
    struct first_answers answers;
    struct answer_follower follower;
    bool is_lost; /* an answer could not be made: no snapshot until the block is made again */
    uint64_t stepped_seq; /* continuations of a step come with the step's command */
    /* Those that the start used or that were written since: they fit the log. The newest first. */
    uint64_t known_seqs[SNAPSHOTS_KEPT];
    int64_t next_try_ms;
};

struct snapshot_stats snapshot_stats_get(const struct snapshot_keeper *keeper)
{
    const struct snapshot_counters *counters = &keeper->counters;
    return (struct snapshot_stats){
        .seq = counters->seq,
        .age_s = (uint64_t)(block_now_ms() - counters->taken_ms) / 1000,
        .taken = counters->taken,
        .failures = counters->failures,
        .write_ns_last = counters->write_ns_last,
        .write_ns_total = counters->write_ns_total,
        .size = counters->size,
        .passed_over = counters->passed_over + core_snapshots_passed_over(keeper->core),
    };
}

/* ---- what the block has beside its engine ---- */

static void forget(struct snapshot_keeper *keeper)
{
    answer_follower_clear(&keeper->follower);
    first_answers_clear(&keeper->answers);
    keeper->stepped_seq = 0;
    keeper->is_lost = false;
}

static void on_stepped(void *user, struct block *block, const struct bs_command *command)
{
    struct snapshot_keeper *keeper = user;
    if (command->seq == keeper->stepped_seq) {
        return;
    }
    keeper->stepped_seq = command->seq;
    enum bs_status status = BS_OK;
    if (!keeper->is_lost) {
        status = answer_follower_step(&keeper->follower, block->engine, &block->effects, command);
    }
    if (status != BS_OK) {
        keeper->is_lost = true;
        keeper->counters.failures++;
        logger_write(LOGGER_ERROR, "snapshot", "no snapshot can be taken before a restart",
                     LOGGER_FIELDS(logger_string("reason", bs_status_sentence(status)),
                                   logger_uint("seq", command->seq)));
    }
}

/* ---- a block that begins with a snapshot ---- */

static int load(struct snapshot_keeper *keeper, uint64_t seq, struct block *block, char *error)
{
    forget(keeper);
    int code = snapshot_block_load(block, keeper->directory, seq, &keeper->answers, error);
    if (code == 0) {
        keeper->stepped_seq = seq;
    }
    return code;
}

static int open_again(struct snapshot_keeper *keeper, struct block *block, char *error)
{
    struct log_reader *reader = block->reader;
    block_close(block);
    return block_open(block, core_engine_config(keeper->core), reader, error);
}

static int on_open(void *user, struct block *block, char error[LOG_ERROR_SIZE])
{
    struct snapshot_keeper *keeper = user;
    bool is_loaded = false;
    int code = 0;
    for (uint32_t i = 0; i < SNAPSHOTS_KEPT && !is_loaded && code == 0; i++) {
        uint64_t seq = keeper->known_seqs[i];
        if (seq == 0) {
            continue;
        }
        is_loaded = load(keeper, seq, block, error) == 0;
        if (!is_loaded) {
            logger_write(LOGGER_ERROR, "snapshot", "the second block passes over a snapshot",
                         LOGGER_FIELDS(logger_string("reason", error)));
            keeper->counters.passed_over++;
            code = open_again(keeper, block, error);
        }
    }
    if (!is_loaded) {
        forget(keeper);
    }
    block->on_stepped = keeper->every_commands > 0 ? on_stepped : NULL;
    block->user = keeper;
    return code;
}

static void on_close(void *user)
{
    forget(user);
}

/* ---- taking one ---- */

static bool wants_sweep(void *user)
{
    const struct snapshot_keeper *keeper = user;
    return keeper->every_commands > 0 && !keeper->is_lost &&
           log_last_seq(keeper->log) - keeper->counters.seq >= keeper->every_commands &&
           block_now_ms() >= keeper->next_try_ms;
}

static int write_file(struct snapshot_keeper *keeper, struct follower *follower,
                      const struct snapshot_source *source, struct snapshot_header *ret_header,
                      char *error)
{
    struct snapshot_save save;
    int code = snapshot_save_begin(&save, source, keeper->directory, error);
    if (code != 0) {
        return code;
    }
    while ((code = snapshot_save_next(&save, ret_header, error)) == 1) {
        if (!follower_breathe(follower)) {
            snapshot_save_abandon(&save);
            return -ECANCELED;
        }
    }
    return code;
}

static int save(struct snapshot_keeper *keeper, struct follower *follower, struct block *block,
                struct snapshot_header *ret_header, char *error)
{
    struct pool_chains chains = {0};
    struct snapshot_source source = {.engine = block->engine,
                                     .answers = &keeper->answers,
                                     .chains = &chains,
                                     .identity = log_identity(keeper->log),
                                     .settlement = block->settlements_count};
    memcpy(source.link, block->place.link, LOG_HASH_SIZE);
    int code = log_chains(keeper->log, bs_engine_actions(block->engine), &chains, error);
    if (code == 0) {
        code = write_file(keeper, follower, &source, ret_header, error);
    }
    pool_chains_fini(&chains);
    return code;
}

static void count(struct snapshot_keeper *keeper, const struct snapshot_header *header,
                  uint64_t taken_ns)
{
    struct snapshot_counters *counters = &keeper->counters;
    uint64_t size = snapshot_pages_count(header) * SNAPSHOT_PAGE_SIZE;
    counters->seq = header->seq;
    counters->taken++;
    counters->taken_ms = block_now_ms();
    counters->write_ns_last = taken_ns;
    counters->write_ns_total += taken_ns;
    counters->size = size;
    logger_write(LOGGER_INFO, "snapshot", "took a snapshot",
                 LOGGER_FIELDS(logger_uint("seq", header->seq), logger_uint("bytes", size),
                               logger_uint("milliseconds", taken_ns / 1000000)));
}

static void report_failure(struct snapshot_keeper *keeper, const char *error)
{
    keeper->counters.failures++;
    keeper->next_try_ms = block_now_ms() + RETRY_MS;
    logger_write(LOGGER_ERROR, "snapshot", "no snapshot could be taken",
                 LOGGER_FIELDS(logger_string("reason", error)));
}

static void take(struct snapshot_keeper *keeper, struct follower *follower, struct block *block)
{
    char error[LOG_ERROR_SIZE];
    struct snapshot_header header;
    uint64_t oldest;
    uint64_t start_ns = uv_hrtime();
    int code = save(keeper, follower, block, &header, error);
    if (code == 0) {
        uint64_t taken_ns = uv_hrtime() - start_ns;
        code = snapshot_keep_newest(keeper->directory, &header, &oldest, error);
        count(keeper, &header, taken_ns);
        keeper->known_seqs[1] = keeper->known_seqs[0];
        keeper->known_seqs[0] = header.seq;
    }
    if (code == 0 && oldest > 0 && keeper->on_two_kept != NULL) {
        keeper->on_two_kept(keeper->user, oldest);
    }
    if (code != 0 && code != -ECANCELED) {
        report_failure(keeper, error);
    }
}

static void on_equal(void *user, struct follower *follower, struct block *block)
{
    struct snapshot_keeper *keeper = user;
    if (block_seq(block) == block->place.seq && block->place.seq > keeper->counters.seq &&
        !answer_follower_is_within(&keeper->follower) &&
        log_last_ordinal(keeper->log) >= bs_engine_actions(block->engine)) {
        take(keeper, follower, block);
    }
}

struct follower_hooks snapshot_keeper_hooks(struct snapshot_keeper *keeper)
{
    return (struct follower_hooks){.user = keeper,
                                   .on_open = on_open,
                                   .on_close = on_close,
                                   .wants_sweep = wants_sweep,
                                   .on_equal = on_equal};
}

/* ---- */

static int open_parts(struct snapshot_keeper *keeper, const char *directory, char *error)
{
    const struct core_options *options = core_options_get(keeper->core);
    if (first_answers_init(&keeper->answers, options->answers_max, options->engine.hash_seed) < 0) {
        return log_error(error, -ENOMEM, "no memory for %u answers", options->answers_max);
    }
    keeper->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return keeper->directory < 0 ? log_error(error, -errno, "cannot open %s for snapshots: %s",
                                             directory, strerror(errno))
                                 : 0;
}

int snapshot_keeper_new(struct snapshot_keeper **ret_keeper, struct core *core,
                        struct command_log *log, const struct snapshot_keeper_options *options,
                        char error[LOG_ERROR_SIZE])
{
    struct snapshot_keeper *keeper = calloc(1, sizeof(*keeper));
    if (keeper == NULL) {
        return log_error(error, -ENOMEM, "out of memory for snapshots");
    }
    keeper->core = core;
    keeper->log = log;
    keeper->every_commands = options->every_commands;
    keeper->on_two_kept = options->on_two_kept;
    keeper->user = options->user;
    keeper->directory = -1;
    keeper->follower.answers = &keeper->answers;
    keeper->known_seqs[0] = core_snapshot_seq(core);
    keeper->counters.seq = keeper->known_seqs[0];
    keeper->counters.taken_ms = block_now_ms();
    int code = open_parts(keeper, options->directory, error);
    if (code != 0) {
        snapshot_keeper_free(keeper);
        return code;
    }
    *ret_keeper = keeper;
    return 0;
}

void snapshot_keeper_free(struct snapshot_keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    forget(keeper);
    if (keeper->directory >= 0) {
        (void)close(keeper->directory);
    }
    first_answers_fini(&keeper->answers);
    free(keeper);
}
