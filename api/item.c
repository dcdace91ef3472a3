/* SPDX-License-Identifier: Apache-2.0 */
#include "api/item.h"

#include "api/item_tables.h"
#include "api/presets.h"

#define RECORD_ROOM 1024 /* more than any record without positions takes */
#define ITEM_ROOM 128    /* more than one position of an account record takes */

#define MARK_MAX_AGE_MS 10000
#define PERIOD_MS (8ull * 3600 * 1000)
#define PERIOD_UNSAID UINT64_MAX

_Static_assert(BS_COMMAND_COUNT <= 32, "the types of items are bits of 32");

void item_note_type(struct api_needs *needs, uint8_t type, bool ops)
{
    uint32_t bit = 1u << type;
    if (ops || bs_command_role(type) != BS_ROLE_FEED) {
        needs->ops |= bit;
    } else {
        needs->feed |= bit;
    }
}

/* The type the route or the item names; 0 with *fault set. */
static uint8_t item_type(const struct api_route *route, const struct json_token *object,
                         struct fault *fault)
{
    if (route->type != 0) {
        return route->type;
    }
    const struct json_token *value = fields_find(object, "type");
    if (value == NULL || value->kind != TOKEN_STRING) {
        (void)fault_set(fault, value == NULL ? BS_MISSING_FIELD : BS_WRONG_TYPE, "type");
        return 0;
    }
    for (unsigned type = 1; type < BS_COMMAND_COUNT; type++) {
        bool is_item = item_table((uint8_t)type)->size > 0;
        if (is_item && token_is(value, bs_command_type_name((uint8_t)type))) {
            return (uint8_t)type;
        }
    }
    (void)fault_set(fault, BS_UNKNOWN_TYPE, "type");
    return 0;
}

static bool read_layer(const struct json_token *object, struct bs_layer *layer, struct fault *fault)
{
    if (object->kind != TOKEN_OBJECT) {
        return fault_set(fault, BS_WRONG_TYPE, "");
    }
    const struct json_token *name = fields_find(object, "layer");
    if (name == NULL) {
        return fault_set(fault, BS_MISSING_FIELD, "layer");
    }
    if (name->kind != TOKEN_STRING) {
        return fault_set(fault, BS_WRONG_TYPE, "layer");
    }
    uint8_t type = 1;
    while (type < BS_LAYER_COUNT && !token_is(name, bs_layer_type_name(type))) {
        type++;
    }
    if (type == BS_LAYER_COUNT) {
        return fault_set(fault, BS_INVALID_VALUE, "layer");
    }
    *layer = (struct bs_layer){.type = type, .protect_principal = type == BS_LAYER_ADL};
    uint32_t seen = 0;
    return fields_read(item_layer_table(type), object, layer, &seen, fault);
}

bool item_read_waterfall(const struct json_token *value, struct bs_layer layers[BS_LAYERS_MAX],
                         uint32_t *ret_layers_count, struct fault *fault)
{
    if (value->kind == TOKEN_STRING) {
        const struct api_preset *preset = api_preset_find(value);
        if (preset == NULL) {
            return fault_set(fault, BS_UNKNOWN_PRESET, "waterfall");
        }
        *ret_layers_count = preset->layers_count;
        memcpy(layers, preset->layers, preset->layers_count * sizeof(layers[0]));
        return true;
    }
    if (value->size > BS_LAYERS_MAX) {
        return fault_set(fault, BS_INVALID_WATERFALL, "waterfall");
    }
    *ret_layers_count = value->size;
    const struct json_token *object = value + 1;
    for (uint32_t i = 0; i < value->size; i++) {
        if (!read_layer(object, &layers[i], fault)) {
            fault_inside(fault, "waterfall", i);
            return false;
        }
        object = token_next(object);
    }
    return true;
}

/* The waterfall of a pool, and the period that its preset is tied to unless the item names one. */
static bool read_pool_rules(const struct json_token *value, struct bs_pool_command *pool,
                            struct fault *fault)
{
    const struct api_preset *preset = value != NULL ? api_preset_find(value) : NULL;
    if (pool->period_ms == PERIOD_UNSAID) {
        pool->period_ms = preset != NULL && preset->has_period ? preset->period_ms : PERIOD_MS;
    }
    if (value != NULL) {
        return item_read_waterfall(value, pool->layers, &pool->layers_count, fault);
    }
    pool->layers_count = api_default_waterfall(pool->layers);
    return true;
}

/* A cross position has no collateral of its own. */
static bool margin_is_valid(const struct bs_position_item *item, struct fault *fault)
{
    return !item->has_collateral || item->isolated ||
           fault_set(fault, BS_INVALID_VALUE, "collateral");
}

/* Appends the positions of an account to its record, which ends the buffer. */
static bool append_positions(const struct json_token *list, struct buffer *records, size_t at,
                             struct fault *fault)
{
    if (list->size > BS_ACCOUNT_POSITIONS_MAX) {
        return fault_set(fault, BS_RECORD_TOO_LONG, "positions");
    }
    const struct json_token *object = list + 1;
    for (uint32_t i = 0; i < list->size; i++) {
        struct bs_position_item item = {.adl_priority = BS_PRIORITY_NONE};
        uint32_t seen = 0;
        bool good = object->kind == TOKEN_OBJECT
                        ? fields_read(item_position_table(), object, &item, &seen, fault)
                        : fault_set(fault, BS_WRONG_TYPE, "");
        good = good && margin_is_valid(&item, fault);
        if (!good) {
            fault_inside(fault, "positions", i);
            return false;
        }
        if (!buffer_reserve(records, ITEM_ROOM)) {
            return fault_set(fault, BS_OUT_OF_MEMORY, "positions");
        }
        size_t added = bs_command_append_position((uint8_t *)records->bytes + at,
                                                  records->capacity - at, &item);
        assert(added > 0);
        records->size += added;
        object = token_next(object);
    }
    return true;
}

static void set_defaults(struct item *item, uint8_t type)
{
    item->list = NULL;
    item->command.seq = 0;
    item->command.time_ms = 0;
    item->command.type = type;
    item->command.has_source = false;
    item->command.source.size = 0;
    memset(&item->command.as, 0, item_table(type)->size);
    if (type == BS_COMMAND_POOL) {
        item->command.as.pool.mark_max_age_ms = MARK_MAX_AGE_MS;
        item->command.as.pool.period_ms = PERIOD_UNSAID;
    } else if (type == BS_COMMAND_MARKET) {
        item->command.as.market.multiplier = (struct bs_decimal){.mantissa = 1};
        item->command.as.market.max_move_span_ms = BS_MOVE_SPAN_MS_DEFAULT;
    } else if (type == BS_COMMAND_POSITION) {
        item->command.as.position.item.adl_priority = BS_PRIORITY_NONE;
    } else if (type == BS_COMMAND_PROVIDER) {
        item->command.as.provider.priority = BS_PRIORITY_NONE;
        item->command.as.provider.max_leverage_ppm = BS_PPM; /* no leverage */
    }
}

/* Reads the members. A name that the path gives need not be repeated; if it is, it must agree. */
static bool read_item(const struct api_route *route, const struct json_token *object,
                      struct item *item, struct fault *fault)
{
    const struct field_table *table = &item_table(item->command.type)->table;
    const struct field *name = &table->fields[ITEM_NAME_ROW];
    uint32_t name_bit = 1u << ITEM_NAME_ROW;
    bool in_path = route->path_name.size > 0;
    uint32_t seen = in_path ? name_bit : 0;
    seen |= route->path_number != 0 ? 1u << ITEM_NUMBER_ROW : 0;
    if (!fields_read(table, object, item, &seen, fault)) {
        return false;
    }
    if (in_path) {
        struct bs_text *text = (void *)((char *)item + name->offset);
        if ((seen & name_bit) != 0 && !bs_text_equal(*text, route->path_name)) {
            return fault_set(fault, BS_INVALID_VALUE, name->name);
        }
        *text = route->path_name;
    }
    if (route->path_number != 0) {
        uint64_t *action = &item->command.as.unfilled.action;
        if (*action != 0 && *action != route->path_number) {
            return fault_set(fault, BS_INVALID_VALUE, "action");
        }
        *action = route->path_number;
    }
    if (item->command.has_source != (item->command.source.size > 0)) {
        return fault_set(fault, BS_MISSING_FIELD,
                         item->command.has_source ? "source" : "source_seq");
    }
    if (item->command.type == BS_COMMAND_POSITION) {
        return margin_is_valid(&item->command.as.position.item, fault);
    }
    if (item->command.type == BS_COMMAND_POOL) {
        return read_pool_rules(item->list, &item->command.as.pool, fault);
    }
    return true;
}

bool item_write(const struct api_route *route, const struct json_token *object,
                struct buffer *records, struct api_needs *needs, struct fault *fault)
{
    if (object->kind != TOKEN_OBJECT) {
        return fault_set(fault, BS_NOT_AN_OBJECT, "");
    }
    uint8_t type = item_type(route, object, fault);
    if (type == 0) {
        return false;
    }
    struct item item;
    set_defaults(&item, type);
    bool good = read_item(route, object, &item, fault);
    item_note_type(needs, type, type == BS_COMMAND_MARK && item.command.as.mark.confirm);
    if (!good) {
        return false;
    }
    if (!buffer_reserve(records, RECORD_ROOM)) {
        return fault_set(fault, BS_OUT_OF_MEMORY, "");
    }
    size_t at = records->size;
    size_t size =
        bs_command_encode(&item.command, (uint8_t *)records->bytes + at, records->capacity - at);
    assert(size > 0);
    records->size += size;
    if (type == BS_COMMAND_ACCOUNT && item.list != NULL &&
        !append_positions(item.list, records, at, fault)) {
        records->size = at;
        return false;
    }
    return true;
}
