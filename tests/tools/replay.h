/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the replay tool: an engine with its memory, and a log to send records through. */
#ifndef TESTS_REPLAY_H
#define TESTS_REPLAY_H

#include "api/buffer.h"
#include "lib/engine.h"

struct replay_engine {
    struct bs_config config;
    struct bs_engine *engine;
    void *memory;
    size_t size;
    uint32_t actions_crc; /* CRC32C over all actions so far, as JSON */
};

struct replay_outcome {
    enum bs_status status;
    const char *field;
    bool waiting;
};

/* A fresh engine of the same configuration, whatever was there before. */
void replay_engine_clear(struct replay_engine *engine);
/* Goes on with a fresh engine that was loaded from a snapshot of this one. */
void replay_engine_reload(struct replay_engine *engine);
void replay_engine_fini(struct replay_engine *engine);
/* Steps a stamped record and appends its actions, separated by commas, to `out`. */
void replay_step(struct replay_engine *engine, const uint8_t *record, struct buffer *out,
                 struct replay_outcome *ret_outcome);
/* "pools":[...],"accounts":[...] in name order. */
void replay_print_ledger(struct buffer *out, struct bs_engine *engine);
/* ,"NAME":"32 hex digits","NAME_actions":"8 hex digits" */
void replay_print_digest(struct buffer *out, const char *name, struct replay_engine *engine);

struct replay_stored {
    bool known;
    struct bs_digest digest;
};

/* Replays the log in a folder into a fresh engine. */
struct replay_stored replay_log_read(const char *folder, struct replay_engine *engine);

struct replay_log;

/* Logs are made in numbered folders below `directory`. */
struct replay_log *replay_log_new(const char *directory);
void replay_log_clear(struct replay_log *log); /* begins an empty log in the next folder */
void replay_log_add(struct replay_log *log, const uint8_t *record);
/* Commits what was added, closes the log, opens it again and replays all of it into `copy`. */
void replay_log_round_trip(struct replay_log *log, struct replay_engine *copy);
void replay_log_free(struct replay_log *log);

#endif
