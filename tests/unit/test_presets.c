/* SPDX-License-Identifier: Apache-2.0 */
/* Presets: a name stands for its layers and brings its period. Method: each name is sent, and its
 * layers as GET /v1/presets spells them; both must make the same command. */
#include <stdio.h>

#include "api/json_command.h"
#include "api/json_state.h"
#include "api/presets.h"
#include "tests/unit/unit_main.h"

#define TEXT_SIZE 2048

static struct bs_pool_command parse_pool(struct api_batch *batch, const char *members)
{
    struct api_route route = {.type = BS_COMMAND_POOL, .path_name = {.bytes = "p", .size = 1}};
    char body[TEXT_SIZE + API_BODY_PADDING] = {0};
    struct api_error error;
    int size = snprintf(body, TEXT_SIZE, "{\"asset\":\"USD\",\"decimals\":2,%s}", members);
    ck_assert_int_lt(size, TEXT_SIZE);
    ck_assert(api_parse(batch, &route, body, (size_t)size, false, &error));
    ck_assert_uint_eq(batch->records_count, 1);
    struct bs_command command;
    const uint8_t *record = (const uint8_t *)batch->records.bytes;
    ck_assert_int_eq(bs_command_decode(record, bs_record_size(record), &command), BS_OK);
    return command.as.pool;
}

START_TEST(a_name_stands_for_its_layers)
{
    struct api_batch batch = {0};
    uint32_t count = 0;
    for (const struct api_preset *preset; (preset = api_preset_at(count)) != NULL; count++) {
        char members[TEXT_SIZE];
        struct buffer shown = {0};
        snprintf(members, sizeof(members), "\"waterfall\":\"%s\"", preset->name);
        struct bs_pool_command by_name = parse_pool(&batch, members);
        api_preset(&shown, preset);
        buffer_append(&shown, "", 1);
        const char *layers = strstr(shown.bytes, "\"waterfall\":");
        ck_assert_ptr_nonnull(layers);
        /* Cuts the brace that closes the preset. */
        snprintf(members, sizeof(members), "%.*s", (int)strlen(layers) - 1, layers);
        struct bs_pool_command by_layers = parse_pool(&batch, members);
        ck_assert_uint_eq(by_name.layers_count, preset->layers_count);
        ck_assert_uint_eq(by_layers.layers_count, preset->layers_count);
        for (uint32_t i = 0; i < by_name.layers_count; i++) {
            struct buffer spelled[2] = {{0}, {0}};
            api_layers(&spelled[0], &by_name.layers[i], 1);
            api_layers(&spelled[1], &by_layers.layers[i], 1);
            ck_assert_uint_eq(spelled[0].size, spelled[1].size);
            ck_assert_mem_eq(spelled[0].bytes, spelled[1].bytes, spelled[0].size);
            buffer_fini(&spelled[0]);
            buffer_fini(&spelled[1]);
        }
        ck_assert_uint_eq(by_name.period_ms, preset->has_period ? preset->period_ms : 28800000);
        buffer_fini(&shown);
    }
    ck_assert_uint_eq(count, 6);
    api_batch_fini(&batch);
}

END_TEST

START_TEST(a_period_that_is_named_wins)
{
    struct api_batch batch = {0};
    const char *const orders[] = {"\"waterfall\":\"mark_to_market_window\",\"period\":\"1h\"",
                                  "\"period\":\"1h\",\"waterfall\":\"mark_to_market_window\""};
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(parse_pool(&batch, orders[i]).period_ms, 3600000);
    }
    ck_assert_uint_eq(parse_pool(&batch, "\"waterfall\":\"mark_to_market_window\"").period_ms, 0);
    api_batch_fini(&batch);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("presets");
    UNIT_ADD(tests, a_name_stands_for_its_layers, a_period_that_is_named_wins);
    return unit_run(tests);
}
