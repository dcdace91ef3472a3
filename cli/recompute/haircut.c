/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/haircut.h"

#include <assert.h>
#include <string.h>

#include "cli/action_kind.h"
#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

void haircut_round_fini(struct haircut_round *round)
{
    json_decref(round->action);
    *round = (struct haircut_round){0};
}

/* The shares of a round are in the order of accounts. */
static bool is_same_round(const json_t *a, const json_t *b)
{
    static const char *const members[] = {"settlement", "type", "side",
                                          "age",        "loss", "gains_total"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (!member_is_equal(a, b, members[i])) {
            return false;
        }
    }
    return strcmp(member_text(a, "account"), member_text(b, "account")) <= 0;
}

bool haircut_round_end(struct recompute *recompute)
{
    struct haircut_round *round = &recompute->round;
    bool was_shared = round->is_shared;
    bool fits = !was_shared || round->left == 0;
    haircut_round_fini(round);
    return !was_shared || check_fits(recompute, CHECK_ROUND, fits);
}

bool haircut_round_follow(struct recompute *recompute, const json_t *action)
{
    const struct haircut_round *round = &recompute->round;
    bool continues =
        round->action != NULL && round->left != 0 && is_same_round(round->action, action);
    return continues || haircut_round_end(recompute);
}

/* What an action says of a share, in quanta. */
struct share_told {
    bs_i128 amount, gain, loss, total, weight, prefix, taken;
    bool has_prefix, is_refund, of_window;
};

static struct share_told read_share(struct recompute *recompute, const json_t *action)
{
    struct share_told share = {
        .amount = figure_quanta(recompute, action, "amount"),
        .gain = figure_quanta(recompute, action, "gain"),
        .loss = figure_quanta(recompute, action, "loss"),
        .total = figure_quanta(recompute, action, "gains_total"),
        .prefix = figure_optional(recompute, action, "prefix"),
        .taken = figure_optional(recompute, action, "taken"),
        .has_prefix = member_exists(action, "prefix"),
        .is_refund = action_kind_of(action) == ACTION_REFUND,
        .of_window = member_exists(action, "taken"),
    };
    share.weight =
        member_exists(action, "weight") ? figure_quanta(recompute, action, "weight") : share.gain;
    return share;
}

/* A window settles differences only: what it took before is a part of the share. */
static bool share_fits(const struct haircut_round *round, const struct share_told *share)
{
    bs_i128 borne = share->is_refund ? share->amount : share->amount + share->taken;
    bs_i128 most = bs_min(share->is_refund ? share->taken : share->gain, share->loss);
    if (share->amount <= 0 || borne > most || share->weight <= 0 || share->weight > share->total) {
        return false;
    }
    if (share->has_prefix) {
        return share->prefix >= round->prefix && share->prefix <= share->total - share->weight &&
               borne == bs_split_floor(share->loss, share->prefix, share->prefix + share->weight,
                                       share->total);
    }
    return !round->is_shared &&
           bs_compare_products(share->loss, share->weight, borne, share->total) >= 0;
}

bool haircut_take(struct recompute *recompute, json_t *action)
{
    struct haircut_round *round = &recompute->round;
    struct share_told share = read_share(recompute, action);
    if (round->action == NULL) {
        assert(!round->is_shared);
        round->left = share.loss;
    }
    bool fits = share_fits(round, &share);
    json_decref(round->action);
    round->action = json_incref(action);
    round->left -= share.amount;
    round->prefix = share.prefix + share.weight;
    /* An account that has paid its share of a window has no action, so the shares of a window need
     * not add up. */
    round->is_shared = share.has_prefix && (share.is_refund || !share.of_window);
    return check_fits(recompute, CHECK_HAIRCUT, fits);
}
