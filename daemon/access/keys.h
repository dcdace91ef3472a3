/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys file in memory (key_line.h has its lines): read and checked whole, then only looked up
 * in. After a reload the new table replaces the old one as a whole; rates continue.
 *
 * Not thread safe: one thread reads the file and passes the table on.
 */
#ifndef ACCESS_KEYS_H
#define ACCESS_KEYS_H

#include "api/buffer.h"
#include "daemon/access/bucket.h"
#include "daemon/access/key_line.h"

#define KEYS_MAX 1024

struct access_key {
    struct key_line line;
    struct bucket requests;
    struct bucket items;
};

struct keys {
    struct access_key *items;
    uint32_t count;
    bool others_can_read; /* not only its owner and group: worth a warning */
};

/*
 * NULL: the file cannot be used, and `problems` got a line "FILE:LINE: what" for each reason. A
 * file without a single key is fine and lets nobody in.
 */
struct keys *keys_load(const char *path, int64_t now_ms, struct buffer *problems);
void keys_free(struct keys *keys); /* NULL is fine */

/* Compares the key's hash with every one there is, in constant time. NULL: it is none of them. */
struct access_key *keys_find(struct keys *keys, struct bs_text key);
struct access_key *keys_find_subject(struct keys *keys, const char *subject);
struct access_key *keys_find_name(struct keys *keys, const char *name);

/* Takes over from the table before: keys that kept their name and rate kept their level, too. */
void keys_inherit(struct keys *keys, struct keys *before);

#endif
