/* SPDX-License-Identifier: Apache-2.0 */
/* Reading all actions back: gapless ordinals and the hash chain of each pool are checked. */
#include <errno.h>
#include <inttypes.h>

#include "daemon/log/log.h"
#include "daemon/log/log_backend.h"

struct action_check {
    struct pool_chains *chains;
    bool is_known;               /* a pool that chains has not is one without actions so far */
    uint8_t hash[LOG_HASH_SIZE]; /* of the last row, by its chain */
    struct buffer canonical;
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
    bool known = check->is_known || pool_chains_find(check->chains, row->pool) != NULL;
    struct pool_chain *chain = pool_chains_get(check->chains, row->pool);
    if (chain == NULL) {
        return log_error(check->error, -ENOMEM, "out of memory for the hash chain of a pool");
    }
    int result = chain_action(check->hash, chain->hash, row, &check->canonical);
    if (result == -EBADMSG) {
        return log_error(check->error, result, "action %" PRIu64 " is damaged", row->ordinal);
    }
    if (result != 0) {
        return log_error(check->error, result, "%s", chain_error_text(result));
    }
    if (known && memcmp(check->hash, hash, LOG_HASH_SIZE) != 0) {
        return log_error(check->error, -EBADMSG,
                         "the hash chain of pool %.*s is broken at action %" PRIu64,
                         (int)row->pool.size, row->pool.bytes, row->ordinal);
    }
    return 0;
}

/* Only what was delivered is part of the chains, so that a read can go on where this one stops. */
static bool on_action(void *user, const struct log_action_row *row,
                      const uint8_t hash[LOG_HASH_SIZE])
{
    struct action_check *check = user;
    check->result = check_action(check, row, hash);
    if (check->result != 0) {
        return false;
    }
    check->stopped = !check->fn(check->user, row, hash);
    if (!check->stopped) {
        memcpy(pool_chains_get(check->chains, row->pool)->hash, hash, LOG_HASH_SIZE);
    }
    return !check->stopped;
}

/* Reads to the end, or until it is stopped. */
static int read_rows(struct action_check *check, struct log_reader *reader, uint64_t end)
{
    struct log_filter all = {.type = UINT8_MAX, .limit = UINT32_MAX};
    int result;
    do { /* a read delivers at most `limit` rows */
        all.after = check->ordinal;
        result = log_reader_actions(reader, &all, on_action, check, check->error);
    } while (result == 0 && check->result == 0 && !check->stopped && check->ordinal > all.after);
    if (result == 0) {
        result = check->result;
    }
    if (result == 0 && !check->stopped && check->ordinal < end) {
        result = log_error(check->error, -EBADMSG,
                           "actions are missing: the last is %" PRIu64 " instead of %" PRIu64,
                           check->ordinal, end);
    }
    return result;
}

int log_read_actions(struct command_log *log, const struct log_action_place *place,
                     log_action_fn fn, void *user, char error[LOG_ERROR_SIZE])
{
    assert(!log->started);
    struct log_reader *reader;
    struct pool_chains own = {0};
    int result = log_reader_open(&reader, log, error);
    if (result != 0) {
        return result;
    }
    struct action_check check = {
        .chains = place->chains != NULL ? place->chains : &own,
        .is_known = place->chains != NULL || place->ordinal == 0,
        .ordinal = place->ordinal,
        .fn = fn,
        .user = user,
        .error = error,
    };
    result = read_rows(&check, reader, log->end.ordinal);
    log_reader_close(reader);
    pool_chains_fini(&own);
    buffer_fini(&check.canonical);
    return result;
}
