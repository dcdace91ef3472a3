/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/exposure.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/json_writer.h"

struct exposure_row {
    uint32_t holder, market; /* handles: the account or its isolated margin */
    struct bs_wide size;
};

/* The account, then its isolated margins. */
static uint32_t next_holder(const struct bs_engine *view, uint32_t account, uint32_t holder)
{
    return holder == account ? bs_isolated_first(view, account) : bs_isolated_next(view, holder);
}

static struct bs_wide equity_of(const struct bs_engine *view, uint32_t account)
{
    struct bs_wide sum = {0, 0};
    for (uint32_t holder = account; holder != 0; holder = next_holder(view, account, holder)) {
        struct bs_account_view shown;
        bs_account_view_get(view, holder, &shown);
        sum = (struct bs_wide){sum.mantissa + shown.equity.mantissa, shown.equity.exponent};
    }
    return sum;
}

void exposure_begin(struct exposure *exposure, const struct bs_engine *view, uint32_t account)
{
    struct bs_account_view shown;
    uint32_t capacity = 0;
    for (uint32_t holder = account; holder != 0; holder = next_holder(view, account, holder)) {
        bs_account_view_get(view, holder, &shown);
        capacity += shown.positions_count;
    }
    *exposure = (struct exposure){.equity = equity_of(view, account)};
    exposure->taken.exponent = exposure->equity.exponent;
    exposure->rows = calloc(capacity > 0 ? capacity : 1, sizeof(exposure->rows[0]));
    if (exposure->rows == NULL) {
        exposure->failed = true;
        return;
    }
    for (uint32_t holder = account; holder != 0; holder = next_holder(view, account, holder)) {
        bs_account_view_get(view, holder, &shown);
        for (uint32_t i = 0; i < shown.positions_count; i++) {
            struct bs_position_view position;
            bs_position_view_get(view, holder, i, &position);
            exposure->rows[exposure->rows_count++] =
                (struct exposure_row){holder, bs_market_find(view, position.market), position.size};
        }
    }
}

void exposure_take(struct exposure *exposure, struct bs_text account,
                   const struct bs_effects *effects)
{
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        const struct bs_action *action = &effects->actions[i];
        if (bs_text_equal(action->account, account)) {
            exposure->taken.mantissa += bs_action_loss_amount(action);
        }
    }
}

static void write_row(const struct exposure_row *row, const struct bs_engine *view,
                      struct buffer *out)
{
    struct bs_account_view holder;
    struct bs_market_view market;
    struct bs_position_view after;
    bs_account_view_get(view, row->holder, &holder);
    bs_market_view_get(view, row->market, &market);
    bool is_left = bs_position_in_market(view, row->holder, row->market, &after);
    buffer_append(out, "{", 1);
    member_text(out, "market", market.market);
    member_word(out, "margin", holder.isolated ? "isolated" : "cross");
    member_wide(out, "size_before", row->size);
    member_wide(out, "size_after", is_left ? after.size : (struct bs_wide){0, 0});
    buffer_append(out, "}", 1);
}

void exposure_write(const struct exposure *exposure, const struct bs_engine *view, uint32_t account,
                    struct buffer *out)
{
    struct bs_account_view shown;
    bs_account_view_get(view, account, &shown);
    out->failed = out->failed || exposure->failed;
    buffer_append(out, "{", 1);
    member_text(out, "account", shown.account);
    member_wide(out, "equity_before", exposure->equity);
    member_wide(out, "equity_after", equity_of(view, account));
    member_wide(out, "taken", exposure->taken);
    member_name(out, "positions");
    buffer_append(out, "[", 1);
    for (uint32_t i = 0; i < exposure->rows_count; i++) {
        buffer_text(out, i > 0 ? "," : "");
        write_row(&exposure->rows[i], view, out);
    }
    buffer_append(out, "]}", 2);
}

void exposure_fini(struct exposure *exposure)
{
    free(exposure->rows);
    *exposure = (struct exposure){0};
}
