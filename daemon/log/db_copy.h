/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a database that is in use. */
#ifndef DB_COPY_H
#define DB_COPY_H

#include "daemon/log/db.h"

/* Asked between pieces; false: the copy is no longer wanted (-ECANCELED). */
struct db_copy_options {
    bool (*goes_on)(void *user);
    void *user;
    const char *last; /* statements that the copy takes at the end */
};

/*
 * Copies what the transaction that `source` is in sees, in pieces, beside its writers. The new file
 * has mode 0600 and no -wal. 0, or a negative code; then no file is left. The copy is not synced.
 */
BS_MUST_USE int db_copy(sqlite3 *source, const char *target, const struct db_copy_options *options,
                        char *error);

#endif
