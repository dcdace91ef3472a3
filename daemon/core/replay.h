/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay: the log's records through the engine, every action and settlement they give compared with
 * the row the log holds, and the state's digest with the one stored at the last clean shutdown. The
 * log holds at most a few rows less than replay gives, those of the last commands: they stay in the
 * executor's outbox and are stored with the first commit. Any other difference is an error.
 * It begins with the log, or where a snapshot was taken.
 *
 * The engine is made again, larger, where a record of capacities needs it: afterwards the
 * executor's config is that of the engine which took the whole log.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "daemon/core/executor.h"
#include "daemon/core/first_answers.h"

/* Where a replay begins: the executor has the state there. */
struct replay_start {
    uint64_t settlement;              /* of the last settlement row up to there */
    const struct pool_chains *chains; /* the ends of the pools' chains there */
    /* Replaces the executor's engine by one for this config, with the state there. 0 or negative
     * with a message. */
    int (*load)(void *user, const struct bs_config *config, char error[LOG_ERROR_SIZE]);
    void *user;
};

struct replay_options {
    /* Optional: after each batch of records. False abandons the replay (-ECANCELED). */
    bool (*on_progress)(void *user, uint64_t seq, uint64_t last_seq);
    /* Optional: asked before each command. False: the replay ends before this one. */
    bool (*takes)(void *user, const struct bs_command *command);
    void *user;                    /* of both */
    struct first_answers *answers; /* optional: gets those of the requests that came with a key */
    const struct replay_start *start; /* NULL: the beginning of the log, with a fresh executor */
};

struct replay_result {
    uint64_t records_count;
    uint64_t actions_compared;
    uint64_t settlements_compared;
    bool digest_compared;
    bool ended_early; /* the log goes on: nothing past the last command was compared */
    uint8_t action_hash[LOG_HASH_SIZE]; /* of the last stored action; zero when there is none */
};

/*
 * 0; -EBADMSG when replay and log differ (the message names the command or the action); or what the
 * log returned.
 */
BS_MUST_USE int replay_run(struct executor *executor, struct command_log *log,
                           const struct replay_options *options, struct replay_result *ret_result,
                           char error[LOG_ERROR_SIZE]);

#endif
