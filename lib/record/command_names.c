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
#define X(code, number, name, role, is_named, ...) [number] = {#name, BS_ROLE_##role, is_named},
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

/* A number is no subject. */
#define SUBJECT(value) _Generic((value), struct bs_text : (value), uint32_t : nothing)

struct bs_text bs_command_subject(const struct bs_command *command)
{
    const struct bs_text nothing = {0};
    switch ((enum bs_command_type)command->type) {
#define X(code, number, name, role, is_named, fields, member, subject)                             \
    case BS_COMMAND_##code:                                                                        \
        return SUBJECT(command->as.member.subject);
#include "lib/record/commands.def"
#undef X
    case BS_COMMAND_COUNT:
        break;
    }
    assert(false);
    return nothing;
}

NAMES(bs_layer_type_name, "", BS_LAYERS(BS_CHOICE_NAME))
NAMES(bs_ranking_name, BS_RANKINGS(BS_CHOICE_NAME))
NAMES(bs_close_price_name, BS_CLOSE_PRICES(BS_CHOICE_NAME))
NAMES(bs_haircut_rule_name, BS_HAIRCUT_RULES(BS_CHOICE_NAME))
NAMES(bs_basis_name, BS_BASES(BS_CHOICE_NAME))
NAMES(bs_divide_name, BS_DIVIDES(BS_CHOICE_NAME))
NAMES(bs_scope_name, BS_SCOPES(BS_CHOICE_NAME))
NAMES(bs_transfer_kind_name, BS_TRANSFER_KINDS(BS_CHOICE_NAME))
NAMES(bs_contract_name, BS_CONTRACTS(BS_CHOICE_NAME))
NAMES(bs_margin_name, "cross", "isolated")
NAMES(bs_side_name, "long", "short")
NAMES(bs_trigger_name, BS_TRIGGERS(BS_CHOICE_NAME))

struct option {
    const char *name;
    uint8_t layer;
    uint32_t max;
};

static const struct option options[BS_OPTION_COUNT] = {
#define X(code, number, name, layer, max) [number] = {#name, layer, max},
    BS_LAYER_OPTIONS(X)
#undef X
};

const char *bs_layer_option_name(uint8_t option)
{
    return option < BS_OPTION_COUNT ? options[option].name : NULL;
}

uint8_t bs_layer_option_layer(uint8_t option)
{
    assert(option < BS_OPTION_COUNT);
    return options[option].layer;
}

uint32_t bs_layer_option_max(uint8_t option)
{
    assert(option < BS_OPTION_COUNT);
    return options[option].max;
}
