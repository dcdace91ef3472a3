/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of lists: the list's name, a dot, and the place in unpadded base64url, so that they stand
 * in a URL as they are; a place that is a number is in decimal. The name of a list that is narrowed
 * by a path or by parameters ends with "~" and 8 digits made of them. The text has room for
 * CURSOR_SIZE_MAX bytes with its NUL. What is parsed here has lost the list's name.
 */
#ifndef CURSOR_H
#define CURSOR_H

#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "lib/engine.h"

#define CURSOR_SIZE_MAX 288
#define CURSOR_LIST_SIZE_MAX 28

/* `list` is the last word of the route's path. */
void cursor_print(char text[CURSOR_SIZE_MAX], const char *list, struct bs_text first,
                  struct bs_text second);
/* The part after the dot. False: there is none, or *ret_other (CURSOR_LIST_SIZE_MAX bytes) is the name of another list, else
 * it is empty. */
BS_MUST_USE bool cursor_take_list(struct bs_text *text, const char *list, char *ret_other);
/* names[n] holds BS_ID_SIZE_MAX + 1 bytes; sizes[1] is 0 when there is one name only. */
BS_MUST_USE bool cursor_parse(struct bs_text text, char names[2][BS_ID_SIZE_MAX + 1],
                              uint32_t sizes[2]);

#define CURSOR_PLACE_KEY_AT 41 /* where cursor_place_parse leaves the key in `bytes` */

/* A place in a list that moves, and the sequence number at which it was left. The key's bytes are
 * the caller's, and after parsing those of `bytes` (CURSOR_SIZE_MAX). */
struct cursor_place {
    uint64_t seq;
    struct bs_place place;
};

void cursor_place_print(char text[CURSOR_SIZE_MAX], const char *list,
                        const struct cursor_place *place);
BS_MUST_USE bool cursor_place_parse(struct bs_text text, char *bytes,
                                    struct cursor_place *ret_place);

#endif
