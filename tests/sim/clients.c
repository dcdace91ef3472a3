/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/clients.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/request_record.h"

#define ACCOUNTS_COUNT 12
#define MARKETS_COUNT 2
#define BULK_MAX 16

struct client {
    struct request request;
    uint32_t number; /* of the request; 0 is the first of all */
    bool is_waiting;
    struct clients *clients;
};

struct clients {
    struct ledger *ledger;
    uint64_t seed;
    uint32_t count;
    struct client each[CLIENTS_COUNT];
};

static const char set_up[] =
    "{\"type\":\"pool\",\"pool\":\"p\",\"asset\":\"USDC\",\"decimals\":2,\"mark_max_age_ms\":0,"
    "\"period\":\"8h\",\"waterfall\":[{\"layer\":\"insurance\"},{\"layer\":\"adl\"},"
    "{\"layer\":\"haircut\"}]}\n"
    "{\"type\":\"pool\",\"pool\":\"q\",\"asset\":\"USDC\",\"decimals\":2,\"mark_max_age_ms\":0,"
    "\"period\":\"8h\",\"waterfall\":[{\"layer\":\"insurance\"}]}\n"
    "{\"type\":\"market\",\"market\":\"m0\",\"pool\":\"p\",\"contract\":\"linear\",\"tick_size\":"
    "\"1\",\"lot_size\":\"1\",\"multiplier\":\"1\",\"maintenance_margin_ppm\":5000}\n"
    "{\"type\":\"market\",\"market\":\"m1\",\"pool\":\"p\",\"contract\":\"linear\",\"tick_size\":"
    "\"1\",\"lot_size\":\"1\",\"multiplier\":\"1\",\"maintenance_margin_ppm\":5000}\n"
    "{\"type\":\"account\",\"account\":\"t0\",\"pool\":\"q\",\"collateral\":\"0\"}\n"
    "{\"type\":\"account\",\"account\":\"t1\",\"pool\":\"q\",\"collateral\":\"0\"}\n"
    "{\"type\":\"account\",\"account\":\"t2\",\"pool\":\"q\",\"collateral\":\"0\"}\n"
    "{\"type\":\"insurance_fund\",\"pool\":\"p\",\"amount\":\"500\"}\n"
    "{\"type\":\"mark\",\"market\":\"m0\",\"price\":\"100\"}\n"
    "{\"type\":\"mark\",\"market\":\"m1\",\"price\":\"100\"}\n"
    "{\"type\":\"resume\",\"pool\":\"p\"}\n"
    "{\"type\":\"resume\",\"pool\":\"q\"}\n";

bool clients_has_key(uint32_t request)
{
    return request == 0 || request % CLIENTS_COUNT != 1;
}

uint64_t clients_source_seq(uint32_t request)
{
    return request / CLIENTS_COUNT + 1;
}

void clients_account(uint32_t request, char ret_name[16])
{
    (void)snprintf(ret_name, 16, "t%u", request % CLIENTS_COUNT);
}

/* ---- what they ask for ---- */

static void add_news(struct buffer *body, struct random *random)
{
    uint32_t account = random_below(random, ACCOUNTS_COUNT);
    uint32_t market = random_below(random, MARKETS_COUNT);
    switch (random_below(random, 4)) {
    case 0:
        buffer_printf(body, "{\"type\":\"mark\",\"market\":\"m%u\",\"price\":\"%u\"}\n", market,
                      60 + random_below(random, 80));
        break;
    case 1:
        buffer_printf(body,
                      "{\"type\":\"account\",\"account\":\"a%u\",\"pool\":\"p\",\"collateral\":"
                      "\"%u\"}\n",
                      account, 50 + random_below(random, 500));
        break;
    default:
        buffer_printf(body,
                      "{\"type\":\"position\",\"account\":\"a%u\",\"market\":\"m%u\",\"size\":"
                      "\"%s%u\",\"entry_price\":\"%u\"}\n",
                      account, market, account % 2 == 0 ? "" : "-", 1 + random_below(random, 20),
                      90 + random_below(random, 20));
    }
}

static void write_body(const struct clients *clients, uint32_t number, struct buffer *body)
{
    struct random random = random_stream(clients->seed, 1000 + number);
    char account[16];
    clients_account(number, account);
    if (number == 0) {
        buffer_text(body, set_up);
        for (uint32_t i = 0; i < ACCOUNTS_COUNT; i++) {
            buffer_printf(
                body,
                "{\"type\":\"account\",\"account\":\"a%u\",\"pool\":\"p\",\"collateral\":\"%u\"}\n",
                i, 50 + random_below(&random, 400));
        }
    } else if (!clients_has_key(number)) {
        buffer_printf(body,
                      "{\"type\":\"transfer\",\"account\":\"%s\",\"amount\":\"1\",\"source\":"
                      "\"ledger\",\"source_seq\":%" PRIu64 "}\n",
                      account, clients_source_seq(number));
    } else {
        uint32_t count = 1 + random_below(&random, number % CLIENTS_COUNT == 0 ? 3 : BULK_MAX);
        buffer_printf(body, "{\"type\":\"transfer\",\"account\":\"%s\",\"amount\":\"1\"}\n",
                      account);
        for (uint32_t i = 0; i < count; i++) {
            add_news(body, &random);
        }
    }
}

/* ---- sending ---- */

static void note_records(struct ledger_request *noted, const struct buffer *records)
{
    for (size_t at = 0; at < records->size;) {
        const uint8_t *record = (const uint8_t *)records->bytes + at;
        uint32_t size = bs_record_size(record);
        assert(noted->records_count < LEDGER_ITEMS_MAX);
        noted->records_crc[noted->records_count++] =
            bs_crc32c(0, record + BS_WIRE_MAJOR_AT, size - BS_WIRE_MAJOR_AT);
        at += size;
    }
}

static void make_key(struct request *request, uint32_t number)
{
    uint8_t fingerprint[BS_FINGERPRINT_SIZE] = {(uint8_t)number};
    char key[32];
    int size = snprintf(key, sizeof(key), "request-%u", number);
    const struct bs_request_command who = {
        .fingerprint = fingerprint, .caller = {"sim", 3}, .key = {key, (uint32_t)size}};
    bool is_made = api_request_encode(&request->key_record, &who, &request->batch) == BS_OK;
    assert(is_made);
}

static void forget(struct client *client)
{
    api_batch_fini(&client->request.batch);
    buffer_fini(&client->request.key_record);
    buffer_fini(&client->request.body);
    client->request = (struct request){0};
    client->is_waiting = false;
}

static void on_answer(struct request *request)
{
    struct client *client = request->user;
    struct ledger *ledger = client->clients->ledger;
    struct ledger_request *noted = &ledger->requests[client->number];
    LEDGER_EXPECT(ledger, request->status >= 200 && request->status < 500,
                  "request %u was answered %d: %.*s", client->number, request->status,
                  (int)request->body.size, request->body.bytes);
    noted->is_answered = true;
    noted->status = request->status;
    noted->last_seq = request->repeat == REPEAT_NO ? request->last_seq : 0;
    noted->body_crc = bs_crc32c(0, request->body.bytes, request->body.size);
    ledger->answered_count++;
    ledger_trace(ledger, &noted->last_seq, sizeof(noted->last_seq));
    ledger_trace(ledger, request->body.bytes, request->body.size);
    client->number += CLIENTS_COUNT;
    client->is_waiting = false;
}

static void submit(struct client *client, struct core *core)
{
    struct clients *clients = client->clients;
    struct ledger_request *noted = &clients->ledger->requests[client->number];
    struct api_route route = {0};
    struct api_error error;
    struct buffer body = {0};
    forget(client);
    write_body(clients, client->number, &body);
    buffer_reserve(&body, API_BODY_PADDING);
    bool is_parsed = api_parse(&client->request.batch, &route, body.bytes, body.size, true, &error);
    LEDGER_EXPECT(clients->ledger, is_parsed && client->request.batch.rejections_count == 0,
                  "request %u is not valid: %s", client->number, error.detail);
    buffer_fini(&body);
    if (clients_has_key(client->number)) {
        make_key(&client->request, client->number);
    }
    noted->records_count = 0;
    note_records(noted, &client->request.key_record);
    note_records(noted, &client->request.batch.records);
    noted->is_sent = true;
    client->request.done = on_answer;
    client->request.user = client;
    client->is_waiting = core_submit(core, &client->request);
}

void clients_act(struct clients *clients, struct core *core)
{
    bool is_set_up = clients->ledger->requests[0].is_answered;
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        struct client *client = &clients->each[i];
        if (!client->is_waiting && client->number < clients->count &&
            (is_set_up || client->number == 0)) {
            submit(client, core);
        }
    }
}

bool clients_done(const struct clients *clients, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!clients->ledger->requests[i].is_answered) {
            return false;
        }
    }
    return true;
}

struct clients *clients_new(struct ledger *ledger, uint64_t seed, uint32_t count)
{
    struct clients *clients = calloc(1, sizeof(*clients));
    assert(clients != NULL);
    assert(count <= LEDGER_REQUESTS_MAX);
    *clients = (struct clients){.ledger = ledger, .seed = seed, .count = count};
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        struct client *client = &clients->each[i];
        client->clients = clients;
        client->number = i;
        while (client->number < count && ledger->requests[client->number].is_answered) {
            client->number += CLIENTS_COUNT;
        }
    }
    return clients;
}

void clients_free(struct clients *clients)
{
    if (clients != NULL) {
        for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
            forget(&clients->each[i]);
        }
        free(clients);
    }
}
