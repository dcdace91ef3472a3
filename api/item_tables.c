/* SPDX-License-Identifier: Apache-2.0 */
#include "api/item_tables.h"

/*
 * Rows of lib/record/fields.h as rows of a JSON table. `filled` is the struct that they fill, and it
 * begins BASE bytes into the target; `in` is the member of it that holds the row's, with its point.
 */
#define AT(member) (BASE + offsetof(filled, member))
#define ROW(kind, member, json, when, detail) ROW_##kind(, member, json, when, detail)
#define ROW_PLAIN(in, member, json, of_kind, when)                                                 \
    FIELD(#json, of_kind, AT(in member)), .required = WHEN_##when
#define ROW_NAME(in, member, json, when, detail) {ROW_PLAIN(in, member, json, FIELD_NAME, when)},
#define ROW_TEXT(in, member, json, when, sizes)                                                    \
    {ROW_PLAIN(in, member, json, FIELD_TEXT, when), .max = SECOND sizes},
#define ROW_DECIMAL(in, member, json, when, detail)                                                \
    {ROW_PLAIN(in, member, json, FIELD_DECIMAL, when)},
#define ROW_U32(in, member, json, when, most)                                                      \
    {ROW_PLAIN(in, member, json, FIELD_U32, when), .max = (most)},
#define ROW_U64(in, member, json, when, detail) {ROW_PLAIN(in, member, json, FIELD_U64, when)},
#define ROW_PERIOD(in, member, json, when, detail)                                                 \
    {ROW_PLAIN(in, member, json, FIELD_PERIOD, when)},
#define ROW_ENUM(in, member, json, when, of_names)                                                 \
    {ROW_PLAIN(in, member, json, FIELD_ENUM, when), .names = FIRST of_names},
#define ROW_BOOL(in, member, json, when, detail) {ROW_PLAIN(in, member, json, FIELD_BOOL, when)},
#define ROW_MAYBE_DECIMAL(in, member, json, when, detail)                                          \
    {ROW_PLAIN(in, member, json, FIELD_DECIMAL, when), .flag = AT(in has_##json)},
#define ROW_MAYBE_U32(in, member, json, when, most)                                                \
    {ROW_PLAIN(in, member, json, FIELD_U32, when), .max = (most), .flag = AT(in has_##json)},
#define ROW_MAYBE_PERIOD(in, member, json, when, detail)                                           \
    {ROW_PLAIN(in, member, json, FIELD_PERIOD, when), .flag = AT(in has_##json)},
#define ROW_MAYBE_TIME(in, member, json, when, detail)                                             \
    {ROW_PLAIN(in, member, json, FIELD_TIME, when), .flag = AT(in has_##json)},
#define ROW_NONZERO ROW_U64
#define ROW_UNLESS(in, member, json, when, absent)                                                 \
    {ROW_PLAIN(in, member, json, FIELD_U32, when),                                                 \
     .max = UINT32_MAX - ((absent) == UINT32_MAX ? 1 : 0)},
#define ROW_FLAG ROW_BOOL
#define ROW_CHOICE(in, member, json, when, of_names)                                               \
    {ROW_PLAIN(in, member, json, FIELD_ENUM, when), .names = (of_names)},
/* The lists of a pool and an account, which are read apart. */
#define ROW_LAYERS(in, member, json, when, detail)                                                 \
    {FIELD(#json, FIELD_WATERFALL, offsetof(struct item, list))},
#define ROW_POSITIONS(in, member, json, when, detail)                                              \
    {FIELD(#json, FIELD_LIST, offsetof(struct item, list)), .flag = AT(has_##member)},
/* The fields of a position stand among those of the command that has it. */
#define ROW_ITEM(in, member, json, when, detail) BS_ITEM_FIELDS(ITEM_ROW)
#define ITEM_ROW(kind, member, json, when, detail) ROW_##kind(item., member, json, when, detail)

#define WHEN_REQUIRED true
#define WHEN_DEFAULT false
#define WHEN_BIT_0 false
#define WHEN_BIT_1 false
#define WHEN_BIT_2 false
#define WHEN_BIT_3 false
#define WHEN_BIT_4 false
#define WHEN_BIT_5 false
#define FIRST(first, second) first
#define SECOND(first, second) second
#define TABLE(rows) .fields = (rows), .count = sizeof(rows) / sizeof((rows)[0])

/* What the feed sends may be numbered by its producer. */
#define SOURCE_ROWS_OPS
#define SOURCE_ROWS_FEED                                                                           \
    {FIELD("source", FIELD_NAME, offsetof(struct item, command.source))},                          \
        {FIELD("source_seq", FIELD_U64, offsetof(struct item, command.source_seq)),                \
         .flag = offsetof(struct item, command.has_source)},

#define TABLE_FEED COMMAND_TABLE
#define TABLE_OPS COMMAND_TABLE
/* No client sends it. */
#define TABLE_INTERNAL(code, role, list, member)                                                   \
    case BS_COMMAND_##code:                                                                        \
        break;
#define COMMAND_TABLE(code, role, list, member)                                                    \
    case BS_COMMAND_##code: {                                                                      \
        typedef struct bs_##member##_command filled;                                               \
        static const struct field rows[] = {BS_##list##_FIELDS(ROW) SOURCE_ROWS_##role{            \
            FIELD("type", FIELD_TYPE, FIELD_NOWHERE), .names = bs_command_type_name,               \
            .first = BS_COMMAND_##code}};                                                          \
        static const struct item_table table = {{TABLE(rows)}, sizeof(filled)};                    \
        return &table;                                                                             \
    }

const struct item_table *item_table(uint8_t type)
{
    enum { BASE = offsetof(struct item, command.as) };

    static const struct item_table none = {0};
    assert(type > 0);
    assert(type < BS_COMMAND_COUNT);
    switch ((enum bs_command_type)type) {
#define X(code, number, name, role, is_named, fields, member, subject)                             \
    TABLE_##role(code, role, fields, member)
#include "lib/record/commands.def"
#undef X
    case BS_COMMAND_COUNT:
        break;
    }
    return &none;
}

/* An option is a number, or a flag that has none. */
#define OPTION_ROW(code, number, json, layer, most)                                                \
    {FIELD(#json, (most) == 0 ? FIELD_BOOL : FIELD_U32,                                            \
           (most) == 0 ? AT(has[code]) : AT(options[code])),                                       \
     .max = (most), .flag = (most) == 0 ? 0 : AT(has[code])},
#define LAYER_TABLE(code)                                                                          \
    case BS_LAYER_##code: {                                                                        \
        static const struct field rows[] = {                                                       \
            {FIELD("layer", FIELD_TYPE, FIELD_NOWHERE), .names = bs_layer_type_name,               \
             .first = BS_LAYER_##code},                                                            \
            BS_##code##_FIELDS(ROW) BS_##code##_OPTIONS(OPTION_ROW)};                              \
        static const struct field_table table = {TABLE(rows)};                                     \
        return &table;                                                                             \
    }

const struct field_table *item_layer_table(uint8_t layer_type)
{
    enum { BASE = 0 };

    typedef struct bs_layer filled;
    switch ((enum bs_layer_type)layer_type) {
        LAYER_TABLE(INSURANCE)
        LAYER_TABLE(ADL)
        LAYER_TABLE(HAIRCUT)
        LAYER_TABLE(ASSIGN)
    case BS_LAYER_COUNT:
        break;
    }
    assert(false);
    return NULL;
}

const struct field_table *item_position_table(void)
{
    enum { BASE = 0 };

    typedef struct bs_position_item filled;
    static const struct field rows[] = {BS_ITEM_FIELDS(ROW)};
    static const struct field_table table = {TABLE(rows)};
    return &table;
}
