/* SPDX-License-Identifier: Apache-2.0 */
/* Positions: an absolute update sets one of an account. */
#include "lib/book/closes.h"
#include "lib/book/positions.h"
#include "lib/command/absolute.h"
#include "lib/command/apply.h"

struct bs_outcome bs_position_apply(struct bs_engine *engine,
                                    const struct bs_position_command *command)
{
    uint32_t account = bs_index_find(&engine->account_index, command->account);
    if (account == 0) {
        return bs_refuse(BS_UNKNOWN_ACCOUNT, "account");
    }
    struct bs_absolute position;
    struct bs_outcome outcome =
        bs_absolute_read(engine, engine->accounts.hot[account].pool, &command->item, &position);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    outcome =
        bs_absolute_check_seen(engine, engine->accounts.hot[account].pool, command->seen_action,
                               engine->accounts.cold[account].last_action);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    if (position.isolated) {
        uint32_t isolated;
        outcome = bs_absolute_open_isolated(engine, account, &position, &isolated);
        if (isolated != 0 && outcome.status == BS_OK) {
            bs_absolute_write_isolated(engine, isolated, &position);
        }
        return outcome;
    }
    bool adds = position.size != 0 && bs_position_find(engine, account, position.market) == 0;
    if (adds && !bs_position_reserve(engine, account, 1)) {
        return bs_refuse(BS_FULL_POSITIONS, NULL);
    }
    bs_i128 change = bs_absolute_write(engine, account, &position);
    if (engine->accounts.cold[account].in_closes) {
        bs_closes_supersede(engine, account, position.market);
    }
    bs_absolute_finish(engine, account, change);
    return BS_ACCEPTED;
}
