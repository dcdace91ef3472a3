/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks as JSON: what a client asks of an endpoint, and the messages that are sent. */
#ifndef API_JSON_WEBHOOK_H
#define API_JSON_WEBHOOK_H

#include "api/action_cursor.h"
#include "api/json_simulation.h"
#include "api/json_state.h"
#include "lib/record/action.h"

#define API_URL_SIZE_MAX 1024
#define API_SECRET_SIZE_MAX 128 /* of the text, prefix included */
#define API_FILTER_POOLS_MAX 16
#define API_FILTER_ACCOUNTS_MAX 64

/*
 * Types of messages: one for each type of action, numbered like it, and the operational ones, whose
 * numbers stay when there are more types of actions: sets of them, bit masks, are stored.
 */
enum api_event {
    API_EVENT_ENDPOINT_DISABLED = 48,
    API_EVENT_TEST,
    API_EVENT_DISK,
    API_EVENT_COUNT
};

_Static_assert((int)BS_ACTION_COUNT <= (int)API_EVENT_ENDPOINT_DISABLED, "the numbers differ");
#define API_EVENT_BIT(event) (UINT64_C(1) << (event))
/* Those of all actions, of future types too. */
#define API_EVENTS_OF_ACTIONS (API_EVENT_BIT(API_EVENT_ENDPOINT_DISABLED) - 1)

const char *api_event_name(uint32_t event); /* "adl.executed"; NULL: there is none */
bool api_events_urgent(uint64_t events);    /* one of the set is urgent (actions.def) */

enum api_webhook_order { API_IN_ORDER, API_PARALLEL };

enum api_webhook_signature { API_HMAC, API_ED25519 };

const char *api_webhook_order_name(uint8_t order);         /* NULL past the end */
const char *api_webhook_signature_name(uint8_t signature); /* likewise */

#define API_BATCH_MAX 1000 /* notices of one request, some 0.7 kB each */

struct api_webhook {
    char url[API_URL_SIZE_MAX + 1];
    char secret[API_SECRET_SIZE_MAX + 1]; /* empty: one is made */
    struct api_name pools[API_FILTER_POOLS_MAX];
    struct api_name accounts[API_FILTER_ACCOUNTS_MAX];
    uint32_t pools_count; /* 0: all */
    uint32_t accounts_count;
    uint64_t events; /* set; never empty */
    uint8_t order;
    uint8_t signature;
    uint32_t batch_max; /* notices of one request */
    bool has_after;
    struct api_cursor after; /* it begins after this action; absent: with what comes from now on */
};

struct api_redeliver {
    struct api_cursor from, to; /* both inclusive */
};

#define API_OVERLAP_S 86400
#define API_OVERLAP_S_MAX (30 * 86400)

struct api_rotate {
    char secret[API_SECRET_SIZE_MAX + 1]; /* empty: one is made */
    uint32_t overlap_s;                   /* how long the secrets before it stay valid */
};

/* The fields of what is read here. */
struct api_webhook_tables {
    const struct field_table *webhook;
    const struct field_table *redelivery;
    const struct field_table *rotation;
};

struct api_webhook_tables api_webhook_tables(void);

/* Bodies; false: *ret_error is set. API_BODY_PADDING readable bytes must follow them. */
BS_MUST_USE bool api_webhook_parse(struct api_webhook *webhook, const char *body, size_t size,
                                   struct api_error *ret_error);
BS_MUST_USE bool api_redeliver_parse(struct api_redeliver *redeliver, const char *body, size_t size,
                                     struct api_error *ret_error);
BS_MUST_USE bool api_rotate_parse(struct api_rotate *rotate, const char *body, size_t size,
                                  struct api_error *ret_error);

/* "pools":[...],"accounts":[...],"types":[...] as members. */
void api_webhook_filter(struct buffer *out, const struct api_webhook *webhook);

/* A notice: {"type","timestamp","data":{the action,"sequence","previous_sequence"}}. */
void api_notice(struct buffer *out, const struct bs_action *action, struct api_origin origin,
                uint64_t previous);
/* The same for several of them: begin, then one after another, then end. Inside a batch each has
 * its own "id". */
void api_batch_begin(struct buffer *out);
void api_batch_notice(struct buffer *out, const struct bs_action *action, struct api_origin origin,
                      uint64_t previous);
void api_batch_end(struct buffer *out, int64_t time_ms);

#endif
