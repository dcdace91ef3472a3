/* SPDX-License-Identifier: Apache-2.0 */
/* The rejections of a request command as bytes: docs/records.md. */
#ifndef BS_RECORD_REQUEST_H
#define BS_RECORD_REQUEST_H

#include "lib/record/command.h"
#include "lib/record/wire.h"

void bs_rejections_write(struct bs_writer *writer, const struct bs_request_command *request);
/* Reads past all rejections and leaves them where they are; the other fields have been read. */
void bs_rejections_read(struct bs_reader *reader, struct bs_request_command *request);

/* An item that its parser rejected. The code is its stable name: numbers of codes change. */
struct bs_request_rejection {
    uint32_t index; /* of the item, from 0 */
    struct bs_text code;
    struct bs_text detail; /* up to BS_DETAIL_SIZE_MAX bytes */
};

#define BS_REJECTION_SIZE_MAX (4 + 1 + BS_ID_SIZE_MAX + 1 + BS_DETAIL_SIZE_MAX)

/* Writes up to BS_REJECTION_SIZE_MAX bytes; returns how many. */
size_t bs_request_rejection_write(uint8_t *at, const struct bs_request_rejection *rejection);
/* Reads the next rejection and moves *cursor (0 to begin) past it; false after the last one. */
BS_MUST_USE bool bs_request_rejection(const struct bs_request_command *request, uint32_t *cursor,
                                      struct bs_request_rejection *ret_rejection);

#endif
