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
 * is fine), and will find *ret_commits commits in it. -EBADMSG: it is damaged, `error` names the
 * file and the frame. Else a negative errno. `name` is the file's name in the directory `directory`,
 * an open descriptor. With `syncs`, each commit was synced before the next one was written.
 */
BS_MUST_USE int wal_scan(int directory, const char *name, bool syncs, uint64_t *ret_commits,
                         char *error);

#endif
