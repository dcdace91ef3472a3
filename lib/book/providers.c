/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/providers.h"

#include "lib/book/names.h"

/* By account id, then market id; market 0 comes before all of an account. */
static int compare(const struct bs_engine *engine, const struct bs_provider *row, uint32_t account,
                   uint32_t market)
{
    int by_account =
        bs_text_compare(bs_account_key(engine, row->account), bs_account_key(engine, account));
    if (by_account != 0 || market == 0) {
        return by_account != 0 ? by_account : 1;
    }
    return bs_text_compare(bs_market_text(engine, row->market), bs_market_text(engine, market));
}

bool bs_provider_find(const struct bs_engine *engine, uint32_t account, uint32_t market,
                      uint32_t *ret_row)
{
    uint32_t from = 0, to = engine->providers_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = compare(engine, &engine->providers[middle], account, market);
        if (order == 0) {
            *ret_row = middle;
            return true;
        }
        from = order < 0 ? middle + 1 : from;
        to = order < 0 ? to : middle;
    }
    *ret_row = from;
    return false;
}

uint32_t bs_providers_of_account(const struct bs_engine *engine, uint32_t account)
{
    uint32_t first;
    if (engine->providers_count == 0) {
        return 0;
    }
    bool found = bs_provider_find(engine, account, 0, &first); /* market 0: where they begin */
    uint32_t end = first;
    assert(!found);
    (void)found;
    while (end < engine->providers_count && engine->providers[end].account == account) {
        end++;
    }
    return end - first;
}

bool bs_provider_insert(struct bs_engine *engine, uint32_t row)
{
    assert(row <= engine->providers_count);
    if (engine->providers_count == BS_PROVIDERS_MAX) {
        return false;
    }
    struct bs_provider *rows = engine->providers;
    memmove(rows + row + 1, rows + row, (engine->providers_count - row) * sizeof *rows);
    engine->providers_count++;
    rows[row] = (struct bs_provider){0};
    return true;
}

void bs_provider_remove(struct bs_engine *engine, uint32_t row)
{
    struct bs_provider *rows = engine->providers;
    assert(row < engine->providers_count);
    engine->providers_count--;
    memmove(rows + row, rows + row + 1, (engine->providers_count - row) * sizeof *rows);
}

bool bs_market_has_providers(const struct bs_engine *engine, uint32_t market)
{
    for (uint32_t row = 0; row < engine->providers_count; row++) {
        if (engine->providers[row].market == market) {
            return true;
        }
    }
    return false;
}

void bs_providers_forget(struct bs_engine *engine, uint32_t account, uint32_t market)
{
    for (uint32_t row = engine->providers_count; row-- > 0;) {
        const struct bs_provider *provider = &engine->providers[row];
        if (provider->account == account || provider->market == market) {
            bs_provider_remove(engine, row);
        }
    }
}
