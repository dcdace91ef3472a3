/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in a row, linked by their own `next`: first in first out. An empty list is all 0. */
#ifndef REQUEST_LIST_H
#define REQUEST_LIST_H

#include "daemon/answer/request.h"

struct request_list {
    struct request *first, *last; /* last: only while there is a first */
};

void request_list_append(struct request_list *list, struct request *request);
/* Removes the first one; the list is not empty. */
struct request *request_list_remove(struct request_list *list);
/* Empties the list and returns its first request, linked to the others; NULL when it was empty. */
struct request *request_list_take(struct request_list *list);

#endif
