/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/repeats.h"

#include "daemon/answer/answer.h"

#define NUMBER(text) #text
#define SQL_NUMBER(macro) NUMBER(macro)

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS answer(caller TEXT, key TEXT, number INTEGER, fingerprint BLOB,"
    " status INTEGER, body BLOB, PRIMARY KEY(caller, key)) WITHOUT ROWID;";
static const char put[] = "INSERT INTO answer SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4,"
                          " ?5 FROM answer";
static const char trim[] = "DELETE FROM answer WHERE number <="
                           " (SELECT max(number) FROM answer) - " SQL_NUMBER(REPEATS_MAX);
static const char find[] =
    "SELECT fingerprint, status, body FROM answer WHERE caller = ?1 AND key = ?2";

int repeats_open(struct repeats *repeats, sqlite3 *db, char error[LOG_ERROR_SIZE])
{
    int code = db_exec(db, schema, error);
    code = code == 0 ? db_prepare(&repeats->put, db, put, error) : code;
    code = code == 0 ? db_prepare(&repeats->trim, db, trim, error) : code;
    return code == 0 ? db_prepare(&repeats->find, db, find, error) : code;
}

void repeats_close(struct repeats *repeats)
{
    (void)sqlite3_finalize(repeats->put);
    (void)sqlite3_finalize(repeats->trim);
    (void)sqlite3_finalize(repeats->find);
    *repeats = (struct repeats){0};
}

static void bind_key(sqlite3_stmt *statement, const struct webhooks_job *job)
{
    db_bind_text(statement, 1, (struct bs_text){job->caller, (uint32_t)strlen(job->caller)});
    db_bind_text(statement, 2, (struct bs_text){job->key, job->key_size});
}

int repeats_put(struct repeats *repeats, const struct repeats_answer *answer,
                char error[LOG_ERROR_SIZE])
{
    if (answer == NULL || answer->job->key_size == 0) {
        return 0;
    }
    assert(answer->status >= 200);
    assert(answer->body.size > 0);
    bind_key(repeats->put, answer->job);
    db_bind_blob(repeats->put, 3, answer->job->fingerprint, sizeof(answer->job->fingerprint));
    db_bind_u64(repeats->put, 4, (uint64_t)answer->status);
    db_bind_blob(repeats->put, 5, answer->body.bytes, answer->body.size);
    int code = db_run(repeats->put, error);
    return code == 0 ? db_run(repeats->trim, error) : code;
}

int repeats_find(struct repeats *repeats, struct webhooks_job *job, char error[LOG_ERROR_SIZE])
{
    sqlite3_stmt *statement = repeats->find;
    struct request *request = job->request;
    assert(job->key_size > 0);
    assert(request->body.size == 0);
    bind_key(statement, job);
    int code = db_step(statement, error);
    if (code == 1) {
        const void *fingerprint = sqlite3_column_blob(statement, 0);
        bool is_same = sqlite3_column_bytes(statement, 0) == (int)sizeof(job->fingerprint) &&
                       memcmp(fingerprint, job->fingerprint, sizeof(job->fingerprint)) == 0;
        if (is_same) {
            const void *body = sqlite3_column_blob(statement, 2);
            buffer_append(&request->body, body, (size_t)sqlite3_column_bytes(statement, 2));
            answer_json(request, (int)db_u64(statement, 1));
            request->repeat = REPEAT_ANSWERED;
        } else {
            answer_problem(request, BS_IDEMPOTENCY_KEY_REUSED, NULL);
        }
    }
    (void)sqlite3_reset(statement);
    return code;
}
