/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor of an action: 8 digits of the identity of its log, "_", and its ordinal in that log.
 * An ordinal alone is a cursor of the log that answers.
 */
#ifndef API_ACTION_CURSOR_H
#define API_ACTION_CURSOR_H

#include "api/buffer.h"
#include "lib/base/base.h"

#define API_LOG_DIGITS 8 /* of an identity's 32 */

struct api_cursor {
    char log[API_LOG_DIGITS + 1]; /* empty: the cursor does not say */
    uint64_t ordinal;
};

/* `log` is an identity, of which the first digits are written; NULL: the ordinal alone. */
void api_cursor_print(struct buffer *out, const char *log, uint64_t ordinal);
BS_MUST_USE bool api_cursor_parse(struct bs_text text, struct api_cursor *ret_cursor);
/* False: it is of another log than the one with this identity. */
bool api_cursor_is_of(const struct api_cursor *cursor, const char *log);

#endif
