/* SPDX-License-Identifier: Apache-2.0 */
/* What commands that move cash have in common: each id counts once, and every change of a fund's
 * cash is remembered. */
#ifndef BS_CASH_H
#define BS_CASH_H

#include "lib/book/dedupe.h"
#include "lib/command/outcome.h"

/* The account's row for its isolated margin in a market; 0 and a refusal when it has none. */
struct bs_outcome bs_isolated_named(const struct bs_engine *engine, uint32_t owner,
                                    struct bs_text market, uint32_t *ret_isolated);
/* Whether the id was seen with the same content; refused when it was with another one, or may have
 * been seen and forgotten. A key without an id is never a repeat. */
struct bs_outcome bs_cash_seen(const struct bs_engine *engine, const struct bs_dedupe_key *key,
                               const char *field, bool *ret_repeat);
void bs_cash_remember(struct bs_engine *engine, const struct bs_dedupe_key *key);
/* Remembers a change of the account's cash if the account is a fund. */
void bs_cash_note_fund(struct bs_engine *engine, uint32_t account, enum bs_fund_cause cause,
                       bs_i128 amount);
/* Adds to the account's cash, signed; refused out of range. */
struct bs_outcome bs_cash_move(struct bs_engine *engine, uint32_t account, int64_t amount,
                               bool shifts_baseline);
/* The command changed the account: its pool has something to settle. */
void bs_account_touched(struct bs_engine *engine, uint32_t account);

#endif
