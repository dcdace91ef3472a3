/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command and its record. The record is what HTTP threads build, what the log stores and what
 * replays: names and decimals as sent, never indices. docs/records.md has its bytes.
 *
 * A decoded command points into the record it was decoded from.
 */
#ifndef BS_COMMAND_H
#define BS_COMMAND_H

#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "lib/base/status.h"
#include "lib/money/decimal.h"
#include "lib/record/choices.h"
#include "lib/record/fields.h"
#include "lib/record/header.h"

enum bs_command_type {

#define X(code, number, ...) BS_COMMAND_##code = (number),
#include "lib/record/commands.def"
#undef X
    BS_COMMAND_COUNT
};

/* Who may send a command: a venue's machines as things happen, its operators, or nobody. */
enum bs_command_role { BS_ROLE_FEED, BS_ROLE_OPS, BS_ROLE_INTERNAL };

/* Their rows are in choices.h. */
enum bs_layer_type { BS_LAYERS(BS_CHOICE_CODE) BS_LAYER_COUNT };

enum bs_ranking { BS_RANKINGS(BS_CHOICE_CODE) BS_RANKING_COUNT };

enum bs_close_price { BS_CLOSE_PRICES(BS_CHOICE_CODE) BS_PRICE_COUNT };

enum bs_haircut_rule { BS_HAIRCUT_RULES(BS_CHOICE_CODE) BS_RULE_COUNT };

enum bs_basis { BS_BASES(BS_CHOICE_CODE) BS_BASIS_COUNT };

enum bs_divide { BS_DIVIDES(BS_CHOICE_CODE) BS_DIVIDE_COUNT };

enum bs_scope { BS_SCOPES(BS_CHOICE_CODE) BS_SCOPE_COUNT };

enum bs_transfer_kind { BS_TRANSFER_KINDS(BS_CHOICE_CODE) BS_TRANSFER_COUNT };

enum bs_trigger { BS_TRIGGERS(BS_CHOICE_CODE) BS_TRIGGER_COUNT };

enum bs_contract { BS_CONTRACTS(BS_CHOICE_CODE) BS_CONTRACT_COUNT };

enum bs_layer_option { BS_LAYER_OPTIONS(BS_CHOICE_CODE) BS_OPTION_COUNT };

/* One layer of a waterfall as configured. Fields of other layer types are zero. */
struct bs_layer {
    uint8_t type; /* enum bs_layer_type */
    BS_ADL_FIELDS(BS_FIELD_MEMBER)
    BS_HAIRCUT_FIELDS(BS_FIELD_MEMBER)
    BS_INSURANCE_FIELDS(BS_FIELD_MEMBER)
    bool has[BS_OPTION_COUNT];
    uint32_t options[BS_OPTION_COUNT]; /* 0 where `has` is false */
};

#define BS_PRIORITY_NONE UINT32_MAX /* an absent priority: comes last */

#define BS_MOVE_SPAN_MS_DEFAULT 500u

/* The members of the structs below are the rows of fields.h. */
struct bs_pool_command {
    BS_POOL_FIELDS(BS_FIELD_MEMBER)
};

struct bs_market_command {
    BS_MARKET_FIELDS(BS_FIELD_MEMBER)
};

struct bs_provider_command {
    BS_PROVIDER_FIELDS(BS_FIELD_MEMBER)
};

struct bs_position_item {
    BS_ITEM_FIELDS(BS_FIELD_MEMBER)
};

struct bs_account_command {
    BS_ACCOUNT_FIELDS(BS_FIELD_MEMBER)
};

struct bs_position_command {
    BS_POSITION_FIELDS(BS_FIELD_MEMBER)
};

struct bs_fill_command {
    BS_FILL_FIELDS(BS_FIELD_MEMBER)
};

struct bs_transfer_command {
    BS_TRANSFER_FIELDS(BS_FIELD_MEMBER)
};

struct bs_handover_command {
    BS_HANDOVER_FIELDS(BS_FIELD_MEMBER)
};

struct bs_mark_command {
    BS_MARK_FIELDS(BS_FIELD_MEMBER)
};

struct bs_fund_command {
    BS_FUND_FIELDS(BS_FIELD_MEMBER)
};

struct bs_own_fund_command {
    BS_OWN_FUND_FIELDS(BS_FIELD_MEMBER)
};

/* settle, close_period, resume, pause, delete_*: `name` is that of the pool, account, market or
 * source. */
struct bs_name_command {
    BS_POOL_REASON_FIELDS(BS_FIELD_MEMBER)
};

struct bs_unfilled_command {
    BS_UNFILLED_FIELDS(BS_FIELD_MEMBER)
};

struct bs_final_command {
    BS_FINAL_FIELDS(BS_FIELD_MEMBER)
};

struct bs_window_command {
    BS_WINDOW_FIELDS(BS_FIELD_MEMBER)
};

/* What the log is made for from here on; written by the daemon at its start (lib/sizes.h). */
struct bs_capacity_command {
    BS_CAPACITY_FIELDS(BS_FIELD_MEMBER)
};

/* Written by the daemon at its start. */
struct bs_feature_level_command {
    BS_FEATURE_LEVEL_FIELDS(BS_FIELD_MEMBER)
};

/*
 * The next commands are those of one request with an Idempotency-Key. It has no effect on the
 * state. It lists the items that the parser rejected; the others are the next items_count -
 * rejections_count records. The fingerprint is a hash over the request.
 */
struct bs_request_command {
    BS_REQUEST_FIELDS(BS_FIELD_MEMBER)
};

struct bs_command {
    uint64_t seq;    /* position in the log, from 1 */
    int64_t time_ms; /* engine time, ms since the UTC epoch, never going back */
    uint8_t type;    /* enum bs_command_type */
    bool has_source;
    uint64_t source_seq;   /* its number in the sequence of the source; only with has_source */
    struct bs_text source; /* the producer that sent it */
    struct bs_text sent;   /* decoded: the record's bytes that its sender determined */

    union {
        struct bs_pool_command pool;
        struct bs_market_command market;
        struct bs_account_command account;
        struct bs_position_command position;
        struct bs_fill_command fill;
        struct bs_transfer_command transfer;
        struct bs_mark_command mark;
        struct bs_fund_command fund;
        struct bs_name_command name;
        struct bs_unfilled_command unfilled;
        struct bs_handover_command handover;
        struct bs_final_command final;
        struct bs_window_command window;
        struct bs_provider_command provider;
        struct bs_own_fund_command own_fund;
        struct bs_request_command request;
        struct bs_capacity_command capacity;
        struct bs_feature_level_command feature_level;
    } as;
};

/*
 * Encodes a command at the end of a buffer. An account command is begun with its own fields and
 * positions_count 0; positions are then appended one by one. Returns the bytes written (for append:
 * added), or 0 when `capacity` is too small; nothing is half written.
 */
size_t bs_command_encode(const struct bs_command *command, uint8_t *record, size_t capacity);
size_t bs_command_append_position(uint8_t *record, size_t capacity,
                                  const struct bs_position_item *item);

/* The record's first name past its source; empty where it is not whole: reads no byte past the
 * record, which need not have been decoded. */
struct bs_text bs_record_first_name(const uint8_t *record);
/* BS_OK, BS_BAD_RECORD or BS_NEWER_RECORD. Checks sizes, version and every field's bounds, but not
 * the checksum. */
BS_MUST_USE enum bs_status bs_command_decode(const uint8_t *record, size_t size,
                                             struct bs_command *ret_command);
/* Reads the next position item and moves *cursor (0 to begin) past it; false after the last one. */
BS_MUST_USE bool bs_command_position(const struct bs_account_command *account, uint32_t *cursor,
                                     struct bs_position_item *ret_item);

/*
 * Names as in JSON: "settle", "profit_leverage", ... NULL past the end; "" for a value that JSON
 * does not name (type 0, BS_TRANSFER_BY_SIGN).
 */
const char *bs_command_type_name(uint8_t type);
enum bs_command_role bs_command_role(uint8_t type);
bool bs_command_is_named(uint8_t type); /* its fields are a struct bs_name_command */
/* What a command is about, for a dump of the log: a pool, an account, a market or a source; empty
 * for one that is about none. */
struct bs_text bs_command_subject(const struct bs_command *command);
const char *bs_layer_type_name(uint8_t type);
const char *bs_layer_option_name(uint8_t option);
/* The type of layer that the option belongs to, and the most that it may be. */
uint8_t bs_layer_option_layer(uint8_t option);
uint32_t bs_layer_option_max(uint8_t option); /* 0: a flag */
const char *bs_ranking_name(uint8_t ranking);
const char *bs_close_price_name(uint8_t price);
const char *bs_haircut_rule_name(uint8_t rule);
const char *bs_basis_name(uint8_t basis);
const char *bs_divide_name(uint8_t divide);
const char *bs_scope_name(uint8_t scope);
const char *bs_transfer_kind_name(uint8_t kind);
const char *bs_contract_name(uint8_t contract);
const char *bs_margin_name(uint8_t isolated); /* "cross", "isolated" */
const char *bs_side_name(uint8_t side);       /* "long", "short" */
const char *bs_trigger_name(uint8_t trigger);

#endif
