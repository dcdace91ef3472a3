/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/request_list.h"

void request_list_append(struct request_list *list, struct request *request)
{
    request->next = NULL;
    if (list->first == NULL) {
        list->first = request;
    } else {
        list->last->next = request;
    }
    list->last = request;
}

struct request *request_list_remove(struct request_list *list)
{
    struct request *request = list->first;
    assert(request != NULL);
    list->first = request->next;
    request->next = NULL;
    return request;
}

struct request *request_list_take(struct request_list *list)
{
    struct request *first = list->first;
    list->first = NULL;
    return first;
}
