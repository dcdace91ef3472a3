/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations of liquidity providers: set as a whole, or removed. */
#include "lib/book/convert.h"
#include "lib/book/providers.h"
#include "lib/command/apply.h"

static struct bs_outcome find(const struct bs_engine *engine,
                              const struct bs_provider_command *command, uint32_t *ret_account,
                              uint32_t *ret_market)
{
    *ret_account = bs_index_find(&engine->account_index, command->account);
    if (*ret_account == 0) {
        return bs_refuse(BS_UNKNOWN_ACCOUNT, "account");
    }
    *ret_market = bs_index_find(&engine->market_index, command->market);
    if (*ret_market == 0) {
        return bs_refuse(BS_UNKNOWN_MARKET, "market");
    }
    uint32_t pool = engine->accounts.hot[*ret_account].pool;
    if (engine->markets[*ret_market].pool != pool) {
        return bs_refuse(BS_MARKET_IN_OTHER_POOL, "market");
    }
    if (engine->pools[pool].backstop == *ret_account) {
        return bs_refuse(BS_RESERVED_ACCOUNT, "account");
    }
    bool settled = engine->markets[*ret_market].settled;
    return settled ? bs_refuse(BS_MARKET_SETTLED, "market") : BS_ACCEPTED;
}

/* Contracts as lots, `least` or more. */
static struct bs_outcome read_lots(const struct bs_market *market, struct bs_decimal size,
                                   int64_t least, const char *field, int64_t *ret_lots)
{
    enum bs_status status = bs_to_lots(market, size, ret_lots);
    if (status == BS_OK && *ret_lots < least) {
        status = BS_INVALID_VALUE;
    }
    return status == BS_OK ? BS_ACCEPTED : bs_refuse(status, field);
}

static struct bs_outcome read_limits(const struct bs_market *market,
                                     const struct bs_provider_command *command,
                                     struct bs_provider *ret_provider)
{
    *ret_provider = (struct bs_provider){
        .priority = command->priority,
        .max_leverage_ppm = command->max_leverage_ppm,
        .quota_period_ms = (int64_t)command->quota_period_ms,
        .quota_ppm = command->quota_ppm,
        .max_size = INT64_MAX,
    };
    struct bs_outcome outcome =
        read_lots(market, command->max_position, 0, "max_position", &ret_provider->max_position);
    if (outcome.status == BS_OK && command->has_max_size) {
        outcome = read_lots(market, command->max_size, 1, "max_size", &ret_provider->max_size);
    }
    if (outcome.status != BS_OK) {
        return outcome;
    }
    if (command->has_quota_ppm && !command->has_quota_period) {
        return bs_refuse(BS_INVALID_VALUE, "quota_period");
    }
    if (command->has_quota_period && command->quota_period_ms == 0) {
        return bs_refuse(BS_INVALID_VALUE, "quota_period");
    }
    return command->has_quota_period && !command->has_quota_ppm
               ? bs_refuse(BS_INVALID_VALUE, "quota_ppm")
               : BS_ACCEPTED;
}

struct bs_outcome bs_provider_apply(struct bs_engine *engine,
                                    const struct bs_provider_command *command)
{
    uint32_t account, market, row;
    struct bs_outcome outcome = find(engine, command, &account, &market);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    struct bs_provider provider;
    outcome = read_limits(&engine->markets[market], command, &provider);
    if (outcome.status != BS_OK) {
        return outcome;
    }
    bool held = bs_provider_find(engine, account, market, &row);
    if (provider.max_position == 0) {
        if (held) {
            bs_provider_remove(engine, row);
        }
        return BS_ACCEPTED;
    }
    if (!held && !bs_provider_insert(engine, row)) {
        return bs_refuse(BS_FULL_PROVIDERS, NULL);
    }
    /* Posting the limits again does not begin a new quota period; another length of it does. */
    struct bs_provider *target = &engine->providers[row];
    assert(row < engine->providers_count);
    provider.use = target->use;
    if (target->quota_period_ms != provider.quota_period_ms) {
        provider.use.period = 0;
        provider.use.value = 0;
    }
    provider.account = account;
    provider.market = market;
    *target = provider;
    return BS_ACCEPTED;
}
