/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes about webhooks that came with an Idempotency-Key, and their answers: in webhooks.db, in
 * the transaction of what they changed, so that a repeat finds both or neither.
 */
#ifndef WEBHOOKS_REPEATS_H
#define WEBHOOKS_REPEATS_H

#include "daemon/log/db.h"
#include "daemon/log/log.h"
#include "daemon/webhooks/webhooks.h"

#define REPEATS_MAX 1024 /* answers remembered, the last ones */

struct repeats {
    sqlite3_stmt *put, *trim, *find;
};

/* The answer of a job, to be given once its change is saved. */
struct repeats_answer {
    const struct webhooks_job *job;
    int status; /* HTTP */
    struct buffer body;
};

/* Zeroed before. 0 or a negative code with a message; repeats_close in any case. */
BS_MUST_USE int repeats_open(struct repeats *repeats, sqlite3 *db, char error[LOG_ERROR_SIZE]);
void repeats_close(struct repeats *repeats);
/* Remembers the answer if its job has a key; NULL is fine. Within a transaction. */
BS_MUST_USE int repeats_put(struct repeats *repeats, const struct repeats_answer *answer,
                            char error[LOG_ERROR_SIZE]);
/* 1: the job came before, and its request has the answer; 0: it is new; or a negative code. */
BS_MUST_USE int repeats_find(struct repeats *repeats, struct webhooks_job *job,
                             char error[LOG_ERROR_SIZE]);

#endif
