/* SPDX-License-Identifier: Apache-2.0 */
/* The check's own state, apart from what the plan counts, so that it sees what the plan did. */
#ifndef BS_CHECKING_H
#define BS_CHECKING_H

#include "lib/rules/exact_price.h"
#include "lib/settlement/offer.h"

struct bs_closing_leg;

/* The account whose legs are being closed, and the current leg: pricing.h. */
struct bs_pricing {
    uint32_t debtor;    /* row + 1; 0 = none */
    uint32_t count, at; /* legs; the current one */
    bool at_mark, protect;
    bs_i128 equity;      /* before the first close */
    bs_i128 total, left; /* weights of all legs, and of those after the current one */
    struct bs_piecewise price;
    int64_t done; /* lots */
};

/* The account whose legs are being assigned, and the provider that is asked next: assigning.h. */
struct bs_assigning {
    uint32_t debtor; /* row + 1; 0 = none */
    uint32_t legs_count, leg;
    uint32_t place;
    struct bs_offer offer;
};

/* A side that is closed together: pooling.h. */
struct bs_pooling {
    uint32_t closes, adls; /* steps that are still to come */
    uint32_t row, end;     /* of the debtor that may be next; past the last one */
    uint32_t market;
    bool is_long, at_mark, protect;
    bool by_lots;               /* as the pool step says: no debtor has a share here, */
    bool any_share;             /* and what the closes say */
    bool in_part;               /* the last debtor was closed in part: it is the last one */
    bs_i128 value, lots;        /* V and Q */
    bs_i128 placed, due;        /* X and W, as the closes say */
    bs_i128 shares;             /* weights of the debtors, as the closes say */
    bs_i128 given, borne;       /* lots and amounts, as the adls say */
    uint32_t counterparties;    /* of the side */
    uint32_t order;             /* of ids: the last counterparty's */
    struct bs_piecewise price;  /* N and D */
    bs_i128 rest, shares_total; /* as the pool step says */
};

/* A layer that closes sides together: of the debtors, or of the fund's inventory. */
struct bs_pooled_layer {
    bool begun; /* what is owed has been checked */
    bool at_mark;
};

struct bs_check {
    struct bs_pricing pricing;
    struct bs_pooling pooling;
    struct bs_pooled_layer pooled[2]; /* 1: the fund's */
    uint32_t assigned;                /* debtors that have had their turn, where sides are pooled */
    struct bs_assigning assigning;
    uint32_t debtors_done;       /* resolved by plans already applied */
    uint32_t draw_debtor;        /* row + 1 of the debtor whose draws it sees, and */
    bs_i128 draw_paid;           /* what it has seen of them */
    bs_i128 fund_paid;           /* by the pool's fund in all steps of the settlement so far */
    struct bs_closing_leg *legs; /* of `pricing` or `assigning` */
    int64_t *budget_used;        /* by market, while there are budgets */
    bs_i128 *market_sizes;       /* by market; all 0 between checks */
};

#endif
