/* SPDX-License-Identifier: Apache-2.0 */
/* Request paths: split on '/' first, then percent-decoded segment by segment. Pure functions. */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "lib/base/status.h"

#define PATH_SEGMENTS_MAX 6

struct path {
    uint32_t count;
    struct bs_text segments[PATH_SEGMENTS_MAX]; /* decoded; over-long ones are cut past the limit */
    char bytes[PATH_SEGMENTS_MAX][BS_ID_SIZE_MAX + 1];
};

/*
 * Splits and decodes the raw path of a request line. BS_INVALID_PATH: a bad escape or an escaped
 * NUL. BS_NOT_FOUND: no route can match (no leading '/', too many segments). A segment longer than
 * a name may be comes back with BS_ID_SIZE_MAX + 1 bytes, which no name check lets pass.
 */
BS_MUST_USE enum bs_status path_parse(struct path *path, const char *raw);

/* Decodes %XX; at most `capacity` bytes are written, the rest is dropped. False: a bad escape or
 * an escaped NUL. */
BS_MUST_USE bool path_decode(const char *raw, size_t raw_size, char *bytes, size_t capacity,
                             size_t *ret_size);

#endif
