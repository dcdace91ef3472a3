/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/settlement.h"

#include <assert.h>

#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"

void settlement_follow(struct recompute *recompute, const json_t *action)
{
    assert(json_is_object(action));
    struct settlement *settlement = &recompute->settlement;
    uint64_t number = member_integer(action, "settlement");
    if (number != 0 && number != settlement->number) {
        /* Of a settlement that began before the range only the chain can be followed. */
        bool is_whole = recompute->chain.from_begin || recompute->begins_whole ||
                        recompute->checks.counts[CHECK_ID] > 0;
        *settlement = (struct settlement){
            .number = number, .first = member_integer(action, "id"), .is_whole = is_whole};
    }
    if (number != 0) {
        settlement->last = member_integer(action, "id");
    }
}

bool settlement_is_due(const struct recompute *recompute, const json_t *next_action)
{
    const struct settlement *settlement = &recompute->settlement;
    return settlement->number != 0 && settlement->is_whole && !settlement->is_compared &&
           (next_action == NULL || member_integer(next_action, "settlement") != settlement->number);
}

static bool counts_fit(const struct settlement *settlement, const json_t *row)
{
    return member_integer(row, "first_action") == settlement->first &&
           member_integer(row, "last_action") == settlement->last &&
           member_integer(row, "counterparties") == settlement->closes &&
           member_integer(row, "payers") == settlement->payers &&
           member_integer(row, "assignments") == settlement->assignments;
}

static bool amounts_fit(struct recompute *recompute, const json_t *row)
{
    const struct settlement *settlement = &recompute->settlement;
    return figure_quanta(recompute, row, "fund_paid") == settlement->fund_paid &&
           figure_quanta(recompute, row, "deleveraged") == settlement->deleveraged &&
           figure_quanta(recompute, row, "haircuts") == settlement->haircuts &&
           figure_quanta(recompute, row, "unallocated") == settlement->unallocated &&
           figure_quanta(recompute, row, "spreads") == settlement->spreads;
}

/* Where inverse values are rounded, a debt may be a quantum more or less: then it may be none. */
static bool debtors_fit(struct recompute *recompute, const json_t *row)
{
    const struct settlement *settlement = &recompute->settlement;
    return settlement->dust > 0 ||
           (member_integer(row, "insolvent_accounts") == settlement->debtors &&
            figure_quanta(recompute, row, "deficit") == settlement->deficit);
}

bool settlement_compare(struct recompute *recompute, const json_t *row)
{
    assert(recompute->settlement.number != 0);
    recompute->malformed = false;
    bool fits = member_is(row, "time", recompute->chain.last_time) &&
                member_integer(row, "seq") == recompute->chain.last_seq &&
                counts_fit(&recompute->settlement, row) && amounts_fit(recompute, row) &&
                debtors_fit(recompute, row);
    recompute->settlement.is_compared = true;
    return check_fits(recompute, CHECK_SETTLEMENT, fits && !recompute->malformed);
}

bool ledger_move(struct recompute *recompute, bs_i128 loss, bs_i128 unallocated)
{
    struct ledger *ledger = &recompute->ledger;
    ledger->loss += loss;
    ledger->unallocated += unallocated;
    return !recompute->chain.from_begin ||
           check_fits(recompute, CHECK_LEDGER, ledger->loss >= 0 && ledger->unallocated >= 0);
}
