/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trade ids and transfer ids that were seen, so that each counts once: the last `dedupe_window` and
 * the last `transfer_window`, each in a ring of its own.
 */
#ifndef BS_DEDUPE_H
#define BS_DEDUPE_H

#include "lib/book/book.h"

/* FORGOTTEN: not remembered, and as old as ids that are forgotten; only of an id with a time. */
enum bs_seen { BS_SEEN_NEW, BS_SEEN_SAME, BS_SEEN_OTHER, BS_SEEN_FORGOTTEN };

struct bs_dedupe_key {
    bool is_trade;                    /* else of a transfer, or of what moves the cash of a fund */
    uint64_t account_uid, market_uid; /* market_uid 0 for transfers */
    struct bs_text id;
    int64_t content[3];
    uint8_t side;    /* of a fill: 0 buy, 1 sell */
    bool has_time;   /* that its sender gave */
    int64_t time_ms; /* the same whenever it is sent */
};
enum bs_seen bs_dedupe_check(const struct bs_engine *engine, const struct bs_dedupe_key *key);
void bs_dedupe_add(struct bs_engine *engine, const struct bs_dedupe_key *key);
size_t bs_dedupe_entry_size(void);
/* Forgets what is beyond the windows in force. */
void bs_dedupe_trim(struct bs_engine *engine);

/* The id of this number, from ring.forgotten on, as it was added. */
void bs_dedupe_get(const struct bs_engine *engine, bool is_trade, uint64_t number,
                   struct bs_dedupe_key *ret_key);
/* Adds what bs_dedupe_get gave to an engine whose ring is not full. */
void bs_dedupe_restore(struct bs_engine *engine, const struct bs_dedupe_key *key);

/*
 * A deleted account leaves its last action among the transfer ids, under its name: as long as
 * `transfer_window` of these and deletions have not followed it, a late message cannot bring back
 * what was resolved.
 */
void bs_deleted_remember(struct bs_engine *engine, uint32_t account);
/* Of the last account of that name; 0 = none is remembered. */
uint64_t bs_deleted_last_action(const struct bs_engine *engine, uint32_t pool,
                                struct bs_text account);

#endif
