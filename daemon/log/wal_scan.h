/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks through a SQLite -wal file before SQLite does. SQLite ends a -wal at the first frame that
 * does not check out and silently drops everything after it, acknowledged commits included. That is
 * right for a write that was torn, and data loss for a write that was damaged later.
 */
#ifndef WAL_SCAN_H
#define WAL_SCAN_H

#include "lib/base/base.h"

/*
 * 0: SQLite may open it (it may end in a torn, never acknowledged commit; a missing or empty file
 * is fine). -EBADMSG: it is damaged, `error` names the file and the frame. Else a negative errno.
 * `name` is the file's name in the directory `directory`, an open descriptor.
 */
BS_MUST_USE int wal_scan(int directory, const char *name, char *error);

#endif
