/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes over HTTP and TLS to whole daemons, with all that stands behind the server: what is
 * accepted is logged, settled and followed. An input is a script, and any byte means something in
 * it: which door, then up to REQUESTS_MAX requests, sent one after the other on one connection,
 * each a route, a framing, and items whose values are drawn from the next bytes. So nearly every
 * input is well formed; then some bytes of the request, or of what goes over the wire, are damaged.
 *
 * The daemons live for RUNS_MAX inputs, so that an input finds what those before it left. After
 * these the daemons must answer, end well, and leave logs that verify. Linked with --wrap, as no
 * webhook may leave this machine.
 */
#include <stdio.h>

#include "daemon/webhooks/webhooks.h"
#include "tests/fuzz/daemons.h"
#include "tests/fuzz/http_client.h"

#define RUNS_MAX 500
#define ANY_ROUTE 160 /* from here on it is /v1/commands */
#define REQUESTS_MAX 6
#define ITEMS_MAX 8
#define SILENCE_MS 50
#define ACCOUNTS 8
#define MARKETS 4 /* the first one may end */
#define INVERSE 2

enum { PLAIN, TLS, DOORS };

static struct {
    struct fuzz_daemon daemons[DOORS];
    uint32_t runs; /* of these daemons */
    uint64_t answers, accepted, rejected;
} site;

bool __wrap_webhooks_submit(struct webhooks *webhooks, struct webhooks_job *job);

bool __wrap_webhooks_submit(struct webhooks *webhooks, struct webhooks_job *job)
{
    (void)webhooks;
    (void)job;
    return false; /* it is too busy */
}

/* ---- routes and items ---- */

/*
 * In targets and members: $a account, $m market, $f a market that may end, $p pool, $u a number, all
 * the same for a whole item; $n a signed size, $c cash, $d a price, $w a waterfall, $k a market's contract,
 * $o and $i options that may be absent, $r a source.
 */
static const struct place {
    const char *method;
    const char *target;
    const char *type;    /* of a command; NULL: none */
    const char *members; /* "": no body */
} places[] = {
    {"POST", "/v1/fills", "fill",
     "\"account\":\"$a\",\"market\":\"$m\",\"size\":\"$n\",\"price\":\"$d\"$i$o"},
    {"POST", "/v1/positions", "position",
     "\"account\":\"$a\",\"market\":\"$m\",\"size\":\"$n\",\"entry_price\":\"$d\"$o"},
    {"POST", "/v1/marks", "mark", "\"market\":\"$m\",\"price\":\"$d\""},
    {"POST", "/v1/transfers", "transfer", "\"account\":\"$a\",\"amount\":\"$c\"$t"},
    {"POST", "/v1/pools/$p/settle", "settle", "\"pool\":\"$p\""},
    {"POST", "/v1/accounts", "account", "\"account\":\"$a\",\"pool\":\"p\",\"collateral\":\"$c\""},
    {"POST", "/v1/pools/$p/insurance-fund", "insurance_fund", "\"pool\":\"$p\",\"amount\":\"$c\""},
    {"POST", "/v1/markets/$m/insurance-fund", "own_fund", "\"market\":\"$m\",\"amount\":\"$c\""},
    {"POST", "/v1/pools/$p/close-period", "close_period", "\"pool\":\"$p\""},
    {"POST", "/v1/pools/$p/resume", "resume", "\"pool\":\"$p\""},
    {"POST", "/v1/pools/$p/pause", "pause", "\"pool\":\"$p\",\"reason\":\"$a\""},
    {"POST", "/v1/handovers", "handover", "\"account\":\"$a\""},
    {"POST", "/v1/providers", "provider",
     "\"account\":\"$a\",\"market\":\"$m\",\"max_position\":\"$u\",\"max_leverage_ppm\":9000000"},
    {"POST", "/v1/actions/$p/$u/unfilled", "unfilled",
     "\"pool\":\"$p\",\"action\":$u,\"size\":\"1\""},
    {"POST", "/v1/markets/$f/final-settlement", "final_settlement",
     "\"market\":\"$f\",\"price\":\"$d\""},
    {"POST", "/v1/pools/$p/open-window", "open_window", "\"pool\":\"$p\",\"name\":\"$a\""},
    {"POST", "/v1/pools/$p/close-window", "close_window", "\"pool\":\"$p\",\"name\":\"$a\""},
    {"PUT", "/v1/pools/$p", "pool",
     "\"pool\":\"$p\",\"asset\":\"USD\",\"decimals\":2,\"mark_max_age_ms\":0,\"period\":\"8h\","
     "\"waterfall\":$w"},
    {"PUT", "/v1/markets/$m", "market",
     "\"market\":\"$m\",\"pool\":\"p\",\"contract\":$k,\"tick_size\":\"1\",\"lot_size\":\"1\","
     "\"maintenance_margin_ppm\":50000"},
    {"DELETE", "/v1/accounts/$a", "delete_account", ""},
    {"DELETE", "/v1/markets/$f", "delete_market", ""},
    {"DELETE", "/v1/pools/$p", "delete_pool", ""},
    {"DELETE", "/v1/sources/$r", "delete_source", ""},
    {"POST", "/v1/simulations", NULL,
     "\"pool\":\"$p\",\"shocks\":[{\"market\":\"$m\",\"price\":\"$d\"}],\"waterfalls\":{\"w\":$w}"},
    {"POST", "/v1/pools/$p/settlements/$u/compare", NULL, "\"waterfalls\":{\"w\":$w}"},
    {"POST", "/v1/settlements/$u/compare?pool=$p", NULL, "\"waterfalls\":{\"w\":$w}"},
    {"POST", "/v1/webhooks", NULL, "\"url\":\"https://127.0.0.1:8443/$a\""},
    {"POST", "/v1/webhooks/w$u/test", NULL, ""},
    {"POST", "/v1/webhooks/w$u/redeliver", NULL, "\"from\":\"$u\""},
    {"POST", "/v1/clock", NULL, ""},
    {"GET", "/v1/actions?after=0&limit=$u", NULL, ""},
    {"GET", "/v1/pools/$p/solvency", NULL, ""},
    {"GET", "/v1/accounts", NULL, ""},
    {"GET", "/metrics", NULL, ""},
};

#define PLACES (sizeof places / sizeof places[0])
#define COMMANDS 19 /* of them with members; the first */

static const char *const waterfalls[] = {
    "[{\"layer\":\"insurance\"},{\"layer\":\"adl\"},{\"layer\":\"haircut\"}]",
    "[{\"layer\":\"insurance\"},{\"layer\":\"adl\",\"ranking\":\"pro_rata\"}]",
    "[{\"layer\":\"adl\",\"ranking\":\"leverage_water_fill\",\"price\":\"mark\"}]",
    "[{\"layer\":\"assign\"},{\"layer\":\"insurance\",\"floor\":\"50\"}]",
    "[{\"layer\":\"haircut\",\"rule\":\"pro_rata\"}]",
    "\"classic_queue\"",
};

static const char *const options[] = {
    ",\"source\":\"S\",\"source_seq\":",
    ",\"source\":\"T\",\"source_seq\":",
    ",\"margin\":\"isolated\"",
    ",\"seen_action\":1",
};

static const char *const kinds[] = {"deposit", "withdrawal", "fee", "funding"};

/* What an item is about. */
struct subject {
    uint8_t account, market, pool, number;
};

static struct subject draw_subject(struct fuzz_input *input)
{
    return (struct subject){fuzz_byte(input), fuzz_byte(input), fuzz_byte(input), fuzz_byte(input)};
}

static int signed_in(struct fuzz_input *input)
{
    return (int8_t)fuzz_byte(input);
}

static void write_option(struct fuzz_input *input, struct buffer *out)
{
    uint8_t byte = fuzz_byte(input);
    if (byte % 8 < sizeof options / sizeof options[0]) {
        return;
    }
    buffer_text(out, options[byte % 4]);
    if (byte % 4 < 2) {
        buffer_printf(out, "%u", 1U + byte / 8);
    }
}

static void write_transfer(struct fuzz_input *input, struct buffer *out)
{
    uint8_t byte = fuzz_byte(input);
    buffer_printf(out, ",\"kind\":\"%s\"", kinds[byte % 4]);
    if (byte >= 128) {
        buffer_printf(out, ",\"transfer_id\":\"t%u\"", (unsigned)byte / 4);
    }
}

static void write_value(struct fuzz_input *input, char what, struct subject of, struct buffer *out)
{
    switch (what) {
    case 'a':
        buffer_printf(out, "%c", 'a' + of.account % ACCOUNTS);
        break;
    case 'm':
        buffer_printf(out, "%c", 'w' + of.market % MARKETS);
        break;
    case 'f':
        buffer_printf(out, "%c", of.market < 240 ? 'w' : 'w' + of.market % MARKETS);
        break;
    case 'p':
        buffer_text(out, of.pool < 224 ? "p" : "q");
        break;
    case 'u':
        buffer_printf(out, "%u", 1U + of.number);
        break;
    case 'n':
        buffer_printf(out, "%d", signed_in(input));
        break;
    case 'c':
        buffer_printf(out, "%d", 10 * signed_in(input));
        break;
    case 'd':
        buffer_printf(out, "%d", 100 + signed_in(input) / 2);
        break;
    case 'w':
        buffer_text(out, waterfalls[fuzz_byte(input) % (sizeof waterfalls / sizeof *waterfalls)]);
        break;
    case 'k':
        buffer_text(out, of.market % MARKETS == INVERSE ? "\"inverse\",\"multiplier\":\"1000\""
                                                        : "\"linear\"");
        break;
    case 'i':
        buffer_printf(out, ",\"trade_id\":\"%u\"", (unsigned)fuzz_bytes(input, 2));
        break;
    case 'r':
        buffer_text(out, of.number % 2 == 0 ? "S" : "T");
        break;
    case 't':
        write_transfer(input, out);
        break;
    default:
        assert(what == 'o');
        write_option(input, out);
    }
}

static void write_filled(struct fuzz_input *input, const char *text, struct subject of,
                         struct buffer *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '$') {
            write_value(input, *++text, of, out);
        } else {
            buffer_append(out, text, 1);
        }
    }
}

/* A list for routes that may take one; each line an item where they are lines. */
static void write_body(struct fuzz_input *input, const struct place *place, struct subject of,
                       bool is_lines, struct buffer *out)
{
    bool is_any = place == NULL;
    bool takes_list = is_any || (place->type != NULL && strchr(place->target, '$') == NULL);
    uint32_t count = takes_list ? 1 + fuzz_byte(input) % ITEMS_MAX : 1;
    bool is_list = takes_list && !is_lines;
    buffer_text(out, is_list ? "[" : "");
    for (uint32_t i = 0; i < count; i++) {
        const struct place *item = is_any ? &places[fuzz_byte(input) % COMMANDS] : place;
        buffer_text(out, i > 0 && is_list ? "," : "");
        buffer_text(out, "{");
        if (is_any) {
            buffer_printf(out, "\"type\":\"%s\",", item->type);
        }
        write_filled(input, item->members, i == 0 ? of : draw_subject(input), out);
        buffer_text(out, is_lines ? "}\n" : "}");
    }
    buffer_text(out, is_list ? "]" : "");
}

/* ---- requests ---- */

enum framing {
    WHOLE,
    CHUNKS,
    EXPECT,
    TOO_SHORT,
    TOO_LONG,
    TWO_LENGTHS,
    LENGTH_AND_CHUNKS,
    FRAMINGS
};

/* Mostly a good one. */
static enum framing draw_framing(struct fuzz_input *input)
{
    static const uint8_t by_byte[16] = {
        WHOLE,  WHOLE,  WHOLE,  WHOLE,  WHOLE,     WHOLE,    WHOLE,       WHOLE,
        EXPECT, EXPECT, EXPECT, CHUNKS, TOO_SHORT, TOO_LONG, TWO_LENGTHS, LENGTH_AND_CHUNKS};
    return (enum framing)by_byte[fuzz_byte(input) % 16];
}

static void write_length(enum framing framing, size_t size, struct buffer *out)
{
    size_t told = framing == TOO_SHORT ? size / 2 : framing == TOO_LONG ? size + 9 : size;
    if (framing != CHUNKS) {
        buffer_printf(out, "Content-Length: %zu\r\n", told);
    }
    if (framing == TWO_LENGTHS) {
        buffer_printf(out, "Content-Length: %zu\r\n", told + 1);
    }
    if (framing == CHUNKS || framing == LENGTH_AND_CHUNKS) {
        buffer_text(out, "Transfer-Encoding: chunked\r\n");
    }
    if (framing == EXPECT) {
        buffer_text(out, "Expect: 100-continue\r\n");
    }
}

static void write_chunks(struct fuzz_input *input, const struct buffer *body, struct buffer *out)
{
    size_t step = 1 + fuzz_byte(input);
    for (size_t at = 0; at < body->size; at += step) {
        size_t size = body->size - at < step ? body->size - at : step;
        buffer_printf(out, "%zx\r\n", size);
        buffer_append(out, body->bytes + at, size);
        buffer_text(out, "\r\n");
    }
    buffer_text(out, "0\r\n\r\n");
}

static void write_request(struct fuzz_input *input, struct buffer *out)
{
    static struct buffer body;
    uint8_t route = fuzz_byte(input);
    const struct place *place = route < ANY_ROUTE ? &places[route % PLACES] : NULL;
    enum framing framing = draw_framing(input);
    uint8_t manner = fuzz_byte(input);
    struct subject of = draw_subject(input);
    bool is_lines = place == NULL && manner % 2 != 0;
    bool has_body = place == NULL || place->members[0] != '\0';
    buffer_clear(&body);
    if (has_body) {
        write_body(input, place, of, is_lines, &body);
    }
    buffer_printf(out, "%s ", place == NULL ? "POST" : place->method);
    write_filled(input, place == NULL ? "/v1/commands" : place->target, of, out);
    buffer_text(out, " HTTP/1.1\r\nHost: x\r\n");
    if (has_body) {
        buffer_printf(out, "Content-Type: application/%s\r\n", is_lines ? "x-ndjson" : "json");
        write_length(framing, body.size, out);
    }
    if (manner >= 128) {
        buffer_printf(out, "Idempotency-Key: key-%u\r\n", (unsigned)manner / 8);
    }
    buffer_text(out, "\r\n");
    if (has_body && (framing == CHUNKS || framing == LENGTH_AND_CHUNKS)) {
        write_chunks(input, &body, out);
    } else {
        buffer_append(out, body.bytes, body.size);
    }
}

/* One request in eight: a byte replaced or flipped, some left out, or the rest cut off. */
static void damage(struct fuzz_input *input, size_t from, struct buffer *out)
{
    uint8_t kind = fuzz_byte(input);
    if (kind < 224 || out->size == from) {
        return;
    }
    size_t at = from + fuzz_bytes(input, 2) % (out->size - from);
    uint8_t byte = fuzz_byte(input);
    size_t gone = out->size - at < byte ? out->size - at : byte;
    switch (kind % 4) {
    case 0:
        out->bytes[at] = (char)byte;
        break;
    case 1:
        out->bytes[at] ^= (char)(1U << byte % 8);
        break;
    case 2:
        memmove(out->bytes + at, out->bytes + at + gone, out->size - at - gone);
        out->size -= gone;
        break;
    default:
        out->size = at;
    }
}

/* ---- the site ---- */

static void count_answer(void *user, int status, const char *body)
{
    (void)user;
    (void)status;
    site.answers++;
    const char *accepted = strstr(body, "\"accepted\":");
    if (accepted != NULL) {
        site.accepted += strtoull(accepted + strlen("\"accepted\":"), NULL, 10);
        for (const char *at = strstr(body, "\"index\":"); at != NULL;
             at = strstr(at + 1, "\"index\":")) {
            site.rejected++;
        }
    }
}

static void send_to(const struct fuzz_door *door, const struct buffer *requests)
{
    static struct buffer answers;
    fuzz_exchange(door, (struct bs_text){requests->bytes, (uint32_t)requests->size}, false,
                  &answers);
    fuzz_check_answers(&answers, count_answer, NULL);
}

/* Eight accounts, four markets at 100, and a pool that settles. */
static void write_world(struct buffer *out)
{
    struct buffer body = {0};
    struct fuzz_input none = {0};

    static const struct {
        uint8_t place, count;
    } steps[] = {{17, 1}, {18, MARKETS}, {5, ACCOUNTS}, {2, MARKETS}, {9, 1}};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        for (uint8_t number = 0; number < steps[i].count; number++) {
            const struct place *place = &places[steps[i].place];
            struct fuzz_input money = {(const uint8_t *)"\x64", 1};
            buffer_printf(&body, "{\"type\":\"%s\",", place->type);
            write_filled(i == 2 ? &money : &none, place->members,
                         (struct subject){number, number, 0, 0}, &body);
            buffer_text(&body, "}\n");
        }
    }
    buffer_printf(out,
                  "POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  body.size);
    buffer_append(out, body.bytes, body.size);
    buffer_fini(&body);
}

static struct fuzz_door door_to(uint32_t which)
{
    return (struct fuzz_door){
        .port = site.daemons[which].port, .is_tls = which == TLS, .silence_ms = SILENCE_MS};
}

static void open_site(void)
{
    struct buffer world = {0};
    write_world(&world);
    for (uint32_t i = 0; i < DOORS; i++) {
        fuzz_daemon_start(&site.daemons[i], i == TLS);
        struct fuzz_door door = door_to(i);
        uint64_t rejected = site.rejected;
        door.silence_ms = 20000; /* it is just starting */
        send_to(&door, &world);
        assert(site.rejected == rejected);
        assert(site.accepted > 0);
    }
    buffer_fini(&world);
}

static void close_site(void)
{
    static struct buffer answers;
    for (uint32_t i = 0; i < DOORS; i++) {
        struct fuzz_door door = door_to(i);
        fuzz_exchange(&door, (struct bs_text){"", 0}, false, &answers);
        assert(strncmp(answers.bytes, "HTTP/1.1 200 ", 13) == 0); /* it is alive */
    }
    fuzz_daemons_stop(site.daemons, DOORS);
    (void)fprintf(stderr, "%u runs, %lu answers; items: %lu accepted, %lu rejected\n", site.runs,
                  site.answers, site.accepted, site.rejected);
    site.runs = 0;
}

static void close_last_site(void)
{
    if (site.runs > 0) {
        close_site();
    }
}

/* One in eight over a door of TLS finds damage or garbage. */
static struct fuzz_door draw_door(struct fuzz_input *input)
{
    uint8_t byte = fuzz_byte(input);
    struct fuzz_door door = door_to(byte % 4 == 3 ? TLS : PLAIN);
    door.is_tls_1_2 = byte % 8 == 7;
    if (door.is_tls && byte >= 224) {
        door.damage_at = 1 + (uint32_t)fuzz_bytes(input, 2) % 2048;
        door.damage = (uint8_t)(1U << fuzz_byte(input) % 8);
    } else if (door.is_tls && byte >= 208) {
        door.garbage = fuzz_until(input, '\n');
    }
    return door;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buffer requests;
    static bool was_here;
    if (!was_here) {
        was_here = true;
        (void)atexit(close_last_site);
    }
    if (site.runs == RUNS_MAX) {
        close_site();
    }
    if (site.runs == 0) {
        open_site();
    }
    site.runs++;
    struct fuzz_input input = {data, size};
    struct fuzz_door door = draw_door(&input);
    buffer_clear(&requests);
    for (uint32_t i = 0; i < REQUESTS_MAX && (i == 0 || input.left > 0); i++) {
        size_t from = requests.size;
        write_request(&input, &requests);
        damage(&input, from, &requests);
    }
    send_to(&door, &requests);
    return 0;
}
