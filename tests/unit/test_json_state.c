/* SPDX-License-Identifier: Apache-2.0 */
/* Views, actions and answers -> JSON, compared with the whole text. */
#include "api/json_state.h"

#include "tests/unit/engine_fixture.h"
#include "tests/unit/unit_main.h"

static struct buffer out;

static void setup(void)
{
    out = (struct buffer){0};
}

static void teardown(void)
{
    buffer_fini(&out);
}

/* The output, with ' for " so that it can be read here; begins empty. */
static const char *output(void)
{
    for (size_t i = 0; i < out.size; i++) {
        out.bytes[i] = out.bytes[i] == '"' ? '\'' : out.bytes[i];
    }
    buffer_clear(&out);
    return out.bytes;
}

static struct bs_wide wide(const char *string)
{
    struct bs_decimal decimal = dec(string);
    return (struct bs_wide){.mantissa = decimal.mantissa, .exponent = decimal.exponent};
}

START_TEST(strings_are_escaped)
{
    static const struct {
        const char *bytes;
        uint32_t size;
        const char *json;
    } rows[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
        {"\x00\n\x1f\x7f", 4, "\"\\u0000\\u000a\\u001f\x7f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\xff\xc3", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80x", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buffer_clear(&out);
        api_string(&out, (struct bs_text){.bytes = rows[i].bytes, .size = rows[i].size});
        ck_assert_str_eq(out.bytes, rows[i].json);
    }
}

END_TEST

START_TEST(times_are_printed_in_utc)
{
    static const struct {
        int64_t time_ms;
        const char *json;
    } rows[] = {
        {0, "'1970-01-01T00:00:00.000Z'"},
        {-1, "'1969-12-31T23:59:59.999Z'"},
        {1760130964831, "'2025-10-10T21:16:04.831Z'"},
        {951782400123, "'2000-02-29T00:00:00.123Z'"},
        {4107542399999, "'2100-02-28T23:59:59.999Z'"},
        {4107542400000, "'2100-03-01T00:00:00.000Z'"},
        {-62167219200000, "'0000-01-01T00:00:00.000Z'"},
        {253402300799999, "'9999-12-31T23:59:59.999Z'"},
        {INT64_MAX, "'9999-12-31T23:59:59.999Z'"},
        {INT64_MIN, "'0000-01-01T00:00:00.000Z'"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        api_time(&out, rows[i].time_ms);
        ck_assert_str_eq(output(), rows[i].json);
    }
}

END_TEST

static struct bs_action adl_action(void)
{
    struct bs_action action = {
        .ordinal = 90071992547409930,
        .id = 1201,
        .seq = 7123,
        .settlement = 88,
        .time_ms = 1760130964831,
        .type = BS_ACTION_ADL,
        .side = 1,
        .ranking = BS_RANKING_PROFIT_LEVERAGE,
        .rank = 1,
        .present = BS_ACTION_HAS_SETTLEMENT | BS_ACTION_HAS_SIDE | BS_ACTION_HAS_RANKING |
                   BS_ACTION_HAS_RANK,
        .pool = text("usdc"),
        .account = text("T0351"),
        .market = text("AVAX-PERP"),
        .counterparty = text("VAULT-\"A\""),
    };
    static const char *const values[] = {
        [BS_ACTION_DECIMAL_size_closed] = "337.08",   [BS_ACTION_DECIMAL_size_before] = "337.08",
        [BS_ACTION_DECIMAL_size_after] = "0",         [BS_ACTION_DECIMAL_price] = "22.075",
        [BS_ACTION_DECIMAL_value] = "7441.041",       [BS_ACTION_DECIMAL_mark_price] = "22.025",
        [BS_ACTION_DECIMAL_entry_price] = "28.885",   [BS_ACTION_DECIMAL_realized_pnl] = "2295.51",
        [BS_ACTION_DECIMAL_cost_to_mark] = "16.854",  [BS_ACTION_DECIMAL_score] = "0.5",
        [BS_ACTION_DECIMAL_reason_deficit] = "100.5", [BS_ACTION_DECIMAL_reason_fund_paid] = "83.6",
        [BS_ACTION_DECIMAL_reason_residual] = "16.9",
    };
    for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (values[i] != NULL) {
            action.present |= 1u << i;
            action.decimals[i] = wide(values[i]);
        }
    }
    return action;
}

START_TEST(an_adl_action)
{
    struct bs_action action = adl_action();
    api_action(&out, &action, (struct api_origin){.hash = "00ff"});
    ck_assert_str_eq(
        output(),
        "{'id':1201,'cursor':'90071992547409930','type':'adl','pool':'usdc','settlement':88,"
        "'seq':7123,'time':'2025-10-10T21:16:04.831Z','account':'T0351','market':'AVAX-PERP',"
        "'counterparty':'VAULT-\\'A\\'','side':'short','size_closed':'337.08',"
        "'size_before':'337.08','size_after':'0','price':'22.075','value':'7441.041',"
        "'mark_price':'22.025','entry_price':'28.885','realized_pnl':'2295.51',"
        "'cost_to_mark':'16.854','ranking':'profit_leverage','rank':1,'score':'0.5',"
        "'reason':{'deficit':'100.5','fund_paid':'83.6','residual':'16.9'},'hash':'00ff'}");
    api_action_canonical(&out, &action);
    ck_assert_str_eq(out.bytes,
                     "id=1201\ntype=adl\npool=usdc\nsettlement=88\nseq=7123\n"
                     "time=2025-10-10T21:16:04.831Z\naccount=T0351\nmarket=AVAX-PERP\ncounterparty="
                     "VAULT-\"A\"\nside=short\n"
                     "size_closed=337.08\nsize_before=337.08\nsize_after=0\nprice=22.075\n"
                     "value=7441.041\nmark_price=22.025\nentry_price=28.885\n"
                     "realized_pnl=2295.51\ncost_to_mark=16.854\nranking=profit_leverage\nrank=1\n"
                     "score=0.5\nreason.deficit=100.5\nreason.fund_paid=83.6\n"
                     "reason.residual=16.9\n");
}

END_TEST

START_TEST(other_actions)
{
    struct bs_action action = {.ordinal = 2,
                               .id = 1,
                               .type = BS_ACTION_POOL_PAUSED,
                               .pool = text("p"),
                               .reason = text("upgrade")};
    api_action(&out, &action, (struct api_origin){0});
    ck_assert_str_eq(output(), "{'id':1,'cursor':'2','type':'pool_paused','pool':'p',"
                               "'settlement':null,'seq':0,'time':'1970-01-01T00:00:00.000Z',"
                               "'reason':'upgrade'}");
    api_action_canonical(&out, &action);
    ck_assert_str_eq(output(), "id=1\ntype=pool_paused\npool=p\nsettlement=null\nseq=0\n"
                               "time=1970-01-01T00:00:00.000Z\nreason=upgrade\n");
    action = (struct bs_action){
        .ordinal = 3,
        .id = 2,
        .type = BS_ACTION_HAIRCUT,
        .pool = text("p"),
        .account = text("a"),
        .settlement = 1,
        .basis = BS_BASIS_PERIOD_GAIN,
        .present = BS_ACTION_HAS_SETTLEMENT | BS_ACTION_HAS_BASIS | 1u << BS_ACTION_DECIMAL_amount |
                   1u << BS_ACTION_DECIMAL_gain | 1u << BS_ACTION_DECIMAL_loss |
                   1u << BS_ACTION_DECIMAL_gains_total | 1u << BS_ACTION_DECIMAL_prefix,
    };
    action.decimals[BS_ACTION_DECIMAL_amount] = wide("1.5");
    action.decimals[BS_ACTION_DECIMAL_gain] = wide("3");
    action.decimals[BS_ACTION_DECIMAL_loss] = wide("10");
    action.decimals[BS_ACTION_DECIMAL_gains_total] = wide("20");
    api_action(&out, &action, (struct api_origin){0});
    ck_assert_str_eq(output(),
                     "{'id':2,'cursor':'3','type':'haircut','pool':'p','settlement':1,'seq':0,"
                     "'time':'1970-01-01T00:00:00.000Z','account':'a','amount':'1.5','gain':'3',"
                     "'loss':'10','gains_total':'20','prefix':'0','basis':'period_gain'}");
}

END_TEST

static const struct bs_layer waterfall[] = {
    {.type = BS_LAYER_INSURANCE},
    {.type = BS_LAYER_ADL, .ranking = BS_RANKING_PRIORITY, .protect_principal = true},
    {.type = BS_LAYER_HAIRCUT, .divide = BS_DIVIDE_PERIOD_END},
};

static const struct bs_layer next_waterfall[] = {
    {.type = BS_LAYER_INSURANCE,
     .has_max_per_settlement = true,
     .max_per_settlement = {.mantissa = 7}},
};

static struct bs_pool_view the_pool(void)
{
    return (struct bs_pool_view){
        .pool = text("p"),
        .asset = text("USD"),
        .decimals = 2,
        .mark_max_age_ms = 10000,
        .period_ms = 8 * 3600000,
        .state = BS_STATE_RUNNING,
        .waiting = BS_WAITING_STALE_MARK,
        .period_start_ms = 1760112000000,
        .has_end = true,
        .period_end_ms = 1760140800000,
        .layers = {waterfall, 3},
        .has_next = true,
        .next = {.layers = {next_waterfall, 1}},
        .accounts = 2,
        .positions = 3,
        .last_action = 4,
        .last_settlement = 5,
        .fund = {.account = text("backstop:p"),
                 .collateral = wide("10.5"),
                 .equity = wide("9.5"),
                 .floor = wide("1"),
                 .own_funds = wide("2"),
                 .available = wide("8.5")},
        .period_loss = wide("0.01"),
    };
}

START_TEST(pools)
{
    struct bs_pool_view pool = the_pool();
    api_pool(&out, &pool);
    ck_assert_str_eq(
        output(),
        "{'pool':'p','asset':'USD','decimals':2,'mark_max_age_ms':10000,'trigger':'equity',"
        "'period':'8h','waterfall':[{'layer':'insurance','floor':'0'},{'layer':'adl','ranking':'"
        "priority',"
        "'price':'bankruptcy','protect_principal':true},{'layer':'haircut','rule':'pro_rata',"
        "'basis':'period_gain','divide':'period_end','scope':'pool'}],"
        "'next_period':{'period':'tick','waterfall':[{'layer':'insurance','floor':'0',"
        "'max_per_settlement':'7'}]},'state':'running','waiting':'stale_mark','reason':null,"
        "'period_start':'2025-10-10T16:00:00.000Z','period_end':'2025-10-11T00:00:00.000Z',"
        "'accounts':2,'positions':3,'last_action':4,'last_settlement':5,"
        "'insurance_fund':{'account':'backstop:p','collateral':'10.5','equity':'9.5',"
        "'floor':'1','own_funds':'2','available':'8.5'},'period_loss':'0.01','unallocated_deficit':"
        "'"
        "0','claims':'0'"
        ",'window':null}");
    const struct bs_fund_view fund = {.pool = text("p"),
                                      .asset = text("USD"),
                                      .account = text("backstop:p"),
                                      .collateral = wide("10.5"),
                                      .equity = wide("9.5"),
                                      .floor = wide("1"),
                                      .own_funds = wide("2"),
                                      .available = wide("8.5"),
                                      .balance = wide("10.5"),
                                      .state = BS_FUND_NORMAL};
    api_insurance_fund(&out, &fund);
    ck_assert_str_eq(
        output(),
        "{'pool':'p','asset':'USD','account':'backstop:p',"
        "'collateral':'10.5','equity':'9.5','floor':'1','own_funds':'2','available':'8.5',"
        "'balance':'10.5','max_per_settlement':null,'peak':null,"
        "'drawdown_ppm':null,'threshold':null,'distance':null,"
        "'resume_at':null,'state':'normal'}");
    struct bs_solvency_view solvency = {.pool = text("p"),
                                        .asset = text("USD"),
                                        .collateral = wide("12"),
                                        .insolvent_accounts = 1,
                                        .fund = wide("9.5"),
                                        .period_loss = wide("0.01")};
    api_solvency(&out, &solvency);
    ck_assert_str_eq(
        output(),
        "{'pool':'p','asset':'USD','collateral':'12','equity_positive':'0',"
        "'deficit':'0','gains':'0','unrealized_profit':'0',"
        "'unrealized_loss':'0','insolvent_accounts':1,"
        "'waiting_for_handover':0,'fund':'9.5','period_loss':'0.01','unallocated_deficit':'0'}");
}

END_TEST

START_TEST(periods_are_printed_as_they_are_sent)
{
    static const struct {
        uint64_t period_ms;
        const char *text;
    } rows[] = {
        {0, "'period':'tick'"},          {60000, "'period':'1m'"},
        {90 * 60000, "'period':'90m'"},  {3600000, "'period':'1h'"},
        {24 * 3600000, "'period':'1d'"}, {366ull * 24 * 3600000, "'period':'366d'"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bs_pool_view pool = {.pool = text("p"), .period_ms = rows[i].period_ms};
        api_pool(&out, &pool);
        ck_assert_ptr_nonnull(strstr(output(), rows[i].text));
    }
}

END_TEST

START_TEST(an_account_in_an_engine)
{
    struct fixture f;
    fixture_init(&f, 100, 100);
    ck_assert_int_eq(put_pool(&f, "p", 3, waterfall), BS_OK);
    ck_assert_int_eq(put_market(&f, "M", "p"), BS_OK);
    ck_assert_int_eq(put_account(&f, "a", "p", "100"), BS_OK);
    ck_assert_int_eq(put_position(&f, "a", "M", "-4", "10"), BS_OK);
    uint32_t account = bs_account_find(f.engine, text("a"));
    api_account(&out, f.engine, account);
    ck_assert_str_eq(
        output(),
        "{'account':'a','pool':'p','equity':'100','collateral':'100','gain':'0',"
        "'baseline':'100','maintenance':'2','leverage':'0.4','positions':[{'market':"
        "'M','margin':'cross','size':'-4','entry_price':'10','entry_value':'-40','mark_price':null,"
        "'value':'-40','unrealized_profit':'0','maintenance':'2',"
        "'haircut_taken':'0','adl_priority':null}],'handed_over':false,"
        "'last_action':0,'seq':4}");
    ck_assert_int_eq(put_mark(&f, "M", "60"), BS_OK);
    api_account(&out, f.engine, account);
    ck_assert_ptr_nonnull(strstr(output(), "'equity':'-100','collateral':'100','gain':'-200',"));
    ck_assert_ptr_nonnull(strstr(out.bytes, "'leverage':null,"));
    struct bs_market_view market;
    bs_market_view_get(f.engine, bs_market_find(f.engine, text("M")), &market);
    api_market(&out, &market);
    ck_assert_str_eq(output(),
                     "{'market':'M','pool':'p','contract':'linear','tick_size':'0.01',"
                     "'lot_size':'1','multiplier':'1','maintenance_margin_ppm':50000,"
                     "'max_move_ppm':0,'max_move_span_ms':0,'mark_price':'60','mark_time':'2025-10-"
                     "10T21:16:04.000Z',"
                     "'settled':false,'longs':0,'shorts':1,'open_long':'0','open_short':'4'}");
    fixture_fini(&f);
}

END_TEST

START_TEST(rows)
{
    struct bs_position_view position = {.account = text("a"),
                                        .market = text("M"),
                                        .size = wide("2"),
                                        .has_mark = true,
                                        .mark_price = wide("3"),
                                        .has_priority = true,
                                        .adl_priority = 7};
    api_position(&out, &position);
    ck_assert_str_eq(output(),
                     "{'account':'a','market':'M','margin':'cross','size':'2','entry_price':'0','"
                     "entry_value':'0',"
                     "'mark_price':'3','value':'0','unrealized_profit':'0','maintenance':'0',"
                     "'haircut_taken':'0','adl_priority':7}");
    struct bs_queue_view row = {.account = text("a"), .rank = 1, .lights = 5};
    api_queue_row(&out, &row);
    ck_assert_str_eq(output(),
                     "{'account':'a','margin':'cross','rank':1,'size':'0','unrealized_profit':'0',"
                     "'score':null,'quantity_ahead':'0','percentile_ppm':0,'lights':5}");
    struct bs_settlement settlement = {
        .pool = text("p"), .number = 9, .seq = 41, .deficit = wide("1.25")};
    api_settlement(&out, &settlement);
    ck_assert_str_eq(
        output(), "{'pool':'p','settlement':9,'seq':41,'time':'1970-01-01T00:00:00.000Z',"
                  "'first_action':0,'last_action':0,'insolvent_accounts':0,"
                  "'counterparties':0,'payers':0,'assignments':0,'deficit':'1.25','fund_paid':'0',"
                  "'deleveraged':'0','haircuts':'0','unallocated':'0','spreads':'0'}");
    struct bs_provider_view provider = {.account = text("lp"),
                                        .market = text("M"),
                                        .max_position = wide("20"),
                                        .max_leverage_ppm = 2000000,
                                        .room_long = wide("15")};
    api_provider(&out, &provider);
    ck_assert_str_eq(output(), "{'account':'lp','market':'M','max_position':'20','max_size':null,"
                               "'max_leverage_ppm':2000000,'quota_period':null,'quota_ppm':null,"
                               "'quota_used':null,'priority':null,'position':'0','room_long':'15',"
                               "'room_short':'0'}");
    provider.has_max_size = provider.has_quota_period = provider.has_priority = true;
    provider.max_size = wide("2.5");
    provider.quota_period_ms = 3600000;
    provider.quota_ppm = 250000;
    provider.quota_used = wide("170");
    api_provider(&out, &provider);
    ck_assert_str_eq(output(), "{'account':'lp','market':'M','max_position':'20','max_size':'2.5',"
                               "'max_leverage_ppm':2000000,'quota_period':'1h','quota_ppm':250000,"
                               "'quota_used':'170','priority':0,'position':'0','room_long':'15',"
                               "'room_short':'0'}");
}

END_TEST

START_TEST(problems)
{
    api_problem(&out, BS_UNKNOWN_POOL, NULL);
    ck_assert_str_eq(output(), "{'type':'urn:backstop:problem:unknown_pool',"
                               "'title':'no pool has this name','status':404,"
                               "'detail':'no pool has this name','code':'unknown_pool'}");
    api_problem(&out, BS_INVALID_JSON, "line 1 column 2: invalid token");
    ck_assert_str_eq(output(), "{'type':'urn:backstop:problem:invalid_json',"
                               "'title':'the body is not valid JSON','status':400,"
                               "'detail':'line 1 column 2: invalid token','code':'invalid_json'}");
}

END_TEST

START_TEST(answers_to_writes)
{
    struct api_batch batch = {.items_count = 5, .records_count = 5, .is_list = true};
    int status = 0;
    api_write_result(&out, 7, &batch, false, &status);
    ck_assert_str_eq(output(), "{'seq':7,'accepted':5,'rejected':[]}");
    ck_assert_int_eq(status, 200);
    /* The parser's rejections, then the core's: the answer is in item order. */
    api_batch_reject(&batch, 1, BS_MISSING_FIELD, "size");
    api_batch_reject(&batch, 4, BS_NOT_AN_OBJECT, NULL);
    struct api_rejection *stale = api_batch_reject_record(&batch, 0, BS_STALE_UPDATE, NULL);
    stale->state = strdup("{\"seq\":1}");
    api_write_result(&out, 8, &batch, false, &status);
    ck_assert_str_eq(output(),
                     "{'seq':8,'accepted':2,'rejected':[{'index':0,'code':'stale_update','detail':"
                     "'the sender has not seen the newest action of this account','state':"
                     "{'seq':1}},{'index':1,'code':'missing_field','detail':'size: a required "
                     "field is missing'},{'index':4,'code':'not_an_object','detail':'an item must "
                     "be a JSON object'}]}");
    ck_assert_int_eq(status, 207);
    api_batch_clear(&batch);
    batch.items_count = 1;
    api_batch_reject(&batch, 0, BS_UNKNOWN_ACCOUNT, NULL);
    api_write_result(&out, 8, &batch, false, &status);
    ck_assert_str_eq(output(),
                     "{'type':'urn:backstop:problem:unknown_account','title':'no account has this "
                     "name','status':404,'detail':'no account has this name','code':"
                     "'unknown_account','seq':8,'accepted':0,'rejected':[{'index':0,'code':"
                     "'unknown_account','detail':'no account has this name'}]}");
    ck_assert_int_eq(status, 404);
    batch.is_list = true;
    api_write_result(&out, 8, &batch, false, &status);
    ck_assert_int_eq(status, 422);
    api_batch_fini(&batch);
}

END_TEST

/* 3,000 refused items, every third by the core: the first 1,000 are listed, all are counted. */
START_TEST(an_answer_lists_the_first_1000_rejections)
{
    struct api_batch batch = {.is_list = true};
    int status = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        if (i % 3 != 0) {
            api_batch_reject(&batch, i, BS_NOT_AN_OBJECT, NULL);
        }
    }
    batch.items_count = 3001;
    batch.records_count = 1001;
    for (uint32_t i = 0; i < 3000; i += 3) {
        ck_assert_ptr_nonnull(api_batch_reject_record(&batch, i, BS_UNKNOWN_ACCOUNT, NULL));
    }
    ck_assert_ptr_null(api_batch_reject_record(&batch, 3000, BS_UNKNOWN_ACCOUNT, NULL));
    ck_assert_uint_eq(batch.rejections_count, 3001);
    api_write_result(&out, 9, &batch, false, &status);
    const char *answer = output();
    ck_assert_ptr_nonnull(strstr(answer, "{'index':0,'code':'unknown_account'"));
    ck_assert_ptr_nonnull(strstr(answer, "{'index':998,'code':'not_an_object'"));
    ck_assert_ptr_nonnull(strstr(answer, "{'index':999,'code':'unknown_account'"));
    ck_assert_ptr_null(strstr(answer, "{'index':1000,"));
    ck_assert_ptr_nonnull(strstr(answer, "],'rejected_count':3001}"));
    ck_assert_int_eq(status, 422);
    api_batch_fini(&batch);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("json_state");
    tcase_add_checked_fixture(tests, setup, teardown);
    UNIT_ADD(tests, strings_are_escaped, an_answer_lists_the_first_1000_rejections,
             times_are_printed_in_utc, an_adl_action, other_actions, pools,
             periods_are_printed_as_they_are_sent, an_account_in_an_engine, rows, problems,
             answers_to_writes);
    return unit_run(tests);
}
