/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types and helpers of the whole core. The core is pure: it includes only the headers below, allocates
 * nothing, reads no clock and does no I/O.
 */
#ifndef BS_BASE_H
#define BS_BASE_H

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef NDEBUG
#error "assertions are part of the product: build without NDEBUG"
#endif

#define BS_MUST_USE __attribute__((warn_unused_result))

__extension__ typedef __int128 bs_i128;
__extension__ typedef unsigned __int128 bs_u128;

/* A view of text that somebody else owns; not NUL terminated. */
struct bs_text {
    const char *bytes;
    uint32_t size;
};

static inline bool bs_text_equal(struct bs_text a, struct bs_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

/* Bytewise order; a prefix sorts first. */
static inline int bs_text_compare(struct bs_text a, struct bs_text b)
{
    uint32_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.bytes, b.bytes, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

#endif
