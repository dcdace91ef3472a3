/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/detect.h"

#include "lib/base/sort.h"
#include "lib/book/accounts.h"
#include "lib/book/bounds.h"
#include "lib/book/policy.h"
#include "lib/settlement/legs.h"

/* Looks at every account: what a detection must find. */
static uint32_t count_insolvent(const struct bs_engine *engine, const struct bs_pool *pool)
{
    uint32_t count = 0;
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        count += account != pool->backstop && bs_account_equity(engine, account) < 0;
    }
    return count;
}

void bs_debtors_detect(struct bs_engine *engine, struct bs_plan *plan)
{
    const struct bs_pool *pool = &engine->pools[plan->pool];
    bool handed_over = pool->trigger == BS_TRIGGER_HANDOVER; /* those alone */
    if (handed_over && pool->handovers == 0) {
        return;
    }
    uint32_t insolvent = 0;
    struct bs_bound_walk walk = bs_bound_begin(engine, plan->pool);
    for (uint32_t account; (account = bs_bound_next(engine, &walk)) != 0;) {
        bs_i128 equity = bs_account_equity(engine, account);
        bs_bound_found(engine, account, equity);
        insolvent += equity < 0;
        if (equity < 0 && (!handed_over || engine->accounts.cold[account].handed_over)) {
            assert(plan->debtors_count < plan->debtors_max);
            plan->debtors[plan->debtors_count++] =
                (struct bs_debtor){.account = account, .deficit = -equity, .owed = -equity};
        }
    }
    assert(!engine->config.checks_detection || insolvent == count_insolvent(engine, pool));
}

/* Smallest deficit first, then account id. */
static int compare_debtors(const void *a, const void *b, const void *context)
{
    const struct bs_debtor *left = a, *right = b;
    const struct bs_engine *engine = context;
    if (left->deficit != right->deficit) {
        return left->deficit < right->deficit ? -1 : 1;
    }
    uint32_t i = engine->accounts.cold[left->account].rank,
             k = engine->accounts.cold[right->account].rank;
    return (i > k) - (i < k);
}

void bs_debtors_sort(struct bs_plan *plan)
{
    bs_sort(plan->debtors, plan->debtors_count, sizeof *plan->debtors, compare_debtors,
            plan->engine);
}

void bs_debtor_record_legs(struct bs_plan *plan, struct bs_debtor *debtor)
{
    const struct bs_layer *haircut = bs_policy_layer(plan->policy, BS_LAYER_HAIRCUT);
    if (plan->has_budgets || (haircut != NULL && haircut->scope != BS_SCOPE_POOL)) {
        debtor->legs_first = plan->weights_count;
        debtor->legs_count =
            bs_leg_weights(plan, debtor->account, plan->weights + debtor->legs_first);
        plan->weights_count += debtor->legs_count;
        assert(plan->weights_count <= plan->weights_max);
    }
}
