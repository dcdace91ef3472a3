/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_pages.h"

#include <errno.h>

#include "daemon/log/log_db.h"
#include "daemon/log/log_sqlite.h"

static int check_file(sqlite3 *db, char *error)
{
    sqlite3_stmt *statement;
    int result = db_prepare(&statement, db, "PRAGMA integrity_check(1)", error);
    if (result != 0) {
        return result;
    }
    result = db_step(statement, error);
    if (result == 1) {
        struct bs_text found = db_text(statement, 0);
        result = bs_text_equal(found, (struct bs_text){"ok", 2})
                     ? 0
                     : log_error(error, -EBADMSG, "%s is damaged: %.*s",
                                 sqlite3_db_filename(db, "main"), (int)found.size, found.bytes);
    }
    (void)sqlite3_finalize(statement);
    return result;
}

int log_check_pages(struct command_log *log, char error[LOG_ERROR_SIZE])
{
    struct log_sqlite *sqlite = log_sqlite_of(log);
    uint32_t last = file_index_last(&sqlite->index);
    int result = 0;
    for (uint32_t number = file_index_first(&sqlite->index); result == 0 && number <= last;
         number++) {
        sqlite3 *db;
        result = log_db_open_to_read(&db, &sqlite->place, number, error);
        if (result == 0) {
            result = check_file(db, error);
            (void)sqlite3_close(db);
        }
    }
    return result;
}
