/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "api/json_state.h"
#include "lib/settlement/plan.h"
#include "tests/tools/reload.h"

#define ACTIONS_MAX 64 /* few, so that settlements continue over several calls */

void replay_engine_clear(struct replay_engine *engine)
{
    replay_engine_fini(engine);
    engine->size = bs_engine_size(&engine->config);
    engine->memory = mmap(NULL, engine->size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (engine->size == 0 || engine->memory == MAP_FAILED) {
        fprintf(stderr, "replay: no memory for an engine of %zu bytes\n", engine->size);
        exit(EXIT_FAILURE);
    }
    engine->engine = bs_engine_init(engine->memory, engine->size, &engine->config);
    engine->actions_crc = 0;
}

void replay_engine_reload(struct replay_engine *engine)
{
    struct replay_engine fresh = {.config = engine->config};
    fresh.config.hash_seed++;
    fresh.config.room.accounts_max = 2 * fresh.config.capacity.accounts_max;
    replay_engine_clear(&fresh);
    reload(engine->engine, fresh.engine);
    fresh.engine->config.refuses_check = engine->config.refuses_check;
    fresh.engine->plan->checks_count = engine->engine->plan->checks_count;
    fresh.actions_crc = engine->actions_crc;
    fresh.config = engine->config;
    replay_engine_fini(engine);
    *engine = fresh;
}

void replay_engine_fini(struct replay_engine *engine)
{
    if (engine->memory != NULL) {
        (void)munmap(engine->memory, engine->size);
        engine->memory = NULL;
    }
}

static void print_actions(struct replay_engine *engine, const struct bs_effects *effects,
                          struct buffer *out)
{
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        if (out->size > 0 && out->bytes[out->size - 1] == '}') {
            buffer_text(out, ",");
        }
        size_t start = out->size;
        api_action(out, &effects->actions[i], (struct api_origin){0});
        engine->actions_crc = bs_crc32c(engine->actions_crc, out->bytes + start, out->size - start);
    }
}

void replay_step(struct replay_engine *engine, const uint8_t *record, struct buffer *out,
                 struct replay_outcome *ret_outcome)
{
    struct bs_action actions[ACTIONS_MAX];
    struct bs_effects effects = {.actions = actions, .actions_max = ACTIONS_MAX};
    struct bs_command command;
    if (bs_command_decode(record, bs_record_size(record), &command) != BS_OK) {
        fputs("replay: a record that was just encoded does not decode\n", stderr);
        abort();
    }
    bs_engine_step(engine->engine, &command, &effects);
    *ret_outcome = (struct replay_outcome){effects.status, effects.field, effects.waiting};
    print_actions(engine, &effects, out);
    while (effects.more) {
        bs_engine_continue(engine->engine, &effects);
        print_actions(engine, &effects, out);
    }
}

static void field(struct buffer *out, const char *name, struct bs_wide value)
{
    buffer_printf(out, ",\"%s\":", name);
    api_wide(out, value);
}

static void print_pools(struct buffer *out, struct bs_engine *engine)
{
    struct bs_pool_view view = {0};
    uint32_t pool;
    while ((pool = bs_pool_after(engine, view.pool)) != 0) {
        buffer_text(out, view.pool.size == 0 ? "{\"pool\":" : ",{\"pool\":");
        bs_pool_view_get(engine, pool, &view);
        api_string(out, view.pool);
        field(out, "period_loss", view.period_loss);
        field(out, "unallocated_deficit", view.unallocated_deficit);
        field(out, "own_funds", view.fund.own_funds);
        if (view.has_window) {
            buffer_text(out, ",\"window\":");
            api_string(out, view.window.name);
            field(out, "window_loss", view.window.loss);
        }
        buffer_printf(out, ",\"trigger\":\"%s\",\"state\":\"%s\"}", bs_trigger_name(view.trigger),
                      bs_pool_state_name(view.state));
    }
}

static void print_positions(struct buffer *out, struct bs_engine *engine, uint32_t account,
                            uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct bs_position_view view;
        bs_position_view_get(engine, account, i, &view);
        buffer_text(out, i == 0 ? "{\"market\":" : ",{\"market\":");
        api_string(out, view.market);
        field(out, "size", view.size);
        field(out, "entry_value", view.entry_value);
        buffer_text(out, "}");
    }
}

/* An account, or one of its isolated margins. */
static void print_account(struct buffer *out, struct bs_engine *engine, uint32_t account,
                          const char *comma)
{
    struct bs_account_view view;
    bs_account_view_get(engine, account, &view);
    buffer_printf(out, "%s{\"account\":", comma);
    api_string(out, view.account);
    if (view.isolated) {
        buffer_text(out, ",\"isolated\":");
        api_string(out, view.market);
    }
    buffer_text(out, ",\"pool\":");
    api_string(out, view.pool);
    field(out, "collateral", view.collateral);
    field(out, "baseline", view.baseline);
    field(out, "equity", view.equity);
    field(out, "gain", view.gain);
    buffer_text(out, view.handed_over ? ",\"handed_over\":true" : "");
    field(out, "claim", view.claim);
    if (view.has_window) {
        field(out, "window_gain", view.window_gain);
        field(out, "window_taken", view.window_taken);
    }
    buffer_text(out, ",\"older_gains\":[");
    for (uint32_t i = 0; i < view.older_gains.count; i++) {
        buffer_text(out, i > 0 ? "," : "");
        api_wide(out, view.older_gains.rows[i]);
    }
    buffer_text(out, "]");
    buffer_text(out, ",\"positions\":[");
    print_positions(out, engine, account, view.positions_count);
    buffer_text(out, "]}");
}

static void print_accounts(struct buffer *out, struct bs_engine *engine)
{
    struct bs_account_view view = {0};
    const char *comma = "";
    uint32_t account;
    while ((account = bs_account_after(engine, 0, view.account)) != 0) {
        bs_account_view_get(engine, account, &view);
        print_account(out, engine, account, comma);
        comma = ",";
        for (uint32_t isolated = bs_isolated_first(engine, account); isolated != 0;
             isolated = bs_isolated_next(engine, isolated)) {
            print_account(out, engine, isolated, comma);
        }
    }
}

static void print_providers(struct buffer *out, struct bs_engine *engine)
{
    for (uint32_t row = 0; bs_provider_next(engine, 0, 0, &row); row++) {
        struct bs_provider_view view;
        bs_provider_view_get(engine, row, &view);
        buffer_text(out, row > 0 ? "," : "");
        api_provider(out, &view);
    }
}

void replay_print_ledger(struct buffer *out, struct bs_engine *engine)
{
    buffer_text(out, "\"pools\":[");
    print_pools(out, engine);
    buffer_text(out, "],\"accounts\":[");
    print_accounts(out, engine);
    buffer_text(out, "],\"providers\":[");
    print_providers(out, engine);
    buffer_text(out, "]");
}

void replay_print_digest(struct buffer *out, const char *name, struct replay_engine *engine)
{
    struct bs_digest digest = bs_engine_digest(engine->engine);
    buffer_printf(out, ",\"%s\":\"%016llx%016llx\",\"%s_actions\":\"%08x\"", name,
                  (unsigned long long)digest.words[0], (unsigned long long)digest.words[1], name,
                  engine->actions_crc);
}
