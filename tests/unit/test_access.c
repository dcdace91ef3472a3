/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: lines of the keys file mean exactly one thing, keys are found by their whole text only, and
 * rates are exact. Method: tables of lines; a bucket beside one that is computed with fractions.
 */
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/access/keys.h"
#include "tests/unit/unit_main.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
/* Of "abc": FIPS 180-2, appendix B.1. */
#define HASH_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct bs_text text_of(const char *text)
{
    return (struct bs_text){text, (uint32_t)strlen(text)};
}

START_TEST(lines_come_back_as_they_were)
{
    static const char *const rows[] = {
        "feed1 feed sha256:" HASH_ABC "\n",
        "a.b_c-D read sha256:" ZEROS " requests=1 items=1000000000\n",
        "desk ops,read cert:desk.venue.example\n",
        "all feed,ops,read cert:CN items=7\n",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct key_line line;
        struct buffer out = {0};
        struct bs_text text = {rows[i], (uint32_t)strlen(rows[i]) - 1};
        ck_assert_ptr_null(key_line_parse(&line, text));
        key_line_print(&out, &line);
        ck_assert_msg(out.size == text.size + 1 && memcmp(out.bytes, rows[i], out.size) == 0, "%s",
                      rows[i]);
        buffer_fini(&out);
    }
}

END_TEST

START_TEST(lines_that_are_refused)
{
    static const char *const bad[] = {
        "feed1",
        "feed1 feed",
        "feed1 feed sha256:",
        "feed1 feed sha256:0" ZEROS,
        "feed1 feed sha512:" ZEROS,
        "feed1 feed SHA256:" ZEROS,
        "feed1 feed cert:",
        "feed1 feed cert:desk\x01",
        "feed1 feed cert:desk\x7f",
        "feed1 sha256:" ZEROS,
        "feed1 Feed sha256:" ZEROS,
        "feed1 feed,feed sha256:" ZEROS,
        "feed1 feed, sha256:" ZEROS,
        "feed1 ,feed sha256:" ZEROS,
        "feed1 feed,,read sha256:" ZEROS,
        "fe/ed feed sha256:" ZEROS,
        "\"feed\" feed sha256:" ZEROS,
        "feed1 feed sha256:" ZEROS " requests=",
        "feed1 feed sha256:" ZEROS " requests=0",
        "feed1 feed sha256:" ZEROS " requests=-1",
        "feed1 feed sha256:" ZEROS " requests=1000000001",
        "feed1 feed sha256:" ZEROS " requests=99999999999999999999999",
        "feed1 feed sha256:" ZEROS " requests=1 requests=1",
        "feed1 feed sha256:" ZEROS " requests=1/s",
        "feed1 feed sha256:" ZEROS " more",
    };

    struct key_line line;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(key_line_parse(&line, text_of(bad[i])) != NULL, "%s", bad[i]);
    }
    static const char *const silent[] = {"", " ", "\t\r", "#", "# feed1 feed", "  # x"};
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        ck_assert_ptr_null(key_line_parse(&line, text_of(silent[i])));
        ck_assert_str_eq(line.name, "");
    }
}

END_TEST

START_TEST(ops_can_read)
{
    uint8_t roles = 0;
    ck_assert(key_roles_parse(text_of("ops"), &roles));
    ck_assert_uint_eq(roles, ROLE_OPS | ROLE_READ);
    ck_assert(key_roles_parse(text_of("feed"), &roles));
    ck_assert_uint_eq(roles, ROLE_FEED);
    ck_assert(key_roles_parse(text_of("read,feed"), &roles));
    ck_assert_uint_eq(roles, ROLE_FEED | ROLE_READ);
}

END_TEST

static struct keys *load(const char *text, struct buffer *problems)
{
    char path[] = "/tmp/backstop-keys-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct keys *keys = keys_load(path, 0, problems);
    unlink(path);
    return keys;
}

START_TEST(keys_are_found_by_their_whole_text)
{
    struct buffer problems = {0};
    struct keys *keys = load("first feed sha256:" ZEROS "\n"
                             "abc read sha256:" HASH_ABC "\n"
                             "desk ops cert:abc",
                             &problems);
    ck_assert_ptr_nonnull(keys);
    ck_assert_uint_eq(keys->count, 3);
    ck_assert_str_eq(keys_find(keys, text_of("abc"))->line.name, "abc");
    static const char *const wrong[] = {"", "ab", "abcd", "Abc", "abc ", HASH_ABC, ZEROS};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(keys_find(keys, text_of(wrong[i])) == NULL, "%s", wrong[i]);
    }
    ck_assert_str_eq(keys_find_subject(keys, "abc")->line.name, "desk");
    ck_assert_ptr_null(keys_find_subject(keys, "ABC"));
    ck_assert_str_eq(keys_find_name(keys, "first")->line.name, "first");
    ck_assert_ptr_null(keys_find_name(keys, ""));
    keys_free(keys);
    ck_assert_uint_eq(problems.size, 0);
}

END_TEST

/* Also a certificate's line must not be found by the key whose hash is all zeros, which it has. */
static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The shortest of many, which other work on the machine cannot change. */
static int64_t find_ns(struct keys *keys, const char *key)
{
    int64_t shortest = INT64_MAX;
    for (int i = 0; i < 3000; i++) {
        int64_t started = now_ns();
        const struct access_key *found = keys_find(keys, text_of(key));
        int64_t took = now_ns() - started;
        ck_assert_int_eq(found != NULL, key[0] == 'k');
        shortest = took < shortest ? took : shortest;
    }
    return shortest;
}

/* The first key, the last and none take the same time: a comparison that stops at the first that fits, or at
 * the first byte that does not, is off by a factor of ten with so many keys. */
START_TEST(how_long_it_takes_says_nothing)
{
    struct buffer text = {0};
    struct buffer problems = {0};
    struct key_line line = {.roles = ROLE_READ};
    for (int i = 0; i < KEYS_MAX; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        snprintf(line.name, sizeof(line.name), "%s", key);
        gnutls_hash_fast(GNUTLS_DIG_SHA256, key, strlen(key), line.hash);
        key_line_print(&text, &line);
    }
    struct keys *keys = load(text.bytes, &problems);
    ck_assert_msg(keys != NULL, "%s", problems.bytes);
    int64_t first = find_ns(keys, "k0");
    int64_t last = find_ns(keys, "k1023");
    int64_t none = find_ns(keys, "none");
    ck_assert_msg(first < 2 * last && last < 2 * first, "first %ld ns, last %ld ns", (long)first,
                  (long)last);
    ck_assert_msg(first < 2 * none && none < 2 * first, "first %ld ns, none %ld ns", (long)first,
                  (long)none);
    if (getenv("BACKSTOP_TEST_FIGURES") != NULL) {
        printf("of 1024 keys: first %ld ns, last %ld ns, none %ld ns\n", (long)first, (long)last,
               (long)none);
    }
    keys_free(keys);
    buffer_fini(&text);
}

END_TEST

START_TEST(all_mistakes_are_told_at_once)
{
    struct buffer problems = {0};
    ck_assert_ptr_null(load("a feed\n\nb feed cert:x\nb read cert:y\nc read cert:x\n", &problems));
    const char *lines[] = {":1: the third word", ":4: the name is used twice",
                           ":5: the credential is used twice"};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_msg(strstr(problems.bytes, lines[i]) != NULL, "%s", problems.bytes);
    }
    buffer_fini(&problems);
}

END_TEST

/* Against fractions of a token, for random takes and pauses. */
START_TEST(buckets_are_exact)
{
    uint32_t seed = 7;
    for (uint32_t rate = 1; rate < 3000; rate = rate * 3 + 1) {
        struct bucket bucket;
        int64_t now_ms = 1000;
        double level = rate;
        bucket_init(&bucket, rate, now_ms);
        for (int i = 0; i < 2000; i++) {
            seed = seed * 1664525u + 1013904223u;
            uint32_t pause_ms = seed >> 22;
            uint32_t count = (seed >> 12 & 1023) % (rate + 2);
            now_ms += pause_ms;
            level += (double)pause_ms * rate / 1000;
            level = level > rate ? rate : level;
            bucket_fill(&bucket, now_ms);
            ck_assert_double_eq_tol((double)bucket.level / 1000, level, 1e-6);
            int64_t wait_ms = bucket_wait_ms(&bucket);
            ck_assert(wait_ms == 0 ? bucket.level >= 1000 : bucket.level < 1000);
            ck_assert(bucket.level + wait_ms * rate >= 1000);
            ck_assert(wait_ms == 0 || bucket.level + (wait_ms - 1) * rate < 1000);
            bucket_take(&bucket, count);
            level -= count;
        }
        ck_assert_int_ge(bucket_full_s(&bucket), 0);
    }
    struct bucket unlimited;
    bucket_init(&unlimited, 0, 0);
    bucket_take(&unlimited, 1000000);
    bucket_fill(&unlimited, INT64_MAX / 2);
    ck_assert_int_eq(bucket_wait_ms(&unlimited), 0);
    struct bucket fast;
    bucket_init(&fast, KEY_RATE_MAX, 0);
    for (int i = 0; i < 100; i++) {
        bucket_take(&fast, UINT32_MAX);
    }
    bucket_fill(&fast, INT64_MAX / 2);
    ck_assert_int_eq(fast.level, (int64_t)KEY_RATE_MAX * 1000);
}

END_TEST

START_TEST(reload_keeps_the_rates)
{
    struct buffer problems = {0};
    struct keys *before = load("a feed cert:x items=10\nb feed cert:y items=10\n", &problems);
    struct keys *after =
        load("b feed cert:y items=20\na read cert:z items=10\nc feed cert:w\n", &problems);
    bucket_take(&before->items[0].items, 50);
    bucket_take(&before->items[1].items, 50);
    keys_inherit(after, before);
    ck_assert_int_eq(keys_find_name(after, "a")->items.level, -40000);
    ck_assert_int_eq(keys_find_name(after, "b")->items.level, 20000);
    keys_free(before);
    keys_free(after);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("access");
    UNIT_ADD(tests, lines_come_back_as_they_were, lines_that_are_refused, ops_can_read,
             keys_are_found_by_their_whole_text, how_long_it_takes_says_nothing,
             all_mistakes_are_told_at_once, buckets_are_exact, reload_keeps_the_rates);
    return unit_run(tests);
}
