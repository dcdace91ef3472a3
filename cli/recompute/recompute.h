/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recomputes what a server published of one pool, action by action, from the answers alone: the
 * hash chain, every piece of a close, every share of a haircut, every score and place in a queue,
 * the bearers of each deficit, and the sums of each settlement. The formulas are those of
 * docs/policies.md.
 *
 * The debt of one account is resolved in one run of actions, and so is each leg of it. So little
 * has to be remembered: a few numbers of each close.
 */
#ifndef CLI_RECOMPUTE_H
#define CLI_RECOMPUTE_H

#include "cli/member.h"
#include "cli/recompute/check.h"
#include "lib/base/base.h"

struct recompute;

/* How far it has come. */
struct recompute_place {
    const char *pool;
    uint64_t last_id;    /* of the last action taken; 0: none yet */
    uint64_t settlement; /* its number; 0: none yet */
    bool from_begin;     /* the first action taken was the pool's first */
};

/* Both documents must outlive it; markets: name -> the market's JSON. NULL when out of memory. */
struct recompute *recompute_new(const json_t *pool, const json_t *markets);
void recompute_free(struct recompute *recompute);
/* The first action taken begins a settlement, though not the pool's chain. */
void recompute_begin_at_settlement(struct recompute *recompute);

/* Takes the next action of the pool. False: it does not fit, and checks->failed says what. */
BS_MUST_USE bool recompute_take(struct recompute *recompute, json_t *action);
/* Call it after the last action of the range. */
BS_MUST_USE bool recompute_end(struct recompute *recompute);
/* True when a whole settlement was taken that is to be compared with its row. `next_action` is the
 * action after those taken, NULL at the end. */
bool recompute_settlement_is_due(const struct recompute *recompute, const json_t *next_action);
/* Compares the settlement taken last with its row. */
BS_MUST_USE bool recompute_compare(struct recompute *recompute, const json_t *row);

struct recompute_place recompute_place(const struct recompute *recompute);
const struct recompute_checks *recompute_checks(const struct recompute *recompute);

#endif
