/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts of each endpoint in webhooks.db: the newest ones, up to a maximum. */
#ifndef WEBHOOKS_HISTORY_H
#define WEBHOOKS_HISTORY_H

#include "daemon/log/db.h"
#include "daemon/webhooks/endpoint.h"

#define HISTORY_STATEMENTS 3

struct history {
    sqlite3_stmt *statements[HISTORY_STATEMENTS];
    uint32_t attempts_max;
};

struct history_reader {
    bool (*on_attempt)(void *user, const struct attempt *attempt); /* false: no more */
    void *user;
};

/* Zeroed before. 0 or a negative code with a message; history_close in any case. */
BS_MUST_USE int history_open(struct history *history, sqlite3 *db, uint32_t attempts_max,
                             char error[LOG_ERROR_SIZE]);
void history_close(struct history *history);
/* Adds the attempts that are not saved and deletes those past the maximum. Within a transaction. */
BS_MUST_USE int history_save(struct history *history, const struct endpoint *endpoint,
                             char error[LOG_ERROR_SIZE]);
BS_MUST_USE int history_remove(struct history *history, const char *id, char error[LOG_ERROR_SIZE]);
/* Hands saved attempts with a number after `after` to the reader, oldest first. */
BS_MUST_USE int history_list(struct history *history, const char *id, uint64_t after,
                             const struct history_reader *reader, char error[LOG_ERROR_SIZE]);

#endif
