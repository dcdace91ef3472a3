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
#include "lib/record/header.h"

enum bs_command_type {

#define X(code, number, ...) BS_COMMAND_##code = (number),
#include "lib/record/commands.def"
#undef X
    BS_COMMAND_COUNT
};

/* Who may send a command: what a venue's machines say as it happens, its operators, or nobody. */
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
    uint8_t type;           /* enum bs_layer_type */
    uint8_t ranking;        /* adl: enum bs_ranking */
    uint8_t price;          /* adl: enum bs_close_price */
    bool protect_principal; /* adl, default true */
    uint8_t rule;           /* haircut: enum bs_haircut_rule */
    uint8_t basis;          /* haircut: enum bs_basis */
    uint8_t divide;         /* haircut: enum bs_divide */
    uint8_t scope;          /* haircut: enum bs_scope */
    bool has_max_per_settlement;
    bool has_max_drawdown, has_drawdown_window, has_resume;
    struct bs_decimal floor;              /* insurance, default 0 */
    struct bs_decimal max_per_settlement; /* insurance, optional */
    bool has[BS_OPTION_COUNT];
    uint32_t options[BS_OPTION_COUNT]; /* 0 where `has` is false */
    uint32_t max_drawdown_ppm;         /* insurance, optional; the three go together */
    uint32_t resume_ppm;
    uint64_t drawdown_window_ms;
};

struct bs_pool_command {
    struct bs_text pool;
    struct bs_text asset;
    uint32_t decimals;        /* of one quantum, 0..18 */
    uint32_t mark_max_age_ms; /* 0 = marks never age */
    uint64_t period_ms;       /* 0 = "tick" */
    uint8_t trigger;          /* enum bs_trigger */
    uint32_t layers_count;
    struct bs_layer layers[BS_LAYERS_MAX];
};

struct bs_market_command {
    struct bs_text market;
    struct bs_text pool;
    uint8_t contract; /* enum bs_contract */
    struct bs_decimal tick_size;
    struct bs_decimal lot_size;
    struct bs_decimal multiplier;
    uint32_t maintenance_margin_ppm;
    uint32_t max_move_ppm;     /* 0 = no band */
    uint32_t max_move_span_ms; /* a run of marks out of the band lasts at least so long */
    bool has_fund_budget;
    struct bs_decimal fund_budget; /* most the fund pays for its debts in one period */
    bool own_fund;                 /* its debts are paid by its own part of the fund alone */
};

#define BS_MOVE_SPAN_MS_DEFAULT 500u

#define BS_PRIORITY_NONE UINT32_MAX /* absent adl_priority: comes last */

/* What an account offers to take over in a market: absolute; max_position 0 = nothing. */
struct bs_provider_command {
    struct bs_text account;
    struct bs_text market;
    struct bs_decimal max_position; /* contracts that it may hold after an assignment, >= 0 */
    bool has_max_size;
    struct bs_decimal max_size; /* contracts in one settlement, > 0 */
    uint32_t max_leverage_ppm;  /* all its positions at mark / equity, after an assignment */
    bool has_quota_period, has_quota_ppm;
    uint64_t quota_period_ms; /* fixed, from the epoch on; the two go together */
    uint32_t quota_ppm;       /* most of its equity that it takes, at mark, in a period */
    uint32_t priority;        /* low is asked first; BS_PRIORITY_NONE = last */
};

/* One position as sent. Without entry price size must be 0. */
struct bs_position_item {
    struct bs_text market;
    struct bs_decimal size; /* signed */
    bool has_entry_price;
    struct bs_decimal entry_price;
    uint32_t adl_priority;
    bool isolated; /* isolated; the item may set its collateral */
    bool has_collateral;
    struct bs_decimal collateral;
};

struct bs_account_command {
    struct bs_text account;
    struct bs_text pool;
    struct bs_decimal collateral;
    uint64_t seen_action;
    bool has_haircut_cap;
    uint32_t haircut_cap_ppm; /* of the gain, at most BS_PPM */
    bool has_positions;       /* then they are everything the account holds */
    uint32_t positions_count; /* read them with bs_command_position() */
    const uint8_t *positions; /* encoded items */
    uint32_t positions_size;
};

struct bs_position_command {
    struct bs_text account;
    struct bs_position_item item;
    uint64_t seen_action;
};

struct bs_fill_command {
    struct bs_text account;
    struct bs_text market;
    struct bs_decimal size; /* signed, not 0 */
    struct bs_decimal price;
    struct bs_decimal fee;   /* positive is paid by the account */
    struct bs_text trade_id; /* empty = none */
    bool isolated;
};

struct bs_transfer_command {
    struct bs_text account;
    struct bs_decimal amount;
    uint8_t kind;               /* enum bs_transfer_kind */
    struct bs_text transfer_id; /* empty = none */
    struct bs_text market;      /* of an isolated position; empty = the account's own cash */
};

/* The venue leaves the account, or its isolated position in a market, to the pool's rules. */
struct bs_handover_command {
    struct bs_text account;
    struct bs_text market; /* empty = the account itself */
};

struct bs_mark_command {
    struct bs_text market;
    struct bs_decimal price;
    bool has_time;
    int64_t mark_time_ms;
    bool confirm; /* ops: accept it out of band */
};

struct bs_fund_command {
    struct bs_text pool;
    struct bs_decimal amount; /* negative takes money out of the fund */
    struct bs_text transfer_id;
};

/* From the pool's fund into a market's own fund, or back. */
struct bs_own_fund_command {
    struct bs_text market;
    struct bs_decimal amount; /* negative gives it back */
    struct bs_text transfer_id;
};

/* settle, close_period, resume, pause, delete_*: one name, and for pause and resume a reason. */
struct bs_name_command {
    struct bs_text name; /* pool; account, market or source for the deletes */
    struct bs_text reason;
};

/* The venue could not apply `size` of the close that an action of the pool published. */
struct bs_unfilled_command {
    struct bs_text pool;
    uint64_t action;        /* of the liquidation_close or of the adl; > 0 */
    struct bs_decimal size; /* contracts, > 0 */
};

/* The market ends: every position in it is closed at this price. */
struct bs_final_command {
    struct bs_text market;
    struct bs_decimal price;
};

/* open_window and close_window: the pool's window since a default. */
struct bs_window_command {
    struct bs_text pool;
    struct bs_text name;
};

/*
 * The next commands are those of one request with an Idempotency-Key. It has no effect on the
 * state. It lists the items that the parser rejected; the others are the next items_count -
 * rejections_count records.
 */
struct bs_request_command {
    struct bs_text caller;      /* name of the access key; empty without access control */
    struct bs_text key;         /* 1..BS_REQUEST_KEY_SIZE_MAX */
    const uint8_t *fingerprint; /* BS_FINGERPRINT_SIZE bytes of hash over the request */
    bool is_list;               /* the request took a list of items, even if it had one */
    uint32_t items_count;
    uint32_t rejections_count; /* read them with bs_request_rejection() */
    const uint8_t *rejections; /* encoded, in item order */
    uint32_t rejections_size;
};

struct bs_command {
    uint64_t seq;    /* position in the log, from 1 */
    int64_t time_ms; /* engine time, ms since the UTC epoch, never going back */
    uint8_t type;    /* enum bs_command_type */
    bool has_source;
    uint64_t source_seq;   /* its number among those of the source; only with has_source */
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
/* What a command is about, for a dump of the log: a pool, an account, a market or a source. */
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
const char *bs_trigger_name(uint8_t trigger);

#endif
