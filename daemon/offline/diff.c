/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two states are walked side by side in the order of names. What is on one side only is a line;
 * what is on both is compared as the API shows it, and each member that differs is a line:
 *
 *     account alice: collateral 10.5 | 10.4
 *     account alice: positions BTC-PERP size 2 | 3
 *     market ETH-PERP: only in A
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "api/fields.h"
#include "daemon/offline/offline.h"
#include "daemon/offline/replay_to.h"
#include "daemon/offline/state.h"

#define INDEX_SIZE 16 /* digits of a place in a list, and NUL */

struct diff {
    bool is_different;
    const struct state_thing *thing; /* of the line that comes next */
    struct buffer json[2];
};

/* Where a value is within its thing: "positions BTC-PERP size". */
struct path {
    const struct path *above; /* NULL: the thing itself */
    struct bs_text name;
};

static void print_thing(const struct state_thing *thing)
{
    (void)printf("%s %.*s", state_kind_name(thing->kind), (int)thing->name.size, thing->name.bytes);
    if (thing->second.size > 0) {
        (void)printf(" %.*s", (int)thing->second.size, thing->second.bytes);
    }
    (void)printf(":");
}

static void print_path(const struct path *path)
{
    if (path->above != NULL) {
        print_path(path->above);
        (void)printf(" %.*s", (int)path->name.size, path->name.bytes);
    }
}

static void print_value(const struct json_token *token)
{
    if (token == NULL) {
        (void)printf("-");
        return;
    }
    switch ((enum token_kind)token->kind) {
    case TOKEN_NULL:
        (void)printf("null");
        return;
    case TOKEN_FALSE:
        (void)printf("false");
        return;
    case TOKEN_TRUE:
        (void)printf("true");
        return;
    case TOKEN_INTEGER:
        (void)printf("%" PRId64, token->as.integer);
        return;
    case TOKEN_STRING:
        (void)printf("%.*s", (int)token->size, token->as.bytes);
        return;
    case TOKEN_ARRAY:
    case TOKEN_OBJECT:
        (void)printf("there");
        return;
    case TOKEN_BIG_INTEGER:
    case TOKEN_REAL:
        break;
    }
    assert(false); /* the API prints no such value */
}

static void print_difference(struct diff *diff, const struct path *path, const struct json_token *a,
                             const struct json_token *b)
{
    diff->is_different = true;
    print_thing(diff->thing);
    print_path(path);
    (void)printf(" ");
    print_value(a);
    (void)printf(" | ");
    print_value(b);
    (void)putchar('\n');
}

static bool is_container(const struct json_token *token)
{
    return token != NULL && token->kind >= TOKEN_ARRAY;
}

static bool scalars_equal(const struct json_token *a, const struct json_token *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind) {
        return false;
    }
    if (a->kind == TOKEN_INTEGER) {
        return a->as.integer == b->as.integer;
    }
    return a->kind != TOKEN_STRING ||
           (a->size == b->size && memcmp(a->as.bytes, b->as.bytes, a->size) == 0);
}

/* A member as it is called in `object`, or NULL in both cases. */
static const struct json_token *find(const struct json_token *object, const struct json_token *key)
{
    const struct json_token *at = object + 1;
    for (uint32_t left = object->size; left > 0; left--, at = token_next(at + 1)) {
        if (at->size == key->size && memcmp(at->as.bytes, key->as.bytes, key->size) == 0) {
            return at + 1;
        }
    }
    return NULL;
}

/* The element of a list that is about the same market, or else at the same place. */
static const struct json_token *find_element(const struct json_token *list,
                                             const struct json_token *market, uint32_t index)
{
    const struct json_token *at = list + 1;
    for (uint32_t i = 0; i < list->size; i++, at = token_next(at)) {
        const struct json_token *other =
            market != NULL && at->kind == TOKEN_OBJECT ? fields_find(at, "market") : NULL;
        if (market == NULL ? i == index : scalars_equal(other, market)) {
            return at;
        }
    }
    return NULL;
}

static void compare(struct diff *diff, const struct path *path, const struct json_token *a,
                    const struct json_token *b);

/* Compares the members of `a`. Those that `b` has too were compared before if `is_second`. The
 * sequence at which a thing last changed is not part of a state. */
static void compare_members(struct diff *diff, const struct path *path, const struct json_token *a,
                            const struct json_token *b, bool is_second)
{
    const struct json_token *key = a + 1;
    for (uint32_t left = a->size; left > 0; left--, key = token_next(key + 1)) {
        const struct json_token *other = find(b, key);
        struct path inside = {path, {key->as.bytes, key->size}};
        if (token_is(key, "seq") || (is_second && other != NULL)) {
            continue;
        }
        compare(diff, &inside, is_second ? NULL : key + 1, is_second ? key + 1 : other);
    }
}

static void compare_elements(struct diff *diff, const struct path *path, const struct json_token *a,
                             const struct json_token *b, bool is_second)
{
    const struct json_token *at = a + 1;
    for (uint32_t i = 0; i < a->size; i++, at = token_next(at)) {
        char digits[INDEX_SIZE];
        const struct json_token *market =
            at->kind == TOKEN_OBJECT ? fields_find(at, "market") : NULL;
        const struct json_token *other = find_element(b, market, i);
        int size = snprintf(digits, sizeof(digits), "%" PRIu32, i + 1);
        struct path inside = {path, {digits, (uint32_t)size}};
        if (market != NULL && market->kind == TOKEN_STRING) {
            inside.name = (struct bs_text){market->as.bytes, market->size};
        }
        if (!is_second || other == NULL) {
            compare(diff, &inside, is_second ? NULL : at, is_second ? at : other);
        }
    }
}

static void compare(struct diff *diff, const struct path *path, const struct json_token *a,
                    const struct json_token *b)
{
    if (is_container(a) && is_container(b) && a->kind == b->kind) {
        void (*parts)(struct diff *, const struct path *, const struct json_token *,
                      const struct json_token *, bool) =
            a->kind == TOKEN_OBJECT ? compare_members : compare_elements;
        parts(diff, path, a, b, false);
        parts(diff, path, b, a, true);
    } else if (!scalars_equal(a, b)) {
        print_difference(diff, path, a, b);
    }
}

static void on_begin(void *user, bool is_list, size_t count)
{
    (void)user;
    (void)is_list;
    (void)count;
}

struct pair {
    struct diff *diff;
    const struct json_token *a;
};

static bool on_second(void *user, const struct json_token *b)
{
    struct pair *pair = user;
    compare(pair->diff, &(struct path){0}, pair->a, b);
    return true;
}

static bool on_first(void *user, const struct json_token *a)
{
    struct pair *pair = user;
    struct json_sink sink = {.begin = on_begin, .item = on_second, .user = pair};
    pair->a = a;
    bool is_read = json_read_small(&sink, pair->diff->json[1].bytes, pair->diff->json[1].size);
    if (!is_read || sink.tokens.failed) { /* it is JSON: it was printed here */
        state_out_of_memory();
    }
    free(sink.tokens.tokens);
    return true;
}

static void compare_thing(struct diff *diff, struct bs_engine *const engines[2],
                          const struct state_thing things[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        buffer_clear(&diff->json[i]);
        state_json(&diff->json[i], engines[i], &things[i]);
        if (diff->json[i].failed) {
            state_out_of_memory();
        }
    }
    if (diff->json[0].size == diff->json[1].size &&
        memcmp(diff->json[0].bytes, diff->json[1].bytes, diff->json[0].size) == 0) {
        return;
    }
    struct pair pair = {.diff = diff};
    struct json_sink sink = {.begin = on_begin, .item = on_first, .user = &pair};
    diff->thing = &things[0];
    bool is_read = json_read_small(&sink, diff->json[0].bytes, diff->json[0].size);
    if (!is_read || sink.tokens.failed) {
        state_out_of_memory();
    }
    free(sink.tokens.tokens);
}

static void print_only(struct diff *diff, const struct state_thing *thing, char side)
{
    diff->is_different = true;
    print_thing(thing);
    (void)printf(" only in %c\n", side);
}

static void compare_things(struct diff *diff, struct bs_engine *const engines[2])
{
    struct state_thing things[2] = {0};
    bool has[2];
    for (uint32_t i = 0; i < 2; i++) {
        has[i] = state_next(engines[i], &things[i]);
    }
    while (has[0] || has[1]) {
        int order = !has[0] ? 1 : !has[1] ? -1 : state_compare(&things[0], &things[1]);
        if (order == 0) {
            compare_thing(diff, engines, things);
        } else {
            print_only(diff, &things[order > 0], order < 0 ? 'A' : 'B');
        }
        if (order <= 0) {
            has[0] = state_next(engines[0], &things[0]);
        }
        if (order >= 0) {
            has[1] = state_next(engines[1], &things[1]);
        }
    }
}

/* It covers what has no name here, too. */
static void compare_digests(struct diff *diff, struct bs_engine *const engines[2])
{
    struct bs_digest a = bs_engine_digest(engines[0]);
    struct bs_digest b = bs_engine_digest(engines[1]);
    if (memcmp(a.words, b.words, sizeof(a.words)) != 0) {
        diff->is_different = true;
        (void)printf("digest: %016" PRIx64 "%016" PRIx64 " | %016" PRIx64 "%016" PRIx64 "\n",
                     a.words[0], a.words[1], b.words[0], b.words[1]);
    }
}

static int print_diff(struct replay_to sides[2])
{
    struct diff diff = {0};
    struct bs_engine *const engines[2] = {sides[0].executor.engine, sides[1].executor.engine};
    compare_things(&diff, engines);
    compare_digests(&diff, engines);
    buffer_fini(&diff.json[0]);
    buffer_fini(&diff.json[1]);
    if (fflush(stdout) != 0) {
        return OFFLINE_DIFF_FAILED;
    }
    return diff.is_different ? OFFLINE_DIFF_DIFFERENT : EX_OK;
}

int offline_diff(const struct settings *settings, const struct log_moment *a,
                 const struct log_moment *b)
{
    char error[LOG_ERROR_SIZE];
    struct replay_to sides[2] = {0};
    const struct log_moment *const moments[2] = {a, b};
    int status = OFFLINE_DIFF_FAILED;
    int code = 0;
    for (uint32_t i = 0; i < 2 && code == 0; i++) {
        code = replay_to_run(&sides[i], settings, moments[i], NULL, error);
        if (code < 0) {
            (void)fprintf(stderr, "backstopd: %s: %s\n", moments[i]->directory, error);
        }
    }
    if (code == 0) {
        status = print_diff(sides);
    }
    replay_to_fini(&sides[0]);
    replay_to_fini(&sides[1]);
    return status;
}
