/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers that clients have not read yet, all of them together. One alone may be of any size;
 * when there are more bytes than `unread_size_max`, the connections that have been reading for the
 * longest are cut, as many as it takes. The HTTP thread's alone.
 */
#ifndef HTTP_UNREAD_H
#define HTTP_UNREAD_H

struct connection;

/* The connection begins to send its answer. */
void unread_add(struct connection *connection);
/* It was sent, or the client is gone. Also without unread_add. */
void unread_remove(struct connection *connection);

#endif
