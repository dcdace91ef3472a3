/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recomputes what a server published of one pool, action by action, from the answers alone: the
 * hash chain, every piece of a close, every share of a haircut, every score and place in a queue,
 * who bore each deficit, and the sums of each settlement. The formulas are those of
 * docs/policies.md.
 *
 * The debt of one account is resolved in one run of actions, as is each leg of it: so little of
 * what was must be remembered, a few numbers of each close.
 */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <jansson.h>

#include "api/buffer.h"
#include "cli/sha256.h"
#include "lib/money/decimal.h"

/* X(CODE, what is counted) */
#define AUDIT_CHECKS(X)                                                                            \
    X(ID, "ids without a gap")                                                                     \
    X(HASH, "links of the hash chain")                                                             \
    X(TIME, "times: one a settlement, never going back")                                           \
    X(SIZE, "sizes of a close: before, closed, after")                                             \
    X(PRICE, "prices: value / size to 12 digits")                                                  \
    X(COST, "costs to mark: value at mark against value")                                          \
    X(PROFIT, "profits: value less entry, to 12 digits")                                           \
    X(LEG, "values of legs: at mark + ceil(D*(P+w)/W) - placed before")                            \
    X(WEIGHT, "weights of legs: maintenance, all of which add up to W")                            \
    X(PIECE, "pieces of a close: ceil(V*P/Q)")                                                     \
    X(LOTS, "lots split: by size, or down to one leverage")                                        \
    X(PAIR, "closes with an equal other side")                                                     \
    X(REVERSAL, "parts taken back of both sides: floor(x*(R+r)/Q) - floor(x*R/Q)")                 \
    X(SCORE, "scores from their inputs")                                                           \
    X(ORDER, "places in a queue: tier, score, neighbours")                                         \
    X(HAIRCUT, "haircuts: floor(L*(P+g)/G) - floor(L*P/G)")                                        \
    X(ROUND, "rounds of haircuts that add up to the loss")                                         \
    X(DEFICIT, "deficits and who bore them")                                                       \
    X(LEDGER, "open losses, never below 0")                                                        \
    X(SETTLEMENT, "settlements that add up")                                                       \
    X(NUMBER, "numbers that are none, or missing")

enum audit_check {

#define X(code, what) AUDIT_##code,
    AUDIT_CHECKS(X)
#undef X
        AUDIT_COUNT
};

struct audit_market {
    bool known; /* and the numbers fit: else closes there are not recomputed */
    bool inverse;
    bs_i128 unit;            /* value of a lot at a tick, in quanta; inverse: lots * unit / ticks */
    bs_i128 maintenance_ppm; /* today's */
    struct bs_wide tick, lot;
};

/* A close as numbers. */
struct audit_close {
    struct audit_market market;
    bool is_long, pays; /* pays: the value shown is what the account pays, else it gets it */
    bs_i128 lots, before, after, ticks, value, cost;
};

/* One side of a close, as remembered for what is taken back of it. */
struct audit_kept {
    uint64_t id;
    char *parties;             /* and the market and side; owned */
    bool is_counter;           /* the side that was not insolvent */
    bs_i128 received, at_mark; /* by the other side then, and its lots at mark */
    bs_i128 entry, lots;       /* its own */
    bs_i128 back;              /* lots taken back so far */
};

/* A part of an amount: by prefix differences, weight after weight. */
struct audit_share {
    bs_i128 amount, total, prefix, weight;
};

struct audit_sums {
    uint64_t number, first, last, closes, payers, assignments, cases;
    bs_i128 deficit, fund_paid, deleveraged, haircuts, unallocated, spreads;
    bs_i128 dust;  /* closes of inverse contracts: a quantum each may be rounding */
    bool whole;    /* seen from its first action on */
    bool compared; /* with its row */
};

struct audit {
    const json_t *markets; /* object: name -> the market's JSON */
    uint64_t counts[AUDIT_COUNT];
    uint64_t skipped;       /* closes in markets that are gone */
    uint64_t other_margins; /* legs whose weight is not by today's maintenance margin */
    uint64_t clamped;       /* closes of a split that are below their share */
    enum audit_check failed;
    bool malformed; /* a number was missing or none */

    const char *pool;
    uint32_t decimals;
    bool from_begin, begins_whole;
    uint64_t last_id; /* 0: none yet */
    char last_hash[SHA256_TEXT_SIZE];
    char last_time[32]; /* RFC 3339 */
    struct buffer canonical;
    struct buffer closes; /* struct audit_kept, by id */

    bs_i128 loss, unallocated;
    struct audit_sums sums;

    struct {
        json_t *action; /* any of it; owned */
        bs_i128 deficit, fund_paid, drawn, borne;
        json_t *legs; /* by market, once some are deleveraged: owned */
        struct audit_share share;
        bs_i128 begun, prefix, weights; /* borne before; weights so far: up to a leg, and in sum */

        enum { BY_MAINTENANCE, BY_VALUE, BY_LOTS, BY_OTHER } basis; /* of the weights */
    } debt;                                                         /* being resolved */

    json_t *netting; /* whose other side is to come; owned */

    struct {
        json_t *close; /* the last liquidation_close; owned */
        bool priced;   /* it has a leg_value: not a volunteer's */
        bs_i128 lots, done, value, shortfall;
        json_t *adl;   /* the last one taken from the queue in hand; owned */
        json_t *split; /* the share of the last one of a split; owned */
        bs_i128 split_end;
    } leg;

    struct {
        json_t *haircut; /* the last one; owned */
        bs_i128 left, prefix;
        bool shared;
    } round;
};

void audit_begin(struct audit *audit, const json_t *pool, const json_t *markets);
/* The first action taken begins a settlement, though not the pool's chain. */
void audit_assume_known(struct audit *audit);
void audit_fini(struct audit *audit);
/* False: it does not fit; audit->failed says what. */
BS_MUST_USE bool audit_take(struct audit *audit, json_t *action);
/* Behind the last action of the range. */
BS_MUST_USE bool audit_end(struct audit *audit);
/* Whether the sums in hand are those of a whole settlement, to be compared with its row. */
bool audit_sums_are_due(const struct audit *audit, const json_t *next_action);
BS_MUST_USE bool audit_settlement(struct audit *audit, const json_t *row);
const char *audit_check_name(enum audit_check check);

/* ---- between the files of the audit, and for explaining ---- */

bool audit_fits(struct audit *audit, enum audit_check check, bool fits);
const char *audit_text(const json_t *object, const char *member); /* "" when there is none */
/* The member in quanta; a missing one is 0 and makes the audit malformed. */
bs_i128 audit_quanta(struct audit *audit, const json_t *object, const char *member);
uint64_t audit_integer(const json_t *object, const char *member);
struct audit_close audit_close_of(struct audit *audit, const json_t *action);
/* The number in `unit`s; one that is missing or no multiple makes the audit malformed. */
bs_i128 audit_ratio(struct audit *audit, const json_t *object, const char *member,
                    struct bs_wide unit);
bool audit_is_fund(const json_t *action);
struct audit_market audit_market_of(const struct audit *audit, const char *name);
/* For what may be taken back of it. */
void audit_keep(struct audit *audit, const json_t *action);
bool audit_price_fits(const struct audit_close *close, const char *text);
bs_i128 audit_value_at_mark(const struct audit_close *close);
bool audit_take_close(struct audit *audit, json_t *action);
/* audit_share.c: what a leg is worth, and how lots are split. */
bool audit_take_leg(struct audit *audit, json_t *action, const struct audit_close *close,
                    bool continues);
/* A leg that was left over, or that volunteers took: only its weight counts. */
void audit_pass_leg(struct audit *audit, const json_t *action);
bool audit_legs_add_up(const struct audit *audit);
bool audit_take_split(struct audit *audit, const json_t *action);
bool audit_take_liquidation(struct audit *audit, json_t *action);
bool audit_take_adl(struct audit *audit, json_t *action);
bool audit_take_assignment(struct audit *audit, json_t *action);
bool audit_take_netting(struct audit *audit, json_t *action);
bool audit_take_reversal(struct audit *audit, json_t *action);
bool audit_take_haircut(struct audit *audit, json_t *action);
bool audit_end_round(struct audit *audit);
/* The exact score of an adl from its queue; false for a ranking without one. */
bool audit_score(struct audit *audit, const json_t *action, bs_i128 *ret_numerator,
                 bs_i128 *ret_denominator);

#endif
