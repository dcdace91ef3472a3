/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log's own thread, and all that does not depend on where the log is stored.
 *
 *   log_append          log thread                                  caller
 *   ----------          ----------                                  ------
 *   batch handed over ->hash, store, sync (backend->commit) ------> on_durable(0)
 *                       backend->tidy (checkpoints, next file)
 *                       the first failure is kept ----------------> on_durable(failure), for this
 *                                                                   and for every later append
 */
#include "daemon/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "daemon/log/batch_check.h"
#include "daemon/log/log_backend.h"

#define THREAD_NICENESS 10 /* above the process's own */

static uint64_t now_ns(void)
{
    struct timespec now;
    int result = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(result == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int log_thread_create(pthread_t *ret_thread, void *(*run)(void *), void *user)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    int result = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (result != 0) {
        return -result;
    }
    result = pthread_create(ret_thread, NULL, run, user);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -result;
}

void log_thread_give_way(void)
{
    int own = getpriority(PRIO_PROCESS, 0); /* on Linux the calling thread's alone */
    (void)setpriority(PRIO_PROCESS, 0, own + THREAD_NICENESS);
}

int log_base_init(struct command_log *log, const struct log_backend *backend)
{
    log->backend = backend;
    memset(log->identity, '0', LOG_IDENTITY_DIGITS);
    int result = pthread_mutex_init(&log->mutex, NULL);
    if (result != 0) {
        return -result;
    }
    result = pthread_mutex_init(&log->storing, NULL);
    if (result != 0) {
        goto err_mutex;
    }
    result = pthread_cond_init(&log->changed, NULL);
    if (result != 0) {
        goto err_storing;
    }
    return 0;

err_storing:
    pthread_mutex_destroy(&log->storing);
err_mutex:
    pthread_mutex_destroy(&log->mutex);
    return -result;
}

void log_base_fini(struct command_log *log)
{
    pool_chains_fini(&log->chains);
    buffer_fini(&log->hashes);
    buffer_fini(&log->canonical);
    pthread_cond_destroy(&log->changed);
    pthread_mutex_destroy(&log->storing);
    pthread_mutex_destroy(&log->mutex);
}

void log_base_resume(struct command_log *log, const struct log_position *end)
{
    log->end = *end;
    atomic_store(&log->last_seq, end->seq);
    atomic_store(&log->last_ordinal, end->ordinal);
}

void log_base_begin(struct command_log *log, const struct log_position *begin)
{
    atomic_store(&log->dropped_seq, begin->seq);
    atomic_store(&log->dropped_ordinal, begin->ordinal);
    atomic_store(&log->dropped_settlement, begin->settlement);
}

struct log_begin log_begin(const struct command_log *log)
{
    return (struct log_begin){
        .seq = atomic_load(&log->dropped_seq),
        .ordinal = atomic_load(&log->dropped_ordinal),
        .settlement = atomic_load(&log->dropped_settlement),
        .archive = log->archive,
    };
}

uint64_t log_last_seq(const struct command_log *log)
{
    return atomic_load(&log->last_seq);
}

uint64_t log_last_ordinal(const struct command_log *log)
{
    return atomic_load(&log->last_ordinal);
}

uint64_t log_dropped_ordinal(const struct command_log *log)
{
    return atomic_load(&log->dropped_ordinal);
}

struct log_stats log_stats_get(const struct command_log *log)
{
    return (struct log_stats){
        .commits = atomic_load(&log->commits),
        .records = atomic_load(&log->records),
        .bytes = atomic_load(&log->bytes),
        .commit_ns_total = atomic_load(&log->commit_ns_total),
        .commit_ns_max = atomic_load(&log->commit_ns_max),
    };
}

/* Hashes the actions of a batch, each over the one before it in its pool. */
static int hash_actions(struct command_log *log, const struct log_batch *batch, char *error)
{
    size_t size = (size_t)batch->actions_count * LOG_HASH_SIZE;
    buffer_clear(&log->hashes);
    if (!buffer_reserve(&log->hashes, size)) {
        return log_error(error, -ENOMEM, "out of memory for the hashes of a commit");
    }
    for (uint32_t i = 0; i < batch->actions_count; i++) {
        const struct log_action_row *row = &batch->actions[i];
        assert(row->ordinal == log->end.ordinal + 1 + i);
        struct pool_chain *chain = pool_chains_get(&log->chains, row->pool);
        if (chain == NULL) {
            return log_error(error, -ENOMEM, "out of memory for the hash chain of a pool");
        }
        int result = chain_action(chain->hash, chain->hash, row, &log->canonical);
        assert(result != -EBADMSG); /* the caller hands over what bs_action_encode wrote */
        if (result != 0) {
            return log_error(error, result, "%s", chain_error_text(result));
        }
        memcpy(log->hashes.bytes + (size_t)i * LOG_HASH_SIZE, chain->hash, LOG_HASH_SIZE);
    }
    for (uint32_t i = 0; i < batch->settlements_count; i++) {
        struct pool_chain *chain = pool_chains_get(&log->chains, batch->settlements[i].pool);
        if (chain == NULL) {
            return log_error(error, -ENOMEM, "out of memory for the settlements of a pool");
        }
        if (batch->settlements[i].number > chain->settlement) {
            chain->settlement = batch->settlements[i].number;
        }
    }
    return 0;
}

static int commit_part(struct command_log *log, const struct log_batch *batch, char *error)
{
    struct log_commit commit = {.batch = batch, .end = log->end};
    if (batch->records_count > 0) {
        assert(batch->first_seq == log->end.seq + 1);
        commit.end.seq += batch->records_count;
        int linked =
            chain_link(commit.end.link, log->end.link, batch->records, batch->records_size);
        if (linked != 0) {
            return log_error(error, linked, "%s", chain_error_text(linked));
        }
    }
    int result = hash_actions(log, batch, error);
    if (result != 0) {
        return result;
    }
    commit.hashes = (const uint8_t *)log->hashes.bytes;
    commit.end.ordinal += batch->actions_count;
    commit.end.settlement += batch->settlements_count;
    result = log->backend->commit(log, &commit, error);
    if (result != 0) {
        return result;
    }
    log->end = commit.end;
    atomic_fetch_add(&log->commits, 1);
    atomic_fetch_add(&log->records, batch->records_count);
    atomic_fetch_add(&log->bytes, batch->records_size);
    return 0;
}

/* Stores a batch; what exceeds the size of one blob goes ahead, in commits of records alone. */
int log_base_commit(struct command_log *log, const struct log_batch *batch, char *error)
{
    uint64_t begun_ns = now_ns();
    struct log_batch rest = *batch;
    int result = 0;
    while (result == 0 && rest.records_size > LOG_BLOB_SIZE_MAX) {
        struct log_batch part = {.first_seq = rest.first_seq, .records = rest.records};
        part.records_size =
            batch_prefix(rest.records, rest.records_count, LOG_BLOB_SIZE_MAX, &part.records_count);
        rest.first_seq += part.records_count;
        rest.records_count -= part.records_count;
        rest.records += part.records_size;
        rest.records_size -= part.records_size;
        result = commit_part(log, &part, error);
    }
    if (result == 0) {
        result = commit_part(log, &rest, error);
    }
    if (result != 0) {
        return result;
    }
    atomic_store(&log->last_seq, log->end.seq);
    atomic_store(&log->last_ordinal, log->end.ordinal);
    uint64_t taken_ns = now_ns() - begun_ns;
    atomic_fetch_add(&log->commit_ns_total, taken_ns);
    if (taken_ns > atomic_load(&log->commit_ns_max)) { /* this thread is the only writer */
        atomic_store(&log->commit_ns_max, taken_ns);
    }
    return 0;
}

int log_put_record(struct command_log *log, uint8_t *record, int64_t time_ms,
                   char error[LOG_ERROR_SIZE])
{
    assert(!log->started);
    uint64_t seq = log->end.seq + 1;
    bs_record_stamp(record, seq, time_ms);
    const struct log_batch batch = {.first_seq = seq,
                                    .records_count = 1,
                                    .records = record,
                                    .records_size = bs_record_size(record)};
    return log_base_commit(log, &batch, error);
}

/* Waits for an append; false when the log stops. */
static bool next_batch(struct command_log *log, struct log_batch *ret_batch)
{
    pthread_mutex_lock(&log->mutex);
    while (!log->appended && !log->stopping) {
        pthread_cond_wait(&log->changed, &log->mutex);
    }
    bool appended = log->appended;
    *ret_batch = log->batch;
    pthread_mutex_unlock(&log->mutex);
    return appended;
}

static void *run(void *user)
{
    struct command_log *log = user;
    struct log_batch batch;
    (void)pthread_setname_np(pthread_self(), "bs-log");
    while (next_batch(log, &batch)) {
        pthread_mutex_lock(&log->storing);
        if (log->failure == 0) {
            log->failure = log_base_commit(log, &batch, log->message);
        }
        int failure = log->failure;
        pthread_mutex_unlock(&log->storing);

        pthread_mutex_lock(&log->mutex);
        log->appended = false;
        pthread_mutex_unlock(&log->mutex);
        log->on_durable(log->user, failure, failure == 0 ? NULL : log->message);

        pthread_mutex_lock(&log->storing);
        if (log->failure == 0) {
            log->failure = log->backend->tidy(log, log->message);
        }
        pthread_mutex_unlock(&log->storing);
    }
    return NULL;
}

int log_start(struct command_log *log, log_durable_fn on_durable, void *user)
{
    assert(!log->started);
    log->on_durable = on_durable;
    log->user = user;
    int result = log->backend->start(log, log->message);
    if (result != 0) {
        return result;
    }
    result = log_thread_create(&log->thread, run, log);
    if (result != 0) {
        log->backend->stop(log);
        return result;
    }
    log->started = true;
    return 0;
}

void log_append(struct command_log *log, const struct log_batch *batch)
{
    assert(log->started);
    pthread_mutex_lock(&log->mutex);
    assert(!log->appended);
    assert(!log->stopping);
    log->batch = *batch;
    log->appended = true;
    pthread_cond_signal(&log->changed);
    pthread_mutex_unlock(&log->mutex);
}

void log_stop(struct command_log *log)
{
    if (!log->started) {
        return;
    }
    pthread_mutex_lock(&log->mutex);
    log->stopping = true;
    pthread_cond_signal(&log->changed);
    pthread_mutex_unlock(&log->mutex);
    int result = pthread_join(log->thread, NULL);
    assert(result == 0);
    log->backend->stop(log);
    log->started = false;
    log->stopping = false; /* it may be started again */
}

void log_close(struct command_log *log)
{
    if (log != NULL) {
        assert(!log->started);
        log->backend->close(log);
    }
}

int log_put_digest(struct command_log *log, uint64_t seq, struct bs_digest digest,
                   char error[LOG_ERROR_SIZE])
{
    struct log_digest stored = {.known = true, .seq = seq, .digest = digest};
    pthread_mutex_lock(&log->storing);
    if (log->failure == 0) {
        log->failure = log->backend->put_digest(log, &stored, log->message);
    }
    int result = log->failure;
    if (result == 0) {
        log->digest = stored;
    } else {
        memcpy(error, log->message, LOG_ERROR_SIZE);
    }
    pthread_mutex_unlock(&log->storing);
    return result;
}

bool log_get_digest(struct command_log *log, uint64_t *ret_seq, struct bs_digest *ret_digest)
{
    if (!log->digest.known) {
        return false;
    }
    *ret_seq = log->digest.seq;
    *ret_digest = log->digest.digest;
    return true;
}

/* A read that begins before the log does. */
static int refuse_cut(const struct command_log *log, uint64_t after, char *error)
{
    uint64_t seq = log_begin(log).seq;
    return after < seq
               ? log_error(error, -ESTALE,
                           "the log begins after sequence %" PRIu64
                           ", because its older files were "
                           "cut: what comes after %" PRIu64 " is not there. Start from a snapshot, "
                           "or put the archived files back",
                           seq, after)
               : 0;
}

int log_read_records(struct command_log *log, uint64_t after, log_records_fn fn, void *user,
                     char error[LOG_ERROR_SIZE])
{
    assert(!log->started);
    struct batch_check check = {.after = after, .fn = fn, .user = user};
    int result = refuse_cut(log, after, error);
    if (result == 0) {
        result = log->backend->read_batches(log, after, &check, error);
    }
    if (result == 0 && !check.stopped && after < log->end.seq && check.seq != log->end.seq) {
        return log_error(error, -EBADMSG,
                         "records are missing: the log ends at %" PRIu64 " instead of %" PRIu64,
                         check.seq, log->end.seq);
    }
    return result;
}

int log_link(struct command_log *log, uint64_t seq, uint8_t ret_link[LOG_HASH_SIZE],
             char error[LOG_ERROR_SIZE])
{
    assert(!log->started);
    bool is_found = false;
    if (seq > log->end.seq) {
        return -ENOENT;
    }
    int result = log->backend->link(log, seq, &is_found, ret_link, error);
    return result == 0 && !is_found ? -ENOENT : result;
}

int log_chains(struct command_log *log, uint64_t ordinal, struct pool_chains *chains,
               char error[LOG_ERROR_SIZE])
{
    return log->backend->chains(log, ordinal, chains, error);
}

enum bs_status log_settlement_decode(const struct log_settlement_row *row,
                                     struct bs_settlement *ret_settlement)
{
    struct bs_settlement settlement;
    enum bs_status status = bs_settlement_decode(row->record, row->record_size, &settlement);
    if (status != BS_OK) {
        return status;
    }
    if (settlement.number != row->number || !bs_text_equal(settlement.pool, row->pool)) {
        return BS_BAD_RECORD;
    }
    *ret_settlement = settlement;
    return BS_OK;
}

int log_reader_open(struct log_reader **ret_reader, struct command_log *log,
                    char error[LOG_ERROR_SIZE])
{
    int result = log->backend->reader_open(ret_reader, log, error);
    if (result == 0) {
        (*ret_reader)->log = log;
    }
    return result;
}

struct log_begin log_reader_begin(const struct log_reader *reader)
{
    return log_begin(reader->log);
}

int log_reader_actions(struct log_reader *reader, const struct log_filter *filter, log_action_fn fn,
                       void *user, char error[LOG_ERROR_SIZE])
{
    return reader->actions(reader, filter, fn, user, error);
}

int log_reader_settlements(struct log_reader *reader, const struct log_settlement_filter *filter,
                           log_settlement_fn fn, void *user, char error[LOG_ERROR_SIZE])
{
    return reader->settlements(reader, filter, fn, user, error);
}

int log_reader_records(struct log_reader *reader, struct log_reader_place *place, uint64_t last_seq,
                       log_records_fn fn, void *user, char error[LOG_ERROR_SIZE])
{
    struct batch_check check = {.after = place->seq, .fn = fn, .user = user, .seq = place->seq};
    memcpy(check.link, place->link, LOG_HASH_SIZE);
    int result = refuse_cut(reader->log, place->seq, error);
    while (result == 0 && check.seq < last_seq && !check.stopped) {
        uint64_t before = check.seq;
        result = reader->next_batch(reader, &check, error);
        if (result == 0 && check.seq == before) {
            result = log_error(error, -EBADMSG, "records are missing after %" PRIu64, before);
        }
    }
    place->seq = check.seq;
    memcpy(place->link, check.link, LOG_HASH_SIZE);
    return result;
}

void log_reader_close(struct log_reader *reader)
{
    if (reader != NULL) {
        reader->close(reader);
    }
}
