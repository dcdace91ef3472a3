/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as text: problem documents and pages of lists. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "daemon/core/request.h"

#define TYPE_JSON "application/json"
#define TYPE_PROBLEM "application/problem+json"
#define TYPE_YAML "application/yaml"

/* A problem document in place of whatever the body holds; detail NULL = the status's sentence. */
void answer_problem(struct request *request, enum bs_status status, const char *detail);
/* The detail is "field: sentence". */
void answer_refused(struct request *request, enum bs_status status, const char *field);
void answer_json(struct request *request, int status);

/* Lists: {"data":[...],"next":...}. A page of state ends early past PAGE_SIZE_MAX bytes. */
#define PAGE_SIZE_MAX ((size_t)1 << 20)
void page_begin(struct buffer *out);
void page_comma(struct buffer *out);                 /* before each item */
void page_end(struct buffer *out, const char *next); /* NULL: nothing follows */
void page_end_number(struct buffer *out, bool has_next, uint64_t next);

#endif
