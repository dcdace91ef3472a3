/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/receiver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/action_cursor.h"
#include "daemon/webhooks/transport.h"
#include "tests/sim/scheduler.h"

#define DELAY_MAX_MS 20
#define RETRY_AFTER_MS 1500

struct transport {
    uv_loop_t *loop;
};

struct delivery { /* on its way */
    uv_timer_t timer;
    struct transport_call *call; /* NULL: cancelled */
    uint64_t sent_ns;
};

static struct {
    struct ledger *ledger;
    struct random random;
    bool is_good;
} receiver;

void receiver_begin(struct ledger *ledger, struct random random, bool is_good)
{
    receiver.ledger = ledger;
    receiver.random = random;
    receiver.is_good = is_good;
}

/* The ordinal in "webhook-id: act_<digits of the log>_<ordinal>"; 0: another message. */
static uint64_t ordinal_of(const struct transport_call *call)
{
    static const char prefix[] = "webhook-id: act_";
    const char *text = call->headers[0];
    struct ledger *ledger = receiver.ledger;
    if (strncmp(text, prefix, sizeof(prefix) - 1) != 0) {
        return 0;
    }
    text += sizeof(prefix) - 1;
    LEDGER_EXPECT(ledger, strncmp(text, ledger->identity, API_LOG_DIGITS) == 0,
                  "the notice %s is of another log than %s", call->headers[0], ledger->identity);
    return strtoull(text + API_LOG_DIGITS + 1, NULL, 10);
}

/* It reached the receiver: the same id always says the same, and in order none is left out. */
static void note(const struct transport_call *call)
{
    struct ledger *ledger = receiver.ledger;
    uint64_t ordinal = ordinal_of(call);
    /* An endpoint that was made and never acknowledged may be there beside the one that was. */
    if (ordinal == 0 || strtoul(strrchr(call->url, '/') + 1, NULL, 10) != ledger->endpoint) {
        return;
    }
    LEDGER_EXPECT(ledger, ordinal <= ledger->published && ordinal < LEDGER_ACTIONS_MAX,
                  "notice %" PRIu64 " came before its action was published", ordinal);
    struct ledger_notice *notice = &ledger->notices[ordinal];
    uint32_t crc = bs_crc32c(0, call->body, call->body_size);
    LEDGER_EXPECT(ledger, notice->deliveries == 0 || notice->body_crc == crc,
                  "notice %" PRIu64 " came with two bodies under one id", ordinal);
    LEDGER_EXPECT(ledger,
                  !ledger->has_endpoint || ordinal <= ledger->last_notice + 1 ||
                      ordinal <= ledger->notices_after + 1,
                  "notice %" PRIu64 " came before notice %" PRIu64, ordinal,
                  ledger->last_notice + 1);
    notice->body_crc = crc;
    notice->deliveries++;
    ledger->deliveries++;
    ledger->last_notice = ordinal > ledger->last_notice ? ordinal : ledger->last_notice;
    ledger_trace(ledger, &ordinal, sizeof(ordinal));
}

static void answer(struct transport_call *call)
{
    uint32_t fate = receiver.is_good ? 0 : random_below(&receiver.random, 20);
    call->status = 200;
    if (fate == 19) {
        call->status = 500;
    } else if (fate == 18) {
        call->status = 429;
        call->retry_after_ms = RETRY_AFTER_MS;
    } else if (fate >= 16) {
        call->status = 0;
        (void)snprintf(call->error, sizeof(call->error), "%s", "timed out");
    }
    if (fate <= 16) { /* of those that time out, one half had come */
        note(call);
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_time(uv_timer_t *timer)
{
    struct delivery *delivery = timer->data;
    struct transport_call *call = delivery->call;
    uv_close((uv_handle_t *)timer, on_closed);
    call->easy = NULL;
    call->duration_us = (sched_now_ns() - delivery->sent_ns) / 1000;
    answer(call);
    call->done(call);
}

int transport_new(struct transport **ret_transport, uv_loop_t *loop,
                  const struct transport_options *options, char error[LOG_ERROR_SIZE])
{
    (void)options;
    struct transport *transport = calloc(1, sizeof(*transport));
    if (transport == NULL) {
        return log_error(error, -1, "out of memory for the receiver");
    }
    transport->loop = loop;
    *ret_transport = transport;
    return 0;
}

void transport_send(struct transport *transport, struct transport_call *call)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));
    assert(delivery != NULL);
    call->status = 0;
    call->retry_after_ms = 0;
    call->error[0] = '\0';
    call->is_refused = false;
    call->transport = transport;
    call->easy = delivery;
    delivery->call = call;
    delivery->sent_ns = sched_now_ns();
    (void)uv_timer_init(transport->loop, &delivery->timer);
    delivery->timer.data = delivery;
    uv_update_time(transport->loop);
    (void)uv_timer_start(&delivery->timer, on_time, random_below(&receiver.random, DELAY_MAX_MS),
                         0);
}

void transport_cancel(struct transport_call *call)
{
    struct delivery *delivery = call->easy;
    if (delivery != NULL) {
        uv_close((uv_handle_t *)&delivery->timer, on_closed);
        call->easy = NULL;
    }
}

void transport_stop(struct transport *transport)
{
    (void)transport;
}

void transport_free(struct transport *transport)
{
    free(transport);
}

enum bs_status transport_check_url(const struct transport *transport, const char *url,
                                   const char **ret_reason)
{
    (void)transport;
    (void)url;
    *ret_reason = NULL;
    return BS_OK;
}
