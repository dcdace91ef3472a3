/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints as JSON what the daemon's own tables say of its API: routes with their parameters, codes
 * with their statuses, the fields of every object that is read, the words an answer may use. The
 * test of the contract compares api/openapi.yaml with it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/item_tables.h"
#include "api/json_simulation.h"
#include "api/json_webhook.h"
#include "api/presets.h"
#include "daemon/http/connection.h"
#include "daemon/webhooks/webhooks.h"
#include "lib/engine.h"
#include "lib/record/action.h"

static json_t *parameters(const struct route *route)
{
    json_t *list = json_array();
    for (uint32_t bit = 0; bit < 32; bit++) {
        const char *name = query_parameter_name(UINT32_C(1) << bit);
        if ((route->parameters >> bit & 1) == 0) {
            continue;
        }
        bool required = (route->needs_side && UINT32_C(1) << bit == QUERY_SIDE) ||
                        (route->needs_pool && UINT32_C(1) << bit == QUERY_POOL);
        assert(name != NULL);
        json_array_append_new(list, json_pack("{s:s, s:b}", "name", name, "required", required));
    }
    return list;
}

/* Whose key may ask; nobody's for what is open to anybody. Ops may read, whatever a row says. */
static json_t *roles(const struct route *route)
{
    json_t *list = json_array();
    uint8_t named = route->roles == 0 ? ROLE_OPS : route->roles;
    if ((named & ROLE_ANYBODY) == 0) {
        const struct {
            uint8_t role;
            const char *name;
        } words[] = {{ROLE_FEED, "feed"}, {ROLE_OPS | ROLE_READ, "ops"}, {ROLE_READ, "read"}};

        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if ((named & words[i].role) != 0) {
                json_array_append_new(list, json_string(words[i].name));
            }
        }
    }
    return list;
}

/* A test is sent whenever it is asked for. */
static bool keeps_webhook_answer(const struct route *route)
{
    return route_is_webhook(route) && strcmp(route->method, "GET") != 0 &&
           route->command != WEBHOOKS_TEST;
}

static json_t *routes(void)
{
    json_t *list = json_array();
    for (size_t i = 0; route_at(i) != NULL; i++) {
        const struct route *route = route_at(i);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o, s:i, s:b, s:b, s:b, s:b}", "method",
                            route->method, "pattern", route->pattern, "roles", roles(route),
                            "parameters", parameters(route), "limit_max", (int)route->limit_max,
                            "takes_body", route->takes_body, "body_optional", route->body_optional,
                            "is_write", route_is_write(route), "takes_key",
                            route_is_write(route) || keeps_webhook_answer(route)));
    }
    return list;
}

static json_t *codes(void)
{
    json_t *list = json_array();
    for (unsigned i = BS_OK + 1; i < BS_STATUS_COUNT; i++) {
        enum bs_status status = (enum bs_status)i;
        json_array_append_new(list, json_pack("{s:s, s:i, s:s}", "code", bs_status_name(status),
                                              "status", bs_status_http(status), "sentence",
                                              bs_status_sentence(status)));
    }
    return list;
}

/* The words of an enumeration from `first` on; names that JSON does not know are empty. */
static json_t *words(const char *(*names)(uint8_t value), uint8_t first)
{
    json_t *list = json_array();
    for (uint8_t value = first; names(value) != NULL; value++) {
        if (names(value)[0] != '\0') {
            json_array_append_new(list, json_string(names(value)));
        }
    }
    return list;
}

static json_t *fields(const struct field_table *table)
{
    static const char *const kinds[] = {
        [FIELD_TYPE] = "word",       [FIELD_NAME] = "name",     [FIELD_TEXT] = "text",
        [FIELD_DECIMAL] = "decimal", [FIELD_U32] = "integer",   [FIELD_U64] = "integer",
        [FIELD_I64] = "integer",     [FIELD_BOOL] = "boolean",  [FIELD_ENUM] = "enum",
        [FIELD_TIME] = "time",       [FIELD_PERIOD] = "period", [FIELD_LIST] = "list",
        [FIELD_WATERFALL] = "list",  [FIELD_OBJECT] = "object",
    };
    json_t *object = json_object();
    for (uint32_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        if (field->kind >= sizeof kinds / sizeof kinds[0]) { /* known to the API, but not offered */
            continue;
        }
        json_t *row =
            json_pack("{s:s, s:b}", "kind", kinds[field->kind], "required", field->required);
        if (field->kind == FIELD_ENUM) {
            json_object_set_new(row, "words", words(field->names, field->first));
        } else if (field->kind == FIELD_TYPE) {
            json_object_set_new(row, "words", json_pack("[s]", field->names(field->first)));
        } else if (field->kind == FIELD_U32) {
            json_object_set_new(row, "max", json_integer((json_int_t)field->max));
        }
        json_object_set_new(object, field->name, row);
    }
    return object;
}

static json_t *commands(void)
{
    json_t *object = json_object();
    for (uint8_t type = 1; type < BS_COMMAND_COUNT; type++) {
        if (item_table(type)->size > 0) { /* it can be sent */
            json_object_set_new(object, bs_command_type_name(type),
                                fields(&item_table(type)->table));
        }
    }
    return object;
}

static json_t *layers(void)
{
    json_t *object = json_object();
    for (uint8_t type = 1; type < BS_LAYER_COUNT; type++) {
        json_object_set_new(object, bs_layer_type_name(type), fields(item_layer_table(type)));
    }
    return object;
}

static json_t *objects(void)
{
    const struct api_simulation_tables tables = api_simulation_tables();
    const struct api_webhook_tables webhooks = api_webhook_tables();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "simulation", fields(tables.simulation),
                     "comparison", fields(tables.comparison), "shock", fields(tables.shock),
                     "webhook", fields(webhooks.webhook), "redelivery", fields(webhooks.redelivery),
                     "rotation", fields(webhooks.rotation));
}

/* The numbers of notices have gaps. */
static json_t *event_types(void)
{
    json_t *list = json_array();
    for (uint32_t event = 0; event < API_EVENT_COUNT; event++) {
        if (api_event_name(event) != NULL) {
            json_array_append_new(list, json_string(api_event_name(event)));
        }
    }
    return list;
}

static json_t *presets(void)
{
    json_t *list = json_array();
    for (uint32_t i = 0; api_preset_at(i) != NULL; i++) {
        json_array_append_new(list, json_string(api_preset_at(i)->name));
    }
    return list;
}

/* Names by their numbers in records. */
static json_t *numbers(const char *(*names)(uint8_t value), uint8_t first)
{
    json_t *object = json_object();
    for (uint8_t value = first; names(value) != NULL; value++) {
        json_object_set_new(object, names(value), json_integer(value));
    }
    return object;
}

int main(void)
{
    json_t *tables = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "routes", routes(), "codes",
        codes(), "commands", commands(), "layers", layers(), "objects", objects(), "position",
        fields(item_position_table()), "action_types", words(bs_action_type_name, 0), "fund_causes",
        words(bs_fund_cause_name, 0), "presets", presets(), "event_types", event_types(),
        "command_numbers", numbers(bs_command_type_name, 1), "action_numbers",
        numbers(bs_action_type_name, 0));
    if (tables == NULL || json_dumpf(tables, stdout, JSON_INDENT(1)) != 0) {
        (void)fputs("the tables could not be printed\n", stderr);
        return EXIT_FAILURE;
    }
    json_decref(tables);
    return EXIT_SUCCESS;
}
