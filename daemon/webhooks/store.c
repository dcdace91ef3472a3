/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint is saved whole: its row is replaced, its lanes, secrets and messages are deleted and
 * written again (there are few of them: messages only where one has failed), new attempts are added
 * and old ones deleted.
 */
#include "daemon/webhooks/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log/log_backend.h"
#include "daemon/webhooks/internal.h"

#define FILE_NAME "webhooks.db"
#define VERSION 2

static const char schema[] =
    "CREATE TABLE endpoint(id TEXT PRIMARY KEY, created_ms INTEGER, url TEXT, pools TEXT,"
    " accounts TEXT, events INTEGER, ordering INTEGER, signature INTEGER, batch_max INTEGER,"
    " reason INTEGER, disabled_ms INTEGER, failing_since_ms INTEGER, last_error TEXT,"
    " attempts INTEGER) WITHOUT ROWID;"
    "CREATE TABLE secret(endpoint TEXT, place INTEGER, kind INTEGER, bytes BLOB, until_ms INTEGER,"
    " PRIMARY KEY(endpoint, place)) WITHOUT ROWID;"
    "CREATE TABLE lane(endpoint TEXT, kind INTEGER, is_open INTEGER, start INTEGER,"
    " position INTEGER, until INTEGER, previous INTEGER, PRIMARY KEY(endpoint, kind))"
    " WITHOUT ROWID;"
    "CREATE TABLE message(endpoint TEXT, kind INTEGER, place INTEGER, first INTEGER,"
    " last INTEGER, previous INTEGER, failures INTEGER, due_ms INTEGER, id TEXT, event INTEGER,"
    " time_ms INTEGER, body BLOB, spared INTEGER, PRIMARY KEY(endpoint, kind, place)) WITHOUT "
    "ROWID;"
    "CREATE TABLE attempt(endpoint TEXT, number INTEGER, id TEXT, first INTEGER, last INTEGER,"
    " event INTEGER, try INTEGER, time_ms INTEGER, duration_us INTEGER, latency_ms INTEGER,"
    " status INTEGER, next_ms INTEGER, error TEXT, PRIMARY KEY(endpoint, number)) WITHOUT ROWID;"
    "CREATE TABLE log(one INTEGER PRIMARY KEY CHECK(one = 1), identity TEXT NOT NULL);"
    "PRAGMA user_version=2;";

#define ATTEMPT_COLUMNS                                                                            \
    "number, id, first, last, event, try, time_ms, duration_us, latency_ms, status, next_ms, "     \
    "error"

enum statement {
    PUT_ENDPOINT,
    PUT_SECRET,
    PUT_LANE,
    PUT_MESSAGE,
    PUT_ATTEMPT,
    PUT_LOG,
    DELETE_ENDPOINT,
    DELETE_SECRETS,
    DELETE_LANES,
    DELETE_MESSAGES,
    DELETE_ATTEMPTS,
    GET_ENDPOINTS,
    GET_SECRETS,
    GET_LANES,
    GET_MESSAGES,
    GET_ATTEMPTS,
    GET_LOG,
    STATEMENTS_COUNT
};

static const char *const statements[STATEMENTS_COUNT] = {
    [PUT_ENDPOINT] = "INSERT OR REPLACE INTO endpoint VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,"
                     "?12,?13,?14)",
    [PUT_SECRET] = "INSERT INTO secret VALUES(?1,?2,?3,?4,?5)",
    [PUT_LANE] = "INSERT OR REPLACE INTO lane VALUES(?1,?2,?3,?4,?5,?6,?7)",
    [PUT_MESSAGE] = "INSERT INTO message VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [PUT_ATTEMPT] = "INSERT INTO attempt VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [PUT_LOG] = "INSERT OR REPLACE INTO log VALUES(1, ?1)",
    [DELETE_ENDPOINT] = "DELETE FROM endpoint WHERE id = ?1",
    [DELETE_SECRETS] = "DELETE FROM secret WHERE endpoint = ?1",
    [DELETE_LANES] = "DELETE FROM lane WHERE endpoint = ?1",
    [DELETE_MESSAGES] = "DELETE FROM message WHERE endpoint = ?1",
    [DELETE_ATTEMPTS] = "DELETE FROM attempt WHERE endpoint = ?1 AND number <= ?2",
    [GET_ENDPOINTS] = "SELECT * FROM endpoint ORDER BY id",
    [GET_SECRETS] = "SELECT kind, bytes, until_ms FROM secret WHERE endpoint = ?1 ORDER BY place",
    [GET_LANES] = "SELECT kind, is_open, start, position, until, previous FROM lane"
                  " WHERE endpoint = ?1 ORDER BY kind",
    [GET_MESSAGES] =
        "SELECT kind, first, last, previous, failures, due_ms, id, event, time_ms, body,"
        " spared FROM message WHERE endpoint = ?1 ORDER BY kind, place",
    [GET_ATTEMPTS] = "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE endpoint = ?1 AND number > ?2"
                     " ORDER BY number",
    [GET_LOG] = "SELECT identity FROM log",
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS_COUNT];
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

static int prepare(struct store *store, const char *path, char *error)
{
    int version = 0;
    int code = db_exec(store->db, "PRAGMA journal_mode=WAL", error);
    if (code == 0) {
        code = read_version(store->db, &version, error);
    }
    if (code == 0 && version == 0) {
        code = db_exec(store->db, "BEGIN IMMEDIATE", error);
        code = code == 0 ? db_exec(store->db, schema, error) : code;
        code = code == 0 ? db_exec(store->db, "COMMIT", error) : code;
    } else if (code == 0 && version != VERSION) {
        code =
            log_error(error, -EBADMSG,
                      "%s has format version %d, written by another version of backstopd; this one "
                      "reads version %d",
                      path, version, VERSION);
    }
    for (uint32_t i = 0; code == 0 && i < STATEMENTS_COUNT; i++) {
        code = db_prepare(&store->statements[i], store->db, statements[i], error);
    }
    return code;
}

int store_open(struct store **ret_store, const char *directory, char error[LOG_ERROR_SIZE])
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof(path), "%s/" FILE_NAME, directory);
    if (size >= (int)sizeof(path)) {
        return log_error(error, -ENAMETOOLONG, "the path of the data directory is too long");
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* SQLite's files take its mode */
    if (fd < 0) {
        return log_error(error, -errno, "cannot create %s: %s", path, strerror(errno));
    }
    (void)close(fd);
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return log_error(error, -ENOMEM, "out of memory for %s", path);
    }
    int code = db_open(&store->db, path, SQLITE_OPEN_READWRITE, error);
    if (code == 0) {
        code = prepare(store, path, error);
    }
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
    for (uint32_t i = 0; i < STATEMENTS_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close(store->db);
    buffer_fini(&store->pools);
    buffer_fini(&store->accounts);
    free(store);
}

sqlite3 *store_db(struct store *store)
{
    return store->db;
}

/* ---- values ---- */

static struct bs_text text_of(const char *text)
{
    return (struct bs_text){text, (uint32_t)strlen(text)};
}

static void bind_i64(sqlite3_stmt *statement, int index, int64_t value)
{
    (void)sqlite3_bind_int64(statement, index, value);
}

static int64_t column_i64(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

static void copy_column(sqlite3_stmt *statement, int column, char *target, size_t capacity)
{
    struct bs_text text = db_text(statement, column);
    size_t size = text.size < capacity ? text.size : capacity - 1;
    if (size > 0) {
        memcpy(target, text.bytes, size);
    }
    target[size] = '\0';
}

/* Names hold no control characters: lines. */
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

/* Moments of the monotonic clock mean nothing to the next process. */
static int64_t to_wall_ms(int64_t due_ms)
{
    return due_ms == 0 ? 0 : due_ms - webhooks_now_ms() + webhooks_wall_ms();
}

static int64_t from_wall_ms(int64_t wall_ms)
{
    return wall_ms == 0 ? 0 : wall_ms - webhooks_wall_ms() + webhooks_now_ms();
}

/* ---- saving ---- */

int store_begin(struct store *store, bool syncs, char error[LOG_ERROR_SIZE])
{
    return db_exec(store->db,
                   syncs ? "PRAGMA synchronous=FULL; BEGIN IMMEDIATE"
                         : "PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE",
                   error);
}

int store_end(struct store *store, int code, char error[LOG_ERROR_SIZE])
{
    char ignored[LOG_ERROR_SIZE];
    if (code == 0) {
        code = db_exec(store->db, "COMMIT", error);
    }
    if (code != 0 && sqlite3_get_autocommit(store->db) == 0) {
        (void)!db_exec(store->db, "ROLLBACK", ignored);
    }
    return code;
}

static int delete_of(struct store *store, enum statement which, const char *id, char *error)
{
    db_bind_text(store->statements[which], 1, text_of(id));
    return db_run(store->statements[which], error);
}

int store_put_log(struct store *store, const char *identity, char error[LOG_ERROR_SIZE])
{
    db_bind_text(store->statements[PUT_LOG], 1, text_of(identity));
    return db_run(store->statements[PUT_LOG], error);
}

int store_get_log(struct store *store, char ret_identity[LOG_IDENTITY_DIGITS + 1],
                  char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = store->statements[GET_LOG];
    int code = db_step(statement, error);
    ret_identity[0] = '\0';
    if (code == 1) {
        copy_column(statement, 0, ret_identity, LOG_IDENTITY_DIGITS + 1);
    }
    return db_end(statement, code);
}

static int put_endpoint(struct store *store, const struct endpoint *endpoint, char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_ENDPOINT];
    const struct api_webhook *asked = &endpoint->asked;
    join(&store->pools, asked->pools, asked->pools_count);
    join(&store->accounts, asked->accounts, asked->accounts_count);
    db_bind_text(statement, 1, text_of(endpoint->id));
    bind_i64(statement, 2, endpoint->created_ms);
    db_bind_text(statement, 3, text_of(asked->url));
    db_bind_text(statement, 4, (struct bs_text){store->pools.bytes, (uint32_t)store->pools.size});
    db_bind_text(statement, 5,
                 (struct bs_text){store->accounts.bytes, (uint32_t)store->accounts.size});
    db_bind_u64(statement, 6, asked->events);
    db_bind_u64(statement, 7, asked->order);
    db_bind_u64(statement, 8, asked->signature);
    db_bind_u64(statement, 9, asked->batch_max);
    db_bind_u64(statement, 10, endpoint->reason);
    bind_i64(statement, 11, endpoint->disabled_ms);
    bind_i64(statement, 12, endpoint->failing_since_ms);
    db_bind_text(statement, 13, text_of(endpoint->last_error));
    db_bind_u64(statement, 14, endpoint->attempts_count);
    return db_run(statement, error);
}

static int put_secrets(struct store *store, const struct endpoint *endpoint, char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_SECRET];
    int code = delete_of(store, DELETE_SECRETS, endpoint->id, error);
    for (uint32_t i = 0; code == 0 && i < endpoint->secrets_count; i++) {
        const struct endpoint_secret *secret = &endpoint->secrets[i];
        db_bind_text(statement, 1, text_of(endpoint->id));
        db_bind_u64(statement, 2, i);
        db_bind_u64(statement, 3, secret->key.kind);
        db_bind_blob(statement, 4, secret->key.bytes, secret->key.size);
        bind_i64(statement, 5, secret->until_ms);
        code = db_run(statement, error);
    }
    return code;
}

static int put_message(struct store *store, const struct message *message, uint32_t place,
                       char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_MESSAGE];
    bool is_of_log = message->first != 0;
    db_bind_text(statement, 1, text_of(message->lane->endpoint->id));
    db_bind_u64(statement, 2, message->lane->kind);
    db_bind_u64(statement, 3, place);
    db_bind_u64(statement, 4, message->first);
    db_bind_u64(statement, 5, message->last);
    db_bind_u64(statement, 6, message->previous);
    db_bind_u64(statement, 7, message->failures);
    bind_i64(statement, 8, to_wall_ms(message->due_ms));
    db_bind_text(statement, 9, text_of(message->id));
    db_bind_u64(statement, 10, message->event);
    bind_i64(statement, 11, message->time_ms);
    db_bind_blob(statement, 12, message->body.bytes, is_of_log ? 0 : message->body.size);
    db_bind_u64(statement, 13, message->spared);
    return db_run(statement, error);
}

static int put_lane(struct store *store, const struct lane *lane, char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_LANE];
    uint64_t position = 0;
    uint64_t previous = 0;
    lane_place(lane, &position, &previous);
    db_bind_text(statement, 1, text_of(lane->endpoint->id));
    db_bind_u64(statement, 2, lane->kind);
    db_bind_u64(statement, 3, lane->is_open);
    db_bind_u64(statement, 4, lane->start);
    db_bind_u64(statement, 5, position);
    db_bind_u64(statement, 6, lane->until);
    db_bind_u64(statement, 7, previous);
    int code = db_run(statement, error);
    uint32_t place = 0;
    for (const struct message *message = lane->first; code == 0 && message != NULL;
         message = message->next) {
        bool is_kept = lane->kind == LANE_OTHER
                           ? message->job == NULL && message->event != API_EVENT_TEST
                           : lane_saves(lane, message);
        if (is_kept) {
            code = put_message(store, message, place++, error);
        }
    }
    return code;
}

static int put_attempt(struct store *store, const char *id, const struct attempt *attempt,
                       char *error)
{
    sqlite3_stmt *statement = store->statements[PUT_ATTEMPT];
    db_bind_text(statement, 1, text_of(id));
    db_bind_u64(statement, 2, attempt->number);
    db_bind_text(statement, 3, text_of(attempt->id));
    db_bind_u64(statement, 4, attempt->first);
    db_bind_u64(statement, 5, attempt->last);
    db_bind_u64(statement, 6, attempt->event);
    db_bind_u64(statement, 7, attempt->try_number);
    bind_i64(statement, 8, attempt->time_ms);
    db_bind_u64(statement, 9, attempt->duration_us);
    bind_i64(statement, 10, attempt->latency_ms);
    bind_i64(statement, 11, attempt->status);
    bind_i64(statement, 12, attempt->next_ms);
    db_bind_text(statement, 13, text_of(attempt->error));
    return db_run(statement, error);
}

static int put_attempts(struct store *store, const struct endpoint *endpoint, uint32_t history_max,
                        char *error)
{
    int code = 0;
    for (const struct attempt *attempt = endpoint->unsaved; code == 0 && attempt != NULL;
         attempt = attempt->next) {
        code = put_attempt(store, endpoint->id, attempt, error);
    }
    if (code == 0 && endpoint->attempts_count > history_max) {
        db_bind_u64(store->statements[DELETE_ATTEMPTS], 2, endpoint->attempts_count - history_max);
        code = delete_of(store, DELETE_ATTEMPTS, endpoint->id, error);
    }
    return code;
}

int store_save(struct store *store, const struct endpoint *endpoint, uint32_t history_max,
               char error[LOG_ERROR_SIZE])
{
    int code = put_endpoint(store, endpoint, error);
    if (code == 0) {
        code = put_secrets(store, endpoint, error);
    }
    if (code == 0) {
        code = delete_of(store, DELETE_MESSAGES, endpoint->id, error);
    }
    for (uint32_t kind = 0; code == 0 && kind < LANE_COUNT; kind++) {
        code = put_lane(store, &endpoint->lanes[kind], error);
    }
    return code == 0 ? put_attempts(store, endpoint, history_max, error) : code;
}

int store_remove(struct store *store, const char *id, char error[LOG_ERROR_SIZE])
{
    int code = 0;
    db_bind_u64(store->statements[DELETE_ATTEMPTS], 2, INT64_MAX);
    for (enum statement which = DELETE_ENDPOINT; code == 0 && which <= DELETE_ATTEMPTS; which++) {
        code = delete_of(store, which, id, error);
    }
    return code;
}

/* ---- loading ---- */

static struct endpoint *read_endpoint(struct webhooks *webhooks, sqlite3_stmt *statement)
{
    struct endpoint *endpoint = endpoint_new(webhooks);
    struct api_webhook *asked = &endpoint->asked;
    copy_column(statement, 0, endpoint->id, sizeof(endpoint->id));
    endpoint->created_ms = column_i64(statement, 1);
    copy_column(statement, 2, asked->url, sizeof(asked->url));
    asked->pools_count = split(statement, 3, asked->pools, API_FILTER_POOLS_MAX);
    asked->accounts_count = split(statement, 4, asked->accounts, API_FILTER_ACCOUNTS_MAX);
    asked->events = db_u64(statement, 5);
    asked->order = (uint8_t)db_u64(statement, 6);
    asked->signature = (uint8_t)db_u64(statement, 7);
    asked->batch_max = (uint32_t)db_u64(statement, 8);
    endpoint->reason = (uint8_t)db_u64(statement, 9);
    endpoint->disabled_ms = column_i64(statement, 10);
    endpoint->failing_since_ms = column_i64(statement, 11);
    copy_column(statement, 12, endpoint->last_error, sizeof(endpoint->last_error));
    endpoint->attempts_count = db_u64(statement, 13);
    return endpoint;
}

static int read_secrets(struct store *store, struct endpoint *endpoint, char *error)
{
    sqlite3_stmt *statement = store->statements[GET_SECRETS];
    int code;
    db_bind_text(statement, 1, text_of(endpoint->id));
    while ((code = db_step(statement, error)) == 1 &&
           endpoint->secrets_count < ENDPOINT_SECRETS_MAX) {
        struct endpoint_secret *secret = &endpoint->secrets[endpoint->secrets_count++];
        const void *bytes = sqlite3_column_blob(statement, 1);
        size_t size = (size_t)sqlite3_column_bytes(statement, 1);
        secret->key.kind = (uint8_t)db_u64(statement, 0);
        secret->key.size = (uint32_t)(size <= SIGNER_KEY_SIZE_MAX ? size : 0);
        secret->until_ms = column_i64(statement, 2);
        if (bytes == NULL || secret->key.size == 0) {
            code =
                log_error(error, -EBADMSG, FILE_NAME " is damaged: a secret of %s", endpoint->id);
            break;
        }
        memcpy(secret->key.bytes, bytes, secret->key.size);
    }
    return db_end(statement, code);
}

static int read_lanes(struct store *store, struct endpoint *endpoint, char *error)
{
    sqlite3_stmt *statement = store->statements[GET_LANES];
    int code;
    db_bind_text(statement, 1, text_of(endpoint->id));
    while ((code = db_step(statement, error)) == 1) {
        uint64_t kind = db_u64(statement, 0);
        if (kind >= LANE_COUNT) {
            continue;
        }
        struct lane *lane = &endpoint->lanes[kind];
        lane->is_open = db_u64(statement, 1) != 0;
        lane->start = db_u64(statement, 2);
        lane->position = db_u64(statement, 3);
        lane->until = db_u64(statement, 4);
        lane->previous = db_u64(statement, 5);
    }
    return db_end(statement, code);
}

int store_load(struct store *store, struct webhooks *webhooks,
               void (*fn)(struct webhooks *webhooks, struct endpoint *endpoint),
               char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = store->statements[GET_ENDPOINTS];
    int code;
    while ((code = db_step(statement, error)) == 1) {
        struct endpoint *endpoint = read_endpoint(webhooks, statement);
        code = read_secrets(store, endpoint, error);
        if (code == 0) {
            code = read_lanes(store, endpoint, error);
        }
        fn(webhooks, endpoint);
        if (code != 0) {
            break;
        }
    }
    return db_end(statement, code);
}

int store_load_messages(struct store *store, struct endpoint *endpoint, store_message_fn fn,
                        char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = store->statements[GET_MESSAGES];
    int code;
    db_bind_text(statement, 1, text_of(endpoint->id));
    while ((code = db_step(statement, error)) == 1) {
        enum lane_kind kind = (enum lane_kind)db_u64(statement, 0);
        const void *body = sqlite3_column_blob(statement, 9);
        struct message message = {
            .first = db_u64(statement, 1),
            .last = db_u64(statement, 2),
            .previous = db_u64(statement, 3),
            .failures = (uint32_t)db_u64(statement, 4),
            .due_ms = from_wall_ms(column_i64(statement, 5)),
            .event = (uint8_t)db_u64(statement, 7),
            .time_ms = column_i64(statement, 8),
            .spared = (uint32_t)db_u64(statement, 10),
        };
        copy_column(statement, 6, message.id, sizeof(message.id));
        if (body != NULL) {
            buffer_append(&message.body, body, (size_t)sqlite3_column_bytes(statement, 9));
        }
        code = kind < LANE_COUNT ? fn(endpoint, kind, &message, error) : 0;
        buffer_fini(&message.body);
        if (code != 0) {
            break;
        }
    }
    return db_end(statement, code);
}

int store_attempts(struct store *store, const char *id, uint64_t after, store_attempt_fn fn,
                   void *user, char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = store->statements[GET_ATTEMPTS];
    int code;
    db_bind_text(statement, 1, text_of(id));
    db_bind_u64(statement, 2, after);
    while ((code = db_step(statement, error)) == 1) {
        struct attempt attempt = {
            .number = db_u64(statement, 0),
            .first = db_u64(statement, 2),
            .last = db_u64(statement, 3),
            .event = (uint8_t)db_u64(statement, 4),
            .try_number = (uint32_t)db_u64(statement, 5),
            .time_ms = column_i64(statement, 6),
            .duration_us = db_u64(statement, 7),
            .latency_ms = column_i64(statement, 8),
            .status = (int)db_u64(statement, 9),
            .next_ms = column_i64(statement, 10),
        };
        copy_column(statement, 1, attempt.id, sizeof(attempt.id));
        copy_column(statement, 11, attempt.error, sizeof(attempt.error));
        if (!fn(user, &attempt)) {
            break;
        }
    }
    return db_end(statement, code);
}
