/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways in which an answer goes out: whole, or piece by piece while the client takes it. */
#ifndef HTTP_SEND_H
#define HTTP_SEND_H

#include "daemon/http/connection.h"

/* The request's answer, from its buffer. MHD_NO: the connection has to go. */
enum MHD_Result send_answer(struct connection *connection);

/* The body of a 200: of streams and pool snapshots. */
struct chunked {
    const char *content_type;
    size_t block_size;                     /* of a piece, at most */
    MHD_ContentReaderCallback fill;        /* the library's contract */
    MHD_ContentReaderFreeCallback release; /* of `user`, after the answer; may be NULL */
    void *user;
};

/* Queues the answer; the caller has set the sweep's stage. False: it could not, and `user` was
 * released. */
BS_MUST_USE bool send_chunked(struct connection *connection, const struct chunked *chunked);

#endif
