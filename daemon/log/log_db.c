/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_db.h"

#include <stdio.h>

#include "daemon/archive/archive_db.h"

#define URI_SIZE 2048 /* SQLite takes paths of 512 bytes */

/*
 * In a read-only place, a file that nobody writes and whose -wal holds nothing is opened as
 * immutable. Otherwise SQLite would make a -wal and a -shm, or refuse where it cannot.
 */
static bool is_immutable(const struct log_place *place, uint32_t number)
{
    return place->read_only && (place->is_alone ? log_place_size(place, number, "-wal") == 0
                                                : !log_place_has(place, number, "-wal"));
}

/* The path as a URI: what could mean something there is written as %XX. */
static void make_uri(const char *path, char uri[URI_SIZE])
{
    assert(3 * strlen(path) + sizeof("file:?immutable=1") <= URI_SIZE);
    char *at = uri + snprintf(uri, URI_SIZE, "file:");
    for (const char *from = path; *from != '\0'; from++) {
        bool is_plain = (*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') ||
                        (*from >= '0' && *from <= '9') || *from == '/' || *from == '-';
        if (is_plain) {
            *at++ = *from;
        } else {
            at += snprintf(at, 4, "%%%02X", (unsigned)(unsigned char)*from);
        }
    }
    (void)snprintf(at, sizeof("?immutable=1"), "?immutable=1");
}

int log_db_open_to_read(sqlite3 **ret_db, const struct log_place *place, uint32_t number,
                        char *error)
{
    char path[PATH_MAX];
    char uri[URI_SIZE];
    if (place->archive != NULL && !log_place_has(place, number, "")) {
        return archive_open_db(place->archive, number, ret_db, error);
    }
    log_place_path(place, number, path);
    if (!is_immutable(place, number)) {
        return db_open(ret_db, path, SQLITE_OPEN_READONLY, error);
    }
    make_uri(path, uri);
    return db_open(ret_db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error);
}

int log_db_open(sqlite3 **ret_db, const struct log_place *place, uint32_t number, char *error)
{
    char path[PATH_MAX];
    if (place->read_only) {
        return log_db_open_to_read(ret_db, place, number, error);
    }
    log_place_path(place, number, path);
    return db_open(ret_db, path, SQLITE_OPEN_READWRITE, error);
}
