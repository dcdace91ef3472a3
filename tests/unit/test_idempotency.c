/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests with a key: a repeat takes no effect and gets the first answer to the byte, also from a
 * core that has only replayed the log; what the window no longer holds is new again. Random
 * sequences of requests, repeats and restarts are compared with a list of what was answered when.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/request_record.h"
#include "daemon/http/idempotency.h"
#include "tests/unit/core_support.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

static struct bs_text text_of(const char *string)
{
    return (struct bs_text){string, (uint32_t)strlen(string)};
}

START_TEST(headers_are_read_strictly)
{
    static const struct {
        const char *header;
        const char *key; /* NULL: refused */
    } rows[] = {
        {"abc", "abc"},
        {"\"abc\"", "abc"},
        {" \"abc\" ", "abc"},
        {"\"a b\"", "a b"},
        {"\"a\\\"b\"", "a\"b"},
        {"\"a\\\\\"", "a\\"},
        {"a-b_c:1/2", "a-b_c:1/2"},
        {"~!", "~!"},
        {"", NULL},
        {"\"\"", NULL},
        {"a b", NULL},
        {"a\"b", NULL},
        {"\"abc", NULL},
        {"abc\"", NULL},
        {"\"", NULL},
        {"\"a\"b\"", NULL},
        {"\"a\\b\"", NULL},
        {"\"a\\\"", NULL},
        {"a\\b", NULL},
        {"a\tb", NULL},
        {"caf\xc3\xa9", NULL},
        {"\"a\x7f\"", NULL},
        {"\"a\"; p=1", NULL},
        {"\"a\", \"b\"", NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char memory[BS_REQUEST_KEY_SIZE_MAX];
        struct bs_text key;
        bool good = idempotency_parse(text_of(rows[i].header), memory, &key);
        ck_assert_msg(good == (rows[i].key != NULL), "%s", rows[i].header);
        if (good) {
            ck_assert(bs_text_equal(key, text_of(rows[i].key)));
        }
    }
    for (uint32_t size = 127; size <= 130; size++) { /* 128 are the most, quoted or not */
        char memory[BS_REQUEST_KEY_SIZE_MAX];
        char header[140];
        struct bs_text key;
        (void)snprintf(header, sizeof(header), "\"%0*d\"", (int)size, 0);
        ck_assert_int_eq(idempotency_parse(text_of(header), memory, &key), size <= 128);
        header[size + 1] = '\0';
        ck_assert_int_eq(idempotency_parse(text_of(header + 1), memory, &key), size <= 128);
    }
}

END_TEST

/* A request with a key; the fingerprint stands for its text. */
static void keyed_init(struct request *request, const char *caller, const char *key,
                       const char *items)
{
    uint8_t fingerprint[BS_FINGERPRINT_SIZE] = {0};
    request_init(request, items);
    for (size_t i = 0; items[i] != '\0'; i++) {
        uint8_t *byte = &fingerprint[i % sizeof(fingerprint)];
        *byte = (uint8_t)(*byte * 31 + (uint8_t)items[i]);
    }
    const struct bs_request_command who = {
        .caller = text_of(caller), .key = text_of(key), .fingerprint = fingerprint};
    ck_assert_int_eq(api_request_encode(&request->key_record, &who, &request->batch), BS_OK);
}

static void keyed_fini(struct request *request)
{
    buffer_fini(&request->key_record);
    request_fini(request);
}

/* Sends it and returns the answer, to be freed. */
static char *keyed_run(struct world *world, const char *caller, const char *key, const char *items,
                       int *ret_status, enum request_repeat *ret_repeat)
{
    struct request request;
    keyed_init(&request, caller, key, items);
    request_run(world, &request);
    char *body = strndup(request.body.bytes, request.body.size);
    ck_assert_ptr_nonnull(body);
    *ret_status = request.status;
    *ret_repeat = request.repeat;
    keyed_fini(&request);
    return body;
}

static void begin(struct world *world)
{
    char error[LOG_ERROR_SIZE];
    ck_assert_msg(world_start(world, error) == 0, "%s", error);
}

static void restart(struct world *world)
{
    world_stop(world);
    begin(world);
}

static void get_collateral(struct request *request, struct core *core, struct bs_engine *engine)
{
    (void)core;
    struct bs_account_view view;
    uint32_t account = bs_account_find(engine, text_of("b"));
    ck_assert_uint_ne(account, 0);
    bs_account_view_get(engine, account, &view);
    buffer_printf(&request->body, "%llu", (unsigned long long)view.collateral.mantissa);
}

static uint64_t collateral_of_b(struct world *world)
{
    struct request request;
    request_init(&request, "");
    request.query = get_collateral;
    request_run(world, &request);
    uint64_t collateral = strtoull(request.body.bytes, NULL, 10);
    request_fini(&request);
    return collateral;
}

#define TRANSFER "{\"type\":\"transfer\",\"account\":\"b\",\"amount\":\"1\"}\n"
#define STALE                                                                                      \
    "{\"type\":\"position\",\"account\":\"b\",\"market\":\"m\",\"size\":\"0\"}\n"                  \
    "{\"type\":\"transfer\",\"account\":\"b\",\"amount\":\"x\"}\n" TRANSFER                        \
    "{\"type\":\"transfer\",\"account\":\"nobody\",\"amount\":\"1\"}\n"

/* Every kind of answer: accepted, some rejected by the parser and by the engine (with the account's
 * state), none, a settlement that waits. */
static const char *const texts[] = {
    TRANSFER,
    TRANSFER TRANSFER,
    STALE,
    "{\"type\":\"transfer\",\"account\":\"b\",\"amount\":\"x\"}\n",
    "{\"type\":\"transfer\",\"account\":\"nobody\",\"amount\":\"1\"}\n",
    "{\"type\":\"settle\",\"pool\":\"p\"}\n",
    "{\"type\":\"request\"}\n{\"type\":\"\"}\n",
};
static const uint64_t deposits[] = {1, 2, 1, 0, 0, 0, 0};

#define TEXTS_COUNT (sizeof(texts) / sizeof(texts[0]))

static void make_stale(struct world *world)
{
    struct request request;
    request_init(&request, "{\"type\":\"mark\",\"market\":\"m\",\"price\":\"80\"}\n"
                           "{\"type\":\"settle\",\"pool\":\"p\"}\n");
    request_run(world, &request);
    ck_assert_int_eq(request.status, 200);
    request_fini(&request);
}

START_TEST(every_answer_is_repeated_to_the_byte)
{
    struct world world;
    char *first[TEXTS_COUNT];
    int status[TEXTS_COUNT];
    world_init(&world);
    begin(&world);
    world_set_up(&world);
    make_stale(&world); /* an action on "b" that nobody has seen */
    uint64_t before = collateral_of_b(&world);
    for (size_t i = 0; i < TEXTS_COUNT; i++) {
        char key[8];
        enum request_repeat repeat;
        (void)snprintf(key, sizeof(key), "k%zu", i);
        first[i] = keyed_run(&world, "", key, texts[i], &status[i], &repeat);
        ck_assert_int_eq(repeat, REPEAT_NO);
    }
    ck_assert_int_eq(status[2], 207);
    ck_assert_ptr_nonnull(strstr(first[2], "\"stale_update\""));
    ck_assert_ptr_nonnull(strstr(first[2], "\"state\":{"));
    ck_assert_ptr_nonnull(strstr(first[6], "\"unknown_type\""));
    ck_assert_uint_eq(collateral_of_b(&world), before + 400);
    for (int round = 0; round < 2; round++) {
        uint64_t seq = log_last_seq(world.log);
        for (size_t i = 0; i < TEXTS_COUNT; i++) {
            char key[8];
            int again = 0;
            enum request_repeat repeat;
            (void)snprintf(key, sizeof(key), "k%zu", i);
            char *body = keyed_run(&world, "", key, texts[i], &again, &repeat);
            ck_assert_str_eq(body, first[i]);
            ck_assert_int_eq(again, status[i]);
            ck_assert_int_eq(repeat, REPEAT_ANSWERED);
            free(body);
        }
        ck_assert_uint_eq(log_last_seq(world.log), seq); /* a repeat writes nothing */
        ck_assert_uint_eq(collateral_of_b(&world), before + 400);
        restart(&world);
    }
    for (size_t i = 0; i < TEXTS_COUNT; i++) {
        free(first[i]);
    }
    world_stop(&world);
    world_fini(&world);
}

END_TEST

START_TEST(another_request_under_the_key_is_refused)
{
    struct world world;
    int status = 0;
    enum request_repeat repeat;
    world_init(&world);
    begin(&world);
    world_set_up(&world);
    free(keyed_run(&world, "", "k", TRANSFER, &status, &repeat));
    uint64_t seq = log_last_seq(world.log);
    for (int round = 0; round < 2; round++) {
        char *body = keyed_run(&world, "", "k", TRANSFER TRANSFER, &status, &repeat);
        ck_assert_int_eq(status, 422);
        ck_assert_int_eq(repeat, REPEAT_NO);
        ck_assert_ptr_nonnull(strstr(body, "\"idempotency_key_reused\""));
        free(body);
        restart(&world);
    }
    ck_assert_uint_eq(log_last_seq(world.log), seq);
    free(keyed_run(&world, "other", "k", TRANSFER TRANSFER, &status, &repeat));
    ck_assert_int_eq(status, 200); /* keys are each caller's own */
    ck_assert_uint_eq(log_last_seq(world.log), seq + 3);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

START_TEST(a_repeat_that_overtakes_the_answer_is_told_to_wait)
{
    struct world world;
    struct request first, again, other;
    world_init(&world);
    begin(&world);
    world_set_up(&world);
    uint64_t before = collateral_of_b(&world);
    keyed_init(&first, "", "k", TRANSFER);
    keyed_init(&again, "", "k", TRANSFER);
    keyed_init(&other, "", "k", TRANSFER TRANSFER);
    ck_assert(core_submit(world.core, &first));
    ck_assert(core_submit(world.core, &again));
    ck_assert(core_submit(world.core, &other));
    world_wait(&world, request_is_answered, &first);
    world_wait(&world, request_is_answered, &again);
    world_wait(&world, request_is_answered, &other);
    ck_assert_int_eq(first.status, 200);
    ck_assert_int_eq(again.status, 409);
    ck_assert_int_eq(again.repeat, REPEAT_TOO_EARLY);
    ck_assert_ptr_nonnull(strstr(again.body.bytes, "\"request_in_progress\""));
    ck_assert_int_eq(other.status, 422);
    ck_assert_uint_eq(collateral_of_b(&world), before + 100);
    keyed_fini(&first);
    keyed_fini(&again);
    keyed_fini(&other);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

/* ---- random sequences against a list ---- */

#define KEYS 12
#define WINDOW 5

struct remembered {
    uint32_t key;
    size_t text;
    char *body;
    int status;
};

/* The last WINDOW answers, oldest first. */
struct list {
    struct remembered rows[WINDOW];
    uint32_t count;
};

static const struct remembered *list_find(const struct list *list, uint32_t key)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->rows[i].key == key) {
            return &list->rows[i];
        }
    }
    return NULL;
}

static void list_add(struct list *list, struct remembered row)
{
    if (list->count == WINDOW) {
        free(list->rows[0].body);
        memmove(&list->rows[0], &list->rows[1], (WINDOW - 1) * sizeof(list->rows[0]));
        list->count--;
    }
    list->rows[list->count++] = row;
}

static void one_request(struct world *world, struct list *list, uint64_t *collateral)
{
    uint32_t key = random_below(KEYS);
    size_t text = random_below(TEXTS_COUNT);
    char name[8];
    int status = 0;
    enum request_repeat repeat;
    (void)snprintf(name, sizeof(name), "k%u", key);
    char *body = keyed_run(world, "", name, texts[text], &status, &repeat);
    const struct remembered *row = list_find(list, key);
    if (row == NULL) {
        ck_assert_int_eq(repeat, REPEAT_NO);
        ck_assert_int_ne(status, 409);
        *collateral += 100 * deposits[text];
        list_add(list, (struct remembered){key, text, body, status});
        return;
    }
    if (row->text == text) {
        ck_assert_str_eq(body, row->body);
        ck_assert_int_eq(status, row->status);
        ck_assert_int_eq(repeat, REPEAT_ANSWERED);
    } else {
        ck_assert_int_eq(status, 422);
        ck_assert_ptr_nonnull(strstr(body, "\"idempotency_key_reused\""));
    }
    free(body);
}

START_TEST(random_repeats_and_restarts_agree_with_a_list)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world world;
        struct list list = {.count = 0};
        random_state = seed;
        world_init(&world);
        world.options.answers_max = WINDOW;
        begin(&world);
        world_set_up(&world);
        make_stale(&world);
        uint64_t collateral = collateral_of_b(&world);
        for (int step = 0; step < 200; step++) {
            if (random_below(25) == 0) {
                restart(&world);
            }
            one_request(&world, &list, &collateral);
            ck_assert_uint_eq(collateral_of_b(&world), collateral);
        }
        while (list.count > 0) {
            free(list.rows[--list.count].body);
        }
        world_stop(&world);
        world_fini(&world);
    }
}

END_TEST

START_TEST(what_is_too_long_for_a_record_is_refused)
{
    struct buffer items = {0};
    struct buffer record = {0};
    struct api_batch batch = {0};
    struct api_error error;
    const struct api_route route = {0};
    const uint8_t fingerprint[BS_FINGERPRINT_SIZE] = {0};
    const struct bs_request_command who = {.key = text_of("k"), .fingerprint = fingerprint};
    for (int i = 0; i < 60000; i++) {
        buffer_text(&items, "{}\n");
    }
    buffer_reserve(&items, API_BODY_PADDING);
    memset(items.bytes + items.size, 0, API_BODY_PADDING);
    ck_assert(api_parse(&batch, &route, items.bytes, items.size, true, &error));
    ck_assert_uint_eq(batch.rejections_count, 60000);
    ck_assert_int_eq(api_request_encode(&record, &who, &batch), BS_TOO_MANY_REJECTIONS);
    ck_assert_uint_eq(record.size, 0);
    buffer_fini(&items);
    buffer_fini(&record);
    api_batch_fini(&batch);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("idempotency");
    UNIT_ADD(tests, headers_are_read_strictly, every_answer_is_repeated_to_the_byte,
             another_request_under_the_key_is_refused,
             a_repeat_that_overtakes_the_answer_is_told_to_wait,
             random_repeats_and_restarts_agree_with_a_list,
             what_is_too_long_for_a_record_is_refused);
    return unit_run(tests);
}
