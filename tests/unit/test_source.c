/* SPDX-License-Identifier: Apache-2.0 */
/* Items with a number of their source: random sequences against a list of everything that was ever
 * sent, the bounds, and what a forgotten source leaves behind. */
#include <stdio.h>

#include "tests/unit/engine_fixture.h"
#include "tests/unit/random.h"
#include "tests/unit/unit_main.h"

#define WINDOW 16 /* of the fixture */

/* A transfer to "a" as a feed sends it; an amount of 0 goes to nobody and is refused. */
static enum bs_status send(struct fixture *f, const char *source, uint64_t seq, uint32_t amount)
{
    char sent[32];
    struct bs_command command = {
        .type = BS_COMMAND_TRANSFER, .has_source = true, .source = text(source), .source_seq = seq};
    (void)snprintf(sent, sizeof(sent), "%u", amount);
    command.sent = text(sent); /* stands for the bytes of the record */
    command.as.transfer = (struct bs_transfer_command){
        .account = text(amount == 0 ? "nobody" : "a"), .amount = {(int64_t)amount, 0}};
    return step(f, command);
}

static enum bs_status forget(struct fixture *f, const char *source)
{
    struct bs_command command = {.type = BS_COMMAND_DELETE_SOURCE, .as.name.name = text(source)};
    return step(f, command);
}

static int64_t collateral(const struct fixture *f)
{
    struct bs_account_view view;
    bs_account_view_get(f->engine, bs_account_find(f->engine, text("a")), &view);
    return (int64_t)view.collateral.mantissa;
}

static void begin(struct fixture *f)
{
    const struct bs_layer layer = {.type = BS_LAYER_INSURANCE};
    fixture_init(f, 10, 10);
    ck_assert_int_eq(put_pool(f, "p", 1, &layer), BS_OK);
    ck_assert_int_eq(put_account(f, "a", "p", "0"), BS_OK);
}

struct sent {
    uint32_t amounts[4000];
    enum bs_status statuses[4000];
    uint64_t first;
    uint32_t count;
};

static void send_one(struct fixture *f, const char *source, struct sent *list, int64_t *money)
{
    uint32_t back = random_below(3) == 0 ? random_below(2 * WINDOW + 4) : 0;
    uint32_t ahead = random_below(6) == 0 ? 1 + random_below(5) : 0;
    uint64_t seq =
        list->first + list->count - (list->count == 0 ? 0 : back) + (back == 0 ? ahead : 0);
    uint32_t place = (uint32_t)(seq - list->first);
    bool is_old = seq < list->first + list->count;
    bool is_repeat = is_old && seq >= list->first && random_below(4) != 0;
    uint32_t amount = is_repeat ? list->amounts[place] : random_below(8);
    enum bs_status status = send(f, source, seq, amount);
    if (list->count == 0) {
        list->first = seq; /* any number begins */
        place = 0;
    }
    if (place == list->count && !is_old) {
        ck_assert_int_eq(status, amount == 0 ? BS_UNKNOWN_ACCOUNT : BS_OK);
        list->amounts[list->count] = amount;
        list->statuses[list->count++] = status;
        *money += 100 * (int64_t)amount;
    } else if (!is_old) {
        ck_assert_int_eq(status, BS_SEQUENCE_GAP);
    } else if (seq < list->first || list->count - place > WINDOW ||
               list->amounts[place] != amount) {
        ck_assert_int_eq(status, BS_SEQUENCE_REGRESSION);
    } else {
        ck_assert_int_eq(status, list->statuses[place]);
    }
    ck_assert_int_eq(collateral(f), *money);
}

START_TEST(random_sequences_agree_with_a_list)
{
    static const char *const names[] = {"feed", "feed2", "a"};
    static struct sent lists[3];
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct fixture f;
        int64_t money = 0;
        random_state = seed;
        begin(&f);
        for (int i = 0; i < 3; i++) {
            lists[i] = (struct sent){.first = i == 0 ? 1000 : UINT64_C(1) << (20 * i)};
        }
        for (int round = 0; round < 3000; round++) {
            uint32_t i = random_below(3);
            send_one(&f, names[i], &lists[i], &money);
            struct bs_source_view view;
            ck_assert(bs_source_view_get(f.engine, text(names[i]), &view));
            uint64_t next = lists[i].first + lists[i].count;
            ck_assert_uint_eq(view.next_seq, next);
            ck_assert_uint_eq(view.oldest_seq,
                              lists[i].count > WINDOW ? next - WINDOW : lists[i].first);
        }
        fixture_fini(&f);
    }
}

END_TEST

START_TEST(sources_are_bounded_and_listed_by_name)
{
    struct fixture f;
    char name[8];
    begin(&f);
    for (uint32_t i = 0; i < BS_SOURCES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "s%03u", i * 7 % BS_SOURCES_MAX);
        ck_assert_int_eq(send(&f, name, i, 1), BS_OK);
    }
    ck_assert_int_eq(send(&f, "one more", 1, 1), BS_FULL_SOURCES);
    ck_assert_int_eq(collateral(&f), 100 * (int64_t)BS_SOURCES_MAX);
    struct bs_source_view view = {.source = text("")};
    uint32_t count = 0;
    while (bs_source_after(f.engine, view.source, &view)) {
        (void)snprintf(name, sizeof(name), "s%03u", count++);
        ck_assert(bs_text_equal(view.source, text(name)));
    }
    ck_assert_uint_eq(count, BS_SOURCES_MAX);
    ck_assert_int_eq(forget(&f, "s100"), BS_OK);
    ck_assert_int_eq(forget(&f, "s100"), BS_UNKNOWN_SOURCE);
    ck_assert(!bs_source_view_get(f.engine, text("s100"), &view));
    ck_assert_int_eq(send(&f, "one more", 5, 3), BS_OK); /* in the ring that s100 had */
    ck_assert_int_eq(send(&f, "one more", 5, 3), BS_OK);
    ck_assert_int_eq(send(&f, "one more", 4, 1), BS_SEQUENCE_REGRESSION);
    ck_assert_int_eq(send(&f, "s101", 1000, 1), BS_SEQUENCE_GAP);
    ck_assert_int_eq(collateral(&f), 100 * ((int64_t)BS_SOURCES_MAX + 3));
    fixture_fini(&f);
}

END_TEST

START_TEST(the_digest_holds_what_was_sent)
{
    struct fixture f[3];
    struct bs_digest digests[3];
    for (int i = 0; i < 3; i++) {
        begin(&f[i]);
        digests[i] = bs_engine_digest(f[i].engine);
        ck_assert_int_eq(send(&f[i], i == 1 ? "x" : "y", 1, 0), BS_UNKNOWN_ACCOUNT);
        ck_assert_int_eq(send(&f[i], i == 1 ? "y" : "x", 1, 0), BS_UNKNOWN_ACCOUNT);
    }
    struct bs_digest sent = bs_engine_digest(f[0].engine);
    ck_assert_mem_ne(&sent, &digests[0], sizeof(sent));
    for (int i = 1; i < 3; i++) { /* in which order they came to be known leaves no trace */
        struct bs_digest other = bs_engine_digest(f[i].engine);
        ck_assert_mem_eq(&sent, &other, sizeof(sent));
    }
    ck_assert_int_eq(forget(&f[0], "x"), BS_OK);
    ck_assert_int_eq(forget(&f[0], "y"), BS_OK);
    struct bs_digest empty = bs_engine_digest(f[0].engine);
    ck_assert_mem_eq(&empty, &digests[0], sizeof(empty));
    for (int i = 0; i < 3; i++) {
        fixture_fini(&f[i]);
    }
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("source");
    UNIT_ADD(tests, random_sequences_agree_with_a_list, sources_are_bounded_and_listed_by_name,
             the_digest_holds_what_was_sent);
    return unit_run(tests);
}
