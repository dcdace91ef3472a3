/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Haircuts. In a round whoever reaches the cap pays it, without a prefix; when nobody does, all pay
 * floor(L*(P+g)/G) - floor(L*P/G), and the shares add up to L.
 */
#include <string.h>

#include "cli/recompute.h"
#include "lib/money/money.h"

static bool is_same_round(const json_t *a, const json_t *b)
{
    static const char *const members[] = {"settlement", "type", "side",
                                          "age",        "loss", "gains_total"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *left = json_object_get(a, members[i]), *right = json_object_get(b, members[i]);
        if ((left != NULL || right != NULL) && !json_equal(left, right)) {
            return false;
        }
    }
    return strcmp(audit_text(a, "account"), audit_text(b, "account")) <= 0;
}

bool audit_end_round(struct audit *audit)
{
    bool fits = !audit->round.shared || audit->round.left == 0;
    bool was = audit->round.shared;
    json_decref(audit->round.haircut);
    memset(&audit->round, 0, sizeof(audit->round));
    return !was || audit_fits(audit, AUDIT_ROUND, fits);
}

/* What an action says of a share, in quanta. */
struct share {
    bs_i128 amount, gain, loss, total, weight, prefix, taken;
    bool has_prefix, is_refund, of_window;
};

static struct share read_share(struct audit *audit, const json_t *action)
{
    struct share share = {
        .amount = audit_quanta(audit, action, "amount"),
        .gain = audit_quanta(audit, action, "gain"),
        .loss = audit_quanta(audit, action, "loss"),
        .total = audit_quanta(audit, action, "gains_total"),
        .has_prefix = json_object_get(action, "prefix") != NULL,
        .is_refund = strcmp(audit_text(action, "type"), "refund") == 0,
        .of_window = json_object_get(action, "taken") != NULL,
    };
    bool has_weight = json_object_get(action, "weight") != NULL;
    share.weight = has_weight ? audit_quanta(audit, action, "weight") : share.gain;
    share.prefix = share.has_prefix ? audit_quanta(audit, action, "prefix") : 0;
    share.taken = share.of_window ? audit_quanta(audit, action, "taken") : 0;
    return share;
}

/* A window settles differences only: what it has taken is a part of the share. */
static bool share_fits(const struct audit *audit, const struct share *share)
{
    bs_i128 borne = share->is_refund ? share->amount : share->amount + share->taken;
    bs_i128 most = bs_min(share->is_refund ? share->taken : share->gain, share->loss);
    if (share->amount <= 0 || borne > most || share->weight <= 0 || share->weight > share->total) {
        return false;
    }
    if (share->has_prefix) {
        return share->prefix >= audit->round.prefix &&
               share->prefix <= share->total - share->weight &&
               borne == bs_split_floor(share->loss, share->prefix, share->prefix + share->weight,
                                       share->total);
    }
    return !audit->round.shared &&
           bs_compare_products(share->loss, share->weight, borne, share->total) >= 0;
}

bool audit_take_haircut(struct audit *audit, json_t *action)
{
    struct share share = read_share(audit, action);
    bool continues = audit->round.haircut != NULL && audit->round.left != 0 &&
                     is_same_round(audit->round.haircut, action);
    if (!continues) {
        if (!audit_end_round(audit)) {
            return false;
        }
        audit->round.left = share.loss;
    }
    bool fits = share_fits(audit, &share);
    json_decref(audit->round.haircut);
    audit->round.haircut = json_incref(action);
    audit->round.left -= share.amount;
    audit->round.prefix = share.prefix + share.weight;
    /* Whose share of a window is what it has paid has no action: then nothing adds up. */
    audit->round.shared = share.has_prefix && (share.is_refund || !share.of_window);
    return audit_fits(audit, AUDIT_HAIRCUT, fits);
}
