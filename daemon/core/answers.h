/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of the last requests that came with a key, by caller and key. A table in memory: the
 * requests are in the log, and replay gives the same answers once more (reply.h). What is no longer
 * here is forgotten in the order of the log, whatever the clock says.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include "api/buffer.h"
#include "lib/record/command.h"

#define ANSWERS_BYTES_MAX ((uint64_t)64 << 20) /* of all answers together, but for the last one */

struct answer { /* one request, from when it was taken */
    struct answer *chained;
    struct answer *newer; /* once it has its answer */
    uint64_t hash;
    uint8_t fingerprint[BS_FINGERPRINT_SIZE];
    int status; /* HTTP; 0 = not answered yet */
    uint32_t body_size;
    char *body;
    uint32_t caller_size, key_size;
    char names[]; /* caller, then key */
};

struct answers {
    struct answer **slots;
    uint32_t slots_mask;
    uint32_t count_max;
    uint32_t count; /* of those that have their answer */
    uint64_t bytes; /* likewise */
    uint64_t seed;
    struct answer *oldest, *newest;
};

/* Remembers the last count_max (> 0) answers. 0 or -ENOMEM. */
BS_MUST_USE int answers_init(struct answers *answers, uint32_t count_max, uint64_t seed);
void answers_fini(struct answers *answers);

/* NULL: this caller has not used the key lately. */
struct answer *answers_find(const struct answers *answers,
                            const struct bs_request_command *request);
/* It is taken; one that was there under its key is no longer found. */
struct answer *answers_add(struct answers *answers, const struct bs_request_command *request);
/* It has its answer; the oldest ones beyond the bounds are forgotten. */
void answers_finish(struct answers *answers, struct answer *answer, int status,
                    const struct buffer *body);

#endif
