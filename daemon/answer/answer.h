/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a request: its status, its content type, and problem documents as its body. */
#ifndef ANSWER_H
#define ANSWER_H

#include "daemon/answer/request.h"

/* A problem document in place of whatever the body holds; detail NULL = the status's sentence. */
void answer_problem(struct request *request, enum bs_status status, const char *detail);
/* The same; the detail is "field: sentence". */
void answer_refused(struct request *request, enum bs_status status, const char *field);
/* A problem document about a failure that was logged: -ENOMEM, or any other code. */
void answer_failure(struct request *request, int code);
/* The body is complete JSON; with a status of 400 or more it is a problem document. */
void answer_json(struct request *request, int status);
/* The same for another content type, which stays the caller's. */
void answer_body(struct request *request, int status, const char *content_type);

#endif
