/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/queue.h"

#include "lib/book/accounts.h"
#include "lib/book/names.h"
#include "lib/money/money.h"
#include "lib/settlement/plan.h"

void bs_queues_clear(struct bs_queues *queues, uint8_t ranking)
{
    for (uint32_t i = 0; i < queues->markets_count; i++) {
        queues->lists[queues->markets[i]] = (struct bs_queue){0};
    }
    queues->markets_count = 0;
    queues->ranked_count = 0;
    queues->candidates_count = 0;
    queues->ranking = ranking;
}

void bs_queues_need(struct bs_queues *queues, const struct bs_engine *engine, uint32_t market,
                    uint8_t side)
{
    uint32_t at = market * 2 + side;
    uint32_t room = engine->markets[market].holders[side];
    if (queues->lists[at].count != 0 || room == 0) {
        return;
    }
    /* `count` is the room until bs_queues_collect has counted the candidates. */
    queues->lists[at] = (struct bs_queue){.first = queues->ranked_count, .count = room};
    queues->ranked_count += room;
    assert(queues->ranked_count <= queues->candidates_max);
    queues->markets[queues->markets_count++] = at;
}

/* An account whose positions are being ranked. */
struct ranking {
    struct bs_queues *queues;
    const struct bs_plan *plan;
    uint32_t account;
    bool is_hedged;
    uint64_t name; /* hashed */
    bs_i128 equity;
};

/* One candidate in the digest of its list: everything that its place follows from. */
static uint64_t row_digest(const struct ranking *r, uint8_t tier,
                           const struct bs_candidate_terms *terms, uint32_t priority)
{
    bool isolated = bs_account_owner(r->plan->engine, r->account) != r->account;
    const uint64_t words[] = {
        r->name,
        tier + (isolated ? UINT64_C(256) : 0),
        (uint64_t)terms->lots,
        (uint64_t)terms->value,
        (uint64_t)terms->entry,
        (uint64_t)terms->wallet,
        (uint64_t)terms->equity,
        (uint64_t)((bs_u128)terms->equity >> 64),
        priority,
    };
    return bs_hash(0, words, sizeof words);
}

/* Where nothing but the id orders the candidates of a tier, the key is its place. */
static uint64_t key_of(const struct ranking *r, uint8_t tier, const struct bs_score_input *input)
{
    uint8_t ranking = r->queues->ranking;
    uint64_t key = bs_ranking_splits(ranking)
                       ? UINT32_MAX - r->plan->engine->accounts.cold[r->account].rank
                       : bs_score_key(bs_score_of(ranking, input));
    return (uint64_t)(BS_TIERS - 1 - tier) << 62 | key;
}

static struct bs_candidate_terms terms_in_engine(const struct bs_engine *engine, uint32_t account,
                                                 uint32_t row, bs_i128 equity)
{
    const struct bs_position_row *position = &engine->positions.rows[row];
    return (struct bs_candidate_terms){
        .lots = position->size,
        .value = (int64_t)bs_market_value(&engine->markets[position->market], position->size),
        .entry = position->entry,
        .wallet = bs_account_cash(engine, account),
        .equity = equity,
    };
}

static struct bs_candidate *new_candidate(struct bs_queues *queues, struct bs_ranked *ranked)
{
    assert(queues->candidates_count < queues->candidates_max);
    ranked->link = BS_RANKED_ROW | queues->candidates_count;
    return &queues->candidates[queues->candidates_count++];
}

static struct bs_candidate *candidate_of(const struct bs_plan *plan, struct bs_ranked *ranked)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_queues *queues = plan->queues;
    if ((ranked->link & BS_RANKED_ROW) != 0) {
        return &queues->candidates[ranked->link & ~BS_RANKED_ROW];
    }
    /* Rooms may move while a chunk is applied; the order within them stays. */
    uint32_t row = engine->accounts.hot[ranked->account].position_at + ranked->link;
    const struct bs_position_row *position = &engine->positions.rows[row];
    struct bs_candidate_terms terms =
        terms_in_engine(engine, ranked->account, row, bs_account_equity(engine, ranked->account));
    struct bs_score_input input =
        bs_score_input_of(&engine->markets[position->market], &terms, position->priority);
    struct bs_candidate *candidate = new_candidate(queues, ranked);
    *candidate = (struct bs_candidate){
        .account = ranked->account,
        .tier = (uint8_t)(BS_TIERS - 1 - (ranked->key >> 62)),
        .score = bs_score_of(queues->ranking, &input),
        .terms = terms,
    };
    return candidate;
}

/* < 0 when a comes before b. */
static int compare(const struct bs_plan *plan, struct bs_ranked *a, struct bs_ranked *b)
{
    if (a->key != b->key) {
        return a->key > b->key ? -1 : 1;
    }
    int order = bs_candidate_compare(candidate_of(plan, a), candidate_of(plan, b));
    if (order != 0) {
        return order;
    }
    const struct bs_account_cold *cold = plan->engine->accounts.cold;
    return cold[a->account].rank < cold[b->account].rank ? -1 : 1;
}

static void add_candidate(const struct ranking *r, struct bs_queue *list, uint32_t row,
                          const struct bs_candidate_terms *terms)
{
    const struct bs_position_row *position = &r->plan->engine->positions.rows[row];
    struct bs_score_input input =
        bs_score_input_of(&r->plan->engine->markets[position->market], terms, position->priority);
    uint8_t tier = (uint8_t)((input.profit <= 0) + (r->is_hedged ? 2 : 0));
    list->digest += row_digest(r, tier, terms, position->priority);
    r->queues->ranked[list->first + list->ranked++] = (struct bs_ranked){
        .key = key_of(r, tier, &input),
        .account = r->account,
        .link = row - r->plan->engine->accounts.hot[r->account].position_at,
    };
}

static void begin_account(struct ranking *r, uint32_t account)
{
    struct bs_text name = bs_account_text(r->plan->engine, account);
    r->account = account;
    r->is_hedged = bs_candidate_is_hedged(r->plan, account);
    r->name = bs_hash(0, name.bytes, name.size);
    r->equity = bs_plan_equity(r->plan, account);
}

static struct bs_queue *needed_list(struct bs_queues *queues, uint32_t market, int64_t size)
{
    struct bs_queue *list = &queues->lists[market * 2 + (size < 0)];
    return list->count == 0 ? NULL : list;
}

static void add_account(struct ranking *r, uint32_t account)
{
    const struct bs_engine *engine = r->plan->engine;
    uint32_t first = engine->accounts.hot[account].position_at;
    uint32_t end = first + engine->accounts.hot[account].position_count;
    for (uint32_t row = first; row < end; row++) {
        struct bs_queue *list = needed_list(r->queues, engine->positions.rows[row].market,
                                            engine->positions.rows[row].size);
        if (list == NULL) {
            continue;
        }
        if (r->account != account) {
            begin_account(r, account);
        }
        if (r->equity < 0) {
            return;
        }
        struct bs_candidate_terms terms = terms_in_engine(engine, account, row, r->equity);
        add_candidate(r, list, row, &terms);
    }
}

/* An account that this settlement has changed before it ranks: by netting, which may leave one at
 * 0 or above. Its figures are in the plan alone. */
static void add_changed_account(struct ranking *r, uint32_t account)
{
    const struct bs_plan *plan = r->plan;
    begin_account(r, account);
    for (uint32_t i = 0; r->equity >= 0 && i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        struct bs_queue *list = needed_list(r->queues, position.market, position.leg.size);
        if (list == NULL) {
            continue;
        }
        struct bs_candidate_terms terms =
            bs_candidate_terms_of(plan, account, r->equity, &position);
        add_candidate(r, list, bs_position_find(plan->engine, account, position.market), &terms);
        *new_candidate(r->queues, &r->queues->ranked[list->first + list->ranked - 1]) =
            bs_candidate_of(plan, r->queues->ranking, account, &position, &terms);
    }
}

/* A binary heap with the candidate that comes last at its root. */
static void sift(const struct bs_plan *plan, struct bs_ranked *heap, uint32_t root, uint32_t count)
{
    struct bs_ranked moved = heap[root];
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(plan, &heap[child + 1], &heap[child]) > 0) {
            child++;
        }
        if (compare(plan, &moved, &heap[child]) >= 0) {
            break;
        }
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

static void sort(const struct bs_plan *plan, struct bs_ranked *rows, uint32_t count)
{
    for (uint32_t root = count / 2; root-- > 0;) {
        sift(plan, rows, root, count);
    }
    for (uint32_t end = count; end-- > 1;) {
        struct bs_ranked last = rows[0];
        rows[0] = rows[end];
        rows[end] = last;
        sift(plan, rows, 0, end);
    }
}

#define DIGIT_BITS 8

/* Counts how often each value of a digit, at bit `shift`, occurs among the keys from `least` on that have
 * no higher bit in which they differ from it. */
static void count_digits(const struct bs_ranked *rows, uint32_t count, uint64_t least, int shift,
                         uint32_t counts[1 << DIGIT_BITS])
{
    memset(counts, 0, sizeof(uint32_t) << DIGIT_BITS);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t digit = (rows[i].key - least) >> shift;
        if (rows[i].key >= least && digit >> DIGIT_BITS == 0) {
            counts[digit]++;
        }
    }
}

/* A key that `wanted` or somewhat more of the rows reach; all, when many are equal. Found digit by
 * digit from the highest on: no order of the rows makes it slow. */
static uint64_t threshold(const struct bs_ranked *rows, uint32_t count, uint32_t wanted)
{
    uint32_t counts[1 << DIGIT_BITS];
    uint64_t least = 0;
    uint32_t above = 0; /* rows above the range of the current digit */
    for (int shift = 64 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
        count_digits(rows, count, least, shift, counts);
        uint32_t digit = 1 << DIGIT_BITS;
        while (above + counts[digit - 1] < wanted) {
            above += counts[--digit];
        }
        least += (uint64_t)(digit - 1) << shift;
        if (above + counts[digit - 1] <= 2 * wanted) {
            break;
        }
    }
    return least;
}

#define FIRST_PART 256u /* candidates of a queue that are sorted at first */

/* Sorts another part of the list, from where it is sorted to: at least as much as before. */
static void sort_more(const struct bs_plan *plan, struct bs_queue *list)
{
    struct bs_queues *queues = plan->queues;
    struct bs_ranked *rows = queues->ranked + list->first + list->ranked;
    uint32_t count = list->count - list->ranked, part = count;
    uint32_t wanted = list->ranked > FIRST_PART ? list->ranked : FIRST_PART;
    if (count > 2 * wanted && !bs_ranking_splits(queues->ranking)) {
        uint64_t least = threshold(rows, count, wanted);
        part = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (rows[i].key >= least) {
                struct bs_ranked moved = rows[i];
                rows[i] = rows[part];
                rows[part++] = moved;
            }
        }
    }
    sort(plan, rows, part);
    list->ranked += part;
    assert(part > 0);
    assert(list->ranked <= list->count);
}

void bs_queues_collect(struct bs_queues *queues, const struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    struct ranking r = {.queues = queues, .plan = plan};
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        if (account == pool->backstop) {
            continue;
        }
        if (bs_plan_changes(plan, account) == 0) {
            add_account(&r, account);
        } else {
            add_changed_account(&r, account);
        }
    }
    for (uint32_t i = 0; i < queues->markets_count; i++) {
        struct bs_queue *list = &queues->lists[queues->markets[i]];
        assert(list->ranked <= list->count);
        list->count = list->ranked;
        list->ranked = 0;
    }
}

struct bs_candidate *bs_queue_at(const struct bs_plan *plan, uint32_t market, uint8_t side,
                                 uint32_t rank)
{
    struct bs_queues *queues = plan->queues;
    struct bs_queue *list = &queues->lists[market * 2 + side];
    if (rank >= list->count) {
        return NULL;
    }
    while (list->ranked <= rank) {
        sort_more(plan, list);
    }
    return candidate_of(plan, &queues->ranked[list->first + rank]);
}

void bs_queues_keep(const struct bs_plan *plan)
{
    struct bs_queues *queues = plan->queues;
    for (uint32_t i = 0; i < queues->markets_count; i++) {
        const struct bs_queue *list = &queues->lists[queues->markets[i]];
        for (uint32_t row = list->first; row < list->first + list->count; row++) {
            (void)candidate_of(plan, &queues->ranked[row]);
        }
    }
}
