/* SPDX-License-Identifier: Apache-2.0 */
/* JSON -> records: tables of bodies with what they become. In them ' stands for a double quote. */
#include "api/json_command.h"

#include <stdio.h>

#include "tests/unit/json_fixture.h"
#include "tests/unit/unit_main.h"

struct row {
    const char *body;
    const char *result;
};

/* Writes the body with double quotes for single ones; returns its size. */
static size_t quoted(char body[1024], const char *text)
{
    size_t size = strlen(text);
    ck_assert_uint_lt(size, 1024);
    for (size_t i = 0; i < size; i++) {
        body[i] = text[i] == '\'' ? '"' : text[i];
    }
    return size;
}

static void check_rows(const struct api_route *route, const struct row *rows, size_t count,
                       bool ndjson)
{
    for (size_t i = 0; i < count; i++) {
        char body[1024];
        const char *result = parse_both(route, body, quoted(body, rows[i].body), ndjson);
        ck_assert_msg(strcmp(result, rows[i].result) == 0, "%s\nexpected: %s\nactual:   %s",
                      rows[i].body, rows[i].result, result);
    }
}

#define CHECK_ROWS(route, rows, ndjson)                                                            \
    check_rows(&(route), rows, sizeof(rows) / sizeof((rows)[0]), ndjson)

static const struct row positions_rows[] = {
    {"{'account':'a1','market':'BTC-PERP','size':'-1.5','entry_price':'64012.50','margin':'cross','"
     "adl_priority':7,'seen_action':41,'type':'position'}",
     "0 position a1 BTC-PERP -15e-1 @ 640125e-1 priority 7 seen 41"},
    {"[{'size':-2,'market':'m','account':'\\u00e9\\ud83d\\ude00'}]",
     "0 position \xc3\xa9\xf0\x9f\x98\x80 m -2e0 seen 0"},
    {"[{'account':'a','market':'m','size':0},5,{'account':'b','market':'m','size':1.5},{'account':'"
     "c','market':'m','size':'1e3'},{'account':'d','market':'m','size':'1','entry_price':null},{'"
     "account':'e','market':'m','size':'1'}]",
     "0 position a m 0e0 seen 0; 5 position e m 1e0 seen 0; 1 not_an_object; 2 "
     "decimal_must_be_string(size); 3 invalid_decimal(size); 4 wrong_type(entry_price)"},
    {"{'account':'a','size':'1'}", "0 missing_field(market)"},
    {"{'account':'a','market':'m','size':'1','account':'a'}", "0 duplicate_key(account)"},
    {"{'account':'a','market':'m','size':{'x':1,'x':2}}", "0 wrong_type(size)"},
    {"{'account':'a','market':'m','size':'1','foo':1,'foo':2}", "0 unknown_field(foo)"},
    {"{'account':'a','':1}", "0 unknown_field(\"\")"},
    {"{'account':'a','x\\u0000y\\n':1}", "0 unknown_field(x?y?)"},
    {"{'0123456789012345678901234567890123456789012345678901234567890123456789':1}",
     "0 unknown_field(012345678901234567890123456789012345678901234567890123456789)"},
    {"{'account':'a\\u0000','market':'m','size':1}", "0 invalid_name(account)"},
    {"{'account':'a\\u0085','market':'m','size':1}", "0 invalid_name(account)"},
    {"{'account':'','market':'m','size':1}", "0 invalid_name(account)"},
    {"{'account':'01234567890123456789012345678901234567890123456789012345678901234'}",
     "0 invalid_name(account)"},
    {"{'account':7}", "0 wrong_type(account)"},
    {"{'size':99999999999999999999999}", "0 decimal_too_long(size)"},
    {"{'size':9223372036854775808}", "0 decimal_too_long(size)"},
    {"{'size':-9223372036854775808}", "0 decimal_too_long(size)"},
    {"{'size':-0}", "0 invalid_decimal(size)"},
    {"[{'account':'-0','market':'-0,','size':7},{'size': -0 },{'seen_action':-0}]",
     "0 position -0 -0, 7e0 seen 0; 1 invalid_decimal(size); 2 invalid_value(seen_action)"},
    {"[{'size':-9223372036854775808},{'size':-0},{'size':-0.0},{'size':-0e1}]",
     "0 decimal_too_long(size); 1 invalid_decimal(size); 2 decimal_must_be_string(size); 3 "
     "decimal_must_be_string(size)"},
    {"{'account':-0}", "0 wrong_type(account)"},
    {"-0", "0 not_an_object"},
    {"{'size':1e999}", "0 decimal_must_be_string(size)"},
    {"{'seen_action':-1}", "0 invalid_value(seen_action)"},
    {"{'seen_action':18446744073709551616}", "0 invalid_value(seen_action)"},
    {"{'seen_action':'41'}", "0 wrong_type(seen_action)"},
    {"{'adl_priority':4294967295}", "0 invalid_value(adl_priority)"},
    {"{'account':'a','market':'m','size':1,'collateral':'5'}", "0 invalid_value(collateral)"},
    {"{'account':'a','market':'m','size':1,'margin':'isolated','collateral':'5'}",
     "0 position a m 1e0 isolated 5e0 seen 0"},
    {"{'collateral':0.5}", "0 decimal_must_be_string(collateral)"},
    {"{'margin':'other'}", "0 invalid_value(margin)"},
    {"{'type':'fill'}", "0 invalid_value(type)"},
    {"'text'", "0 not_an_object"},
    {"[]", "empty_body: the request has no items"},
    {" \r\n\t", "empty_body: the request has no items"},
    {"", "empty_body: the request has no items"},
};

START_TEST(positions)
{
    struct api_route route = {.type = BS_COMMAND_POSITION};
    CHECK_ROWS(route, positions_rows, false);
}

END_TEST

static const struct row broken_bodies_name_line_and_column_rows[] = {
    {"{", "invalid_json: line 1 column 1: string or '}' expected"},
    {"[{'account':'a'},\n {'account':tru}]", "invalid_json: line 2 column 15: invalid token"},
    {"{'a':1}{", "invalid_json: line 1 column 8: end of file expected"},
    {"{'a':'\\ud800'}", "invalid_json: line 1 column 13: invalid Unicode '\\uD800'"},
    {"{'a':'\xff'}", "invalid_json: line 1 column 6: unable to decode byte 0xff"},
    {"{'a':01}", "invalid_json: line 1 column 6: invalid token"},
    {"{'a':'\t'}", "invalid_json: line 1 column 6: control character 0x9"},
    {"[1,]", "invalid_json: line 1 column 4: unexpected token"},
    {"\xef\xbb\xbf{}", "invalid_json: line 1 column 1: invalid token"},
    {"[-0,{'size':-0},nul]", "invalid_json: line 1 column 19: invalid token"},
    {"[99999999999999999999,1e999,nul]", "invalid_json: line 1 column 31: invalid token"},
};

START_TEST(broken_bodies_name_line_and_column)
{
    struct api_route route = {.type = BS_COMMAND_POSITION};
    CHECK_ROWS(route, broken_bodies_name_line_and_column_rows, false);
    const char nul[] = "{\"a\":\0 1}";
    const char *result = parse_both(&route, nul, sizeof(nul) - 1, false);
    ck_assert_str_eq(result, "invalid_json: line 1 column 6: NUL byte");
}

END_TEST

START_TEST(deep_bodies)
{
    struct api_route route = {.type = BS_COMMAND_POSITION};
    struct buffer body = {0};
    struct api_batch batch = {0};
    struct api_error error;

    static const struct {
        int depth;
        const char *detail;
    } rows[] = {
        {1000, NULL},
        {1200, "line 1 column 1: nested more than 1024 levels deep"},
        {5000, "line 1 column 2049: maximum parsing depth reached"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buffer_clear(&body);
        for (int depth = 0; depth < rows[i].depth; depth++) {
            buffer_append(&body, "[", 1);
        }
        for (int depth = 0; depth < rows[i].depth; depth++) {
            buffer_append(&body, "]", 1);
        }
        buffer_reserve(&body, API_BODY_PADDING);
        bool good = api_parse(&batch, &route, body.bytes, body.size, false, &error);
        ck_assert_int_eq(good, rows[i].detail == NULL);
        if (good) {
            ck_assert_int_eq(batch.rejections[0].status, BS_NOT_AN_OBJECT);
        } else {
            ck_assert_str_eq(error.detail, rows[i].detail);
        }
    }
    api_batch_fini(&batch);
    buffer_fini(&body);
}

END_TEST

static const struct row lines_rows[] = {
    {"{'account':'a','market':'m','size':1}\r\n\n "
     "\t\n{'account':'b','market':'m','size':1.0}\n[{}]\n7\n{'account':'c','market':'m','size':1}",
     "0 position a m 1e0 seen 0; 4 position c m 1e0 seen 0; 1 decimal_must_be_string(size); 2 "
     "not_an_object; 3 not_an_object"},
    {"{'account':'a','market':'m','size':1}\n\n{'account':\n'b'}",
     "invalid_json: line 3 column 11: unexpected token"},
    {"{'size':1}{'size':2}", "invalid_json: line 1 column 11: end of file expected"},
    {"{'size':1},{'size':2}", "invalid_json: line 1 column 11: end of file expected"},
    {"\n\n", "empty_body: the request has no items"},
    {"[]", "0 not_an_object"},
};

START_TEST(lines)
{
    struct api_route route = {.type = BS_COMMAND_POSITION};
    CHECK_ROWS(route, lines_rows, true);
}

END_TEST

static const struct row pools_rows[] = {
    {"{'asset':'USDC','decimals':6}", "0 pool"},
    {"{'pool':'usdc','asset':'USDC','decimals':6,'type':'pool'}", "0 pool"},
    {"{'pool':'other','asset':'USDC','decimals':6}", "0 invalid_value(pool)"},
    {"[{'asset':'USDC','decimals':6}]", "wrong_type: the body: this path takes one JSON object"},
    {"[]", "wrong_type: the body: this path takes one JSON object"},
    {"{'asset':'USDC','decimals':19}", "0 invalid_value(decimals)"},
    {"{'asset':'USDC','decimals':6,'period':'0h'}", "0 invalid_value(period)"},
    {"{'asset':'USDC','decimals':6,'period':'367d'}", "0 invalid_value(period)"},
    {"{'asset':'USDC','decimals':6,'waterfall':{}}", "0 wrong_type(waterfall)"},
    {"{'asset':'USDC','decimals':6,'waterfall':'best_of_all'}", "0 unknown_preset(waterfall)"},
    {"{'asset':'USDC','decimals':6,'waterfall':''}", "0 unknown_preset(waterfall)"},
    {"{'asset':'USDC','decimals':6,'waterfall':null}", "0 wrong_type(waterfall)"},
    {"{'asset':'USDC','decimals':6,'waterfall':[7]}", "0 wrong_type(waterfall[0])"},
    {"{'asset':'USDC','decimals':6,'waterfall':[{'floor':'0'}]}",
     "0 missing_field(waterfall[0].layer)"},
    {"{'asset':'USDC','decimals':6,'waterfall':[{'layer':'insurance'},{'layer':'adl','foo':1}]}",
     "0 unknown_field(waterfall[1].foo)"},
    {"{'asset':'USDC','decimals':6,'waterfall':[{'layer':'adl','ranking':'lottery'}]}",
     "0 invalid_value(waterfall[0].ranking)"},
    {"{'asset':'USDC','decimals':6,'waterfall':[{'layer':'insurance','max_drawdown_ppm':-1}]}",
     "0 invalid_value(waterfall[0].max_drawdown_ppm)"},
    {"{'asset':'USDC','decimals':6,'waterfall':[{'layer':'haircut','rule':'lottery'}]}",
     "0 invalid_value(waterfall[0].rule)"},
    {"{'asset':'USDC','decimals':6,'waterfall':[{'layer':'haircut','rule':'none'}]}",
     "0 invalid_value(waterfall[0].rule)"},
    {"{'asset':'USDC','decimals':6,'waterfall':[{'layer':'adl','layer':'adl'}]}",
     "0 duplicate_key(waterfall[0].layer)"},
    {"{'asset':'USDC','decimals':6,'waterfall':[{},{},{},{},{},{},{},{},{}]}",
     "0 invalid_waterfall(waterfall)"},
};

START_TEST(pools)
{
    struct api_route route = {.type = BS_COMMAND_POOL, .path_name = {.bytes = "usdc", .size = 4}};
    CHECK_ROWS(route, pools_rows, false);
}

END_TEST

static struct bs_command parse_one(struct api_batch *batch, uint8_t type, const char *path_name,
                                   const char *text)
{
    struct api_route route = {
        .type = type, .path_name = {.bytes = path_name, .size = (uint32_t)strlen(path_name)}};
    char body[1024 + API_BODY_PADDING] = {0};
    struct api_error error;
    ck_assert(api_parse(batch, &route, body, quoted(body, text), false, &error));
    ck_assert_uint_eq(batch->records_count, 1);
    struct bs_command command;
    const uint8_t *record = (const uint8_t *)batch->records.bytes;
    ck_assert_int_eq(bs_command_decode(record, bs_record_size(record), &command), BS_OK);
    return command;
}

START_TEST(defaults_and_every_option_of_a_pool)
{
    struct api_batch batch = {0};
    struct bs_command command =
        parse_one(&batch, BS_COMMAND_POOL, "usdc", "{'asset':'USDC','decimals':6}");
    const struct bs_pool_command *pool = &command.as.pool;
    ck_assert_uint_eq(pool->mark_max_age_ms, 10000);
    ck_assert_uint_eq(pool->period_ms, 8 * 3600 * 1000);
    ck_assert_uint_eq(pool->layers_count, 3);
    ck_assert_uint_eq(pool->layers[0].type, BS_LAYER_INSURANCE);
    ck_assert_uint_eq(pool->layers[1].type, BS_LAYER_ADL);
    ck_assert(pool->layers[1].protect_principal);
    ck_assert_uint_eq(pool->layers[2].type, BS_LAYER_HAIRCUT);
    ck_assert_uint_ne(batch.needs.ops, 0);
    ck_assert(!batch.is_list);
    command = parse_one(
        &batch, 0, "",
        "{'type':'pool','pool':'p','asset':'BTC','decimals':8,'mark_max_age_ms':0,'period':'tick','"
        "waterfall':[{'layer':'insurance','floor':'-1.50','max_per_settlement':5},{'layer':'adl','"
        "ranking':'pro_rata','price':'mark','protect_principal':false},{'layer':'haircut','rule':'"
        "pro_rata','basis':'unrealized_profit','divide':'period_end','scope':'market'}]}");
    ck_assert_uint_eq(pool->period_ms, 0);
    ck_assert_int_eq(pool->layers[0].floor.mantissa, -15);
    ck_assert(pool->layers[0].has_max_per_settlement);
    ck_assert_int_eq(pool->layers[0].max_per_settlement.mantissa, 5);
    ck_assert_uint_eq(pool->layers[1].ranking, BS_RANKING_PRO_RATA);
    ck_assert_uint_eq(pool->layers[1].price, BS_PRICE_MARK);
    ck_assert(!pool->layers[1].protect_principal);
    ck_assert_uint_eq(pool->layers[2].basis, BS_BASIS_UNREALIZED_PROFIT);
    ck_assert_uint_eq(pool->layers[2].divide, BS_DIVIDE_PERIOD_END);
    ck_assert_uint_eq(pool->layers[2].scope, BS_SCOPE_MARKET);
    api_batch_fini(&batch);
}

END_TEST

START_TEST(every_other_type)
{
    struct api_batch batch = {0};
    struct bs_command command = parse_one(&batch, BS_COMMAND_MARKET, "BTC-PERP",
                                          "{'pool':'usdc','contract':'linear','tick_size':'0.1','"
                                          "lot_size':'0.001','maintenance_margin_ppm':5000}");
    ck_assert_int_eq(command.as.market.multiplier.mantissa, 1);
    ck_assert_uint_eq(command.as.market.max_move_ppm, 0);
    ck_assert_uint_ne(batch.needs.ops, 0);
    command = parse_one(
        &batch, BS_COMMAND_FILL, "",
        "{'account':'a','market':'m','size':'0.5','price':'64000','fee':'1.2','trade_id':'t9'}");
    ck_assert_int_eq(command.as.fill.fee.mantissa, 12);
    ck_assert_uint_eq(command.as.fill.trade_id.size, 2);
    ck_assert_uint_eq(batch.needs.ops, 0);
    ck_assert_uint_eq(batch.needs.feed, 1u << BS_COMMAND_FILL);
    command = parse_one(&batch, BS_COMMAND_TRANSFER, "",
                        "{'account':'a','amount':'-250','kind':'funding'}");
    ck_assert_uint_eq(command.as.transfer.kind, BS_TRANSFER_FUNDING);
    command = parse_one(&batch, BS_COMMAND_TRANSFER, "", "{'account':'a','amount':'-250'}");
    ck_assert_uint_eq(command.as.transfer.kind, BS_TRANSFER_BY_SIGN);
    command = parse_one(
        &batch, BS_COMMAND_MARK, "",
        "{'market':'m','price':'63990.1','time':'2025-10-10T21:16:04.8319Z','confirm':true}");
    ck_assert_int_eq(command.as.mark.mark_time_ms, 1760130964831);
    ck_assert(command.as.mark.confirm);
    ck_assert_uint_eq(batch.needs.ops, 1u << BS_COMMAND_MARK);
    ck_assert_uint_eq(batch.needs.feed, 0);
    command = parse_one(&batch, BS_COMMAND_INSURANCE_FUND, "usdc",
                        "[{'amount':'50000','transfer_id':'x'}]");
    ck_assert_uint_eq(command.as.fund.pool.size, 4);
    command = parse_one(&batch, BS_COMMAND_PAUSE, "usdc", "{'reason':'maintenance'}");
    ck_assert_uint_eq(command.as.name.reason.size, 11);
    command = parse_one(&batch, BS_COMMAND_RESUME, "usdc", "{}");
    ck_assert_uint_eq(command.as.name.reason.size, 0);
    command = parse_one(&batch, 0, "", "{'pool':'usdc','type':'close_period'}");
    ck_assert_uint_eq(command.type, BS_COMMAND_CLOSE_PERIOD);
    command = parse_one(&batch, 0, "", "{'account':'a','type':'delete_account'}");
    ck_assert_uint_eq(command.type, BS_COMMAND_DELETE_ACCOUNT);
    ck_assert_uint_ne(batch.needs.ops, 0);
    api_batch_fini(&batch);
}

END_TEST

static const struct row accounts_take_their_positions_in_any_order_rows[] = {
    {"{'account':'a','pool':'p','collateral':'1','positions':[{'market':'m','size':1},{'market':'n'"
     ",'size':1,'size':2}]}",
     "0 duplicate_key(positions[1].size)"},
    {"{'account':'a','pool':'p','collateral':'1','positions':[3]}", "0 wrong_type(positions[0])"},
    {"{'account':'a','pool':'p','collateral':'1','positions':[{'seen_action':3}]}",
     "0 unknown_field(positions[0].seen_action)"},
    {"{'account':'a','pool':'p','collateral':'1','haircut_cap_ppm':1000001}",
     "0 invalid_value(haircut_cap_ppm)"},
};

START_TEST(accounts_take_their_positions_in_any_order)
{
    struct api_route route = {.type = BS_COMMAND_ACCOUNT};
    CHECK_ROWS(route, accounts_take_their_positions_in_any_order_rows, false);
    struct api_batch batch = {0};
    struct bs_command command =
        parse_one(&batch, BS_COMMAND_ACCOUNT, "",
                  "{'positions':[{'market':'m','size':'1','entry_price':'2'},{'market':'n','size':"
                  "0,'adl_priority':3}],'collateral':'1000.00','pool':'usdc','account':'a1'}");
    uint32_t cursor = 0;
    struct bs_position_item item;
    ck_assert(bs_command_position(&command.as.account, &cursor, &item));
    ck_assert(item.has_entry_price);
    ck_assert(bs_command_position(&command.as.account, &cursor, &item));
    ck_assert_uint_eq(item.adl_priority, 3);
    ck_assert(!bs_command_position(&command.as.account, &cursor, &item));
    command = parse_one(&batch, BS_COMMAND_ACCOUNT, "",
                        "{'positions':[],'collateral':1,'pool':'u','account':'a'}");
    ck_assert(command.as.account.has_positions);
    command =
        parse_one(&batch, BS_COMMAND_ACCOUNT, "", "{'collateral':1,'pool':'u','account':'a'}");
    ck_assert(!command.as.account.has_positions);
    api_batch_fini(&batch);
}

END_TEST

START_TEST(an_account_holds_ten_thousand_positions)
{
    struct api_route route = {.type = BS_COMMAND_ACCOUNT};
    for (int extra = 0; extra < 2; extra++) {
        struct buffer body = {0};
        buffer_text(&body, "{\"account\":\"a\",\"pool\":\"p\",\"collateral\":1,\"positions\":[");
        for (int i = 0; i < BS_ACCOUNT_POSITIONS_MAX + extra; i++) {
            buffer_printf(&body, "%s{\"market\":\"M%05d-%055d\",\"size\":\"%d\"}", i > 0 ? "," : "",
                          i, 0, i);
        }
        buffer_text(&body, "]}");
        const char *result = parse_both(&route, body.bytes, body.size, false);
        ck_assert_str_eq(result, extra == 0 ? "0 account" : "0 record_too_long(positions)");
        buffer_fini(&body);
    }
}

END_TEST

static const struct row commands_name_their_type_rows[] = {
    {"{'pool':'usdc'}", "0 missing_field(type)"},
    {"{'type':7}", "0 wrong_type(type)"},
    {"{'type':''}", "0 unknown_type(type)"},
    {"{'type':'Settle'}", "0 unknown_type(type)"},
    {"{'type':'final_settlement','market':'m'}", "0 missing_field(price)"},
    {"{'type':'settle','pool':'usdc','type':'settle'}", "0 duplicate_key(type)"},
    {"{'type':'settle','pool':'usdc','reason':'x'}", "0 unknown_field(reason)"},
    {"{'type':'pause','pool':'usdc','reason':''}", "0 invalid_value(reason)"},
    {"[{'type':'settle','pool':'a'},{'pool':'b','type':'resume'}]", "0 settle; 1 resume"},
};

START_TEST(commands_name_their_type)
{
    struct api_route route = {0};
    CHECK_ROWS(route, commands_name_their_type_rows, false);
}

END_TEST

START_TEST(times)
{
    static const struct {
        const char *text;
        bool valid;
        int64_t time_ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"1969-12-31T23:59:59.999Z", true, -1},
        {"2024-02-29T12:00:00.5+00:00", true, 1709208000500},
        {"2000-02-29T00:00:00.123456789Z", true, 951782400123},
        {"0000-01-01T00:00:00Z", true, -62167219200000},
        {"9999-12-31T23:59:59.999999999Z", true, 253402300799999},
        {"1900-02-29T00:00:00Z", false, 0},
        {"2023-02-29T00:00:00Z", false, 0},
        {"2023-04-31T00:00:00Z", false, 0},
        {"2023-13-01T00:00:00Z", false, 0},
        {"2023-00-01T00:00:00Z", false, 0},
        {"2023-01-00T00:00:00Z", false, 0},
        {"2023-01-01T24:00:00Z", false, 0},
        {"2023-01-01T00:60:00Z", false, 0},
        {"2016-12-31T23:59:60Z", false, 0},
        {"2023-01-01T00:00:00", false, 0},
        {"2023-01-01T00:00:00+01:00", false, 0},
        {"2023-01-01T00:00:00-00:00", false, 0},
        {"2023-01-01T00:00:00.Z", false, 0},
        {"2023-01-01T00:00:00.1234567890Z", false, 0},
        {"2023-01-01 00:00:00Z", false, 0},
        {"2023-01-01t00:00:00z", false, 0},
        {"2023-1-1T00:00:00Z", false, 0},
        {"2023-01-01T00:00:00ZZ", false, 0},
        {"", false, 0},
    };
    struct api_route route = {.type = BS_COMMAND_MARK};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        char body[1024];
        (void)snprintf(text, sizeof(text), "{'market':'m','price':1,'time':'%s'}", rows[i].text);
        const char *result = parse_both(&route, body, quoted(body, text), false);
        ck_assert_str_eq(result, rows[i].valid ? "0 mark" : "0 invalid_time(time)");
        if (rows[i].valid) {
            struct api_batch batch = {0};
            struct bs_command command = parse_one(&batch, BS_COMMAND_MARK, "", text);
            ck_assert_int_eq(command.as.mark.mark_time_ms, rows[i].time_ms);
            api_batch_fini(&batch);
        }
    }
}

END_TEST

START_TEST(too_many_items_apply_nothing)
{
    struct buffer body = {0};
    for (int ndjson = 0; ndjson < 2; ndjson++) {
        buffer_clear(&body);
        buffer_text(&body, ndjson != 0 ? "" : "[");
        for (uint32_t i = 0; i <= API_ITEMS_MAX; i++) {
            buffer_text(&body, i == 0 ? "{}" : ndjson != 0 ? "\n{}" : ",{}");
        }
        buffer_text(&body, ndjson != 0 ? "" : "]");
        buffer_reserve(&body, API_BODY_PADDING);
        struct api_route route = {.type = BS_COMMAND_POSITION};
        struct api_batch batch = {0};
        struct api_error error;
        ck_assert(!api_parse(&batch, &route, body.bytes, body.size, ndjson != 0, &error));
        ck_assert_int_eq(error.status, BS_TOO_MANY_ITEMS);
        ck_assert_uint_eq(batch.records_count + batch.rejections_count + batch.items_count, 0);
        api_batch_fini(&batch);
    }
    buffer_fini(&body);
}

END_TEST

START_TEST(names_of_paths_are_checked)
{
    struct api_route route = {.type = BS_COMMAND_POOL, .path_name = {.bytes = "a\nb", .size = 3}};
    ck_assert_str_eq(parse_both(&route, "{}", 2, false),
                     "invalid_name: a name has 1 to 64 bytes of UTF-8 without control characters");
    struct api_batch batch = {0};
    struct bs_command command = {.type = BS_COMMAND_SETTLE,
                                 .as.name.name = {.bytes = "usdc", .size = 4}};
    api_batch_add(&batch, &command);
    ck_assert_uint_eq(batch.records_count, 1);
    ck_assert_uint_ne(batch.needs.ops, 0);
    command.as.name.name = (struct bs_text){.bytes = "\xff", .size = 1};
    api_batch_add(&batch, &command);
    ck_assert_uint_eq(batch.records_count, 1);
    ck_assert_uint_eq(batch.rejections[0].index, 1);
    ck_assert_int_eq(batch.rejections[0].status, BS_INVALID_NAME);
    api_batch_fini(&batch);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("json_command");
    UNIT_ADD(tests, positions, broken_bodies_name_line_and_column, deep_bodies, lines, pools,
             defaults_and_every_option_of_a_pool, every_other_type,
             accounts_take_their_positions_in_any_order, an_account_holds_ten_thousand_positions,
             commands_name_their_type, times, too_many_items_apply_nothing,
             names_of_paths_are_checked);
    return unit_run(tests);
}
