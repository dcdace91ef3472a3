/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/recompute.h"

#include <assert.h>
#include <stdlib.h>

#include "cli/member.h"
#include "cli/recompute/kinds.h"
#include "cli/recompute/state.h"

struct recompute *recompute_new(const json_t *pool, const json_t *markets)
{
    assert(json_is_object(pool));
    assert(json_is_object(markets));
    struct recompute *recompute = calloc(1, sizeof(*recompute));
    if (recompute != NULL) {
        recompute->markets = markets;
        recompute->row = pool;
        recompute->pool = member_text(pool, "pool");
        recompute->decimals = (uint32_t)member_integer(pool, "decimals");
    }
    return recompute;
}

void recompute_free(struct recompute *recompute)
{
    if (recompute == NULL) {
        return;
    }
    chain_fini(&recompute->chain);
    debts_fini(&recompute->debts);
    side_fini(&recompute->side);
    leg_fini(&recompute->leg);
    haircut_round_fini(&recompute->round);
    kept_closes_fini(&recompute->closes);
    json_decref(recompute->netting);
    free(recompute);
}

void recompute_begin_at_settlement(struct recompute *recompute)
{
    assert(recompute->chain.last_id == 0);
    recompute->begins_whole = true;
}

bool recompute_end(struct recompute *recompute)
{
    return haircut_round_end(recompute) && side_end(recompute) && debts_end(recompute);
}

static bool follow_settlement(struct recompute *recompute, const json_t *action)
{
    uint64_t number = member_integer(action, "settlement");
    if (number != 0 && number != recompute->settlement.number && !recompute_end(recompute)) {
        return false;
    }
    settlement_follow(recompute, action);
    return true;
}

bool recompute_take(struct recompute *recompute, json_t *action)
{
    recompute->malformed = false;
    if (!chain_take(recompute, action) || !follow_settlement(recompute, action)) {
        return false;
    }
    if (member_integer(action, "settlement") != 0 && !recompute->settlement.is_whole) {
        return true;
    }
    recompute->malformed =
        member_exists(action, "margin") && !member_is(action, "margin", "isolated");
    return haircut_round_follow(recompute, action) && kind_take(recompute, action) &&
           check_fits(recompute, CHECK_NUMBER, !recompute->malformed);
}

bool recompute_settlement_is_due(const struct recompute *recompute, const json_t *next_action)
{
    return settlement_is_due(recompute, next_action);
}

bool recompute_compare(struct recompute *recompute, const json_t *row)
{
    return recompute_end(recompute) && settlement_compare(recompute, row);
}

struct recompute_place recompute_place(const struct recompute *recompute)
{
    return (struct recompute_place){
        .pool = recompute->pool,
        .last_id = recompute->chain.last_id,
        .settlement = recompute->settlement.number,
        .from_begin = recompute->chain.from_begin,
    };
}

const struct recompute_checks *recompute_checks(const struct recompute *recompute)
{
    return &recompute->checks;
}
