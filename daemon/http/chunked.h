/* SPDX-License-Identifier: Apache-2.0 */
/* A 200 whose body is made piece by piece while the client takes it: streams, pool snapshots. */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "daemon/http/connection.h"

struct chunked {
    const char *content_type;
    size_t block_size;                     /* of a piece, at most */
    MHD_ContentReaderCallback fill;        /* the library's contract */
    MHD_ContentReaderFreeCallback release; /* of `user`, after the answer; may be NULL */
    void *user;
};

/* Queues the answer; the caller has set the sweep's stage. False: it could not, and `user` was
 * released. */
BS_MUST_USE bool chunked_send(struct connection *connection, const struct chunked *chunked);

#endif
