/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of lists in name order: one or two names as unpadded base64url, so that they stand in a
 * URL as they are. The text has room for CURSOR_SIZE_MAX bytes with its NUL.
 */
#ifndef CURSOR_H
#define CURSOR_H

#include "lib/base/base.h"
#include "lib/base/limits.h"

#define CURSOR_SIZE_MAX 176

void cursor_print(char text[CURSOR_SIZE_MAX], struct bs_text first, struct bs_text second);
/* names[n] holds BS_ID_SIZE_MAX + 1 bytes; sizes[1] is 0 when there is one name only. */
BS_MUST_USE bool cursor_parse(struct bs_text text, char names[2][BS_ID_SIZE_MAX + 1],
                              uint32_t sizes[2]);

#endif
