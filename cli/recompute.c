/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/number.h"
#include "lib/money/money.h"

#define FIRST_LINK "0000000000000000000000000000000000000000000000000000000000000000"

const char *audit_check_name(enum audit_check check)
{
    static const char *const names[] = {
#define X(code, what) what,
        AUDIT_CHECKS(X)
#undef X
    };
    return names[check];
}

bool audit_fits(struct audit *audit, enum audit_check check, bool fits)
{
    audit->counts[check]++;
    if (!fits) {
        audit->failed = check;
    }
    return fits;
}

const char *audit_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text != NULL ? text : "";
}

uint64_t audit_integer(const json_t *object, const char *member)
{
    return (uint64_t)json_integer_value(json_object_get(object, member));
}

bs_i128 audit_quanta(struct audit *audit, const json_t *object, const char *member)
{
    struct bs_wide number;
    bs_i128 quanta = 0;
    if (!number_parse(audit_text(object, member), &number) ||
        !number_scaled(number, (int32_t)audit->decimals, &quanta)) {
        audit->malformed = true;
        return 0;
    }
    return quanta;
}

/* Absent is 0. */
static bs_i128 optional_quanta(struct audit *audit, const json_t *object, const char *member)
{
    return json_object_get(object, member) == NULL ? 0 : audit_quanta(audit, object, member);
}

void audit_begin(struct audit *audit, const json_t *pool, const json_t *markets)
{
    *audit = (struct audit){.markets = markets,
                            .pool = audit_text(pool, "pool"),
                            .decimals = (uint32_t)audit_integer(pool, "decimals")};
}

void audit_assume_known(struct audit *audit)
{
    audit->begins_whole = true;
}

void audit_fini(struct audit *audit)
{
    const struct audit_kept *closes = (const struct audit_kept *)(const void *)audit->closes.bytes;
    for (size_t i = 0; i < audit->closes.size / sizeof(*closes); i++) {
        free(closes[i].parties);
    }
    json_decref(audit->netting);
    json_decref(audit->debt.action);
    json_decref(audit->debt.legs);
    json_decref(audit->leg.close);
    json_decref(audit->leg.adl);
    json_decref(audit->leg.split);
    json_decref(audit->round.haircut);
    buffer_fini(&audit->canonical);
    buffer_fini(&audit->closes);
}

/* ---- the chain ---- */

/* docs/records.md: one line name=value a member, those of nested objects as outer.name. */
static void add_lines(struct buffer *out, json_t *object, const char *outer)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        if (json_is_object(value)) {
            add_lines(out, value, name);
            continue;
        }
        if (*outer == '\0' && (strcmp(name, "cursor") == 0 || strcmp(name, "hash") == 0)) {
            continue;
        }
        buffer_printf(out, "%s%s%s=", outer, *outer == '\0' ? "" : ".", name);
        if (json_is_integer(value)) {
            buffer_printf(out, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
        } else {
            buffer_printf(out, "%s\n", json_is_null(value) ? "null" : json_string_value(value));
        }
    }
}

static bool take_link(struct audit *audit, json_t *action)
{
    char hash[SHA256_TEXT_SIZE];
    uint64_t id = audit_integer(action, "id");
    bool known = audit->last_id != 0 || id == 1;
    if (audit->last_id == 0) {
        audit->from_begin = id == 1;
    }
    if (known) {
        if (!audit_fits(audit, AUDIT_ID, id == audit->last_id + 1)) {
            return false;
        }
        buffer_clear(&audit->canonical);
        buffer_printf(&audit->canonical, "%s\n", id == 1 ? FIRST_LINK : audit->last_hash);
        add_lines(&audit->canonical, action, "");
        if (!sha256_text(&audit->canonical, hash) ||
            !audit_fits(audit, AUDIT_HASH, strcmp(hash, audit_text(action, "hash")) == 0)) {
            return false;
        }
    }
    audit->last_id = id;
    (void)snprintf(audit->last_hash, sizeof(audit->last_hash), "%s", audit_text(action, "hash"));
    return true;
}

/* Times have one length, so that their order is that of their texts. */
static bool take_time(struct audit *audit, const json_t *action)
{
    const char *time = audit_text(action, "time");
    bool same = audit_integer(action, "settlement") == audit->sums.number;
    int order = strcmp(time, audit->last_time);
    if (strlen(time) >= sizeof(audit->last_time)) {
        return audit_fits(audit, AUDIT_TIME, false);
    }
    bool fits = audit->sums.number != 0 && same ? order == 0 : order >= 0;
    (void)snprintf(audit->last_time, sizeof(audit->last_time), "%s", time);
    return audit_fits(audit, AUDIT_TIME, fits);
}

/* ---- who bore what ---- */

bool audit_is_fund(const json_t *action)
{
    return strncmp(audit_text(action, "account"), "backstop:", sizeof("backstop:") - 1) == 0;
}

/* Out of the fund, or out of what it keeps for a market. */
static bool is_draw(const char *type)
{
    return strcmp(type, "insurance_draw") == 0 || strcmp(type, "own_fund_draw") == 0;
}

/* What was drawn is what its reason says, and the whole debt was borne. Inverse values are rounded
 * at each close. */
static bool end_debt(struct audit *audit)
{
    if (audit->debt.action == NULL) {
        return true;
    }
    bool fits =
        audit->debt.drawn ==
            audit_quanta(audit, json_object_get(audit->debt.action, "reason"), "fund_paid") &&
        bs_abs(audit->debt.borne - audit->debt.deficit) <= audit->sums.dust;
    if (!audit_is_fund(audit->debt.action)) {
        audit->sums.cases++;
        audit->sums.deficit += audit->debt.deficit;
    }
    bool weigh = audit_legs_add_up(audit);
    json_decref(audit->debt.action);
    json_decref(audit->debt.legs);
    memset(&audit->debt, 0, sizeof(audit->debt));
    return audit_fits(audit, AUDIT_DEFICIT, fits) && audit_fits(audit, AUDIT_WEIGHT, weigh);
}

static bool is_same_debtor(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "settlement"), json_object_get(b, "settlement")) &&
           strcmp(audit_text(a, "account"), audit_text(b, "account")) == 0 &&
           strcmp(audit_text(a, "margin"), audit_text(b, "margin")) == 0 &&
           (*audit_text(a, "margin") == '\0' ||
            strcmp(audit_text(a, "market"), audit_text(b, "market")) == 0);
}

/* The debt that the action is about; NULL: it is not the account's own. */
static const json_t *reason_of(const json_t *action)
{
    const json_t *reason = json_object_get(action, "reason");
    const char *type = audit_text(action, "type");
    bool is_own = strcmp(type, "adl") != 0 && strcmp(type, "assignment") != 0;
    return is_own && json_is_object(reason) ? reason : NULL;
}

static bool begin_debt(struct audit *audit, json_t *action)
{
    const json_t *reason = reason_of(action);
    if (reason == NULL) {
        return true;
    }
    if (audit->debt.action != NULL && !is_same_debtor(audit->debt.action, action) &&
        !end_debt(audit)) {
        return false;
    }
    if (audit->debt.action == NULL) {
        audit->debt.action = json_incref(action);
        audit->debt.deficit = audit_quanta(audit, reason, "deficit");
    }
    return true;
}

static bool take_debt(struct audit *audit, json_t *action)
{
    const json_t *reason = reason_of(action);
    const char *type = audit_text(action, "type");
    if (reason == NULL) {
        return true;
    }
    bs_i128 deficit = audit_quanta(audit, reason, "deficit");
    bs_i128 paid = audit_quanta(audit, reason, "fund_paid");
    bs_i128 amount = optional_quanta(audit, action, "amount");
    bool draws = is_draw(type);
    audit->debt.drawn += draws ? amount : 0;
    audit->debt.borne += draws || strcmp(type, "write_off") == 0 ? amount : 0;
    if (strcmp(type, "liquidation_close") == 0) {
        audit->debt.borne -= audit_quanta(audit, action, "cost_to_mark");
    } else if (strcmp(type, "takeover") == 0) {
        audit_pass_leg(audit, action);
    }
    return audit_fits(audit, AUDIT_DEFICIT,
                      deficit == audit->debt.deficit &&
                          audit_quanta(audit, reason, "residual") == deficit - paid &&
                          json_equal(reason, json_object_get(audit->debt.action, "reason")));
}

bool audit_end(struct audit *audit)
{
    return audit_end_round(audit) && end_debt(audit);
}

/* Of a settlement that began before the range only the chain can be followed. */
static bool begin_settlement(struct audit *audit, const json_t *action)
{
    bool whole = audit->from_begin || audit->begins_whole || audit->counts[AUDIT_ID] > 0;
    if (!audit_end(audit)) {
        return false;
    }
    audit->sums = (struct audit_sums){.number = audit_integer(action, "settlement"),
                                      .first = audit_integer(action, "id"),
                                      .whole = whole};
    return true;
}

static void sum_up(struct audit *audit, json_t *action, bs_i128 amount)
{
    struct audit_sums *sums = &audit->sums;
    const char *type = audit_text(action, "type");
    sums->last = audit_integer(action, "id");
    if (strcmp(type, "adl") == 0) {
        sums->closes++;
        sums->deleveraged += audit_quanta(audit, action, "cost_to_mark");
    } else if (strcmp(type, "assignment") == 0) {
        sums->assignments++;
        sums->spreads -= audit_quanta(audit, action, "cost_to_mark");
    } else if (strcmp(type, "haircut") == 0) {
        sums->payers++;
        sums->haircuts += amount;
    } else if (is_draw(type)) {
        sums->fund_paid += amount;
    } else if (strcmp(type, "unallocated_deficit") == 0) {
        sums->unallocated += amount;
    }
}

/* The open period loss and the unallocated deficit, as the actions move them. */
static bool take_ledger(struct audit *audit, const json_t *action, bs_i128 amount)
{
    const char *type = audit_text(action, "type");
    if (strcmp(type, "write_off") == 0) {
        audit->loss += amount;
    } else if (strcmp(type, "refund") == 0) {
        audit->loss += amount; /* others pay it in the same division */
    } else if (strcmp(type, "haircut") == 0 ||
               ((is_draw(type) || strcmp(type, "restitution") == 0) && audit_is_fund(action))) {
        audit->loss -= amount;
    } else if (strcmp(type, "unallocated_deficit") == 0) {
        audit->loss -= amount;
        audit->unallocated += amount;
    } else if (strcmp(type, "insurance_credit") == 0) {
        audit->unallocated -= amount;
    } else {
        return true;
    }
    return !audit->from_begin ||
           audit_fits(audit, AUDIT_LEDGER, audit->loss >= 0 && audit->unallocated >= 0);
}

static bool take_figures(struct audit *audit, json_t *action)
{
    const char *type = audit_text(action, "type");
    bool is_share = strcmp(type, "haircut") == 0 || strcmp(type, "refund") == 0;
    bool fits = begin_debt(audit, action) &&
                (is_share ? audit_take_haircut(audit, action) : audit_end_round(audit));
    if (fits && json_object_get(action, "entry_price") != NULL) {
        fits = audit_take_close(audit, action);
    }
    if (fits && strcmp(type, "liquidation_close") == 0) {
        fits = audit_take_liquidation(audit, action);
        audit_keep(audit, action);
    } else if (fits && strcmp(type, "netting") == 0) {
        fits = audit_take_netting(audit, action);
    } else if (fits && strcmp(type, "adl") == 0) {
        fits = audit_take_adl(audit, action);
        audit_keep(audit, action);
    } else if (fits && strcmp(type, "assignment") == 0) {
        fits = audit_take_assignment(audit, action);
        audit_keep(audit, action);
    } else if (fits && strcmp(type, "reversal") == 0) {
        fits = audit_take_reversal(audit, action);
    }
    return fits && take_debt(audit, action);
}

bool audit_take(struct audit *audit, json_t *action)
{
    audit->malformed = false;
    if (!take_link(audit, action) || !take_time(audit, action)) {
        return false;
    }
    uint64_t number = audit_integer(action, "settlement");
    if (number != 0 && number != audit->sums.number && !begin_settlement(audit, action)) {
        return false;
    }
    bs_i128 amount = optional_quanta(audit, action, "amount");
    if (number != 0) {
        sum_up(audit, action, amount);
    }
    const char *margin = audit_text(action, "margin");
    audit->malformed = audit->malformed || (*margin != '\0' && strcmp(margin, "isolated") != 0);
    if (number != 0 && !audit->sums.whole) {
        return true;
    }
    return take_figures(audit, action) && take_ledger(audit, action, amount) &&
           audit_fits(audit, AUDIT_NUMBER, !audit->malformed);
}

/* ---- the settlement's row ---- */

bool audit_sums_are_due(const struct audit *audit, const json_t *next_action)
{
    return audit->sums.number != 0 && audit->sums.whole && !audit->sums.compared &&
           (next_action == NULL || audit_integer(next_action, "settlement") != audit->sums.number);
}

bool audit_settlement(struct audit *audit, const json_t *row)
{
    struct audit_sums *sums = &audit->sums;
    if (!audit_end(audit)) {
        return false;
    }
    audit->malformed = false;
    bool fits = strcmp(audit_text(row, "time"), audit->last_time) == 0 &&
                audit_integer(row, "first_action") == sums->first &&
                audit_integer(row, "last_action") == sums->last &&
                audit_integer(row, "counterparties") == sums->closes &&
                audit_integer(row, "payers") == sums->payers &&
                audit_quanta(audit, row, "fund_paid") == sums->fund_paid &&
                audit_quanta(audit, row, "deleveraged") == sums->deleveraged &&
                audit_quanta(audit, row, "haircuts") == sums->haircuts &&
                audit_quanta(audit, row, "unallocated") == sums->unallocated &&
                audit_integer(row, "assignments") == sums->assignments &&
                audit_quanta(audit, row, "spreads") == sums->spreads &&
                (sums->dust > 0 || (audit_integer(row, "insolvent_accounts") == sums->cases &&
                                    audit_quanta(audit, row, "deficit") == sums->deficit));
    sums->compared = true;
    return audit_fits(audit, AUDIT_SETTLEMENT, fits && !audit->malformed);
}
