/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first answers, made again from the log's records as they are stepped: in replay, and beside
 * the second block. The answers are those that the clients got, byte for byte.
 */
#ifndef ANSWER_FOLLOWER_H
#define ANSWER_FOLLOWER_H

#include "daemon/core/write_answer.h"

struct answer_follower {
    struct first_answers *answers; /* the owner's */
    struct request request;        /* the last one with a key: records_left are still to come */
};

/* The command was just stepped, with these effects. BS_NEWER_RECORD: a request that this version cannot
 * answer; BS_OUT_OF_MEMORY. */
BS_MUST_USE enum bs_status answer_follower_step(struct answer_follower *follower,
                                                const struct bs_engine *engine,
                                                const struct bs_effects *effects,
                                                const struct bs_command *command);
/* Whether a request with a key is half done. */
bool answer_follower_is_within(const struct answer_follower *follower);
/* Forgets the request; the answers stay. */
void answer_follower_clear(struct answer_follower *follower);

#endif
