/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a file of any size line by line in bounded memory. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdint.h>
#include <stdio.h>

#include "api/buffer.h"

#define LINE_SIZE_MAX ((size_t)8 << 20) /* longer than any command record */

enum lines_result { LINES_NEXT, LINES_END, LINES_TOO_LONG, LINES_FAILED };

struct lines {
    FILE *file;
    struct buffer window; /* bytes read; those not yet returned begin at `start` */
    size_t start;
    uint64_t number;      /* of the last line, from 1 */
    uint64_t bytes_count; /* returned so far, line ends included */
    bool at_end;
};

/* Returns the next line that is not blank, without its end; it lives until the next call.
 * LINES_FAILED sets errno. */
enum lines_result lines_next(struct lines *lines, struct bs_text *ret_line);
void lines_fini(struct lines *lines); /* leaves the file open */

#endif
