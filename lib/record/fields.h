/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of every command, in the order of the record. A field is one row: the member of the
 * struct, the bytes of the record and the row of the JSON table come from it.
 *
 *     X(kind, member, json, when, detail)
 *
 * `json` is its name in JSON. `when` is REQUIRED or DEFAULT for a field that every record has: JSON
 * must name it, or may. It is BIT_n for a field that a record has if bit n of its `present` is set;
 * JSON may leave it out. A new field goes to the end with a bit of its own, so that older records
 * keep their meaning.
 *
 *     kind        member              there if           detail
 *     NAME        struct bs_text      not empty          0
 *     TEXT        struct bs_text      not empty          (least, most bytes)
 *     DECIMAL     struct bs_decimal   always             0
 *     U32         uint32_t            always             the most it may be
 *     U64         uint64_t            always             0
 *     PERIOD      uint64_t, ms        always             0
 *     ENUM        uint8_t             always             (function of its names, count)
 *     BOOL        bool                always; one byte   0
 *     MAYBE_x     as x, and has_json  has_json           as x; x is DECIMAL, U32, PERIOD or TIME
 *     NONZERO     uint64_t            not 0              0
 *     UNLESS      uint32_t            not detail         the value that it has where it is not there
 *     FLAG        bool                true; no bytes     0
 *     CHOICE      uint8_t, 0 or 1     1; no bytes        function of the two names
 *
 * LAYERS, POSITIONS, ITEM, FINGERPRINT and REJECTIONS are one field each, with code of their own.
 */
#ifndef BS_RECORD_FIELDS_H
#define BS_RECORD_FIELDS_H

#define BS_POOL_FIELDS(X)                                                                          \
    X(NAME, pool, pool, REQUIRED, 0)                                                               \
    X(NAME, asset, asset, REQUIRED, 0)                                                             \
    X(U32, decimals, decimals, REQUIRED, BS_ASSET_DECIMALS_MAX)   /* of one quantum */             \
    X(U32, mark_max_age_ms, mark_max_age_ms, DEFAULT, UINT32_MAX) /* 0 = marks never age */        \
    X(PERIOD, period_ms, period, DEFAULT, 0)                      /* 0 = "tick" */                 \
    X(LAYERS, layers, waterfall, DEFAULT, 0)                                                       \
    X(CHOICE, trigger, trigger, BIT_0, bs_trigger_name) /* enum bs_trigger */

#define BS_MARKET_FIELDS(X)                                                                        \
    X(NAME, market, market, REQUIRED, 0)                                                           \
    X(NAME, pool, pool, REQUIRED, 0)                                                               \
    X(ENUM, contract, contract, DEFAULT, (bs_contract_name, BS_CONTRACT_COUNT))                    \
    X(DECIMAL, tick_size, tick_size, REQUIRED, 0)                                                  \
    X(DECIMAL, lot_size, lot_size, REQUIRED, 0)                                                    \
    X(DECIMAL, multiplier, multiplier, DEFAULT, 0)                                                 \
    X(U32, maintenance_margin_ppm, maintenance_margin_ppm, REQUIRED, UINT32_MAX)                   \
    X(U32, max_move_ppm, max_move_ppm, DEFAULT, UINT32_MAX) /* 0 = no band */                      \
    X(MAYBE_DECIMAL, fund_budget, fund_budget, BIT_0, 0)    /* the fund's most in one period */    \
    X(FLAG, own_fund, own_fund, BIT_1, 0) /* its own part of the fund alone pays its debts */      \
    X(UNLESS, max_move_span_ms, max_move_span_ms, BIT_2,                                           \
      BS_MOVE_SPAN_MS_DEFAULT) /* least time of a run of marks out of the band */

#define BS_ACCOUNT_FIELDS(X)                                                                       \
    X(NAME, account, account, REQUIRED, 0)                                                         \
    X(NAME, pool, pool, REQUIRED, 0)                                                               \
    X(DECIMAL, collateral, collateral, REQUIRED, 0)                                                \
    X(NONZERO, seen_action, seen_action, BIT_0, 0)                                                 \
    X(MAYBE_U32, haircut_cap_ppm, haircut_cap_ppm, BIT_2, BS_PPM) /* of the gain */                \
    X(POSITIONS, positions, positions, BIT_1, 0)

/* One position as sent. Without entry price size must be 0. */
#define BS_ITEM_FIELDS(X)                                                                          \
    X(NAME, market, market, REQUIRED, 0)                                                           \
    X(DECIMAL, size, size, REQUIRED, 0) /* signed */                                               \
    X(MAYBE_DECIMAL, entry_price, entry_price, BIT_0, 0)                                           \
    X(UNLESS, adl_priority, adl_priority, BIT_1, BS_PRIORITY_NONE)                                 \
    X(CHOICE, isolated, margin, BIT_2, bs_margin_name)                                             \
    X(MAYBE_DECIMAL, collateral, collateral, BIT_3, 0) /* only of an isolated one */

#define BS_POSITION_FIELDS(X)                                                                      \
    X(NAME, account, account, REQUIRED, 0)                                                         \
    X(ITEM, item, item, DEFAULT, 0)                                                                \
    X(NONZERO, seen_action, seen_action, BIT_0, 0)

#define BS_FILL_FIELDS(X)                                                                          \
    X(NAME, account, account, REQUIRED, 0)                                                         \
    X(NAME, market, market, REQUIRED, 0)                                                           \
    X(DECIMAL, size, size, REQUIRED, 0) /* signed, not 0 */                                        \
    X(DECIMAL, price, price, REQUIRED, 0)                                                          \
    X(DECIMAL, fee, fee, DEFAULT, 0) /* positive is paid by the account */                         \
    X(NAME, trade_id, trade_id, BIT_0, 0)                                                          \
    X(CHOICE, isolated, margin, BIT_1, bs_margin_name)                                             \
    X(MAYBE_TIME, time_ms, time, BIT_2, 0) /* when it was made: of an id that may be forgotten */

#define BS_TRANSFER_FIELDS(X)                                                                      \
    X(NAME, account, account, REQUIRED, 0)                                                         \
    X(DECIMAL, amount, amount, REQUIRED, 0)                                                        \
    X(ENUM, kind, kind, DEFAULT, (bs_transfer_kind_name, BS_TRANSFER_COUNT))                       \
    X(NAME, transfer_id, transfer_id, BIT_0, 0)                                                    \
    X(NAME, market, market, BIT_1, 0) /* of an isolated position; empty = the account's cash */    \
    X(MAYBE_TIME, time_ms, time, BIT_2, 0) /* as of a fill */

/* The venue leaves the account, or its isolated position in a market, to the pool's rules. */
#define BS_HANDOVER_FIELDS(X)                                                                      \
    X(NAME, account, account, REQUIRED, 0)                                                         \
    X(NAME, market, market, BIT_0, 0) /* empty = the account itself */

#define BS_MARK_FIELDS(X)                                                                          \
    X(NAME, market, market, REQUIRED, 0)                                                           \
    X(DECIMAL, price, price, REQUIRED, 0)                                                          \
    X(MAYBE_TIME, mark_time_ms, time, BIT_0, 0)                                                    \
    X(FLAG, confirm, confirm, BIT_1, 0) /* ops: accept it out of band */

#define BS_FUND_FIELDS(X)                                                                          \
    X(NAME, pool, pool, REQUIRED, 0)                                                               \
    X(DECIMAL, amount, amount, REQUIRED, 0) /* negative takes money out of the fund */             \
    X(NAME, transfer_id, transfer_id, BIT_0, 0)                                                    \
    X(MAYBE_TIME, time_ms, time, BIT_1, 0) /* as of a fill */

/* From the pool's fund into a market's own fund, or back. */
#define BS_OWN_FUND_FIELDS(X)                                                                      \
    X(NAME, market, market, REQUIRED, 0)                                                           \
    X(DECIMAL, amount, amount, REQUIRED, 0) /* negative gives it back */                           \
    X(NAME, transfer_id, transfer_id, BIT_0, 0)                                                    \
    X(MAYBE_TIME, time_ms, time, BIT_1, 0) /* as of a fill */

/* The commands that are a name, and perhaps a reason, share a struct: POOL_REASON has it all. */
#define BS_POOL_NAME_FIELDS(X) X(NAME, name, pool, REQUIRED, 0)
#define BS_ACCOUNT_NAME_FIELDS(X) X(NAME, name, account, REQUIRED, 0)
#define BS_MARKET_NAME_FIELDS(X) X(NAME, name, market, REQUIRED, 0)
#define BS_SOURCE_NAME_FIELDS(X) X(NAME, name, source, REQUIRED, 0)
#define BS_IDENTITY_FIELDS(X) X(NAME, name, identity, REQUIRED, 0)
#define BS_POOL_REASON_FIELDS(X)                                                                   \
    X(NAME, name, pool, REQUIRED, 0)                                                               \
    X(TEXT, reason, reason, BIT_0, (1, BS_REASON_SIZE_MAX))

/* What is in force from here on: everything in the settings that decides an outcome. */
#define BS_CAPACITY_FIELDS(X)                                                                      \
    X(U32, accounts_max, accounts_max, REQUIRED, UINT32_MAX)                                       \
    X(U32, positions_max, positions_max, REQUIRED, UINT32_MAX)                                     \
    X(U32, markets_max, markets_max, REQUIRED, UINT32_MAX)                                         \
    X(U32, pools_max, pools_max, REQUIRED, UINT32_MAX)                                             \
    X(U32, dedupe_window, dedupe_window, REQUIRED, UINT32_MAX) /* of trade ids */                  \
    X(U32, transfer_window, transfer_window, REQUIRED, UINT32_MAX)                                 \
    X(U32, source_window, source_window, REQUIRED, UINT32_MAX)

/* Which level of behaviour is in force from here on: lib/book/feature.h. */
#define BS_FEATURE_LEVEL_FIELDS(X) X(U32, level, level, REQUIRED, UINT32_MAX)

/* The venue could not apply `size` of the close that an action of the pool published. */
#define BS_UNFILLED_FIELDS(X)                                                                      \
    X(NAME, pool, pool, REQUIRED, 0)                                                               \
    X(U64, action, action, REQUIRED, 0) /* of the liquidation_close or of the adl; > 0 */          \
    X(DECIMAL, size, size, REQUIRED, 0) /* contracts, > 0 */

/* The market ends: every position in it is closed at this price. */
#define BS_FINAL_FIELDS(X)                                                                         \
    X(NAME, market, market, REQUIRED, 0)                                                           \
    X(DECIMAL, price, price, REQUIRED, 0)

/* The pool's window since a default. */
#define BS_WINDOW_FIELDS(X)                                                                        \
    X(NAME, pool, pool, REQUIRED, 0)                                                               \
    X(NAME, name, name, REQUIRED, 0)

/* What an account offers to take over in a market: absolute; max_position 0 = nothing. */
#define BS_PROVIDER_FIELDS(X)                                                                      \
    X(NAME, account, account, REQUIRED, 0)                                                         \
    X(NAME, market, market, REQUIRED, 0)                                                           \
    X(DECIMAL, max_position, max_position, REQUIRED, 0) /* contracts after an assignment, >= 0 */  \
    X(U32, max_leverage_ppm, max_leverage_ppm, DEFAULT, UINT32_MAX) /* value at mark / equity */   \
    X(MAYBE_DECIMAL, max_size, max_size, BIT_0, 0) /* contracts in one settlement, > 0 */          \
    X(MAYBE_PERIOD, quota_period_ms, quota_period, BIT_1, 0) /* fixed, from the epoch on */        \
    X(MAYBE_U32, quota_ppm, quota_ppm, BIT_2, UINT32_MAX)    /* of its equity, in such a period */ \
    X(UNLESS, priority, priority, BIT_3, BS_PRIORITY_NONE)   /* low is asked first */

/* See struct bs_request_command. */
#define BS_REQUEST_FIELDS(X)                                                                       \
    X(TEXT, caller, caller, DEFAULT, (0, BS_ID_SIZE_MAX)) /* empty without access control */       \
    X(TEXT, key, key, DEFAULT, (1, BS_REQUEST_KEY_SIZE_MAX))                                       \
    X(FINGERPRINT, fingerprint, fingerprint, DEFAULT, 0)                                           \
    X(BOOL, is_list, is_list, DEFAULT, 0) /* the request took a list, even of one item */          \
    X(U32, items_count, items, DEFAULT, UINT32_MAX)                                                \
    X(REJECTIONS, rejections, rejections, DEFAULT, 0)

/* The fields of each type of layer; the others of a layer are zero. */
#define BS_ADL_FIELDS(X)                                                                           \
    X(ENUM, ranking, ranking, DEFAULT, (bs_ranking_name, BS_RANKING_COUNT))                        \
    X(ENUM, price, price, DEFAULT, (bs_close_price_name, BS_PRICE_COUNT))                          \
    X(BOOL, protect_principal, protect_principal, DEFAULT, 0) /* true if not said */

#define BS_HAIRCUT_FIELDS(X)                                                                       \
    X(ENUM, rule, rule, DEFAULT, (bs_haircut_rule_name, BS_RULE_COUNT))                            \
    X(ENUM, basis, basis, DEFAULT, (bs_basis_name, BS_BASIS_COUNT))                                \
    X(ENUM, divide, divide, DEFAULT, (bs_divide_name, BS_DIVIDE_COUNT))                            \
    X(ENUM, scope, scope, DEFAULT, (bs_scope_name, BS_SCOPE_COUNT))

#define BS_INSURANCE_FIELDS(X)                                                                     \
    X(DECIMAL, floor, floor, DEFAULT, 0)                                                           \
    X(MAYBE_DECIMAL, max_per_settlement, max_per_settlement, BIT_0, 0)                             \
    X(MAYBE_U32, max_drawdown_ppm, max_drawdown_ppm, BIT_1, UINT32_MAX) /* with the next two */    \
    X(MAYBE_PERIOD, drawdown_window_ms, drawdown_window, BIT_2, 0)                                 \
    X(MAYBE_U32, resume_ppm, resume_ppm, BIT_3, UINT32_MAX)

#define BS_ASSIGN_FIELDS(X)

/* The member, or members, of a row. */
#define BS_FIELD_MEMBER(kind, member, json, when, detail) BS_MEMBER_##kind(member, json)
#define BS_MEMBER_NAME(member, json) struct bs_text member;
#define BS_MEMBER_TEXT(member, json) struct bs_text member;
#define BS_MEMBER_DECIMAL(member, json) struct bs_decimal member;
#define BS_MEMBER_U32(member, json) uint32_t member;
#define BS_MEMBER_U64(member, json) uint64_t member;
#define BS_MEMBER_PERIOD(member, json) uint64_t member;
#define BS_MEMBER_ENUM(member, json) uint8_t member;
#define BS_MEMBER_BOOL(member, json) bool member;
#define BS_MEMBER_MAYBE_DECIMAL(member, json)                                                      \
    bool has_##json;                                                                               \
    struct bs_decimal member;
#define BS_MEMBER_MAYBE_U32(member, json)                                                          \
    bool has_##json;                                                                               \
    uint32_t member;
#define BS_MEMBER_MAYBE_PERIOD(member, json)                                                       \
    bool has_##json;                                                                               \
    uint64_t member;
#define BS_MEMBER_MAYBE_TIME(member, json)                                                         \
    bool has_##json;                                                                               \
    int64_t member;
#define BS_MEMBER_NONZERO(member, json) uint64_t member;
#define BS_MEMBER_UNLESS(member, json) uint32_t member;
#define BS_MEMBER_FLAG(member, json) bool member;
#define BS_MEMBER_CHOICE(member, json) uint8_t member;
#define BS_MEMBER_ITEM(member, json) struct bs_position_item member;
#define BS_MEMBER_FINGERPRINT(member, json) const uint8_t *member; /* BS_FINGERPRINT_SIZE bytes */
#define BS_MEMBER_LAYERS(member, json)                                                             \
    uint32_t member##_count;                                                                       \
    struct bs_layer member[BS_LAYERS_MAX];
#define BS_MEMBER_POSITIONS(member, json)                                                          \
    bool has_##member;       /* then they are everything the account holds */                      \
    uint32_t member##_count; /* read them with bs_command_position() */                            \
    const uint8_t *member;   /* encoded items */                                                   \
    uint32_t member##_size;
#define BS_MEMBER_REJECTIONS(member, json)                                                         \
    uint32_t member##_count; /* read them with bs_request_rejection() */                           \
    const uint8_t *member;   /* encoded, in item order */                                          \
    uint32_t member##_size;

#endif
