/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/pair.h"

#include <assert.h>

#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"

/* A counterparty is closed on the other side; a provider takes the position over on its side. */
static bool is_pair(struct recompute *recompute, const json_t *close, const json_t *other,
                    bool is_closed)
{
    static const char *const equal[] = {"market", "value", "price", "settlement", "reason"};
    for (size_t i = 0; i < sizeof(equal) / sizeof(equal[0]); i++) {
        if (!member_is_equal(close, other, equal[i])) {
            return false;
        }
    }
    return close != NULL && member_integer(other, "id") == member_integer(close, "id") + 1 &&
           member_is(close, "account", member_text(other, "counterparty")) &&
           member_is(close, "counterparty", member_text(other, "account")) &&
           member_is(close, "side", member_text(other, "side")) != is_closed &&
           member_is(close, "size_closed",
                     member_text(other, is_closed ? "size_closed" : "size_taken")) &&
           figure_quanta(recompute, close, "cost_to_mark") ==
               -figure_quanta(recompute, other, "cost_to_mark");
}

bool pair_take_netting(struct recompute *recompute, json_t *action)
{
    assert(json_is_object(action));
    json_t *first = recompute->netting;
    recompute->netting = first == NULL ? json_incref(action) : NULL;
    bool fits = first == NULL || is_pair(recompute, first, action, true);
    json_decref(first);
    return check_fits(recompute, CHECK_PAIR, fits);
}

/* A counterparty whose principal is protected gives up its profit at most. */
bool pair_take_counterparty(struct recompute *recompute, json_t *action)
{
    const struct leg *leg = &recompute->leg;
    bool is_protected = leg->shortfall != 0;
    bool fits = is_pair(recompute, leg->close, action, true) && leg->is_priced &&
                (!is_protected || figure_quanta(recompute, action, "realized_pnl") == 0);
    return check_fits(recompute, CHECK_PAIR, fits);
}

bool pair_take_provider(struct recompute *recompute, json_t *action)
{
    const struct leg *leg = &recompute->leg;
    struct close taken = close_of(recompute, action);
    bool fits = is_pair(recompute, leg->close, action, false) && !leg->is_priced &&
                member_is_equal(action, leg->close, "mark_price");
    /* Sizes of a provider count along the side that it takes over. */
    return check_fits(recompute, CHECK_PAIR, fits) &&
           check_fits(recompute, CHECK_SIZE,
                      !taken.market.is_known || taken.before + taken.lots == taken.after);
}
