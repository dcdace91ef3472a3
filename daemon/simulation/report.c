/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a simulation: each waterfall's figures, and the difference of any two. */
#include <stdio.h>
#include <stdlib.h>

#include "api/json_state.h"
#include "api/json_writer.h"
#include "daemon/simulation/run.h"

#define ACCOUNTS_LISTED 20 /* accounts that lose more, and that lose less */

struct figures {
    struct buffer *out;
    int32_t exponent; /* of a quantum */
    const struct run *run;
};

static void amount(const struct figures *figures, const char *name, bs_i128 quanta)
{
    member_wide(figures->out, name, (struct bs_wide){quanta, figures->exponent});
}

static void whole(const struct figures *figures, const char *name, bs_i128 number)
{
    member_name(figures->out, name);
    buffer_wide(figures->out, (struct bs_wide){number, 0});
}

static void ppm(const struct figures *figures, const char *name, const struct outcome_ppm *value)
{
    if (value->is_known) {
        whole(figures, name, value->ppm);
    } else {
        member_null(figures->out, name);
    }
}

static struct outcome_ppm worst_of_equity(const struct outcome *outcome)
{
    return (struct outcome_ppm){outcome->worst.has_equity, outcome->worst.of_equity_ppm};
}

static struct outcome_ppm worst_of_gain(const struct outcome *outcome)
{
    return (struct outcome_ppm){outcome->worst.has_gain, outcome->worst.of_gain_ppm};
}

static bs_i128 unallocated(const struct outcome *outcome)
{
    return outcome->after.unallocated - outcome->before.unallocated;
}

static void account(const struct figures *figures, const char *name, bool is_known, uint32_t row)
{
    if (is_known) {
        struct bs_account_view view;
        bs_account_view_get(figures->run->base->engine, row, &view);
        member_text(figures->out, name, view.account);
    } else {
        member_null(figures->out, name);
    }
}

static void write_sharing(const struct figures *figures, const struct outcome *outcome)
{
    struct outcome_ppm of_equity = worst_of_equity(outcome), of_gain = worst_of_gain(outcome);
    whole(figures, "accounts_touched", outcome->losses_count);
    ppm(figures, "worst_loss_of_equity_ppm", &of_equity);
    account(figures, "worst_loss_of_equity_account", of_equity.is_known,
            outcome->worst.equity_account);
    ppm(figures, "worst_loss_of_gain_ppm", &of_gain);
    account(figures, "worst_loss_of_gain_account", of_gain.is_known, outcome->worst.gain_account);
    whole(figures, "lost_without_gain", outcome->worst.without_gain);
    ppm(figures, "gini_ppm", &outcome->gini);
    ppm(figures, "ptsr_ppm", &outcome->ptsr);
    ppm(figures, "pmr_ppm", &outcome->pmr);
}

static void write_result(const struct figures *figures, const struct run_result *result)
{
    static const char *const states[] = {"nothing_to_do", "settled", "halted"};
    const struct outcome *outcome = &result->outcome;
    member_name(figures->out, "outcome");
    buffer_printf(figures->out, "\"%s\"", states[outcome->state]);
    whole(figures, "insolvent_accounts", (bs_i128)outcome->settlement.insolvent_accounts);
    amount(figures, "deficit", outcome->deficit);
    amount(figures, "fund_used", outcome->settlement.fund_paid.mantissa);
    amount(figures, "fund_equity_after", outcome->after.fund_equity);
    amount(figures, "closed_notional", outcome->closed_notional);
    whole(figures, "closes", (bs_i128)outcome->settlement.counterparties);
    whole(figures, "haircut_payers", (bs_i128)outcome->settlement.payers);
    whole(figures, "assignments", (bs_i128)outcome->settlement.assignments);
    amount(figures, "spreads", outcome->settlement.spreads.mantissa);
    amount(figures, "deleveraged", outcome->deleveraged);
    amount(figures, "haircuts", outcome->haircuts);
    amount(figures, "taken_from_winners", outcome_taken(outcome));
    amount(figures, "needed_from_winners", outcome->need);
    amount(figures, "overshoot", outcome->overshoot);
    amount(figures, "unallocated", unallocated(outcome));
    amount(figures, "period_loss_open", outcome->after.period_loss);
    write_sharing(figures, outcome);
    figures->out->failed = figures->out->failed || result->exposure.failed;
    if (result->exposure.size > 0) {
        member_name(figures->out, "account");
        buffer_append(figures->out, result->exposure.bytes, result->exposure.size);
    }
    whole(figures, "actions_count", (bs_i128)outcome->actions_count);
    if (figures->run->asked->actions_limit > 0) {
        member_name(figures->out, "actions");
        buffer_append(figures->out, "[", 1);
        if (result->actions.size > 0) {
            buffer_append(figures->out, result->actions.bytes, result->actions.size);
        }
        buffer_append(figures->out, "]", 1);
    }
}

static void write_shocks(const struct figures *figures)
{
    const struct run *run = figures->run;
    member_name(figures->out, "shocks");
    buffer_append(figures->out, "[", 1);
    for (uint32_t i = 0; i < run->asked->shocks_count; i++) {
        buffer_text(figures->out, i > 0 ? ",{" : "{");
        member_text(figures->out, "market", api_name_text(&run->asked->shocks[i].market));
        if (run->shocks[i].had_mark) {
            member_wide(figures->out, "mark_before", run->shocks[i].before);
        } else {
            member_null(figures->out, "mark_before");
        }
        member_wide(figures->out, "mark", run->shocks[i].after);
        buffer_append(figures->out, "}", 1);
    }
    buffer_append(figures->out, "]", 1);
}

/* ---- differences ---- */

/* An account's losses under the two waterfalls of a pair. */
struct change {
    uint32_t account;
    bs_i128 from, to;
    struct bs_text key;
};

/* The largest additional loss first, then by name. */
static int compare_changes(const void *a, const void *b)
{
    const struct change *left = a, *right = b;
    bs_i128 of_left = left->to - left->from, of_right = right->to - right->from;
    if (of_left != of_right) {
        return of_left > of_right ? -1 : 1;
    }
    return bs_text_compare(left->key, right->key);
}

/* All accounts whose loss differs; malloc'd. */
static struct change *changes(const struct figures *figures, const struct outcome *from,
                              const struct outcome *to, uint32_t *ret_count)
{
    uint32_t capacity = from->losses_count + to->losses_count;
    struct change *list = calloc(capacity == 0 ? 1 : capacity, sizeof(list[0]));
    uint32_t count = 0;
    if (list == NULL) {
        figures->out->failed = true;
        *ret_count = 0;
        return NULL;
    }
    for (uint32_t i = 0, k = 0; i < from->losses_count || k < to->losses_count;) {
        bool in_from = i < from->losses_count &&
                       (k == to->losses_count || from->losses[i].account <= to->losses[k].account);
        bool in_to = k < to->losses_count &&
                     (i == from->losses_count || to->losses[k].account <= from->losses[i].account);
        struct change change = {
            .account = in_from ? from->losses[i].account : to->losses[k].account,
            .from = in_from ? from->losses[i].loss : 0,
            .to = in_to ? to->losses[k].loss : 0,
        };
        i += in_from;
        k += in_to;
        if (change.from != change.to) {
            change.key = bs_what_if_key(figures->run->base->engine, change.account);
            list[count++] = change;
        }
    }
    qsort(list, count, sizeof(list[0]), compare_changes);
    *ret_count = count;
    return list;
}

static void write_change(const struct figures *figures, const struct change *change, bool is_first)
{
    buffer_text(figures->out, is_first ? "{" : ",{");
    struct bs_account_view view;
    bs_account_view_get(figures->run->base->engine, change->account, &view);
    member_text(figures->out, "account", view.account);
    if (view.isolated) {
        member_word(figures->out, "margin", "isolated");
        member_text(figures->out, "market", view.market);
    }
    amount(figures, "from", change->from);
    amount(figures, "to", change->to);
    amount(figures, "difference", change->to - change->from);
    buffer_append(figures->out, "}", 1);
}

/* The 20 accounts whose losses grow most under the second waterfall, and the 20 whose losses shrink
 * most. */
static void write_changes(const struct figures *figures, const struct outcome *from,
                          const struct outcome *to)
{
    uint32_t count;
    struct change *list = changes(figures, from, to, &count);
    uint32_t more = 0;
    while (more < count && list[more].to > list[more].from) {
        more++;
    }
    whole(figures, "accounts_losing_more", more);
    whole(figures, "accounts_losing_less", count - more);
    member_name(figures->out, "lose_more");
    buffer_append(figures->out, "[", 1);
    for (uint32_t i = 0; i < more && i < ACCOUNTS_LISTED; i++) {
        write_change(figures, &list[i], i == 0);
    }
    buffer_append(figures->out, "]", 1);
    member_name(figures->out, "lose_less");
    buffer_append(figures->out, "[", 1);
    for (uint32_t i = 0; i < count - more && i < ACCOUNTS_LISTED; i++) {
        write_change(figures, &list[count - 1 - i], i == 0);
    }
    buffer_append(figures->out, "]", 1);
    free(list);
}

static void ppm_change(const struct figures *figures, const char *name, struct outcome_ppm from,
                       struct outcome_ppm to)
{
    struct outcome_ppm change = {from.is_known && to.is_known, to.ppm - from.ppm};
    ppm(figures, name, &change);
}

static void write_difference(const struct figures *figures, const struct run_result *first,
                             const struct run_result *second)
{
    const struct outcome *from = &first->outcome, *to = &second->outcome;
    member_text(figures->out, "from", first->name);
    member_text(figures->out, "to", second->name);
    amount(figures, "fund_used",
           to->settlement.fund_paid.mantissa - from->settlement.fund_paid.mantissa);
    amount(figures, "closed_notional", to->closed_notional - from->closed_notional);
    amount(figures, "deleveraged", to->deleveraged - from->deleveraged);
    amount(figures, "haircuts", to->haircuts - from->haircuts);
    amount(figures, "taken_from_winners", outcome_taken(to) - outcome_taken(from));
    amount(figures, "spreads", to->settlement.spreads.mantissa - from->settlement.spreads.mantissa);
    amount(figures, "unallocated", unallocated(to) - unallocated(from));
    amount(figures, "period_loss_open", to->after.period_loss - from->after.period_loss);
    whole(figures, "accounts_touched", (bs_i128)to->losses_count - from->losses_count);
    ppm_change(figures, "worst_loss_of_equity_ppm", worst_of_equity(from), worst_of_equity(to));
    ppm_change(figures, "worst_loss_of_gain_ppm", worst_of_gain(from), worst_of_gain(to));
    ppm_change(figures, "gini_ppm", from->gini, to->gini);
    ppm_change(figures, "ptsr_ppm", from->ptsr, to->ptsr);
    ppm_change(figures, "pmr_ppm", from->pmr, to->pmr);
    write_changes(figures, from, to);
}

static void write_differences(const struct figures *figures)
{
    const struct run *run = figures->run;
    member_name(figures->out, "difference");
    buffer_append(figures->out, "[", 1);
    for (uint32_t i = 0; i < run->results_count; i++) {
        for (uint32_t k = i + 1; k < run->results_count; k++) {
            buffer_text(figures->out, k > 1 ? ",{" : "{");
            write_difference(figures, &run->results[i], &run->results[k]);
            buffer_append(figures->out, "}", 1);
        }
    }
    buffer_append(figures->out, "]", 1);
}

static void write_head(const struct figures *figures)
{
    const struct run *run = figures->run;
    member_text(figures->out, "pool", run->view.pool);
    member_text(figures->out, "asset", run->view.asset);
    if (run->is_comparison) {
        member_integer(figures->out, "settlement", run->settlement);
        member_integer(figures->out, "seq", run->command.seq);
        member_time(figures->out, "time", run->command.time_ms);
        return;
    }
    member_integer(figures->out, "seq", bs_engine_seq(run->base->engine));
    member_time(figures->out, "time", run->command.time_ms);
    write_shocks(figures);
}

void run_report(const struct run *run, struct buffer *out)
{
    const struct figures figures = {
        .out = out, .exponent = -(int32_t)run->view.decimals, .run = run};
    buffer_append(out, "{", 1);
    write_head(&figures);
    amount(&figures, "fund_equity", run->results[0].outcome.before.fund_equity);
    member_name(out, "waterfalls");
    buffer_append(out, "{", 1);
    for (uint32_t i = 0; i < run->results_count; i++) {
        out->failed = out->failed || run->results[i].outcome.failed;
        buffer_text(out, i > 0 ? "," : "");
        api_string(out, run->results[i].name);
        buffer_text(out, ":{");
        write_result(&figures, &run->results[i]);
        buffer_append(out, "}", 1);
    }
    buffer_append(out, "}", 1);
    write_differences(&figures);
    buffer_append(out, "}", 1);
}
