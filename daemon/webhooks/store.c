/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint is saved whole: its row is replaced, its lanes, secrets and messages are deleted and
 * written again (they are few: only messages that failed are saved), new attempts are added and old
 * ones deleted.
 */
#include "daemon/webhooks/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log/log_backend.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/clock.h"
#include "daemon/webhooks/rows.h"
#include "daemon/webhooks/store_guard.h"

#define FILE_NAME "webhooks.db"
#define VERSION 4
#define SYNC_INTERVAL_MS 1000

static const char schema[] =
    "CREATE TABLE endpoint(id TEXT PRIMARY KEY, created_ms INTEGER, url TEXT, pools TEXT,"
    " accounts TEXT, events INTEGER, ordering INTEGER, signature INTEGER, batch_max INTEGER,"
    " reason INTEGER, disabled_ms INTEGER, failing_since_ms INTEGER, last_error TEXT,"
    " attempts INTEGER, failed_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE TABLE secret(endpoint TEXT, place INTEGER, kind INTEGER, bytes BLOB, until_ms INTEGER,"
    " PRIMARY KEY(endpoint, place)) WITHOUT ROWID;"
    "CREATE TABLE lane(endpoint TEXT, kind INTEGER, is_open INTEGER, start INTEGER,"
    " position INTEGER, until INTEGER, previous INTEGER, PRIMARY KEY(endpoint, kind))"
    " WITHOUT ROWID;"
    "CREATE TABLE message(endpoint TEXT, kind INTEGER, place INTEGER, first INTEGER,"
    " last INTEGER, previous INTEGER, failures INTEGER, due_ms INTEGER, id TEXT, event INTEGER,"
    " time_ms INTEGER, body BLOB, spared INTEGER, wait_ms INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY(endpoint, kind, place)) WITHOUT ROWID;"
    "CREATE TABLE attempt(endpoint TEXT, number INTEGER, id TEXT, first INTEGER, last INTEGER,"
    " event INTEGER, try INTEGER, time_ms INTEGER, duration_us INTEGER, latency_ms INTEGER,"
    " status INTEGER, next_ms INTEGER, error TEXT, PRIMARY KEY(endpoint, number)) WITHOUT ROWID;"
    "CREATE TABLE log(one INTEGER PRIMARY KEY CHECK(one = 1), identity TEXT NOT "
    "NULL);" STORE_GUARD_SCHEMA "PRAGMA user_version=4;";

/* Of a file in the format before. */
static const char from_version_3[] =
    "ALTER TABLE endpoint ADD COLUMN failed_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE message ADD COLUMN wait_ms INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version=4;";

enum statement {
    PUT_ENDPOINT,
    PUT_SECRET,
    PUT_LOG,
    DELETE_ENDPOINT,
    DELETE_SECRETS,
    GET_ENDPOINTS,
    GET_SECRETS,
    GET_LOG,
    STATEMENTS_COUNT
};

static const char *const statements[STATEMENTS_COUNT] = {
    [PUT_ENDPOINT] = ("INSERT OR REPLACE INTO endpoint VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,"
                      "?12,?13,?14,?15)"),
    [PUT_SECRET] = "INSERT INTO secret VALUES(?1,?2,?3,?4,?5)",
    [PUT_LOG] = "INSERT OR REPLACE INTO log VALUES(1, ?1)",
    [DELETE_ENDPOINT] = "DELETE FROM endpoint WHERE id = ?1",
    [DELETE_SECRETS] = "DELETE FROM secret WHERE endpoint = ?1",
    [GET_ENDPOINTS] = "SELECT * FROM endpoint ORDER BY id",
    [GET_SECRETS] = "SELECT kind, bytes, until_ms FROM secret WHERE endpoint = ?1 ORDER BY place",
    [GET_LOG] = "SELECT identity FROM log",
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS_COUNT];
    struct lane_store lanes;
    struct history history;
    struct store_guard guard;
    bool syncs; /* the transaction that is open */
    int64_t synced_ms;
    struct buffer pools, accounts; /* scratch */
};

/* ---- opening ---- */

static int read_version(sqlite3 *db, int *ret_version, char *error)
{
    sqlite3_stmt *statement = NULL;
    int code = db_prepare(&statement, db, "PRAGMA user_version", error);
    if (code == 0) {
        code = db_step(statement, error);
        *ret_version = code == 1 ? (int)db_u64(statement, 0) : 0;
    }
    (void)sqlite3_finalize(statement);
    return code < 0 ? code : 0;
}

static int set_up(struct store *store, char *error)
{
    int code = db_exec(store->db, "BEGIN IMMEDIATE", error);
    store->guard.is_written = true;
    code = code == 0 ? db_exec(store->db, schema, error) : code;
    code = code == 0 ? store_guard_create(&store->guard, store->db, error) : code;
    code = code == 0 ? db_exec(store->db, "COMMIT", error) : code;
    return code == 0 ? store_guard_check(&store->guard, store->db, error) : code;
}

/* Checked as it was saved: the sums cover every column, and are made again with those added. */
static int upgrade(struct store *store, char *error)
{
    int code = store_guard_check(&store->guard, store->db, error);
    code = code == 0 ? db_exec(store->db, "BEGIN IMMEDIATE", error) : code;
    store->guard.is_written = store->guard.is_written || code == 0;
    code = code == 0 ? db_exec(store->db, from_version_3, error) : code;
    code = code == 0 ? store_guard_put_all(&store->guard, error) : code;
    return code == 0 ? db_exec(store->db, "COMMIT", error) : code;
}

static int prepare(struct store *store, const char *path, char *error)
{
    int version = VERSION;
    int code = db_set_wal(store->db, error);
    if (code == 0) {
        code = read_version(store->db, &version, error);
    }
    if (code == 0 && version == 0) {
        code = set_up(store, error);
    } else if (code == 0 && version == 3) {
        code = upgrade(store, error);
    } else if (code == 0 && version == VERSION) {
        code = store_guard_check(&store->guard, store->db, error);
    } else if (code == 0) {
        code =
            log_error(error, -EBADMSG,
                      "%s has format version %d, written by another version of backstopd; this one "
                      "reads version %d",
                      path, version, VERSION);
    }
    return code == 0
               ? rows_prepare(store->statements, store->db, statements, STATEMENTS_COUNT, error)
               : code;
}

/* SQLite's files take the mode of the database. */
static int open_database(struct store *store, const char *path, char *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return log_error(error, -errno, "cannot create %s: %s", path, strerror(errno));
    }
    (void)close(fd);
    return db_open(&store->db, path, SQLITE_OPEN_READWRITE, error);
}

int store_open(struct store **ret_store, const char *directory, uint32_t attempts_max,
               char error[LOG_ERROR_SIZE])
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof(path), "%s/" FILE_NAME, directory);
    if (size >= (int)sizeof(path)) {
        return log_error(error, -ENAMETOOLONG, "the path of the data directory is too long");
    }
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return log_error(error, -ENOMEM, "out of memory for %s", path);
    }
    int code = store_guard_inspect(&store->guard, directory, error);
    code = code == 0 ? open_database(store, path, error) : code;
    code = code == 0 ? prepare(store, path, error) : code;
    code = code == 0 ? lane_store_open(&store->lanes, store->db, error) : code;
    code = code == 0 ? history_open(&store->history, store->db, attempts_max, error) : code;
    if (code != 0) {
        store_close(store);
        return code;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    rows_finalize(store->statements, STATEMENTS_COUNT);
    lane_store_close(&store->lanes);
    history_close(&store->history);
    store_guard_close(&store->guard, store->db);
    buffer_fini(&store->pools);
    buffer_fini(&store->accounts);
    free(store);
}

int store_mark_open(struct store *store, char error[LOG_ERROR_SIZE])
{
    return store_guard_open(&store->guard, error);
}

sqlite3 *store_db(struct store *store)
{
    return store->db;
}

struct lane_store *store_lanes(struct store *store)
{
    return &store->lanes;
}

struct history *store_history(struct store *store)
{
    return &store->history;
}

/* ---- values ---- */

static void join(struct buffer *out, const struct api_name *names, uint32_t count)
{
    buffer_clear(out);
    for (uint32_t i = 0; i < count; i++) {
        buffer_append(out, names[i].bytes, names[i].size);
        buffer_append(out, "\n", 1);
    }
}

static uint32_t split(sqlite3_stmt *statement, int column, struct api_name *names, uint32_t max)
{
    struct bs_text text = db_text(statement, column);
    uint32_t count = 0;
    for (uint32_t at = 0; at < text.size && count < max; count++) {
        const char *end = memchr(text.bytes + at, '\n', text.size - at);
        uint32_t size = end == NULL ? text.size - at : (uint32_t)(end - text.bytes) - at;
        names[count].size = size <= BS_ID_SIZE_MAX ? size : BS_ID_SIZE_MAX;
        memcpy(names[count].bytes, text.bytes + at, names[count].size);
        at += size + 1;
    }
    return count;
}

/* ---- saving ---- */

int store_begin(struct store *store, bool syncs, char error[LOG_ERROR_SIZE])
{
    assert(sqlite3_get_autocommit(store->db) != 0); /* no transaction is open */
    store->syncs = syncs || clock_monotonic_ms() - store->synced_ms >= SYNC_INTERVAL_MS;
    return db_exec(store->db,
                   store->syncs ? "PRAGMA synchronous=FULL; BEGIN IMMEDIATE"
                                : "PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE",
                   error);
}

/* What was saved stays saved, and the older note still holds. */
static void note_end(struct store *store)
{
    char error[LOG_ERROR_SIZE];
    store->synced_ms = clock_monotonic_ms();
    if (store_guard_note(&store->guard, error) != 0) {
        logger_write(LOGGER_ERROR, "webhooks", "the last save is not noted",
                     LOGGER_FIELDS(logger_string("error", error)));
    }
}

int store_end(struct store *store, int code, char error[LOG_ERROR_SIZE])
{
    char ignored[LOG_ERROR_SIZE];
    if (code == 0) {
        code = store_guard_count(&store->guard, error);
    }
    if (code == 0) {
        code = db_exec(store->db, "COMMIT", error);
    }
    if (code != 0 && sqlite3_get_autocommit(store->db) == 0) {
        (void)!db_exec(store->db, "ROLLBACK", ignored);
    }
    assert(sqlite3_get_autocommit(store->db) != 0);
    if (code == 0 && store->syncs) {
        note_end(store);
    }
    return code;
}

int store_put_log(struct store *store, const char *identity, char error[LOG_ERROR_SIZE])
{
    rows_bind_string(store->statements[PUT_LOG], 1, identity);
    return db_run(store->statements[PUT_LOG], error);
}

int store_get_log(struct store *store, char ret_identity[LOG_IDENTITY_DIGITS + 1],
                  char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = store->statements[GET_LOG];
    int code = db_step(statement, error);
    ret_identity[0] = '\0';
    if (code == 1) {
        rows_copy(statement, 0, ret_identity, LOG_IDENTITY_DIGITS + 1);
    }
    return db_end(statement, code);
}

static int put_endpoint(struct store *store, const struct endpoint *endpoint, char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_ENDPOINT];
    const struct api_webhook *asked = &endpoint->asked;
    join(&store->pools, asked->pools, asked->pools_count);
    join(&store->accounts, asked->accounts, asked->accounts_count);
    if (store->pools.failed || store->accounts.failed) {
        return log_error(error, -ENOMEM, "out of memory for a webhook endpoint");
    }
    rows_bind_string(statement, 1, endpoint->id);
    rows_bind_i64(statement, 2, endpoint->created_ms);
    rows_bind_string(statement, 3, asked->url);
    db_bind_text(statement, 4, (struct bs_text){store->pools.bytes, (uint32_t)store->pools.size});
    db_bind_text(statement, 5,
                 (struct bs_text){store->accounts.bytes, (uint32_t)store->accounts.size});
    db_bind_u64(statement, 6, asked->events);
    db_bind_u64(statement, 7, asked->order);
    db_bind_u64(statement, 8, asked->signature);
    db_bind_u64(statement, 9, asked->batch_max);
    db_bind_u64(statement, 10, endpoint->reason);
    rows_bind_i64(statement, 11, endpoint->disabled_ms);
    rows_bind_i64(statement, 12, endpoint->failing_since_ms);
    rows_bind_string(statement, 13, endpoint->last_error);
    db_bind_u64(statement, 14, endpoint->attempts_count);
    rows_bind_i64(statement, 15, endpoint_failed_ms(endpoint));
    return db_run(statement, error);
}

static int put_secrets(struct store *store, const struct endpoint *endpoint, char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_SECRET];
    int code = rows_delete(store->statements[DELETE_SECRETS], endpoint->id, error);
    for (uint32_t i = 0; code == 0 && i < endpoint->secrets_count; i++) {
        const struct endpoint_secret *secret = &endpoint->secrets[i];
        rows_bind_string(statement, 1, endpoint->id);
        db_bind_u64(statement, 2, i);
        db_bind_u64(statement, 3, secret->key.kind);
        db_bind_blob(statement, 4, secret->key.bytes, secret->key.size);
        rows_bind_i64(statement, 5, secret->until_ms);
        code = db_run(statement, error);
    }
    return code;
}

int store_save(struct store *store, const struct endpoint *endpoint, char error[LOG_ERROR_SIZE])
{
    endpoint_check(endpoint);
    int code = put_endpoint(store, endpoint, error);
    code = code == 0 ? put_secrets(store, endpoint, error) : code;
    code = code == 0 ? lane_store_save(&store->lanes, endpoint, error) : code;
    code = code == 0 ? history_save(&store->history, endpoint, error) : code;
    return code == 0 ? store_guard_put(&store->guard, endpoint->id, error) : code;
}

int store_remove(struct store *store, const char *id, char error[LOG_ERROR_SIZE])
{
    int code = rows_delete(store->statements[DELETE_ENDPOINT], id, error);
    code = code == 0 ? rows_delete(store->statements[DELETE_SECRETS], id, error) : code;
    code = code == 0 ? lane_store_remove(&store->lanes, id, error) : code;
    code = code == 0 ? history_remove(&store->history, id, error) : code;
    return code == 0 ? store_guard_remove(&store->guard, id, error) : code;
}

/* ---- loading ---- */

static struct endpoint *read_endpoint(struct endpoint_host *host, sqlite3_stmt *statement)
{
    struct endpoint *endpoint = endpoint_new(host);
    if (endpoint == NULL) {
        return NULL;
    }
    struct api_webhook *asked = &endpoint->asked;
    rows_copy(statement, 0, endpoint->id, sizeof(endpoint->id));
    endpoint->created_ms = rows_i64(statement, 1);
    rows_copy(statement, 2, asked->url, sizeof(asked->url));
    asked->pools_count = split(statement, 3, asked->pools, API_FILTER_POOLS_MAX);
    asked->accounts_count = split(statement, 4, asked->accounts, API_FILTER_ACCOUNTS_MAX);
    asked->events = db_u64(statement, 5);
    asked->order = (uint8_t)db_u64(statement, 6);
    asked->signature = (uint8_t)db_u64(statement, 7);
    asked->batch_max = (uint32_t)db_u64(statement, 8);
    endpoint->reason = (uint8_t)db_u64(statement, 9);
    endpoint->disabled_ms = rows_i64(statement, 10);
    endpoint->failing_since_ms = rows_i64(statement, 11);
    rows_copy(statement, 12, endpoint->last_error, sizeof(endpoint->last_error));
    endpoint->attempts_count = db_u64(statement, 13);
    endpoint->failed_ms = rows_i64(statement, 14);
    endpoint->failing_from_ms = clock_monotonic_ms();
    return endpoint;
}

static int read_secrets(struct store *store, struct endpoint *endpoint, char *error)
{
    sqlite3_stmt *statement = store->statements[GET_SECRETS];
    int code;
    rows_bind_string(statement, 1, endpoint->id);
    while ((code = db_step(statement, error)) == 1 &&
           endpoint->secrets_count < ENDPOINT_SECRETS_MAX) {
        struct endpoint_secret *secret = &endpoint->secrets[endpoint->secrets_count++];
        const void *bytes = sqlite3_column_blob(statement, 1);
        size_t size = (size_t)sqlite3_column_bytes(statement, 1);
        secret->key.kind = (uint8_t)db_u64(statement, 0);
        secret->key.size = (uint32_t)(size <= SIGNER_KEY_SIZE_MAX ? size : 0);
        secret->until_ms = rows_i64(statement, 2);
        if (bytes == NULL || secret->key.size == 0) {
            code =
                log_error(error, -EBADMSG, FILE_NAME " is damaged: a secret of %s", endpoint->id);
            break;
        }
        memcpy(secret->key.bytes, bytes, secret->key.size);
    }
    return db_end(statement, code);
}

int store_load(struct store *store, struct endpoint_host *host, store_endpoint_fn fn, void *user,
               char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = store->statements[GET_ENDPOINTS];
    int code;
    while ((code = db_step(statement, error)) == 1) {
        struct endpoint *endpoint = read_endpoint(host, statement);
        if (endpoint == NULL) {
            code = log_error(error, -ENOMEM, "out of memory for a webhook endpoint");
            break;
        }
        code = read_secrets(store, endpoint, error);
        code = code == 0 ? lane_store_load(&store->lanes, endpoint, error) : code;
        fn(user, endpoint);
        if (code != 0) {
            break;
        }
    }
    return db_end(statement, code);
}
