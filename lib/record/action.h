/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An action: one published consequence for one account; and its record, which is what the action
 * log stores. Everything needed to print it as JSON is inside; no engine is needed to read it.
 * Units: sizes in contracts (lots * lot_size), prices in the quote of the market, values and
 * amounts in the pool's asset. Absent fields have their bit in `present` clear.
 */
#ifndef BS_ACTION_H
#define BS_ACTION_H

#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "lib/base/status.h"
#include "lib/money/decimal.h"

enum bs_action_type {

#define X(code, number, ...) BS_ACTION_##code = (number),
#include "lib/record/actions.def"
#undef X
    BS_ACTION_COUNT
};

/* How an action moves what its account loses to others. */
enum bs_action_loss {
    BS_LOSS_NONE,
    BS_LOSS_COST,   /* by its cost_to_mark */
    BS_LOSS_AMOUNT, /* by its amount */
    BS_LOSS_REFUND  /* its amount comes back */
};

/*
 * Decimal fields, by their bits. They are printed in this order, except the last two: leg_value
 * comes after cost_to_mark, size_taken before size_closed.
 */
#define BS_ACTION_DECIMALS(X)                                                                      \
    X(size_closed)                                                                                 \
    X(size_before)                                                                                 \
    X(size_after)                                                                                  \
    X(price)                                                                                       \
    X(value)                                                                                       \
    X(mark_price)                                                                                  \
    X(entry_price)                                                                                 \
    X(realized_pnl)                                                                                \
    X(cost_to_mark)                                                                                \
    X(score)                                                                                       \
    X(amount)                                                                                      \
    X(gain)                                                                                        \
    X(loss)                                                                                        \
    X(gains_total)                                                                                 \
    X(prefix)                                                                                      \
    X(weight)                                                                                      \
    X(age)                                                                                         \
    X(taken)                                                                                       \
    X(reason_deficit)                                                                              \
    X(reason_fund_paid)                                                                            \
    X(reason_residual)                                                                             \
    X(leg_value)                                                                                   \
    X(size_taken)

enum bs_action_decimal {

#define X(name) BS_ACTION_DECIMAL_##name,
    BS_ACTION_DECIMALS(X)
#undef X
        BS_ACTION_DECIMAL_COUNT
};

/* What a place in a queue follows from: what the score is made of, then its neighbours' scores. */
#define BS_ACTION_INPUTS(X)                                                                        \
    X(profit)                                                                                      \
    X(entry_value)                                                                                 \
    X(notional)                                                                                    \
    X(equity)                                                                                      \
    X(wallet)                                                                                      \
    X(maintenance)                                                                                 \
    X(ahead_score)                                                                                 \
    X(behind_score)

enum bs_action_input {

#define X(name) BS_ACTION_INPUT_##name,
    BS_ACTION_INPUTS(X)
#undef X
        BS_ACTION_INPUT_COUNT
};

#define BS_ACTION_TIERS 4

/* Of an adl action: the ranked list that the position was taken from, as it was ranked. */
struct bs_action_queue {
    uint64_t of;                     /* candidates in it */
    uint64_t digest;                 /* of all of them: docs/records.md */
    uint8_t tier;                    /* lower tiers come first, whatever the score */
    uint8_t ahead_tier, behind_tier; /* 0 without a neighbour */
    uint8_t present;                 /* bit n = input n */
    struct bs_text ahead, behind;    /* accounts; empty = none, or no order */
    struct bs_wide inputs[BS_ACTION_INPUT_COUNT];
};

/* Bits of `present` after the decimals' own (bit n = decimal n). */
#define BS_ACTION_HAS_QUEUE (1u << 23)
#define BS_ACTION_HAS_RANK (1u << 24)
#define BS_ACTION_HAS_RANKING (1u << 25)
#define BS_ACTION_HAS_BASIS (1u << 26)
#define BS_ACTION_HAS_SETTLEMENT (1u << 27)
#define BS_ACTION_HAS_SIDE (1u << 28)
#define BS_ACTION_HAS_REVERSES (1u << 29)
#define BS_ACTION_HAS_HITS (1u << 31)
#define BS_ACTION_IS_ISOLATED (1u << 30) /* of the account's isolated position in `market` */

struct bs_action {
    uint64_t ordinal;    /* over all pools, from 1, without gaps: the cursor */
    uint64_t id;         /* within the pool, from 1, without gaps */
    uint64_t seq;        /* place in the log of the command that caused it */
    uint64_t settlement; /* within the pool, from 1 */
    int64_t time_ms;
    uint8_t type;    /* enum bs_action_type */
    uint8_t side;    /* of the closed position: 0 long, 1 short */
    uint8_t ranking; /* enum bs_ranking */
    uint8_t basis;   /* enum bs_basis */
    uint32_t present;
    uint64_t rank;     /* 1 = first */
    uint32_t hits;     /* adl under limits: closes of the account in the day, with this one */
    uint64_t reverses; /* reversal: the id of the close it takes back */
    /* The text fields point into the engine or into the decoded record. Empty = absent. */
    struct bs_text pool;
    struct bs_text account;
    struct bs_text market;
    struct bs_text counterparty;
    struct bs_text reason; /* of a pause or halt; the name of a window */
    struct bs_wide decimals[BS_ACTION_DECIMAL_COUNT];
    struct bs_action_queue queue; /* last; not set without BS_ACTION_HAS_QUEUE */
};

#define BS_ACTION_RECORD_SIZE_MAX 1344

/* Returns the bytes written, at most BS_ACTION_RECORD_SIZE_MAX, which the buffer must hold. */
size_t bs_action_encode(const struct bs_action *action, uint8_t record[BS_ACTION_RECORD_SIZE_MAX]);
/* BS_OK, BS_BAD_RECORD or BS_NEWER_RECORD; checks the checksum too. */
BS_MUST_USE enum bs_status bs_action_decode(const uint8_t *record, size_t size,
                                            struct bs_action *ret_action);

const char *bs_action_type_name(uint8_t type); /* NULL past the end */
enum bs_action_loss bs_action_loss(uint8_t type);
/* What the account of the action loses by it, in quanta; negative: it is given back. */
bs_i128 bs_action_loss_amount(const struct bs_action *action);
const char *bs_action_decimal_name(uint32_t decimal); /* e.g. "size_closed" */
const char *bs_action_input_name(uint32_t input);     /* e.g. "entry_value" */

#endif
