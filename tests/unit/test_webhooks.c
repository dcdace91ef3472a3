/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: what decides where, when and under which signature a notice is sent. Method: the reference
 * vectors of the Standard Webhooks specification and of RFC 8032; an address inside and one beside
 * each range that is refused; the retry ladders step by step; a database that refuses to be
 * written. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "daemon/config/address.h"
#include "daemon/webhooks/controller.h"
#include "daemon/webhooks/ladder.h"
#include "daemon/webhooks/signer.h"
#include "tests/unit/log_support.h"
#include "tests/unit/unit_main.h"

/* ---- signatures ---- */

static const char vector_body[] = "{\"test\": 2432232314}";
static const struct signer_content vector = {.id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                             .timestamp_s = 1614265330,
                                             .body = vector_body,
                                             .body_size = sizeof(vector_body) - 1};

static void sign(const struct signer_key *key, const struct signer_content *content,
                 struct buffer *out)
{
    buffer_clear(out);
    ck_assert_int_eq(signer_sign(key, content, out), 0);
}

START_TEST(reference_vector)
{
    struct signer_key key;
    struct buffer out = {0};
    char text[SIGNER_TEXT_SIZE];
    ck_assert(signer_key_parse(&key, SIGNER_HMAC, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    sign(&key, &vector, &out);
    ck_assert_str_eq(out.bytes, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    signer_key_print(&key, text);
    ck_assert_str_eq(text, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    buffer_fini(&out);
}

END_TEST

/* RFC 8032, 7.1, test 1: this seed has this public key. */
#define SEED "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define PAIR                                                                                       \
    "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="
#define PUBLIC "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

START_TEST(ed25519)
{
    struct signer_key key;
    struct buffer out = {0};
    char text[SIGNER_TEXT_SIZE];
    ck_assert(signer_key_parse(&key, SIGNER_ED25519, "whsk_" PAIR));
    signer_key_print(&key, text);
    ck_assert_str_eq(text, "whpk_" PUBLIC);
    sign(&key, &vector, &out);
    ck_assert_msg(strncmp(out.bytes, "v1a,", 4) == 0 && out.size == 4 + 88, "%s", out.bytes);
    ck_assert(!signer_key_parse(&key, SIGNER_ED25519, "whsk_" SEED)); /* no public key */
    /* The public key of another pair: a receiver that verified with it would refuse everything. */
    ck_assert(!signer_key_parse(&key, SIGNER_ED25519,
                                "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A9QBfD6EOJWpK3Gqy"
                                "hyAPv+lMWgYfNDQiYQn5K0pMkMg=="));
    buffer_fini(&out);
}

END_TEST

START_TEST(secrets)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true},  /* 24 bytes */
        {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},       /* without the prefix */
        {"whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},  /* of another kind */
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa0=", false}, /* 23 */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAA==",
         true}, /* 64 */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAAA=",
         false},                                              /* 65 */
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*", false},    /* not base64 */
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA", false},   /* a digit too many */
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA=", false}, /* half padded */
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA", true},   /* not padded */
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAB", false},  /* bits after the last byte */
        {"whsec_", false},
        {"", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct signer_key key;
        ck_assert_msg(signer_key_parse(&key, SIGNER_HMAC, rows[i].text) == rows[i].is_good, "%s",
                      rows[i].text);
    }
}

END_TEST

START_TEST(new_keys_differ)
{
    for (int kind = SIGNER_HMAC; kind <= SIGNER_ED25519; kind++) {
        struct signer_key a;
        struct signer_key b;
        char text[SIGNER_TEXT_SIZE];
        ck_assert_int_eq(signer_key_new(&a, (enum signer_kind)kind), 0);
        ck_assert_int_eq(signer_key_new(&b, (enum signer_kind)kind), 0);
        ck_assert_int_ne(memcmp(a.bytes, b.bytes, 32), 0);
        signer_key_print(&a, text);
        ck_assert_uint_eq(strlen(text), kind == SIGNER_HMAC ? 50 : 49);
    }
}

END_TEST

/* ---- addresses ---- */

static bool allows(const struct address_ranges *exceptions, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool is_address = false;
    bool by_text = address_text_allowed(exceptions, text, &is_address);
    ck_assert_msg(is_address, "%s", text);
    bool by_socket;
    if (strchr(text, ':') != NULL) {
        ck_assert_int_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        by_socket = address_allowed(exceptions, (const struct sockaddr *)&v6);
    } else {
        ck_assert_int_eq(inet_pton(AF_INET, text, &v4.sin_addr), 1);
        by_socket = address_allowed(exceptions, (const struct sockaddr *)&v4);
    }
    ck_assert_msg(by_text == by_socket, "%s", text);
    return by_socket;
}

static const char *const refused[] = {"0.0.0.0",
                                      "0.255.255.255",
                                      "10.0.0.0",
                                      "10.255.255.255",
                                      "100.64.0.0",
                                      "100.127.255.255",
                                      "127.0.0.1",
                                      "127.255.255.255",
                                      "169.254.0.0",
                                      "169.254.169.254",
                                      "169.254.255.255",
                                      "172.16.0.0",
                                      "172.31.255.255",
                                      "192.0.0.0",
                                      "192.0.0.255",
                                      "192.0.2.1",
                                      "192.31.196.0",
                                      "192.31.196.255",
                                      "192.52.193.1",
                                      "192.175.48.1",
                                      "192.88.99.1",
                                      "192.168.0.0",
                                      "192.168.255.255",
                                      "198.18.0.0",
                                      "198.19.255.255",
                                      "198.51.100.7",
                                      "203.0.113.9",
                                      "224.0.0.1",
                                      "239.255.255.255",
                                      "240.0.0.0",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "::127.0.0.1",
                                      "::8.8.8.8",
                                      "::ffff:127.0.0.1",
                                      "::ffff:10.1.2.3",
                                      "::ffff:169.254.169.254",
                                      "::ffff:0.0.0.0",
                                      "64:ff9b::8.8.8.8",
                                      "64:ff9b:1::1",
                                      "64:ff9c::1",
                                      "::ffff:0:127.0.0.1",
                                      "::ffff:0:8.8.8.8",
                                      "1fff:ffff::1",
                                      "2620:4f:8000::1",
                                      "2620:4f:8000:ffff::1",
                                      "4000::1",
                                      "5f00::1",
                                      "5f00:ffff::1",
                                      "7fff::1",
                                      "8000::1",
                                      "100::1",
                                      "100:0:0:1::1",
                                      "2001::1",
                                      "2001:1ff::1",
                                      "2001:db8::1",
                                      "2002:7f00:1::",
                                      "2002::1",
                                      "3fff::1",
                                      "fc00::",
                                      "fdff:ffff::1",
                                      "fe80::1",
                                      "febf::1",
                                      "fec0::1",
                                      "feff::1",
                                      "ff00::",
                                      "ff02::1"};
static const char *const allowed[] = {"1.0.0.0",         "8.8.8.8",
                                      "9.255.255.255",   "11.0.0.0",
                                      "100.63.255.255",  "100.128.0.0",
                                      "126.255.255.255", "128.0.0.0",
                                      "169.253.255.255", "169.255.0.0",
                                      "172.15.255.255",  "172.32.0.0",
                                      "191.255.255.255", "192.0.1.0",
                                      "192.167.255.255", "192.169.0.0",
                                      "198.17.255.255",  "198.20.0.0",
                                      "223.255.255.255", "::ffff:8.8.8.8",
                                      "2001:200::1",     "2001:4860:4860::8888",
                                      "2003::1",         "2606:4700::1111",
                                      "192.31.195.255",  "192.31.197.0",
                                      "192.52.192.255",  "192.52.194.0",
                                      "192.175.47.255",  "192.175.49.0",
                                      "2620:4f:7fff::1", "2620:4f:8001::1",
                                      "2000::1",         "3ffe::1",
                                      "3fff:1000::1"};

START_TEST(private_ranges_are_refused)
{
    const struct address_ranges none = {0};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ck_assert_msg(!allows(&none, refused[i]), "%s", refused[i]);
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        ck_assert_msg(allows(&none, allowed[i]), "%s", allowed[i]);
    }
}

END_TEST

/* Names as DNS takes them: 253 bytes, labels of 63, ASCII. */
START_TEST(hosts_that_cannot_be)
{
    static const char *const good[] = {"example.org", "example.org.", "xn--bcher-kva.example", "a",
                                       "[2606:4700::1111]"};
    static const char *const bad[][2] = {{"b\xc3\xbc"
                                          "cher.example",
                                          "punycode"},
                                         {"a..b", "a label"},
                                         {".a", "a label"},
                                         {".", "a label"},
                                         {"", "a label"}};
    char host[300] = "";
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(address_host_fault(good[i]) == NULL, "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *fault = address_host_fault(bad[i][0]);
        ck_assert_msg(fault != NULL && strstr(fault, bad[i][1]) != NULL, "%s", bad[i][0]);
    }
    memset(host, 'a', 63);
    ck_assert_ptr_null(address_host_fault(host));
    memset(host, 'a', 64);
    ck_assert_ptr_nonnull(address_host_fault(host));
    for (size_t i = 0; i < 253; i++) {
        host[i] = i % 50 == 49 ? '.' : 'a';
    }
    ck_assert_ptr_null(address_host_fault(host));
    host[253] = '.';
    ck_assert_ptr_null(address_host_fault(host));
    host[253] = 'a';
    ck_assert_ptr_nonnull(strstr(address_host_fault(host), "over 253 bytes"));
}

END_TEST

START_TEST(exceptions_are_exact)
{
    struct address_ranges ranges;
    ck_assert(address_ranges_parse(&ranges, "10.1.0.0/16, 127.0.0.2/32,fd00:1::/32"));
    ck_assert_uint_eq(ranges.count, 3);
    ck_assert(allows(&ranges, "10.1.255.1"));
    ck_assert(allows(&ranges, "::ffff:10.1.0.1"));
    ck_assert(!allows(&ranges, "10.2.0.1"));
    ck_assert(allows(&ranges, "127.0.0.2"));
    ck_assert(!allows(&ranges, "127.0.0.1"));
    ck_assert(!allows(&ranges, "127.0.0.3"));
    ck_assert(allows(&ranges, "fd00:1:2::3"));
    ck_assert(!allows(&ranges, "fd00:2::3"));
    ck_assert(!allows(&ranges, "::10.1.0.1"));
}

END_TEST

START_TEST(lists_are_strict)
{
    static const char *const wrong_ranges[] = {"10.0.0.0", "10.0.0.0/33", "10.0.0.1/8",
                                               "x/8",      "10.0.0.0/",   "10.0.0.0/-1",
                                               "::/129",   "fd00::1/8",   "10.0.0.0/08x"};
    static const char *const wrong_ports[] = {"",     "0",   "65536", "443-",
                                              "-443", "9-8", "a",     "443;8443"};
    struct address_ranges ranges;
    struct address_ports ports;
    for (size_t i = 0; i < sizeof(wrong_ranges) / sizeof(wrong_ranges[0]); i++) {
        ck_assert_msg(!address_ranges_parse(&ranges, wrong_ranges[i]), "%s", wrong_ranges[i]);
    }
    for (size_t i = 0; i < sizeof(wrong_ports) / sizeof(wrong_ports[0]); i++) {
        ck_assert_msg(!address_ports_parse(&ports, wrong_ports[i]), "%s", wrong_ports[i]);
    }
    ck_assert(address_ranges_parse(&ranges, ""));
    ck_assert_uint_eq(ranges.count, 0);
    ck_assert(address_ports_parse(&ports, "443, 9000-9002"));
    ck_assert(address_port_allowed(&ports, 443));
    ck_assert(address_port_allowed(&ports, 9000));
    ck_assert(address_port_allowed(&ports, 9002));
    ck_assert(!address_port_allowed(&ports, 9003));
    ck_assert(!address_port_allowed(&ports, 80));
    ck_assert(!address_port_allowed(&ports, 65536 + 443));
}

END_TEST

START_TEST(names_are_judged_later)
{
    const struct address_ranges none = {0};
    static const char *const names[] = {"localhost", "0x7f.1",      "2130706433",
                                        "127.1",     "example.org", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool is_address = true;
        ck_assert(address_text_allowed(&none, names[i], &is_address));
        ck_assert_msg(!is_address, "%s", names[i]);
    }
    bool is_address = false;
    ck_assert(!address_text_allowed(&none, "[::1]", &is_address));
    ck_assert(is_address);
}

END_TEST

/* ---- retries ---- */

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static void expect_ladder(enum ladder ladder, const int64_t *steps, uint32_t count)
{
    ck_assert_uint_eq(ladder_attempts(ladder), count + 1);
    for (uint32_t i = 0; i < count; i++) {
        int64_t spread = steps[i] / 10;
        int64_t least = INT64_MAX;
        int64_t most = 0;
        for (uint32_t random = 0; random < 1000; random++) {
            int64_t delay = ladder_delay_ms(ladder, i + 1, 0, random * 4294967u);
            least = delay < least ? delay : least;
            most = delay > most ? delay : most;
        }
        ck_assert_int_ge(least, steps[i] - spread);
        ck_assert_int_le(most, steps[i] + spread);
        ck_assert_int_lt(least, steps[i] - spread / 2); /* it is spread */
        ck_assert_int_gt(most, steps[i] + spread / 2);
    }
    ck_assert_int_eq(ladder_delay_ms(ladder, count + 1, 0, 7), -1);
    ck_assert_int_eq(ladder_delay_ms(ladder, count + 1, HOUR, 7), -1);
}

START_TEST(ladders)
{
    static const int64_t standard[] = {5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                       10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR};
    static const int64_t urgent[] = {1 * SECOND, 5 * SECOND,  30 * SECOND, 2 * MINUTE,
                                     5 * MINUTE, 30 * MINUTE, 2 * HOUR,    5 * HOUR,
                                     10 * HOUR,  14 * HOUR,   20 * HOUR,   24 * HOUR};
    expect_ladder(LADDER_STANDARD, standard, sizeof(standard) / sizeof(standard[0]));
    expect_ladder(LADDER_URGENT, urgent, sizeof(urgent) / sizeof(urgent[0]));
}

END_TEST

START_TEST(retry_after_is_bounded)
{
    ck_assert_int_eq(ladder_delay_ms(LADDER_URGENT, 1, 20 * SECOND, 0), 20 * SECOND);
    ck_assert_int_eq(ladder_delay_ms(LADDER_URGENT, 1, 400 * HOUR, 0), LADDER_RETRY_AFTER_MAX_MS);
    ck_assert_int_ge(ladder_delay_ms(LADDER_URGENT, 5, 20 * SECOND, 0), 4 * MINUTE);
}

END_TEST

/* ---- answers ---- */

static void on_answer(struct request *request)
{
    *(uint32_t *)request->user += 1;
}

/* Asks for an endpoint under a key; the HTTP status of the answer. */
static int create(struct registry *registry, struct buffer *ret_body)
{
    uint32_t answers = 0;
    struct request request = {.done = on_answer, .user = &answers};
    struct webhooks_job job = {.request = &request,
                               .verb = WEBHOOKS_CREATE,
                               .caller = "test",
                               .key = "k",
                               .key_size = 1,
                               .asked.webhook = {.url = "https://example.org/", .batch_max = 1}};
    controller_answer(registry, &job);
    ck_assert_uint_eq(answers, 1);
    buffer_clear(ret_body);
    buffer_append(ret_body, request.body.bytes, request.body.size);
    buffer_append(ret_body, "", 1);
    buffer_fini(&request.body);
    return request.status;
}

START_TEST(a_change_that_is_not_saved_is_not_answered)
{
    char directory[PATH_MAX];
    char error[LOG_ERROR_SIZE];
    uv_loop_t loop;
    struct buffer body = {0};
    struct registry registry = {.host.log = "0123456789abcdef0123456789abcdef"};
    const struct transport_options transport = {.ports = {{443}, {443}, 1}, .ca_file = ""};
    support_directory(directory);
    const struct webhooks_options options = {
        .directory = directory, .endpoints_max = 2, .parallel_max = 1, .history_max = 1};
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(transport_new(&registry.host.transport, &loop, &transport, error), 0);
    ck_assert_int_eq(registry_open(&registry, &options, error), 0);
    sqlite3 *db = store_db(registry.store);

    ck_assert_int_eq(db_exec(db, "PRAGMA query_only=1", error), 0);
    ck_assert_int_eq(create(&registry, &body), 500);
    ck_assert(strstr(body.bytes, "secret") == NULL);
    ck_assert_uint_eq(registry.endpoints_count, 0);

    ck_assert_int_eq(db_exec(db, "PRAGMA query_only=0", error), 0);
    ck_assert_int_eq(create(&registry, &body), 201); /* the key has no answer yet */
    ck_assert(strstr(body.bytes, "secret") != NULL);
    ck_assert_uint_eq(registry.endpoints_count, 1);
    ck_assert_int_eq(create(&registry, &body), 201); /* the first answer again */
    ck_assert_uint_eq(registry.endpoints_count, 1);

    registry_close(&registry);
    transport_stop(registry.host.transport);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    transport_free(registry.host.transport);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    buffer_fini(&body);
    support_remove(directory);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("webhooks");
    UNIT_ADD(tests, reference_vector, ed25519, secrets, new_keys_differ, private_ranges_are_refused,
             hosts_that_cannot_be, exceptions_are_exact, lists_are_strict, names_are_judged_later,
             ladders, retry_after_is_bounded, a_change_that_is_not_saved_is_not_answered);
    return unit_run(tests);
}
