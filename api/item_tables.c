/* SPDX-License-Identifier: Apache-2.0 */
#include "api/item_tables.h"

#define AT(member) offsetof(struct item, command.as.member)
#define LIST_AT offsetof(struct item, list)
#define LAYER_AT(member) offsetof(struct bs_layer, member)
#define ROW_TYPE(value)                                                                            \
    {                                                                                              \
        FIELD("type", FIELD_TYPE, FIELD_NOWHERE), .names = bs_command_type_name, .first = (value)  \
    }
#define ROW_LAYER(value)                                                                           \
    {                                                                                              \
        FIELD("layer", FIELD_TYPE, FIELD_NOWHERE), .names = bs_layer_type_name, .first = (value)   \
    }
#define OPTION_ROW(text, option, most)                                                             \
    {                                                                                              \
        FIELD(text, FIELD_U32, LAYER_AT(options[option])), .flag = LAYER_AT(has[option]),          \
                                                           .max = (most)                           \
    }
/* The producer and number of an item. */
#define SOURCE_ROWS                                                                                \
    {FIELD("source", FIELD_NAME, offsetof(struct item, command.source))},                          \
    {                                                                                              \
        FIELD("source_seq", FIELD_U64, offsetof(struct item, command.source_seq)),                 \
            .flag = offsetof(struct item, command.has_source)                                      \
    }
#define TABLE(rows) .fields = (rows), .count = sizeof(rows) / sizeof((rows)[0])

/* The flag `isolated` as it is spelled. */
static const char *margin_name(uint8_t value)
{
    return value > 1 ? NULL : value == 0 ? "cross" : "isolated";
}

static const struct field pool_rows[] = {
    {FIELD("pool", FIELD_NAME, AT(pool.pool)), .required = true},
    {FIELD("asset", FIELD_NAME, AT(pool.asset)), .required = true},
    {FIELD("decimals", FIELD_U32, AT(pool.decimals)), .required = true,
     .max = BS_ASSET_DECIMALS_MAX},
    {FIELD("mark_max_age_ms", FIELD_U32, AT(pool.mark_max_age_ms)), .max = UINT32_MAX},
    {FIELD("period", FIELD_PERIOD, AT(pool.period_ms))},
    {FIELD("waterfall", FIELD_WATERFALL, LIST_AT)},
    {FIELD("trigger", FIELD_ENUM, AT(pool.trigger)), .names = bs_trigger_name},
    ROW_TYPE(BS_COMMAND_POOL),
};

static const struct field market_rows[] = {
    {FIELD("market", FIELD_NAME, AT(market.market)), .required = true},
    {FIELD("pool", FIELD_NAME, AT(market.pool)), .required = true},
    {FIELD("contract", FIELD_ENUM, AT(market.contract)), .names = bs_contract_name},
    {FIELD("tick_size", FIELD_DECIMAL, AT(market.tick_size)), .required = true},
    {FIELD("lot_size", FIELD_DECIMAL, AT(market.lot_size)), .required = true},
    {FIELD("multiplier", FIELD_DECIMAL, AT(market.multiplier))},
    {FIELD("maintenance_margin_ppm", FIELD_U32, AT(market.maintenance_margin_ppm)),
     .required = true, .max = UINT32_MAX},
    {FIELD("max_move_ppm", FIELD_U32, AT(market.max_move_ppm)), .max = UINT32_MAX},
    {FIELD("max_move_span_ms", FIELD_U32, AT(market.max_move_span_ms)), .max = UINT32_MAX},
    {FIELD("fund_budget", FIELD_DECIMAL, AT(market.fund_budget)),
     .flag = AT(market.has_fund_budget)},
    {FIELD("own_fund", FIELD_BOOL, AT(market.own_fund))},
    ROW_TYPE(BS_COMMAND_MARKET),
};

static const struct field account_rows[] = {
    {FIELD("account", FIELD_NAME, AT(account.account)), .required = true},
    {FIELD("pool", FIELD_NAME, AT(account.pool)), .required = true},
    {FIELD("collateral", FIELD_DECIMAL, AT(account.collateral)), .required = true},
    {FIELD("seen_action", FIELD_U64, AT(account.seen_action))},
    {FIELD("positions", FIELD_LIST, LIST_AT), .flag = AT(account.has_positions)},
    {FIELD("haircut_cap_ppm", FIELD_U32, AT(account.haircut_cap_ppm)), .max = BS_PPM,
     .flag = AT(account.has_haircut_cap)},
    SOURCE_ROWS,
    ROW_TYPE(BS_COMMAND_ACCOUNT),
};

/* The fields of a position, alone and inside an account. */
#define POSITION_ROWS(at)                                                                          \
    {FIELD("market", FIELD_NAME, (at) + offsetof(struct bs_position_item, market)),                \
     .required = true},                                                                            \
        {FIELD("size", FIELD_DECIMAL, (at) + offsetof(struct bs_position_item, size)),             \
         .required = true},                                                                        \
        {FIELD("entry_price", FIELD_DECIMAL,                                                       \
               (at) + offsetof(struct bs_position_item, entry_price)),                             \
         .flag = (uint16_t)((at) + offsetof(struct bs_position_item, has_entry_price))},           \
        {FIELD("margin", FIELD_ENUM, (at) + offsetof(struct bs_position_item, isolated)),          \
         .names = margin_name},                                                                    \
        {FIELD("collateral", FIELD_DECIMAL, (at) + offsetof(struct bs_position_item, collateral)), \
         .flag = (uint16_t)((at) + offsetof(struct bs_position_item, has_collateral))},            \
    {                                                                                              \
        FIELD("adl_priority", FIELD_U32, (at) + offsetof(struct bs_position_item, adl_priority)),  \
            .max = BS_PRIORITY_NONE - 1                                                            \
    }

static const struct field position_rows[] = {
    {FIELD("account", FIELD_NAME, AT(position.account)), .required = true},
    POSITION_ROWS(AT(position.item)),
    {FIELD("seen_action", FIELD_U64, AT(position.seen_action))},
    SOURCE_ROWS,
    ROW_TYPE(BS_COMMAND_POSITION),
};

static const struct field account_position_rows[] = {POSITION_ROWS(0)};

static const struct field fill_rows[] = {
    {FIELD("account", FIELD_NAME, AT(fill.account)), .required = true},
    {FIELD("market", FIELD_NAME, AT(fill.market)), .required = true},
    {FIELD("size", FIELD_DECIMAL, AT(fill.size)), .required = true},
    {FIELD("price", FIELD_DECIMAL, AT(fill.price)), .required = true},
    {FIELD("fee", FIELD_DECIMAL, AT(fill.fee))},
    {FIELD("trade_id", FIELD_NAME, AT(fill.trade_id))},
    {FIELD("margin", FIELD_ENUM, AT(fill.isolated)), .names = margin_name},
    SOURCE_ROWS,
    ROW_TYPE(BS_COMMAND_FILL),
};

static const struct field transfer_rows[] = {
    {FIELD("account", FIELD_NAME, AT(transfer.account)), .required = true},
    {FIELD("amount", FIELD_DECIMAL, AT(transfer.amount)), .required = true},
    {FIELD("kind", FIELD_ENUM, AT(transfer.kind)), .names = bs_transfer_kind_name,
     .first = BS_TRANSFER_DEPOSIT},
    {FIELD("transfer_id", FIELD_NAME, AT(transfer.transfer_id))},
    {FIELD("market", FIELD_NAME, AT(transfer.market))},
    SOURCE_ROWS,
    ROW_TYPE(BS_COMMAND_TRANSFER),
};

static const struct field mark_rows[] = {
    {FIELD("market", FIELD_NAME, AT(mark.market)), .required = true},
    {FIELD("price", FIELD_DECIMAL, AT(mark.price)), .required = true},
    {FIELD("time", FIELD_TIME, AT(mark.mark_time_ms)), .flag = AT(mark.has_time)},
    {FIELD("confirm", FIELD_BOOL, AT(mark.confirm))},
    SOURCE_ROWS,
    ROW_TYPE(BS_COMMAND_MARK),
};

static const struct field fund_rows[] = {
    {FIELD("pool", FIELD_NAME, AT(fund.pool)), .required = true},
    {FIELD("amount", FIELD_DECIMAL, AT(fund.amount)), .required = true},
    {FIELD("transfer_id", FIELD_NAME, AT(fund.transfer_id))},
    SOURCE_ROWS,
    ROW_TYPE(BS_COMMAND_INSURANCE_FUND),
};

#define NAME_ROWS(field, type)                                                                     \
    {                                                                                              \
        {FIELD(field, FIELD_NAME, AT(name.name)), .required = true}, ROW_TYPE(type)                \
    }
#define REASON_ROWS(type)                                                                          \
    {                                                                                              \
        {FIELD("pool", FIELD_NAME, AT(name.name)), .required = true},                              \
            {FIELD("reason", FIELD_REASON, AT(name.reason))}, ROW_TYPE(type)                       \
    }

static const struct field settle_rows[] = NAME_ROWS("pool", BS_COMMAND_SETTLE);
static const struct field close_period_rows[] = NAME_ROWS("pool", BS_COMMAND_CLOSE_PERIOD);
static const struct field resume_rows[] = REASON_ROWS(BS_COMMAND_RESUME);
static const struct field pause_rows[] = REASON_ROWS(BS_COMMAND_PAUSE);
static const struct field delete_account_rows[] = NAME_ROWS("account", BS_COMMAND_DELETE_ACCOUNT);
static const struct field delete_market_rows[] = NAME_ROWS("market", BS_COMMAND_DELETE_MARKET);
static const struct field delete_pool_rows[] = NAME_ROWS("pool", BS_COMMAND_DELETE_POOL);

static const struct field delete_source_rows[] = NAME_ROWS("source", BS_COMMAND_DELETE_SOURCE);

static const struct field handover_rows[] = {
    {FIELD("account", FIELD_NAME, AT(handover.account)), .required = true},
    {FIELD("market", FIELD_NAME, AT(handover.market))},
    SOURCE_ROWS,
    ROW_TYPE(BS_COMMAND_HANDOVER),
};

static const struct field unfilled_rows[] = {
    {FIELD("pool", FIELD_NAME, AT(unfilled.pool)), .required = true},
    {FIELD("action", FIELD_U64, AT(unfilled.action)), .required = true},
    {FIELD("size", FIELD_DECIMAL, AT(unfilled.size)), .required = true},
    SOURCE_ROWS,
    ROW_TYPE(BS_COMMAND_UNFILLED),
};

static const struct field final_rows[] = {
    {FIELD("market", FIELD_NAME, AT(final.market)), .required = true},
    {FIELD("price", FIELD_DECIMAL, AT(final.price)), .required = true},
    ROW_TYPE(BS_COMMAND_FINAL_SETTLEMENT),
};

static const struct field open_window_rows[] = {
    {FIELD("pool", FIELD_NAME, AT(window.pool)), .required = true},
    {FIELD("name", FIELD_NAME, AT(window.name)), .required = true},
    ROW_TYPE(BS_COMMAND_OPEN_WINDOW),
};

static const struct field close_window_rows[] = {
    {FIELD("pool", FIELD_NAME, AT(window.pool)), .required = true},
    {FIELD("name", FIELD_NAME, AT(window.name)), .required = true},
    ROW_TYPE(BS_COMMAND_CLOSE_WINDOW),
};

static const struct field provider_rows[] = {
    {FIELD("account", FIELD_NAME, AT(provider.account)), .required = true},
    {FIELD("market", FIELD_NAME, AT(provider.market)), .required = true},
    {FIELD("max_position", FIELD_DECIMAL, AT(provider.max_position)), .required = true},
    {FIELD("max_size", FIELD_DECIMAL, AT(provider.max_size)), .flag = AT(provider.has_max_size)},
    {FIELD("max_leverage_ppm", FIELD_U32, AT(provider.max_leverage_ppm)), .max = UINT32_MAX},
    {FIELD("quota_period", FIELD_PERIOD, AT(provider.quota_period_ms)),
     .flag = AT(provider.has_quota_period)},
    {FIELD("quota_ppm", FIELD_U32, AT(provider.quota_ppm)), .max = UINT32_MAX,
     .flag = AT(provider.has_quota_ppm)},
    {FIELD("priority", FIELD_U32, AT(provider.priority)), .max = BS_PRIORITY_NONE - 1},
    ROW_TYPE(BS_COMMAND_PROVIDER),
};

static const struct field own_fund_rows[] = {
    {FIELD("market", FIELD_NAME, AT(own_fund.market)), .required = true},
    {FIELD("amount", FIELD_DECIMAL, AT(own_fund.amount)), .required = true},
    {FIELD("transfer_id", FIELD_NAME, AT(own_fund.transfer_id))},
    ROW_TYPE(BS_COMMAND_OWN_FUND),
};

static const struct field insurance_rows[] = {
    ROW_LAYER(BS_LAYER_INSURANCE),
    {FIELD("floor", FIELD_DECIMAL, LAYER_AT(floor))},
    {FIELD("max_per_settlement", FIELD_DECIMAL, LAYER_AT(max_per_settlement)),
     .flag = LAYER_AT(has_max_per_settlement)},
    {FIELD("max_drawdown_ppm", FIELD_U32, LAYER_AT(max_drawdown_ppm)), .max = UINT32_MAX,
     .flag = LAYER_AT(has_max_drawdown)},
    {FIELD("drawdown_window", FIELD_PERIOD, LAYER_AT(drawdown_window_ms)),
     .flag = LAYER_AT(has_drawdown_window)},
    {FIELD("resume_ppm", FIELD_U32, LAYER_AT(resume_ppm)), .max = UINT32_MAX,
     .flag = LAYER_AT(has_resume)},
};

static const struct field adl_rows[] = {
    ROW_LAYER(BS_LAYER_ADL),
    {FIELD("ranking", FIELD_ENUM, LAYER_AT(ranking)), .names = bs_ranking_name},
    {FIELD("price", FIELD_ENUM, LAYER_AT(price)), .names = bs_close_price_name},
    {FIELD("protect_principal", FIELD_BOOL, LAYER_AT(protect_principal))},
    OPTION_ROW("hedged_last_ppm", BS_OPTION_HEDGED_LAST_PPM, BS_PPM),
    OPTION_ROW("max_close_ppm", BS_OPTION_MAX_CLOSE_PPM, BS_PPM),
    OPTION_ROW("max_close_ppm_per_day", BS_OPTION_MAX_CLOSE_PPM_PER_DAY, BS_PPM),
    OPTION_ROW("max_loss_ppm", BS_OPTION_MAX_LOSS_PPM, BS_PPM),
    OPTION_ROW("max_loss_ppm_per_day", BS_OPTION_MAX_LOSS_PPM_PER_DAY, BS_PPM),
};

static const struct field assign_rows[] = {
    ROW_LAYER(BS_LAYER_ASSIGN),
    OPTION_ROW("spread_ppm", BS_OPTION_SPREAD_PPM, BS_SPREAD_MAX_PPM),
    OPTION_ROW("max_cost_ppm", BS_OPTION_MAX_COST_PPM, BS_COST_MAX_PPM),
};

static const struct field haircut_rows[] = {
    ROW_LAYER(BS_LAYER_HAIRCUT),
    {FIELD("rule", FIELD_ENUM, LAYER_AT(rule)), .names = bs_haircut_rule_name},
    {FIELD("basis", FIELD_ENUM, LAYER_AT(basis)), .names = bs_basis_name},
    {FIELD("divide", FIELD_ENUM, LAYER_AT(divide)), .names = bs_divide_name},
    {FIELD("scope", FIELD_ENUM, LAYER_AT(scope)), .names = bs_scope_name},
    OPTION_ROW("seniority", BS_OPTION_SENIORITY, BS_AGES_MAX),
    {FIELD("restitution", FIELD_BOOL, LAYER_AT(has[BS_OPTION_RESTITUTION]))},
};

const struct item_table *item_table(uint8_t type)
{
    static const struct item_table tables[BS_COMMAND_COUNT] = {
        [BS_COMMAND_POOL] = {{TABLE(pool_rows)}, sizeof(struct bs_pool_command)},
        [BS_COMMAND_MARKET] = {{TABLE(market_rows)}, sizeof(struct bs_market_command)},
        [BS_COMMAND_ACCOUNT] = {{TABLE(account_rows)}, sizeof(struct bs_account_command)},
        [BS_COMMAND_POSITION] = {{TABLE(position_rows)}, sizeof(struct bs_position_command)},
        [BS_COMMAND_FILL] = {{TABLE(fill_rows)}, sizeof(struct bs_fill_command)},
        [BS_COMMAND_TRANSFER] = {{TABLE(transfer_rows)}, sizeof(struct bs_transfer_command)},
        [BS_COMMAND_MARK] = {{TABLE(mark_rows)}, sizeof(struct bs_mark_command)},
        [BS_COMMAND_INSURANCE_FUND] = {{TABLE(fund_rows)}, sizeof(struct bs_fund_command)},
        [BS_COMMAND_SETTLE] = {{TABLE(settle_rows)}, sizeof(struct bs_name_command)},
        [BS_COMMAND_CLOSE_PERIOD] = {{TABLE(close_period_rows)}, sizeof(struct bs_name_command)},
        [BS_COMMAND_RESUME] = {{TABLE(resume_rows)}, sizeof(struct bs_name_command)},
        [BS_COMMAND_PAUSE] = {{TABLE(pause_rows)}, sizeof(struct bs_name_command)},
        [BS_COMMAND_DELETE_ACCOUNT] = {{TABLE(delete_account_rows)},
                                       sizeof(struct bs_name_command)},
        [BS_COMMAND_DELETE_MARKET] = {{TABLE(delete_market_rows)}, sizeof(struct bs_name_command)},
        [BS_COMMAND_DELETE_POOL] = {{TABLE(delete_pool_rows)}, sizeof(struct bs_name_command)},
        [BS_COMMAND_DELETE_SOURCE] = {{TABLE(delete_source_rows)}, sizeof(struct bs_name_command)},
        [BS_COMMAND_FINAL_SETTLEMENT] = {{TABLE(final_rows)}, sizeof(struct bs_final_command)},
        [BS_COMMAND_PROVIDER] = {{TABLE(provider_rows)}, sizeof(struct bs_provider_command)},
        [BS_COMMAND_HANDOVER] = {{TABLE(handover_rows)}, sizeof(struct bs_handover_command)},
        [BS_COMMAND_OWN_FUND] = {{TABLE(own_fund_rows)}, sizeof(struct bs_own_fund_command)},
        [BS_COMMAND_OPEN_WINDOW] = {{TABLE(open_window_rows)}, sizeof(struct bs_window_command)},
        [BS_COMMAND_CLOSE_WINDOW] = {{TABLE(close_window_rows)}, sizeof(struct bs_window_command)},
        [BS_COMMAND_UNFILLED] = {{TABLE(unfilled_rows)}, sizeof(struct bs_unfilled_command)},
    };
    assert(type > 0);
    assert(type < BS_COMMAND_COUNT);
    return &tables[type];
}

const struct field_table *item_layer_table(uint8_t layer_type)
{
    static const struct field_table tables[BS_LAYER_COUNT] = {
        [BS_LAYER_INSURANCE] = {TABLE(insurance_rows)},
        [BS_LAYER_ADL] = {TABLE(adl_rows)},
        [BS_LAYER_HAIRCUT] = {TABLE(haircut_rows)},
        [BS_LAYER_ASSIGN] = {TABLE(assign_rows)},
    };
    assert(layer_type > 0);
    assert(layer_type < BS_LAYER_COUNT);
    return &tables[layer_type];
}

const struct field_table *item_position_table(void)
{
    static const struct field_table table = {TABLE(account_position_rows)};
    return &table;
}
