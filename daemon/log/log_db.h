/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the database files of a log. */
#ifndef LOG_DB_H
#define LOG_DB_H

#include "daemon/log/db.h"
#include "daemon/log/log_place.h"

/* For writing, unless the place is read-only. */
BS_MUST_USE int log_db_open(sqlite3 **ret_db, const struct log_place *place, uint32_t number,
                            char *error);
/* Beside the connection that writes. */
BS_MUST_USE int log_db_open_to_read(sqlite3 **ret_db, const struct log_place *place,
                                    uint32_t number, char *error);

#endif
