/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price routine and the pair check of the core on stdin and stdout. Lines are items of
 * POST /v1/commands, which build a world, and
 *
 *   {"type":"close","account":"L","against":"O","market":"BTC","lots":N}    N signed, the trade of
 * L
 *
 * which answers {"received","equity","maintenance","possible","left"}: what L gets for the lots at
 * its bankruptcy price; its equity and maintenance before; whether the plan check lets these two
 * trade these lots; O's equity afterwards. Amounts in quanta. Nothing is applied.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json_command.h"
#include "lib/book/convert.h"
#include "lib/money/money.h"
#include "lib/settlement/check.h"
#include "lib/settlement/plan.h"
#include "tests/tools/replay.h"

struct world {
    struct replay_engine engine;
    struct api_batch batch;
    struct buffer ignored;
};

static void die(const char *what, const char *line)
{
    fprintf(stderr, "close_tool: %s: %s\n", what, line);
    exit(EXIT_FAILURE);
}

static void run_item(struct world *world, const char *line, size_t size)
{
    const struct api_route route = {0};
    struct api_error error;
    struct replay_outcome outcome;
    api_batch_clear(&world->batch);
    if (!api_parse(&world->batch, &route, line, size, true, &error) ||
        world->batch.rejections_count > 0) {
        die("not an item", line);
    }
    uint8_t *record = (uint8_t *)world->batch.records.bytes;
    bs_record_stamp(record, bs_engine_seq(world->engine.engine) + 1, 0);
    replay_step(&world->engine, record, &world->ignored, &outcome);
    if (outcome.status != BS_OK) {
        die(bs_status_name(outcome.status), line);
    }
    buffer_clear(&world->ignored);
}

static struct bs_text member(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return (struct bs_text){text, text == NULL ? 0 : (uint32_t)strlen(text)};
}

struct close {
    struct bs_plan plan;
    uint32_t account, against, market;
    int64_t lots; /* the trade of the closing account */
};

/* Maintenance of all legs, with one leg at another size. */
static bs_i128 maintenance(const struct close *close, int64_t size)
{
    const struct bs_engine *engine = close->plan.engine;
    bs_i128 sum = 0;
    for (uint32_t i = 0; i < bs_plan_positions(&close->plan, close->account); i++) {
        struct bs_working_position held = bs_plan_position(&close->plan, close->account, i);
        int64_t lots = held.market == close->market ? size : held.leg.size;
        sum += bs_maintenance(&engine->markets[held.market],
                              bs_plan_value(&close->plan, held.market, lots));
    }
    return sum;
}

/* May the two trade these lots? Asked of the plan check as a tear-up of the whole leg at mark, so
 * that only sizes, sides and the counterparty's equity decide. */
static bool possible(struct close *close)
{
    struct bs_policy at_mark = {.layers_count = 1,
                                .layers = {{.type = BS_LAYER_ADL, .price = BS_PRICE_MARK}}};
    int64_t size = bs_plan_leg(&close->plan, close->account, close->market).size;
    close->plan.policy = &at_mark;
    close->plan.steps[0] = (struct bs_step){
        .type = BS_STEP_CLOSE,
        .account = close->account,
        .counterparty = close->against,
        .market = close->market,
        .debtor = 1,
        .lots = bs_abs64(close->lots),
        .amount = bs_plan_value(&close->plan, close->market, -close->lots),
        .as.close.leg_value = bs_plan_value(&close->plan, close->market, size),
    };
    close->plan.steps_count = 1;
    return bs_plan_check(&close->plan);
}

static void print_close(struct close *close)
{
    const struct bs_plan *plan = &close->plan;
    int64_t size = bs_plan_leg(plan, close->account, close->market).size;
    bs_i128 equity = bs_plan_equity(plan, close->account);
    bs_i128 total = maintenance(close, size);
    bs_i128 value = bs_plan_value(plan, close->market, -close->lots);
    bs_i128 weight = total - maintenance(close, size + close->lots);
    /* As the planner shares a debt; a solvent account, which it does not price, has one below 0. */
    bs_i128 share = total == 0 ? -value : bs_split_ceil(-equity, 0, weight, total);
    bs_i128 received = value + share;
    bs_i128 left = bs_plan_equity(plan, close->against) - (received - value);
    bool can = possible(close);
    printf("{\"received\":%" PRId64 ",\"equity\":%" PRId64 ",\"maintenance\":%" PRId64
           ",\"possible\":%s,\"left\":%" PRId64 "}\n",
           (int64_t)received, (int64_t)equity, (int64_t)total, can ? "true" : "false",
           (int64_t)left);
}

static bool close_line(struct world *world, const char *line, size_t size)
{
    json_t *object = json_loadb(line, size, 0, NULL);
    const char *type = json_string_value(json_object_get(object, "type"));
    bool taken = type != NULL && strcmp(type, "close") == 0;
    if (taken) {
        struct bs_engine *engine = world->engine.engine;
        struct close close = {
            .account = bs_account_find(engine, member(object, "account")),
            .against = bs_account_find(engine, member(object, "against")),
            .market = bs_market_find(engine, member(object, "market")),
            .lots = json_integer_value(json_object_get(object, "lots")),
        };
        if (close.account == 0 || close.against == 0 || close.market == 0) {
            die("unknown name", line);
        }
        bs_plan_begin(&close.plan, engine, engine->markets[close.market].pool, 0);
        print_close(&close);
    }
    json_decref(object);
    return taken;
}

int main(void)
{
    struct world world = {0};
    char line[4096 + API_BODY_PADDING];
    bs_config_defaults(&world.engine.config);
    world.engine.config.capacity.accounts_max = 64;
    world.engine.config.capacity.positions_max = 64;
    world.engine.config.capacity.markets_max = 8;
    world.engine.config.capacity.pools_max = 4;
    world.engine.config.capacity.dedupe_window = 1024;
    world.engine.config.capacity.transfer_window = 1024;
    world.engine.config.capacity.source_window = 16;
    replay_engine_clear(&world.engine);
    while (fgets(line, 4096, stdin) != NULL) {
        size_t size = strcspn(line, "\n");
        if (!close_line(&world, line, size)) {
            run_item(&world, line, size);
        }
    }
    replay_engine_fini(&world.engine);
    api_batch_fini(&world.batch);
    buffer_fini(&world.ignored);
    return 0;
}
