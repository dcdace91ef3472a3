/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/run.h"

#include <errno.h>
#include <stdio.h>

#include "api/json_state.h"
#include "daemon/answer/answer.h"

/* Answers with a refusal; returns false, because the callers stop there. */
static bool refuse(struct run *run, enum bs_status status, const char *field)
{
    if (field == NULL || field[0] == '\0') {
        answer_problem(run->request, status, NULL);
    } else {
        answer_refused(run->request, status, field);
    }
    return false;
}

static bool refuse_in_waterfall(struct run *run, const struct api_waterfall *waterfall,
                                enum bs_status status, const char *field)
{
    char path[2 * BS_ID_SIZE_MAX + 32];
    (void)snprintf(path, sizeof(path), "waterfalls.%.*s%s%s", (int)waterfall->name.size,
                   waterfall->name.bytes, field == NULL ? "" : ".", field == NULL ? "" : field);
    return refuse(run, status, path);
}

static bool in_time(struct run *run)
{
    int code = block_limit_reached(run->limit);
    return code == 0 ||
           refuse(run, code == -ECANCELED ? BS_NOT_READY : BS_SIMULATION_TIMEOUT, NULL);
}

static bool find_pool(struct run *run, struct bs_text name)
{
    run->pool = bs_pool_find(run->base->engine, name);
    if (run->pool == 0) {
        return refuse(run, BS_UNKNOWN_POOL, "pool");
    }
    bs_pool_view_get(run->base->engine, run->pool, &run->view);
    return true;
}

static bool find_account(struct run *run)
{
    const struct bs_engine *engine = run->base->engine;
    struct bs_text name = api_name_text(&run->asked->account);
    if (name.size == 0) {
        return true;
    }
    struct bs_account_view view;
    run->account = bs_account_find(engine, name);
    if (run->account == 0) {
        return refuse(run, BS_UNKNOWN_ACCOUNT, "account");
    }
    bs_account_view_get(engine, run->account, &view);
    return bs_text_equal(view.pool, run->view.pool) ||
           refuse(run, BS_ACCOUNT_IN_OTHER_POOL, "account");
}

static bool apply_shocks(struct run *run, struct bs_engine *view)
{
    for (uint32_t i = 0; i < run->asked->shocks_count; i++) {
        struct bs_what_if_mark mark = api_shock_mark(&run->asked->shocks[i]);
        struct run_shock *shock = &run->shocks[i];
        struct bs_market_view market = {0};
        uint32_t row = bs_market_find(view, mark.market);
        if (row != 0) {
            bs_market_view_get(view, row, &market);
        }
        shock->had_mark = market.has_mark;
        shock->before = market.mark_price;
        enum bs_status status = bs_what_if_mark(view, run->pool, &mark);
        if (status != BS_OK) {
            char field[64];
            bool is_price = status != BS_UNKNOWN_MARKET && status != BS_MARKET_IN_OTHER_POOL &&
                            status != BS_NO_MARK;
            (void)snprintf(field, sizeof(field), "shocks[%u].%s", i,
                           !is_price       ? "market"
                           : mark.by_price ? "price"
                                           : "move_ppm");
            return refuse(run, status, field);
        }
        bs_market_view_get(view, row, &market);
        shock->after = market.mark_price;
    }
    return true;
}

/* What the body asks for beside the waterfall. */
static bool change(struct run *run, struct bs_engine *view)
{
    bs_what_if_begin(view, run->pool);
    if (!apply_shocks(run, view)) {
        return false;
    }
    if (run->asked->has_fund) {
        enum bs_status status = bs_what_if_fund(view, run->pool, run->asked->fund);
        if (status != BS_OK) {
            return refuse(run, status, "fund");
        }
    }
    return !bs_what_if_lacks_mark(view, run->pool) || refuse(run, BS_NO_MARK, "pool");
}

static void list_actions(struct run *run, struct run_result *result)
{
    const struct bs_effects *effects = run->effects;
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        if (result->actions_listed < run->asked->actions_limit) {
            buffer_text(&result->actions, result->actions_listed++ > 0 ? "," : "");
            api_action(&result->actions, &effects->actions[i],
                       (struct api_origin){.log = run->log});
        }
    }
}

/* Settles on the view, action buffer by action buffer. */
static bool settle(struct run *run, struct bs_engine *view, struct run_result *result)
{
    struct bs_effects *effects = run->effects;
    struct exposure exposure = {0};
    outcome_begin(&result->outcome, view, run->pool);
    if (run->account != 0) {
        exposure_begin(&exposure, view, run->account);
    }
    bs_engine_step(view, &run->command, effects);
    if (effects->status != BS_OK) {
        exposure_fini(&exposure);
        return refuse(run, effects->status, effects->field);
    }
    for (;;) {
        outcome_take(&result->outcome, run->rows, view, effects);
        list_actions(run, result);
        exposure_take(&exposure, api_name_text(&run->asked->account), effects);
        if (!effects->more) {
            break;
        }
        if (!in_time(run)) {
            exposure_fini(&exposure);
            return false;
        }
        bs_engine_continue(view, effects);
    }
    if (run->account != 0) {
        exposure_write(&exposure, view, run->account, &result->exposure);
        exposure_fini(&exposure);
    }
    outcome_finish(&result->outcome, run->rows, view, run->pool);
    return true;
}

/* One waterfall from the current state; NULL: the pool's own. */
static bool run_waterfall(struct run *run, const struct api_waterfall *waterfall)
{
    struct run_result *result = &run->results[run->results_count++];
    view_copy(run->work, run->base);
    struct bs_engine *view = run->work->engine;
    result->name =
        waterfall == NULL ? (struct bs_text){"actual", 6} : api_name_text(&waterfall->name);
    if (!in_time(run) || (!run->is_comparison && !change(run, view))) {
        return false;
    }
    if (waterfall != NULL && !waterfall->current) {
        const char *field = NULL;
        enum bs_status status = bs_what_if_waterfall(view, run->pool, waterfall->layers,
                                                     waterfall->layers_count, &field);
        if (status != BS_OK) {
            return refuse_in_waterfall(run, waterfall, status, field);
        }
    }
    if (run->results_count == 1) {
        if (!outcome_rows_reset(run->rows, bs_what_if_rows(view))) {
            return refuse(run, BS_OUT_OF_MEMORY, NULL);
        }
        bs_what_if_accounts(view, run->pool, run->rows->before);
    }
    return settle(run, view, result);
}

static bool run_asked(struct run *run)
{
    for (uint32_t i = 0; i < run->asked->waterfalls_count; i++) {
        if (!run_waterfall(run, &run->asked->waterfalls[i])) {
            return false;
        }
    }
    run_report(run, &run->request->body);
    answer_json(run->request, 200);
    return true;
}

void run_simulation(struct run *run)
{
    if (!find_pool(run, api_name_text(&run->asked->pool)) || !find_account(run)) {
        return;
    }
    run->command = (struct bs_command){
        .seq = bs_engine_seq(run->base->engine) + 1,
        .time_ms = bs_engine_time_ms(run->base->engine),
        .type = run->asked->close_period ? BS_COMMAND_CLOSE_PERIOD : BS_COMMAND_SETTLE,
        .as.name.name = run->view.pool,
    };
    (void)run_asked(run);
}

void run_comparison(struct run *run, const struct bs_command *command, uint64_t settlement,
                    struct bs_settlement *ret_actual)
{
    run->is_comparison = true;
    run->settlement = settlement;
    run->command = *command;
    if (find_pool(run, command->as.name.name) && run_waterfall(run, NULL)) {
        *ret_actual = run->results[0].outcome.settlement;
        ret_actual->pool = run->view.pool;
        (void)run_asked(run);
    }
}

void run_fini(struct run *run)
{
    for (uint32_t i = 0; i < run->results_count; i++) {
        outcome_fini(&run->results[i].outcome);
        buffer_fini(&run->results[i].actions);
        buffer_fini(&run->results[i].exposure);
    }
}
