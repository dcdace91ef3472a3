/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two JSON parsers as one: thousands of generated good, odd and broken bodies must give the
 * same records, rejections and errors through both, and be valid exactly when jansson says so.
 */

#include "api/json_token.h"
#include "tests/unit/json_fixture.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

static const char *pick(const char *const *choices, size_t count)
{
    return choices[random_below((uint32_t)count)];
}

#define PICK(choices) pick(choices, sizeof(choices) / sizeof((choices)[0]))

static const char *random_space(void)
{
    static const char *const spaces[] = {"", "", "", "", " ", "\t", "  ", "\r"};
    return PICK(spaces);
}

static const char *random_key(void)
{
    static const char *const keys[] = {
        "account",
        "market",
        "size",
        "entry_price",
        "margin",
        "adl_priority",
        "seen_action",
        "type",
        "pool",
        "collateral",
        "positions",
        "price",
        "fee",
        "trade_id",
        "amount",
        "kind",
        "transfer_id",
        "time",
        "confirm",
        "asset",
        "decimals",
        "mark_max_age_ms",
        "period",
        "waterfall",
        "layer",
        "reason",
        "tick_size",
        "lot_size",
        "contract",
        "si\\u007ae",
        "",
        "x\\u0000",
        "\\ud83d\\ude00",
        "\xc3\xa9",
        "unknown",
        "\\ud800",
        "\xff",
    };
    return PICK(keys);
}

/* Good values first. */
static const char *const scalars[] = {
    "\"a1\"",
    "\"m\"",
    "\"-1.5\"",
    "\"64012.50\"",
    "0",
    "1",
    "-2",
    "41",
    "\"cross\"",
    "\"isolated\"",
    "true",
    "false",
    "null",
    "1.5",
    "1e3",
    "-0",
    "-0.0",
    "0.10",
    "\"\"",
    "\"tick\"",
    "\"8h\"",
    "\"2025-10-10T21:16:04Z\"",
    "\"deposit\"",
    "\"position\"",
    "\"account\"",
    "\"settle\"",
    "\"fill\"",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-0",
    "-0.0",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1e999",
    "-1E+999",
    "1e-999",
    "0.0000000000000000000000000001",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\xff\"",
    "\"\xed\xa0\x80\"",
    "\"\xc0\x80\"",
    "\"\xc2\x85\"",
    "\"\\/\\b\\f\\n\\r\\t\"",
    "\"\\x\"",
    "01",
    "1.",
    ".5",
    "+1",
    "-",
    "tru",
    "nul",
    "NaN",
    "\"unclosed",
    "\"\t\"",
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
};

static const char *random_scalar(void)
{
    /* Mostly the first ones, so that many bodies are good or nearly so. */
    if (random_below(4) != 0) {
        return pick(scalars, 20);
    }
    return PICK(scalars);
}

static void random_value(struct buffer *out, int depth);

static void random_members(struct buffer *out, int depth)
{
    buffer_printf(out, "{%s", random_space());
    for (uint32_t i = random_below(5), first = 1; i > 0; i--, first = 0) {
        buffer_printf(out, "%s%s\"%s\"%s:%s", first != 0 ? "" : ",", random_space(), random_key(),
                      random_space(), random_space());
        random_value(out, depth + 1);
    }
    buffer_text(out, "}");
}

static void random_value(struct buffer *out, int depth)
{
    uint32_t kind = random_below(10);
    if (kind > 1 || depth > 8) {
        buffer_text(out, random_scalar());
    } else if (kind == 0) {
        random_members(out, depth);
    } else {
        buffer_text(out, "[");
        for (uint32_t i = random_below(3), first = 1; i > 0; i--, first = 0) {
            buffer_text(out, first != 0 ? "" : ",");
            random_value(out, depth + 1);
        }
        buffer_text(out, "]");
    }
}

static const char *const plausible[] = {
    "{\"type\":\"position\",\"account\":\"a1\",\"market\":\"BTC\",\"size\":\"-1.5\","
    "\"entry_price\":\"64012.5\"}",
    "{\"type\":\"account\",\"account\":\"a1\",\"pool\":\"usdc\",\"collateral\":\"1000.00\","
    "\"seen_action\":41,\"positions\":[{\"market\":\"BTC\",\"size\":\"-1.5\",\"entry_price\":7}]}",
    "{\"type\":\"fill\",\"account\":\"a1\",\"market\":\"BTC\",\"size\":\"0.5\",\"price\":64000,"
    "\"fee\":\"1.2\",\"trade_id\":\"t9\"}",
    "{\"type\":\"transfer\",\"account\":\"a1\",\"amount\":\"-250\",\"kind\":\"withdrawal\"}",
    "{\"type\":\"mark\",\"market\":\"BTC\",\"price\":\"1\",\"time\":\"2025-10-10T21:16:04.831Z\"}",
    "{\"type\":\"pool\",\"pool\":\"p\",\"asset\":\"USDC\",\"decimals\":6,\"waterfall\":[{\"layer\":"
    "\"insurance\",\"floor\":\"0\"},{\"layer\":\"adl\",\"ranking\":\"priority\"}]}",
    "{\"type\":\"settle\",\"pool\":\"usdc\"}",
};

static void random_item(struct buffer *out)
{
    uint32_t kind = random_below(8);
    if (kind == 0) {
        random_value(out, 0);
    } else if (kind < 4) {
        random_members(out, 0);
    } else {
        size_t at = out->size;
        buffer_text(out, PICK(plausible));
        if (kind == 4) { /* one more member, perhaps a repeated one */
            out->size--;
            buffer_printf(out, ",\"%s\":", random_key());
            random_value(out, 1);
            buffer_text(out, "}");
        } else if (kind == 5) { /* one byte damaged */
            static const char bytes[] = "\"{}[],:0-.e\\\n\x01\x80 a";
            size_t where = at + random_below((uint32_t)(out->size - at));
            out->bytes[where] = bytes[random_below(sizeof(bytes))];
        }
    }
}

static bool random_body(struct buffer *out)
{
    uint32_t form = random_below(3);
    const char *separator = form == 2 ? "\n" : ",";
    buffer_clear(out);
    buffer_text(out, form == 1 ? "[" : "");
    for (uint32_t i = form == 0 ? 1 : random_below(6), first = 1; i > 0; i--, first = 0) {
        buffer_printf(out, "%s%s", first != 0 ? "" : separator, random_space());
        random_item(out);
        buffer_text(out, random_space());
    }
    buffer_text(out, form == 1 ? "]" : "");
    if (random_below(20) == 0 && out->size > 0) {
        out->size = random_below((uint32_t)out->size);
    }
    return form == 2;
}

/* What only simdjson and the clamping of numbers can represent, jansson refuses for these reasons.
 */
static bool is_known_limit(const char *message)
{
    return strncmp(message, "too big", 7) == 0 ||
           strncmp(message, "real number overflow", 20) == 0 ||
           strncmp(message, "NUL byte in object key", 22) == 0;
}

START_TEST(both_parsers_agree_on_generated_bodies)
{
    struct buffer body = {0};
    uint32_t good = 0;
    uint32_t bad = 0;
    random_state = 31;
    for (int round = 0; round < 60000; round++) {
        bool ndjson = random_body(&body);
        struct api_route route = {.type = (uint8_t)random_below(BS_COMMAND_SETTLE + 1)};
        route.type = random_below(2) == 0 ? 0 : route.type;
        if (random_below(4) == 0) {
            route.path_name = (struct bs_text){.bytes = "a1", .size = 2};
        }
        buffer_append(&body, "", 0);
        const char *result = parse_both(&route, body.bytes, body.size, ndjson);
        bool invalid = strncmp(result, "invalid_json", 12) == 0;
        bool empty = strncmp(result, "empty_body", 10) == 0;
        struct json_position position;
        if (!ndjson && !empty && json_locate(body.bytes, body.size, &position) != invalid) {
            ck_assert_msg(!invalid && is_known_limit(position.message), "%s\n%s\n%s", body.bytes,
                          result, position.message);
        }
        good += invalid ? 0 : 1;
        bad += invalid ? 1 : 0;
    }
    buffer_fini(&body);
    ck_assert_uint_gt(good, 10000);
    ck_assert_uint_gt(bad, 10000);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("json_parsers");
    UNIT_ADD(tests, both_parsers_agree_on_generated_bodies);
    return unit_run(tests);
}
