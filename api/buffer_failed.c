/* SPDX-License-Identifier: Apache-2.0 */
#include "api/buffer.h"

void buffer_out_of_memory(struct buffer *buffer)
{
    buffer->failed = true;
}
