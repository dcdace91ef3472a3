/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of two sections: first answers, and the ends of the pools' chains. Reading takes whole
 * entries from the front of some bytes; any bytes are safe.
 */
#ifndef SNAPSHOT_ENTRIES_H
#define SNAPSHOT_ENTRIES_H

#include "daemon/core/first_answers.h"
#include "daemon/log/chain.h"

/* Appends the entry of an answer that is complete. */
void snapshot_put_answer(struct buffer *out, const struct first_answer *answer);
/* BS_OK: *ret_used bytes were taken, which may be 0 when the first entry is not whole. */
BS_MUST_USE enum bs_status snapshot_take_answers(struct first_answers *answers,
                                                 const uint8_t *bytes, size_t size,
                                                 size_t *ret_used);

void snapshot_put_chain(struct buffer *out, const struct pool_chain *chain);
BS_MUST_USE enum bs_status snapshot_take_chains(struct pool_chains *chains, const uint8_t *bytes,
                                                size_t size, size_t *ret_used);

#endif
