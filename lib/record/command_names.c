/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/command.h"

/* NULL past the end; "" for a value that has no name in JSON. */
static const char *name_at(const char *const *names, size_t count, uint8_t value)
{
    return value < count ? names[value] : NULL;
}

#define NAMES(function, ...)                                                                       \
    const char *function(uint8_t value)                                                            \
    {                                                                                              \
        static const char *const names[] = {__VA_ARGS__};                                          \
        return name_at(names, sizeof(names) / sizeof(names[0]), value);                            \
    }

struct command_row {
    const char *name;
    enum bs_command_role role;
    bool is_named;
};

static const struct command_row commands[BS_COMMAND_COUNT] = {
    {"", BS_ROLE_INTERNAL, false},
#define X(code, number, name, role, is_named, subject) [number] = {#name, BS_ROLE_##role, is_named},
#include "lib/record/commands.def"
#undef X
};

const char *bs_command_type_name(uint8_t type)
{
    return type < BS_COMMAND_COUNT ? commands[type].name : NULL;
}

enum bs_command_role bs_command_role(uint8_t type)
{
    assert(type < BS_COMMAND_COUNT);
    return commands[type].role;
}

bool bs_command_is_named(uint8_t type)
{
    assert(type < BS_COMMAND_COUNT);
    return commands[type].is_named;
}

struct bs_text bs_command_subject(const struct bs_command *command)
{
    switch ((enum bs_command_type)command->type) {
#define X(code, number, name, role, is_named, subject)                                             \
    case BS_COMMAND_##code:                                                                        \
        return command->as.subject;
#include "lib/record/commands.def"
#undef X
    case BS_COMMAND_COUNT:
        break;
    }
    assert(false);
    return (struct bs_text){0};
}

NAMES(bs_layer_type_name, "", [BS_LAYER_INSURANCE] = "insurance", [BS_LAYER_ADL] = "adl",
      [BS_LAYER_HAIRCUT] = "haircut", [BS_LAYER_ASSIGN] = "assign")
NAMES(bs_layer_option_name, [BS_OPTION_HEDGED_LAST_PPM] = "hedged_last_ppm",
      [BS_OPTION_MAX_CLOSE_PPM] = "max_close_ppm",
      [BS_OPTION_MAX_CLOSE_PPM_PER_DAY] = "max_close_ppm_per_day",
      [BS_OPTION_MAX_LOSS_PPM] = "max_loss_ppm",
      [BS_OPTION_MAX_LOSS_PPM_PER_DAY] = "max_loss_ppm_per_day",
      [BS_OPTION_SENIORITY] = "seniority", [BS_OPTION_RESTITUTION] = "restitution",
      [BS_OPTION_SPREAD_PPM] = "spread_ppm", [BS_OPTION_MAX_COST_PPM] = "max_cost_ppm")
NAMES(bs_ranking_name, [BS_RANKING_PROFIT_LEVERAGE] = "profit_leverage",
      [BS_RANKING_PRIORITY] = "priority", [BS_RANKING_PRO_RATA] = "pro_rata",
      [BS_RANKING_MARGIN_PROFIT] = "margin_profit", [BS_RANKING_PROFIT_EQUITY] = "profit_equity",
      [BS_RANKING_PRICE_LEVERAGE] = "price_leverage",
      [BS_RANKING_LEVERAGE_WATER_FILL] = "leverage_water_fill")
NAMES(bs_close_price_name, [BS_PRICE_BANKRUPTCY] = "bankruptcy", [BS_PRICE_MARK] = "mark")
NAMES(bs_haircut_rule_name, [BS_RULE_PRO_RATA] = "pro_rata",
      [BS_RULE_CAPPED_PRO_RATA] = "capped_pro_rata", [BS_RULE_RISK_AWARE] = "risk_aware",
      [BS_RULE_MIN_MAX] = "min_max")
NAMES(bs_basis_name, [BS_BASIS_PERIOD_GAIN] = "period_gain",
      [BS_BASIS_UNREALIZED_PROFIT] = "unrealized_profit", [BS_BASIS_WINDOW_GAIN] = "window_gain")
NAMES(bs_divide_name, [BS_DIVIDE_AT_ONCE] = "at_once", [BS_DIVIDE_PERIOD_END] = "period_end")
NAMES(
    bs_scope_name, [BS_SCOPE_POOL] = "pool", [BS_SCOPE_MARKET] = "market", [BS_SCOPE_SIDE] = "side")
NAMES(bs_transfer_kind_name, [BS_TRANSFER_BY_SIGN] = "", [BS_TRANSFER_DEPOSIT] = "deposit",
      [BS_TRANSFER_WITHDRAWAL] = "withdrawal", [BS_TRANSFER_FUNDING] = "funding",
      [BS_TRANSFER_FEE] = "fee", [BS_TRANSFER_REBATE] = "rebate")
NAMES(bs_contract_name, [BS_CONTRACT_LINEAR] = "linear", [BS_CONTRACT_INVERSE] = "inverse")
NAMES(bs_trigger_name, [BS_TRIGGER_EQUITY] = "equity", [BS_TRIGGER_HANDOVER] = "handover")

struct option {
    uint8_t layer;
    uint32_t max;
};

static const struct option options[BS_OPTION_COUNT] = {
    [BS_OPTION_HEDGED_LAST_PPM] = {BS_LAYER_ADL, BS_PPM},
    [BS_OPTION_MAX_CLOSE_PPM] = {BS_LAYER_ADL, BS_PPM},
    [BS_OPTION_MAX_CLOSE_PPM_PER_DAY] = {BS_LAYER_ADL, BS_PPM},
    [BS_OPTION_MAX_LOSS_PPM] = {BS_LAYER_ADL, BS_PPM},
    [BS_OPTION_MAX_LOSS_PPM_PER_DAY] = {BS_LAYER_ADL, BS_PPM},
    [BS_OPTION_SENIORITY] = {BS_LAYER_HAIRCUT, BS_AGES_MAX},
    [BS_OPTION_RESTITUTION] = {BS_LAYER_HAIRCUT, 0},
    [BS_OPTION_SPREAD_PPM] = {BS_LAYER_ASSIGN, BS_SPREAD_MAX_PPM},
    [BS_OPTION_MAX_COST_PPM] = {BS_LAYER_ASSIGN, BS_COST_MAX_PPM},
};

uint8_t bs_layer_option_layer(uint8_t option)
{
    return options[option].layer;
}

uint32_t bs_layer_option_max(uint8_t option)
{
    return options[option].max;
}
