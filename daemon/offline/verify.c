/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is kept is read and checked. What a log that was cut holds before its oldest
 * snapshot cannot be replayed: there the checksums and the hash chains are checked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "api/json_state.h"
#include "daemon/app.h"
#include "daemon/log/log_pages.h"
#include "daemon/offline/offline.h"
#include "daemon/offline/print.h"
#include "daemon/offline/replay_to.h"

struct last_hash {
    uint64_t ordinal;
    uint8_t hash[LOG_HASH_SIZE]; /* zeros: there is no action */
};

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    (void)records;
    (void)size;
    return first_seq + count <= *(const uint64_t *)user;
}

static bool on_action(void *user, const struct log_action_row *row,
                      const uint8_t hash[LOG_HASH_SIZE])
{
    struct last_hash *last = user;
    memcpy(last->hash, hash, LOG_HASH_SIZE);
    return row->ordinal < last->ordinal;
}

/* The part that is not replayed, and the hash of its last action. */
static int check_before(struct replay_to *replay, struct last_hash *ret_last, char *error)
{
    const struct snapshot_header *start = &replay->start.header;
    struct log_begin begin = log_begin(replay->log);
    struct pool_chains chains = {0};
    struct log_action_place place = {.ordinal = begin.ordinal, .chains = &chains};
    uint64_t seq = start->seq;
    *ret_last = (struct last_hash){.ordinal = start->ordinal};
    int code = begin.seq < start->seq
                   ? log_read_records(replay->log, begin.seq, on_records, &seq, error)
                   : 0;
    if (code == 0 && begin.ordinal < start->ordinal) {
        code = log_chains(replay->log, begin.ordinal, &chains, error);
        code = code == 0 ? log_read_actions(replay->log, &place, on_action, ret_last, error) : code;
    }
    pool_chains_fini(&chains);
    return code;
}

/* What the start of a daemon compares, and the snapshots. */
static void print_verified(struct replay_to *replay, const struct last_hash *before)
{
    char digest[DIGEST_TEXT_SIZE];
    char hash[API_HASH_TEXT_SIZE];
    const struct replay_result *result = &replay->result;
    const struct snapshot_header *start = &replay->start.header;
    uint64_t ordinal = bs_engine_actions(replay->executor.engine);
    digest_print(bs_engine_digest(replay->executor.engine), digest);
    api_hash_print(hash, result->actions_compared > 0 ? result->action_hash : before->hash);
    print_number("seq", replay->executor.seq);
    print_number("ordinal", ordinal);
    print_number("actions_missing", ordinal - start->ordinal - result->actions_compared);
    print_number("settlements", result->settlements_compared);
    print_word("digest", digest);
    print_word("digest_stored", result->digest_compared ? "equal" : "none");
    print_word("action_hash", hash);
    if (replay->kept->count > 0) {
        print_number("snapshots", replay->kept->checked_count);
    }
    if (start->seq > 0) {
        print_number("begins_after_seq", log_begin(replay->log).seq);
        print_number("replayed_from_seq", start->seq);
    }
}

static int run(struct replay_to *replay, const struct settings *settings,
               struct kept_snapshots *kept, char *error)
{
    struct last_hash before;
    struct log_moment moment = {.until.kind = UNTIL_END};
    (void)snprintf(moment.directory, sizeof(moment.directory), "%s",
                   settings_text(settings, SETTING_STORAGE_DATA));
    int code = replay_to_run(replay, settings, &moment, kept, error);
    if (code == 0) {
        code = check_before(replay, &before, error);
    }
    if (code == 0) {
        code = log_check_pages(replay->log, error);
    }
    if (code == 0) {
        print_verified(replay, &before);
    }
    return code;
}

int offline_verify(const struct settings *settings)
{
    char error[LOG_ERROR_SIZE];
    struct replay_to replay = {0};
    struct kept_snapshots *kept = calloc(1, sizeof(*kept));
    int code = kept == NULL ? log_error(error, -ENOMEM, "out of memory for the list of snapshots")
                            : run(&replay, settings, kept, error);
    replay_to_fini(&replay);
    if (kept != NULL) {
        kept_snapshots_fini(kept);
        free(kept);
    }
    if (code < 0) {
        (void)fprintf(stderr, "backstopd: %s\n", error);
        return app_exit_status(code);
    }
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
