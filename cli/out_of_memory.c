/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "api/buffer.h"

void buffer_out_of_memory(struct buffer *buffer)
{
    (void)fprintf(stderr, "backstopctl: out of memory: a text of %zu bytes cannot grow\n",
                  buffer->size);
    exit(EX_OSERR);
}
