/* SPDX-License-Identifier: Apache-2.0 */
/* api_parse with the choice of the parser: the test that compares them needs both. */
#ifndef API_JSON_READ_H
#define API_JSON_READ_H

#include "api/json_command.h"

#define API_SMALL_SIZE_MAX 1024 /* bytes; larger bodies go through simdjson */

struct api_body {
    const char *bytes;
    size_t size;
    bool ndjson;
    bool bulk; /* simdjson at once; else jansson first */
};

BS_MUST_USE bool api_parse_body(struct api_batch *batch, const struct api_route *route,
                                const struct api_body *body, struct api_error *ret_error);

#endif
