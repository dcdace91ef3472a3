/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/ranking.h"

#include "lib/money/money.h"
#include "lib/settlement/layers.h"

int bs_candidate_compare(const struct bs_candidate *a, const struct bs_candidate *b)
{
    if (a->tier != b->tier) {
        return a->tier < b->tier ? -1 : 1;
    }
    int order = bs_compare_products(a->score.numerator, b->score.denominator, b->score.numerator,
                                    a->score.denominator);
    return -order;
}

#define KEY_DIGITS 52 /* binary, behind the first */
#define KEY_BIAS 128  /* scores lie between 2^-127 and 2^127 */
#define KEY_MIDDLE (UINT64_C(1) << 61)

/* The score as exponent and the first digits of a binary fraction, cut off: like a floating point
 * number, but never rounded up or to even, so that the image of a higher score is never lower. */
uint64_t bs_score_key(struct bs_score score)
{
    if (score.numerator == 0) {
        return KEY_MIDDLE;
    }
    bs_u128 magnitude = (bs_u128)bs_abs(score.numerator), rest;
    bs_u128 denominator = (bs_u128)score.denominator;
    int size = bs_bits(denominator), shorter = size - bs_bits(magnitude);
    int shift = KEY_DIGITS + 1 + shorter;
    uint64_t digits;
    if (size + KEY_DIGITS + 1 < 128) {
        magnitude = shift < 0 ? magnitude >> -shift : magnitude << shift;
        digits = (uint64_t)(magnitude / denominator);
    } else { /* then shift > 0 */
        int left = shorter > 0 ? shorter : 0;
        digits = (uint64_t)bs_muldiv_rest(magnitude << left, (bs_u128)1 << (shift - left),
                                          denominator, &rest);
    }
    if (digits >> (KEY_DIGITS + 1) != 0) {
        digits >>= 1;
        shift--;
    }
    uint64_t exponent = (uint64_t)(KEY_BIAS + KEY_DIGITS - shift);
    uint64_t image = exponent << KEY_DIGITS | (digits & ((UINT64_C(1) << KEY_DIGITS) - 1));
    return score.numerator > 0 ? KEY_MIDDLE + image : KEY_MIDDLE - image;
}

void bs_rankings_clear(struct bs_rankings *rankings, uint8_t ranking)
{
    for (uint32_t i = 0; i < rankings->markets_count; i++) {
        rankings->lists[rankings->markets[i]] = (struct bs_ranking_list){0};
    }
    rankings->markets_count = 0;
    rankings->ranked_count = 0;
    rankings->candidates_count = 0;
    rankings->ranking = ranking;
}

void bs_rankings_need(struct bs_rankings *rankings, const struct bs_engine *engine, uint32_t market,
                      uint8_t side)
{
    uint32_t at = market * 2 + side;
    uint32_t room = engine->markets[market].holders[side];
    if (rankings->lists[at].count != 0 || room == 0) {
        return;
    }
    /* `count` is the room until bs_rankings_collect has counted the candidates. */
    rankings->lists[at] = (struct bs_ranking_list){.first = rankings->ranked_count, .count = room};
    rankings->ranked_count += room;
    assert(rankings->ranked_count <= rankings->candidates_max);
    rankings->markets[rankings->markets_count++] = at;
}

/* Net exposure over the pool at most so many ppm of the gross: closing one leg of it would make it
 * riskier. Exposures of all markets add up, with their signs. */
static bool is_hedged(const struct bs_plan *plan, const struct bs_layer *adl, uint32_t account)
{
    if (adl == NULL || !adl->has[BS_OPTION_HEDGED_LAST_PPM]) {
        return false;
    }
    bs_i128 net = 0, gross = 0;
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        bool marked = plan->engine->markets[position.market].has_mark; /* or at entry */
        bs_i128 value = bs_abs(marked ? bs_plan_value(plan, position.market, position.leg.size)
                                      : position.leg.entry);
        gross += value;
        net += position.leg.size > 0 ? value : -value;
    }
    return bs_compare_products(bs_abs(net), BS_PPM, gross,
                               adl->options[BS_OPTION_HEDGED_LAST_PPM]) <= 0;
}

struct bs_score_input bs_score_input_of(const struct bs_market *market,
                                        const struct bs_candidate_terms *terms, uint32_t priority)
{
    return (struct bs_score_input){
        .profit = (bs_i128)terms->value - terms->entry,
        .entry = terms->entry,
        .notional = bs_abs64(terms->value),
        .equity = terms->equity,
        .wallet = terms->wallet,
        .maintenance_ppm = market->maintenance_ppm,
        .value_grows = (terms->lots > 0) == (market->contract == BS_CONTRACT_LINEAR),
        .priority = priority,
    };
}

struct bs_candidate_terms bs_candidate_terms_of(const struct bs_plan *plan, uint32_t account,
                                                bs_i128 equity,
                                                const struct bs_working_position *position)
{
    return (struct bs_candidate_terms){
        .lots = position->leg.size,
        .value = (int64_t)bs_plan_value(plan, position->market, position->leg.size),
        .entry = position->leg.entry,
        .wallet = (int64_t)bs_plan_collateral(plan, account),
        .equity = equity,
    };
}

static uint32_t priority_of(const struct bs_plan *plan, uint32_t account, uint32_t market)
{
    uint32_t row = bs_position_find(plan->engine, account, market);
    return plan->engine->positions.rows[row].priority;
}

struct bs_candidate bs_candidate_of(const struct bs_plan *plan, uint8_t ranking, uint32_t account,
                                    const struct bs_working_position *position,
                                    const struct bs_candidate_terms *terms)
{
    const struct bs_layer *adl = bs_layer_of(plan, BS_LAYER_ADL);
    struct bs_score_input input = bs_score_input_of(&plan->engine->markets[position->market], terms,
                                                    priority_of(plan, account, position->market));
    return (struct bs_candidate){
        .account = account,
        .tier = (uint8_t)((input.profit <= 0) + (is_hedged(plan, adl, account) ? 2 : 0)),
        .score = bs_score_of(ranking, &input),
        .terms = *terms,
    };
}

/* An account whose positions are being ranked. */
struct ranking {
    struct bs_rankings *rankings;
    const struct bs_plan *plan;
    const struct bs_layer *adl; /* or NULL */
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
    uint8_t ranking = r->rankings->ranking;
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
        .wallet = engine->accounts.hot[account].collateral,
        .equity = equity,
    };
}

static struct bs_candidate *new_candidate(struct bs_rankings *rankings, struct bs_ranked *ranked)
{
    assert(rankings->candidates_count < rankings->candidates_max);
    ranked->link = BS_RANKED_ROW | rankings->candidates_count;
    return &rankings->candidates[rankings->candidates_count++];
}

static struct bs_candidate *candidate_of(const struct bs_plan *plan, struct bs_ranked *ranked)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_rankings *rankings = &plan->scratch->rankings;
    if ((ranked->link & BS_RANKED_ROW) != 0) {
        return &rankings->candidates[ranked->link & ~BS_RANKED_ROW];
    }
    /* Rooms may move while a chunk is published; the order within them stays. */
    uint32_t row = engine->accounts.hot[ranked->account].position_at + ranked->link;
    const struct bs_position_row *position = &engine->positions.rows[row];
    struct bs_candidate_terms terms =
        terms_in_engine(engine, ranked->account, row, bs_account_equity(engine, ranked->account));
    struct bs_score_input input =
        bs_score_input_of(&engine->markets[position->market], &terms, position->priority);
    struct bs_candidate *candidate = new_candidate(rankings, ranked);
    *candidate = (struct bs_candidate){
        .account = ranked->account,
        .tier = (uint8_t)(BS_TIERS - 1 - (ranked->key >> 62)),
        .score = bs_score_of(rankings->ranking, &input),
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

static void add_candidate(const struct ranking *r, struct bs_ranking_list *list, uint32_t row,
                          const struct bs_candidate_terms *terms)
{
    const struct bs_position_row *position = &r->plan->engine->positions.rows[row];
    struct bs_score_input input =
        bs_score_input_of(&r->plan->engine->markets[position->market], terms, position->priority);
    uint8_t tier = (uint8_t)((input.profit <= 0) + (r->is_hedged ? 2 : 0));
    list->digest += row_digest(r, tier, terms, position->priority);
    r->rankings->ranked[list->first + list->ranked++] = (struct bs_ranked){
        .key = key_of(r, tier, &input),
        .account = r->account,
        .link = row - r->plan->engine->accounts.hot[r->account].position_at,
    };
}

static void begin_account(struct ranking *r, uint32_t account)
{
    struct bs_text name = bs_account_text(r->plan->engine, account);
    r->account = account;
    r->is_hedged = is_hedged(r->plan, r->adl, account);
    r->name = bs_hash(0, name.bytes, name.size);
    r->equity = bs_plan_equity(r->plan, account);
}

static struct bs_ranking_list *needed_list(struct bs_rankings *rankings, uint32_t market,
                                           int64_t size)
{
    struct bs_ranking_list *list = &rankings->lists[market * 2 + (size < 0)];
    return list->count == 0 ? NULL : list;
}

static void add_account(struct ranking *r, uint32_t account)
{
    const struct bs_engine *engine = r->plan->engine;
    uint32_t first = engine->accounts.hot[account].position_at;
    uint32_t end = first + engine->accounts.hot[account].position_count;
    for (uint32_t row = first; row < end; row++) {
        struct bs_ranking_list *list = needed_list(r->rankings, engine->positions.rows[row].market,
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
 * 0 or above. What it is ranked by stands nowhere but in the plan. */
static void add_changed_account(struct ranking *r, uint32_t account)
{
    const struct bs_plan *plan = r->plan;
    begin_account(r, account);
    for (uint32_t i = 0; r->equity >= 0 && i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        struct bs_ranking_list *list = needed_list(r->rankings, position.market, position.leg.size);
        if (list == NULL) {
            continue;
        }
        struct bs_candidate_terms terms =
            bs_candidate_terms_of(plan, account, r->equity, &position);
        add_candidate(r, list, bs_position_find(plan->engine, account, position.market), &terms);
        *new_candidate(r->rankings, &r->rankings->ranked[list->first + list->ranked - 1]) =
            bs_candidate_of(plan, r->rankings->ranking, account, &position, &terms);
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

/* How often each value of a digit, at bit `shift`, occurs among the keys from `least` on that have
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
    uint32_t above = 0; /* rows that reach least + the digit in hand's range */
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

#define FIRST_PART 256u /* candidates of a list that are sorted at first */

/* Sorts another part of the list, from where it is sorted to: at least as much as before. */
static void sort_more(const struct bs_plan *plan, struct bs_ranking_list *list)
{
    struct bs_rankings *rankings = &plan->scratch->rankings;
    struct bs_ranked *rows = rankings->ranked + list->first + list->ranked;
    uint32_t count = list->count - list->ranked, part = count;
    uint32_t wanted = list->ranked > FIRST_PART ? list->ranked : FIRST_PART;
    if (count > 2 * wanted && !bs_ranking_splits(rankings->ranking)) {
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
}

void bs_rankings_collect(struct bs_rankings *rankings, const struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    struct ranking r = {.rankings = rankings, .plan = plan, .adl = bs_layer_of(plan, BS_LAYER_ADL)};
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
    for (uint32_t i = 0; i < rankings->markets_count; i++) {
        struct bs_ranking_list *list = &rankings->lists[rankings->markets[i]];
        list->count = list->ranked;
        list->ranked = 0;
    }
}

struct bs_candidate *bs_ranking_at(const struct bs_plan *plan, uint32_t market, uint8_t side,
                                   uint32_t rank)
{
    struct bs_rankings *rankings = &plan->scratch->rankings;
    struct bs_ranking_list *list = &rankings->lists[market * 2 + side];
    if (rank >= list->count) {
        return NULL;
    }
    while (list->ranked <= rank) {
        sort_more(plan, list);
    }
    return candidate_of(plan, &rankings->ranked[list->first + rank]);
}

void bs_rankings_keep(const struct bs_plan *plan)
{
    struct bs_rankings *rankings = &plan->scratch->rankings;
    for (uint32_t i = 0; i < rankings->markets_count; i++) {
        const struct bs_ranking_list *list = &rankings->lists[rankings->markets[i]];
        for (uint32_t row = list->first; row < list->first + list->count; row++) {
            (void)candidate_of(plan, &rankings->ranked[row]);
        }
    }
}
