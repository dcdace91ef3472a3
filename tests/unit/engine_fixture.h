/* SPDX-License-Identifier: Apache-2.0 */
/* A small engine driven by short calls, for the tests of the core. */
#ifndef ENGINE_FIXTURE_H
#define ENGINE_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/engine.h"

#define FIXTURE_ACTIONS_MAX 65536u

struct fixture {
    struct bs_config config;
    void *memory;
    size_t size;
    struct bs_engine *engine;
    int64_t now_ms;
    uint32_t window;           /* actions handed out at a time */
    struct bs_action *actions; /* of the last command, all of them */
    uint32_t actions_count;
    struct bs_effects effects;
};

static inline struct bs_text text(const char *string)
{
    return (struct bs_text){string, (uint32_t)strlen(string)};
}

static inline struct bs_decimal dec(const char *string)
{
    struct bs_decimal decimal = {0, 0};
    ck_assert_int_eq(bs_decimal_parse(string, strlen(string), &decimal), BS_OK);
    return decimal;
}

static inline void fixture_init(struct fixture *f, uint32_t accounts, uint32_t positions)
{
    *f = (struct fixture){.now_ms = 1760130964000, .window = FIXTURE_ACTIONS_MAX};
    bs_config_defaults(&f->config);
    f->config.capacity.accounts_max = accounts;
    f->config.capacity.positions_max = positions;
    f->config.capacity.markets_max = 100;
    f->config.capacity.pools_max = 10;
    f->config.capacity.dedupe_window = 16;
    f->config.capacity.transfer_window = 16;
    f->config.capacity.source_window = 16;
    f->config.checks_detection = true;
    f->size = bs_engine_size(&f->config);
    f->memory = mmap(NULL, f->size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(f->memory, MAP_FAILED);
    f->engine = bs_engine_init(f->memory, f->size, &f->config);
    f->actions = calloc(FIXTURE_ACTIONS_MAX, sizeof *f->actions);
    ck_assert_ptr_nonnull(f->actions);
}

static inline void fixture_fini(struct fixture *f)
{
    free(f->actions);
    munmap(f->memory, f->size);
}

/* Steps one command, collecting all of its actions; returns its outcome. */
static inline enum bs_status step(struct fixture *f, struct bs_command command)
{
    command.seq = bs_engine_seq(f->engine) + 1;
    command.time_ms = f->now_ms;
    f->effects = (struct bs_effects){.actions = f->actions, .actions_max = f->window};
    bs_engine_step(f->engine, &command, &f->effects);
    enum bs_status status = f->effects.status;
    f->actions_count = f->effects.actions_count;
    while (f->effects.more) {
        f->effects.actions = f->actions + f->actions_count;
        ck_assert_uint_le(f->actions_count + f->window, FIXTURE_ACTIONS_MAX + f->window);
        if (FIXTURE_ACTIONS_MAX - f->actions_count < f->effects.actions_max) {
            f->effects.actions_max = FIXTURE_ACTIONS_MAX - f->actions_count;
        }
        bs_engine_continue(f->engine, &f->effects);
        f->actions_count += f->effects.actions_count;
    }
    return status;
}

static inline enum bs_status put_pool(struct fixture *f, const char *name, uint32_t layers_count,
                                      const struct bs_layer *layers)
{
    struct bs_command command = {.type = BS_COMMAND_POOL};
    command.as.pool = (struct bs_pool_command){.pool = text(name),
                                               .asset = text("USD"),
                                               .decimals = 2,
                                               .period_ms = 8 * 3600000,
                                               .layers_count = layers_count};
    memcpy(command.as.pool.layers, layers, layers_count * sizeof *layers);
    return step(f, command);
}

static inline enum bs_status put_market(struct fixture *f, const char *name, const char *pool)
{
    struct bs_command command = {.type = BS_COMMAND_MARKET};
    command.as.market = (struct bs_market_command){.market = text(name),
                                                   .pool = text(pool),
                                                   .tick_size = dec("0.01"),
                                                   .lot_size = dec("1"),
                                                   .multiplier = dec("1"),
                                                   .maintenance_margin_ppm = 50000};
    return step(f, command);
}

static inline enum bs_status put_account(struct fixture *f, const char *name, const char *pool,
                                         const char *collateral)
{
    struct bs_command command = {.type = BS_COMMAND_ACCOUNT};
    command.as.account = (struct bs_account_command){
        .account = text(name), .pool = text(pool), .collateral = dec(collateral)};
    return step(f, command);
}

static inline enum bs_status put_position(struct fixture *f, const char *account,
                                          const char *market, const char *size, const char *entry)
{
    struct bs_command command = {.type = BS_COMMAND_POSITION};
    command.as.position = (struct bs_position_command){
        .account = text(account),
        .item = {.market = text(market),
                 .size = dec(size),
                 .has_entry_price = entry != NULL,
                 .entry_price = entry != NULL ? dec(entry) : (struct bs_decimal){0, 0},
                 .adl_priority = BS_PRIORITY_NONE}};
    return step(f, command);
}

static inline enum bs_status put_mark(struct fixture *f, const char *market, const char *price)
{
    struct bs_command command = {.type = BS_COMMAND_MARK};
    command.as.mark = (struct bs_mark_command){.market = text(market), .price = dec(price)};
    return step(f, command);
}

static inline enum bs_status add_fund(struct fixture *f, const char *pool, const char *amount)
{
    struct bs_command command = {.type = BS_COMMAND_INSURANCE_FUND};
    command.as.fund = (struct bs_fund_command){.pool = text(pool), .amount = dec(amount)};
    return step(f, command);
}

static inline enum bs_status named(struct fixture *f, uint8_t type, const char *name)
{
    struct bs_command command = {.type = type};
    command.as.name = (struct bs_name_command){.name = text(name)};
    return step(f, command);
}

static inline struct bs_account_view account_of(struct fixture *f, const char *name)
{
    struct bs_account_view view;
    uint32_t account = bs_account_find(f->engine, text(name));
    ck_assert_uint_ne(account, 0);
    bs_account_view_get(f->engine, account, &view);
    return view;
}

static inline int64_t cents(struct bs_wide value)
{
    ck_assert_int_ge(value.exponent, -2);
    bs_i128 mantissa = value.mantissa;
    for (int32_t e = value.exponent; e > -2; e--) {
        mantissa *= 10;
    }
    return (int64_t)mantissa;
}

#endif
