/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of the last requests that came with a key, by caller and key. A table in memory: the
 * requests are in the log, and replay gives the same answers once more (write_answer.h). The oldest
 * are forgotten in the order of the log; the clock plays no part.
 */
#ifndef FIRST_ANSWERS_H
#define FIRST_ANSWERS_H

#include "api/buffer.h"
#include "lib/record/command.h"

#define FIRST_ANSWERS_BYTES_MAX ((uint64_t)64 << 20) /* of all answers but the last */

struct first_answer { /* of one request, from its admission on */
    struct first_answer *chained;
    struct first_answer *newer; /* once it has its answer */
    uint64_t hash;
    uint8_t fingerprint[BS_FINGERPRINT_SIZE];
    int status; /* HTTP; 0 = not answered yet */
    uint32_t body_size, body_room;
    char
        *body; /* its room is there from the admission on, so that storing the answer cannot fail */
    uint32_t caller_size, key_size;
    char names[]; /* caller, then key */
};

struct first_answers {
    struct first_answer **slots;
    uint32_t slots_mask;
    uint32_t count_max;
    uint32_t count; /* of those that have their answer */
    uint64_t bytes; /* likewise */
    uint64_t seed;
    struct first_answer *oldest, *newest;
};

/* Remembers the last count_max (> 0) answers. 0 or -ENOMEM. */
BS_MUST_USE int first_answers_init(struct first_answers *answers, uint32_t count_max,
                                   uint64_t seed);
void first_answers_clear(struct first_answers *answers); /* none is on its way */
void first_answers_fini(struct first_answers *answers);

/* NULL: this caller has not used the key lately. */
struct first_answer *first_answers_find(const struct first_answers *answers,
                                        const struct bs_request_command *request);
/* Adds a request without its answer yet, which has room for body_room (> 0) bytes; an earlier one with the
 * same key is no longer found. NULL: no memory. */
BS_MUST_USE struct first_answer *first_answers_add(struct first_answers *answers,
                                                   const struct bs_request_command *request,
                                                   size_t body_room);
/* Takes back a request that has no answer yet. */
void first_answers_drop(struct first_answers *answers, struct first_answer *answer);
/* Makes more room. False: no memory, and the room is as it was. */
BS_MUST_USE bool first_answers_grow(struct first_answer *answer, size_t body_room);
/* Stores the answer, which has room, and forgets the oldest ones beyond the bounds. */
void first_answers_finish(struct first_answers *answers, struct first_answer *answer, int status,
                          const struct buffer *body);

#endif
