/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request guard: what libmicrohttpd 0.9.75 lets through and a proxy might read differently is
 * refused here, before a byte of the body is read. Pure: it gets one header after another.
 *
 * The library splits the head in place, and its result no longer shows a folded line, a NUL, a bare
 * CR or a bare LF ("Content-Length:" CR LF " 5" becomes a header named Content-Length5). But each
 * piece must then begin where the one before it ended:
 *
 *     GET\0/livez\0HTTP/1.1\0\0Host\0 x\0\0Name\0 value\0\0\r\n        (\0 in place of : and CR LF)
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "lib/base/base.h"
#include "lib/base/status.h"

#define GUARD_DETAIL_SIZE 128

enum guard_media { MEDIA_NONE, MEDIA_JSON, MEDIA_NDJSON, MEDIA_OTHER };

struct guard {
    enum bs_status status; /* BS_OK, or why the request is refused */
    char detail[GUARD_DETAIL_SIZE];
    uint32_t hosts;
    uint32_t lengths;
    uint32_t types;
    uint32_t authorizations;
    uint64_t length; /* Content-Length; 0 when absent */
    enum guard_media media;
    struct bs_text authorization; /* the value, where the library has it; read it at once */
    const char *target_end;
    const char *next; /* where the next header must begin; NULL = the layout is not checked */
};

/* The parts of a request line, and the size of the head, where the library left them. */
struct guard_line {
    const char *method;
    const char *version;
    size_t head_size;
};

/* As soon as the request line has arrived: its target with the query, not yet decoded. */
void guard_target(struct guard *guard, const char *target);
/* Before the first header: from here on the layout is checked. */
void guard_layout(struct guard *guard, const struct guard_line *line);

/* Takes the next header; the first thing wrong decides. */
void guard_header(struct guard *guard, struct bs_text name, struct bs_text value);
/* After the last header: checks what only the whole head shows. */
void guard_finish(struct guard *guard, const struct guard_line *line);
/* The route is known: checks that it takes this body. */
void guard_body(struct guard *guard, bool takes_body, uint64_t body_size_max);

/* Copies text for a message: printable ASCII stays, other bytes become '?', cut to the capacity. */
void guard_printable(char *out, size_t capacity, struct bs_text text);

#endif
