/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one settlement did, for the list of settlements; and its record, which is what the log keeps
 * of it. A field is a row of one of the two tables below: the struct, the record and the JSON come
 * from them. Amounts are in the pool's asset.
 */
#ifndef BS_SETTLEMENT_H
#define BS_SETTLEMENT_H

#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "lib/base/status.h"
#include "lib/money/decimal.h"

/* X(name), in the order of the record and of the JSON. */
#define BS_SETTLEMENT_INTEGERS(X)                                                                  \
    X(first_action) /* ids within the pool */                                                      \
    X(last_action)                                                                                 \
    X(insolvent_accounts)                                                                          \
    X(counterparties) /* adl actions */                                                            \
    X(payers)         /* haircut actions */                                                        \
    X(assignments)    /* assignment actions */
#define BS_SETTLEMENT_AMOUNTS(X)                                                                   \
    X(deficit)                                                                                     \
    X(fund_paid)                                                                                   \
    X(deleveraged) /* taken from counterparties below or above mark */                             \
    X(haircuts)                                                                                    \
    X(unallocated)                                                                                 \
    X(spreads) /* owed to providers, on top of the deficits */

struct bs_settlement {
    struct bs_text pool;
    uint64_t number; /* within the pool, from 1 */
    uint64_t seq;    /* place in the log of the command that began it */
    int64_t time_ms;
#define X(name) uint64_t name;
    BS_SETTLEMENT_INTEGERS(X)
#undef X
#define X(name) struct bs_wide name;
    BS_SETTLEMENT_AMOUNTS(X)
#undef X
};

#define BS_SETTLEMENT_RECORD_SIZE_MAX 320

/* Returns the bytes written, checksum included. The pool must have a name. */
size_t bs_settlement_encode(const struct bs_settlement *settlement,
                            uint8_t record[BS_SETTLEMENT_RECORD_SIZE_MAX]);
/* BS_OK, BS_BAD_RECORD or BS_NEWER_RECORD; checks the checksum too. The pool's name points into
 * the record. */
BS_MUST_USE enum bs_status bs_settlement_decode(const uint8_t *record, size_t size,
                                                struct bs_settlement *ret_settlement);

#endif
