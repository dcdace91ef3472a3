/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handovers: while a pool's trigger is the handover, the venue liquidates its accounts itself and
 * names those it gives up on. The next run that does not wait looks at every account that was
 * named: it resolves the insolvent ones, and all handovers are spent.
 */
#include "lib/command/apply.h"
#include "lib/command/cash.h"

struct bs_outcome bs_handover_apply(struct bs_engine *engine,
                                    const struct bs_handover_command *command)
{
    uint32_t account = bs_index_find(&engine->account_index, command->account);
    if (account == 0) {
        return bs_refuse(BS_UNKNOWN_ACCOUNT, "account");
    }
    struct bs_pool *pool = &engine->pools[engine->accounts.hot[account].pool];
    if (pool->backstop == account) {
        return bs_refuse(BS_RESERVED_ACCOUNT, "account");
    }
    if (pool->trigger != BS_TRIGGER_HANDOVER) {
        return bs_refuse(BS_NO_HANDOVERS, "account");
    }
    if (command->market.size > 0) {
        struct bs_outcome outcome = bs_isolated_named(engine, account, command->market, &account);
        if (outcome.status != BS_OK) {
            return outcome;
        }
    }
    struct bs_account_cold *cold = &engine->accounts.cold[account];
    pool->handovers += !cold->handed_over;
    pool->changed = true;
    cold->handed_over = true;
    cold->seq = engine->seq;
    assert(pool->handovers > 0);
    return BS_ACCEPTED;
}
