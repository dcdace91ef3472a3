/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of a large book waits for memory four times: hash slot, account row and name, position
 * rows. Each stage prefetches what it can find through the one before, a few records ahead of the
 * step.
 */
#include "lib/book/book.h"
#include "lib/engine.h"

/* Whether the first name of the record is the account. */
static bool begins_with_account(const uint8_t *record)
{
    uint8_t type = bs_record_type(record);
    return type == BS_COMMAND_POSITION || type == BS_COMMAND_FILL || type == BS_COMMAND_ACCOUNT ||
           type == BS_COMMAND_TRANSFER;
}

void bs_engine_prefetch(const struct bs_engine *engine, const uint8_t *record,
                        enum bs_prefetch stage)
{
    struct bs_text name = bs_record_first_name(record);
    if (name.size == 0 || !begins_with_account(record)) {
        return;
    }
    const struct bs_accounts *accounts = &engine->accounts;
    if (stage == BS_PREFETCH_SLOT) {
        __builtin_prefetch(bs_index_home(&engine->account_index, name));
        return;
    }
    uint32_t account = bs_index_guess(&engine->account_index, name);
    if (stage == BS_PREFETCH_ACCOUNT) {
        __builtin_prefetch(&accounts->hot[account], 1);
        __builtin_prefetch(&accounts->cold[account], 1);
        __builtin_prefetch(&accounts->bound[account], 1);
    } else if (stage == BS_PREFETCH_NAME) {
        __builtin_prefetch(bs_names_get(&engine->names, accounts->cold[account].name).bytes);
        __builtin_prefetch(&engine->positions.rows[accounts->hot[account].position_at], 1);
    }
}
