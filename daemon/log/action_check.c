/* SPDX-License-Identifier: Apache-2.0 */
/* Reading all actions back: gapless ordinals and the hash chain of each pool are checked. */
#include <errno.h>
#include <inttypes.h>

#include "daemon/log/log.h"
#include "daemon/log/log_backend.h"

struct action_check {
    struct pool_chains chains;
    struct buffer canonical;
    uint64_t after;
    uint64_t ordinal; /* of the last row */
    log_action_fn fn;
    void *user;
    bool stopped;
    int result;
    char *error;
};

static int check_action(struct action_check *check, const struct log_action_row *row,
                        const uint8_t hash[LOG_HASH_SIZE])
{
    if (row->ordinal != check->ordinal + 1) {
        return log_error(check->error, -EBADMSG,
                         "actions are missing: ordinal %" PRIu64 " follows %" PRIu64, row->ordinal,
                         check->ordinal);
    }
    check->ordinal = row->ordinal;
    bool known = check->after == 0 || pool_chains_find(&check->chains, row->pool) != NULL;
    struct pool_chain *chain = pool_chains_get(&check->chains, row->pool);
    if (chain == NULL) {
        return log_error(check->error, -ENOMEM, "out of memory for the hash chain of a pool");
    }
    uint8_t expected[LOG_HASH_SIZE];
    int result = chain_action(expected, chain->hash, row, &check->canonical);
    if (result == -EBADMSG) {
        return log_error(check->error, result, "action %" PRIu64 " is damaged", row->ordinal);
    }
    if (result != 0) {
        return log_error(check->error, result, "SHA-256 is not available");
    }
    if (known && memcmp(expected, hash, LOG_HASH_SIZE) != 0) {
        return log_error(check->error, -EBADMSG,
                         "the hash chain of pool %.*s is broken at action %" PRIu64,
                         (int)row->pool.size, row->pool.bytes, row->ordinal);
    }
    memcpy(chain->hash, hash, LOG_HASH_SIZE);
    return 0;
}

static bool on_action(void *user, const struct log_action_row *row,
                      const uint8_t hash[LOG_HASH_SIZE])
{
    struct action_check *check = user;
    check->result = check_action(check, row, hash);
    if (check->result != 0) {
        return false;
    }
    check->stopped = !check->fn(check->user, row, hash);
    return !check->stopped;
}

int log_read_actions(struct command_log *log, uint64_t after, log_action_fn fn, void *user,
                     char error[LOG_ERROR_SIZE])
{
    assert(!log->started);
    struct log_reader *reader;
    int result = log_reader_open(&reader, log, error);
    if (result != 0) {
        return result;
    }
    struct action_check check = {
        .after = after, .ordinal = after, .fn = fn, .user = user, .error = error};
    struct log_filter all = {.after = after, .type = UINT8_MAX, .limit = UINT32_MAX};
    uint64_t begun;
    do { /* a read delivers at most `limit` rows */
        begun = check.ordinal;
        all.after = begun;
        result = log_reader_actions(reader, &all, on_action, &check, error);
    } while (result == 0 && check.result == 0 && !check.stopped && check.ordinal > begun);
    if (result == 0) {
        result = check.result;
    }
    if (result == 0 && !check.stopped && check.ordinal < log->end.ordinal) {
        result = log_error(error, -EBADMSG,
                           "actions are missing: the last is %" PRIu64 " instead of %" PRIu64,
                           check.ordinal, log->end.ordinal);
    }
    log_reader_close(reader);
    pool_chains_fini(&check.chains);
    buffer_fini(&check.canonical);
    return result;
}
