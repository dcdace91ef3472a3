/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_simulation.h"

#include <stdio.h>

#include "api/fields.h"
#include "api/item.h"
#include "api/presets.h"

/* What the table of a body fills; the tokens live while the body is read. */
struct body {
    struct bs_text pool;
    struct bs_text account;
    const struct json_token *shocks;
    const struct json_token *waterfalls;
    struct bs_decimal fund;
    bool has_fund;
    bool close_period;
    bool actions;
    bool has_limit;
    uint32_t actions_limit;
};

struct shock {
    struct bs_text market;
    struct bs_decimal price;
    bool has_price;
    int64_t move_ppm;
    bool has_move;
};

#define AT(member) offsetof(struct body, member)
#define SHOCK_AT(member) offsetof(struct shock, member)
#define WATERFALL_ROWS                                                                             \
    {FIELD("waterfalls", FIELD_OBJECT, AT(waterfalls))},                                           \
        {FIELD("actions", FIELD_BOOL, AT(actions))},                                               \
    {                                                                                              \
        FIELD("actions_limit", FIELD_U32, AT(actions_limit)), .flag = AT(has_limit),               \
                                                              .max = API_SIMULATED_ACTIONS_MAX     \
    }

static const struct field simulation_rows[] = {
    {FIELD("pool", FIELD_NAME, AT(pool)), .required = true},
    {FIELD("shocks", FIELD_LIST, AT(shocks))},
    {FIELD("account", FIELD_NAME, AT(account))},
    {FIELD("fund", FIELD_DECIMAL, AT(fund)), .flag = AT(has_fund)},
    {FIELD("close_period", FIELD_BOOL, AT(close_period))},
    WATERFALL_ROWS,
};

static const struct field comparison_rows[] = {WATERFALL_ROWS};

static const struct field shock_rows[] = {
    {FIELD("market", FIELD_NAME, SHOCK_AT(market)), .required = true},
    {FIELD("price", FIELD_DECIMAL, SHOCK_AT(price)), .flag = SHOCK_AT(has_price)},
    {FIELD("move_ppm", FIELD_I64, SHOCK_AT(move_ppm)), .flag = SHOCK_AT(has_move)},
};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        .fields = (rows), .count = sizeof(rows) / sizeof((rows)[0])                                \
    }

static const struct field_table simulation_table = TABLE(simulation_rows);
static const struct field_table comparison_table = TABLE(comparison_rows);
static const struct field_table shock_table = TABLE(shock_rows);

struct api_simulation_tables api_simulation_tables(void)
{
    return (struct api_simulation_tables){&simulation_table, &comparison_table, &shock_table};
}

struct bs_text api_name_text(const struct api_name *name)
{
    return (struct bs_text){name->bytes, name->size};
}

static void set_name(struct api_name *name, struct bs_text text)
{
    assert(text.size <= sizeof(name->bytes));
    if (text.size > 0) { /* an absent name has no bytes to copy from */
        memcpy(name->bytes, text.bytes, text.size);
    }
    name->size = text.size;
}

struct bs_what_if_mark api_shock_mark(const struct api_shock *shock)
{
    struct bs_what_if_mark mark = shock->mark;
    mark.market = api_name_text(&shock->market);
    return mark;
}

static bool read_shock(struct api_simulation *simulation, const struct json_token *object,
                       struct fault *fault)
{
    struct shock shock = {0};
    uint32_t seen = 0;
    if (object->kind != TOKEN_OBJECT) {
        return fault_set(fault, BS_WRONG_TYPE, "");
    }
    if (!fields_read(&shock_table, object, &shock, &seen, fault)) {
        return false;
    }
    if (shock.has_price == shock.has_move) { /* one of them says where the mark goes */
        return shock.has_price ? fault_set(fault, BS_INVALID_VALUE, "move_ppm")
                               : fault_set(fault, BS_MISSING_FIELD, "price");
    }
    for (uint32_t i = 0; i < simulation->shocks_count; i++) {
        if (bs_text_equal(api_name_text(&simulation->shocks[i].market), shock.market)) {
            return fault_set(fault, BS_DUPLICATE_MARKET, "market");
        }
    }
    if (shock.move_ppm > (int64_t)1000 * BS_PPM || shock.move_ppm < -(int64_t)BS_PPM) {
        return fault_set(fault, BS_INVALID_VALUE, "move_ppm");
    }
    struct api_shock *read = &simulation->shocks[simulation->shocks_count++];
    set_name(&read->market, shock.market);
    read->mark = (struct bs_what_if_mark){
        .by_price = shock.has_price, .price = shock.price, .move_ppm = shock.move_ppm};
    return true;
}

static bool read_shocks(struct api_simulation *simulation, const struct json_token *list,
                        struct fault *fault)
{
    if (list == NULL) {
        return true;
    }
    if (list->size > API_SHOCKS_MAX) {
        return fault_set(fault, BS_TOO_MANY_SHOCKS, "shocks");
    }
    const struct json_token *object = list + 1;
    for (uint32_t i = 0; i < list->size; i++) {
        if (!read_shock(simulation, object, fault)) {
            fault_inside(fault, "shocks", i);
            return false;
        }
        object = token_next(object);
    }
    return true;
}

static bool name_is_new(const struct api_simulation *simulation, struct bs_text name)
{
    for (uint32_t i = 0; i < simulation->waterfalls_count; i++) {
        if (bs_text_equal(api_name_text(&simulation->waterfalls[i].name), name)) {
            return false;
        }
    }
    return true;
}

/* A fault of the waterfall's own reader says "waterfall..."; here that is "waterfalls.NAME...". */
static bool fault_in_waterfall(struct fault *fault, struct bs_text name)
{
    static const char word[] = "waterfall";
    const char *rest = fault->field;
    if (strncmp(rest, word, sizeof(word) - 1) == 0) {
        rest += sizeof(word) - 1;
    }
    char path[FIELD_PATH_SIZE + sizeof("waterfalls.") + BS_ID_SIZE_MAX];
    (void)snprintf(path, sizeof(path), "waterfalls.%.*s%s", (int)name.size, name.bytes, rest);
    return fault_set(fault, fault->status, path);
}

static bool read_waterfall(struct api_simulation *simulation, const struct json_token *key,
                           struct fault *fault)
{
    const struct json_token *value = key + 1;
    struct bs_text name = {key->as.bytes, key->size};
    struct api_waterfall *waterfall = &simulation->waterfalls[simulation->waterfalls_count];
    if (!api_name_valid(name)) {
        return fault_set(fault, BS_INVALID_NAME, "waterfalls");
    }
    if (!name_is_new(simulation, name)) {
        return fault_set(fault, BS_DUPLICATE_KEY, "waterfalls");
    }
    *waterfall = (struct api_waterfall){.current = token_is(value, "current")};
    set_name(&waterfall->name, name);
    simulation->waterfalls_count++;
    if (waterfall->current) {
        return true;
    }
    fault->field[0] = '\0';
    if (value->kind != TOKEN_STRING && value->kind != TOKEN_ARRAY) {
        fault->status = BS_WRONG_TYPE;
        return fault_in_waterfall(fault, name);
    }
    return item_read_waterfall(value, waterfall->layers, &waterfall->layers_count, fault) ||
           fault_in_waterfall(fault, name);
}

/* Without any: the pool's own. */
static bool read_waterfalls(struct api_simulation *simulation, const struct json_token *object,
                            struct fault *fault)
{
    if (object == NULL) {
        simulation->waterfalls[0] = (struct api_waterfall){.current = true};
        set_name(&simulation->waterfalls[0].name, (struct bs_text){"current", 7});
        simulation->waterfalls_count = 1;
        return true;
    }
    if (object->size == 0 || object->size > API_WATERFALLS_MAX) {
        return fault_set(fault, BS_TOO_MANY_WATERFALLS, "waterfalls");
    }
    const struct json_token *key = object + 1;
    for (uint32_t left = object->size; left > 0; left--) {
        if (!read_waterfall(simulation, key, fault)) {
            return false;
        }
        key = token_next(key + 1);
    }
    return true;
}

static void set_actions(struct api_simulation *simulation, const struct body *body)
{
    if (body->actions) {
        simulation->actions_limit = body->has_limit ? body->actions_limit : API_SIMULATED_ACTIONS;
    }
}

static bool on_simulation(void *user, const struct json_token *object, struct fault *fault)
{
    struct api_simulation *simulation = user;
    struct body body = {0};
    uint32_t seen = 0;
    *simulation = (struct api_simulation){0};
    if (!fields_read(&simulation_table, object, &body, &seen, fault)) {
        return false;
    }
    set_name(&simulation->pool, body.pool);
    set_name(&simulation->account, body.account);
    simulation->has_fund = body.has_fund;
    simulation->fund = body.fund;
    simulation->close_period = body.close_period;
    set_actions(simulation, &body);
    return read_shocks(simulation, body.shocks, fault) &&
           read_waterfalls(simulation, body.waterfalls, fault);
}

static bool on_comparison(void *user, const struct json_token *object, struct fault *fault)
{
    struct api_simulation *simulation = user;
    struct body body = {0};
    uint32_t seen = 0;
    *simulation = (struct api_simulation){0};
    if (!fields_read(&comparison_table, object, &body, &seen, fault)) {
        return false;
    }
    if (body.waterfalls == NULL) {
        api_comparison_presets(simulation);
    }
    set_actions(simulation, &body);
    if (body.waterfalls != NULL && !read_waterfalls(simulation, body.waterfalls, fault)) {
        return false;
    }
    /* The name of the real outcome in the answer. */
    return name_is_new(simulation, (struct bs_text){"actual", 6}) ||
           fault_set(fault, BS_DUPLICATE_KEY, "waterfalls.actual");
}

bool api_simulation_parse(struct api_simulation *simulation, const char *body, size_t size,
                          struct api_error *ret_error)
{
    return api_parse_object(body, size, on_simulation, simulation, ret_error);
}

bool api_comparison_parse(struct api_simulation *simulation, const char *body, size_t size,
                          struct api_error *ret_error)
{
    return api_parse_object(body, size, on_comparison, simulation, ret_error);
}

void api_comparison_presets(struct api_simulation *simulation)
{
    *simulation = (struct api_simulation){0};
    const struct api_preset *preset;
    for (uint32_t i = 0; i < API_WATERFALLS_MAX && (preset = api_preset_at(i)) != NULL; i++) {
        struct api_waterfall *waterfall = &simulation->waterfalls[simulation->waterfalls_count++];
        set_name(&waterfall->name, (struct bs_text){preset->name, (uint32_t)strlen(preset->name)});
        waterfall->layers_count = preset->layers_count;
        memcpy(waterfall->layers, preset->layers, preset->layers_count * sizeof(preset->layers[0]));
    }
}
