/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/first_answers.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/book/index.h"

int first_answers_init(struct first_answers *answers, uint32_t count_max, uint64_t seed)
{
    uint32_t slots_count = 1;
    assert(count_max > 0);
    assert(count_max <= 1u << 30);
    while (slots_count < count_max) {
        slots_count *= 2;
    }
    *answers = (struct first_answers){
        .slots = calloc(slots_count, sizeof(struct first_answer *)),
        .slots_mask = slots_count - 1,
        .count_max = count_max,
        .seed = seed,
    };
    return answers->slots == NULL ? -ENOMEM : 0;
}

static void free_answer(struct first_answer *answer)
{
    free(answer->body);
    free(answer);
}

void first_answers_clear(struct first_answers *answers)
{
    for (size_t slot = 0; answers->slots != NULL && slot <= answers->slots_mask; slot++) {
        while (answers->slots[slot] != NULL) {
            struct first_answer *answer = answers->slots[slot];
            answers->slots[slot] = answer->chained;
            free_answer(answer);
        }
    }
    answers->oldest = answers->newest = NULL;
    answers->count = 0;
    answers->bytes = 0;
}

void first_answers_fini(struct first_answers *answers)
{
    first_answers_clear(answers);
    free(answers->slots);
    *answers = (struct first_answers){0};
}

static uint64_t hash_of(const struct first_answers *answers,
                        const struct bs_request_command *request)
{
    uint64_t hash = bs_hash(answers->seed, request->caller.bytes, request->caller.size);
    return bs_hash(hash, request->key.bytes, request->key.size);
}

static bool is_of(const struct first_answer *answer, const struct bs_request_command *request)
{
    const char *key = answer->names + answer->caller_size;
    return bs_text_equal((struct bs_text){answer->names, answer->caller_size}, request->caller) &&
           bs_text_equal((struct bs_text){key, answer->key_size}, request->key);
}

struct first_answer *first_answers_find(const struct first_answers *answers,
                                        const struct bs_request_command *request)
{
    uint64_t hash = hash_of(answers, request);
    struct first_answer *answer = answers->slots[hash & answers->slots_mask];
    while (answer != NULL && !(answer->hash == hash && is_of(answer, request))) {
        answer = answer->chained;
    }
    return answer;
}

struct first_answer *first_answers_add(struct first_answers *answers,
                                       const struct bs_request_command *request, size_t body_room)
{
    struct bs_text caller = request->caller;
    struct bs_text key = request->key;
    assert(key.size > 0);
    assert(body_room > 0);
    assert(body_room <= UINT32_MAX);
    struct first_answer *answer = malloc(sizeof(*answer) + caller.size + key.size);
    char *body = malloc(body_room);
    if (answer == NULL || body == NULL) {
        free(answer);
        free(body);
        return NULL;
    }
    uint64_t hash = hash_of(answers, request);
    struct first_answer **slot = &answers->slots[hash & answers->slots_mask];
    *answer = (struct first_answer){
        .chained = *slot,
        .hash = hash,
        .body = body,
        .body_room = (uint32_t)body_room,
        .caller_size = caller.size,
        .key_size = key.size,
    };
    memcpy(answer->fingerprint, request->fingerprint, sizeof(answer->fingerprint));
    if (caller.size > 0) {
        memcpy(answer->names, caller.bytes, caller.size);
    }
    memcpy(answer->names + caller.size, key.bytes, key.size);
    *slot = answer;
    return answer;
}

bool first_answers_grow(struct first_answer *answer, size_t body_room)
{
    char *body = body_room <= answer->body_room ? answer->body : realloc(answer->body, body_room);
    if (body == NULL) {
        return false;
    }
    answer->body = body;
    answer->body_room = (uint32_t)(body_room > answer->body_room ? body_room : answer->body_room);
    return true;
}

static void unchain(struct first_answers *answers, const struct first_answer *answer)
{
    struct first_answer **link = &answers->slots[answer->hash & answers->slots_mask];
    while (*link != answer) {
        link = &(*link)->chained;
    }
    *link = answer->chained;
}

void first_answers_drop(struct first_answers *answers, struct first_answer *answer)
{
    assert(answer->status == 0);
    unchain(answers, answer);
    free_answer(answer);
}

static void forget_oldest(struct first_answers *answers)
{
    struct first_answer *answer = answers->oldest;
    unchain(answers, answer);
    answers->oldest = answer->newer;
    answers->count--;
    answers->bytes -= answer->body_size;
    free_answer(answer);
}

void first_answers_finish(struct first_answers *answers, struct first_answer *answer, int status,
                          const struct buffer *body)
{
    assert(answer->status == 0);
    assert(status > 0);
    assert(body->size > 0);
    assert(body->size <= answer->body_room);
    answer->status = status;
    answer->body_size = (uint32_t)body->size;
    memcpy(answer->body, body->bytes, body->size);
    char *shrunk = realloc(answer->body, body->size);
    answer->body = shrunk != NULL ? shrunk : answer->body;
    if (answers->oldest == NULL) {
        answers->oldest = answer;
    } else {
        answers->newest->newer = answer;
    }
    answers->newest = answer;
    answers->count++;
    answers->bytes += answer->body_size;
    while (answers->count > answers->count_max ||
           (answers->bytes > FIRST_ANSWERS_BYTES_MAX && answers->count > 1)) {
        forget_oldest(answers);
    }
}
