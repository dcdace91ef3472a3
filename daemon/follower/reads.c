/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/follower/reads.h"

#include "daemon/answer/answer.h"

static bool asks_the_same(const struct request *one, const struct request *other)
{
    return one->asks_digest == other->asks_digest && one->asks_size == other->asks_size &&
           memcmp(one->asks, other->asks, one->asks_size) == 0;
}

/* NULL: no answer to it is kept. */
static const struct kept_read *find_kept(const struct reads *reads, uint64_t seq,
                                         const struct request *request)
{
    for (uint32_t i = 0; i < READS_KEPT_MAX; i++) {
        const struct kept_read *kept = &reads->kept[i];
        if (kept->seq == seq && kept->asks_digest == request->asks_digest &&
            kept->asks.size == request->asks_size &&
            memcmp(kept->asks.bytes, request->asks, request->asks_size) == 0) {
            return kept;
        }
    }
    return NULL;
}

/* Whether it costs nothing more than one that waits already. */
static bool is_repeat(const struct reads *reads, const struct request *request)
{
    const struct request *other = reads->waiting.first;
    while (other != NULL && !(other->is_different && asks_the_same(other, request))) {
        other = other->next;
    }
    return other != NULL;
}

static bool has_room(const struct reads *reads, const struct request *request,
                     uint64_t executed_seq)
{
    uint32_t of_client = 0;
    uint32_t ahead = 0;
    for (const struct request *other = reads->waiting.first; other != NULL; other = other->next) {
        of_client += other->is_different && other->client == request->client ? 1 : 0;
        ahead += other->min_seq > executed_seq ? 1 : 0;
    }
    bool is_ahead = request->min_seq > executed_seq;
    return reads->different_count < READS_MAX && of_client < READS_OF_CLIENT_MAX &&
           (!is_ahead || ahead < READS_AHEAD_MAX);
}

bool reads_add(struct reads *reads, struct request *request, uint64_t executed_seq)
{
    assert(request->asks_size > 0);
    request->is_different = request->min_seq > executed_seq || !is_repeat(reads, request);
    if (request->is_different && !has_room(reads, request, executed_seq)) {
        return false;
    }
    reads->different_count += request->is_different ? 1 : 0;
    request_list_append(&reads->waiting, request);
    return true;
}

static uint64_t *turn_of(struct reads *reads, const struct request *request)
{
    return &reads->turns[request->client % READS_CLIENTS];
}

static void note_taken(struct reads *reads, const struct request *request)
{
    reads->different_count -= request->is_different ? 1 : 0;
    *turn_of(reads, request) = ++reads->turns_count;
}

static void remove_read(struct reads *reads, struct request *request)
{
    struct request *next = request_list_take(&reads->waiting);
    while (next != NULL) {
        struct request *other = next;
        next = other->next;
        if (other != request) {
            request_list_append(&reads->waiting, other);
        }
    }
    note_taken(reads, request);
}

/* The oldest one of the client that was served the longest time ago. */
struct request *reads_take(struct reads *reads, uint64_t seq, int64_t now_ms)
{
    struct request *best = NULL;
    for (struct request *other = reads->waiting.first; other != NULL; other = other->next) {
        bool is_due = other->min_seq <= seq || other->until_ms <= now_ms;
        if (is_due && (best == NULL || *turn_of(reads, other) < *turn_of(reads, best))) {
            best = other;
        }
    }
    if (best != NULL) {
        remove_read(reads, best);
    }
    return best;
}

struct request *reads_take_kept(struct reads *reads, uint64_t seq)
{
    struct request_list kept = {0};
    struct request *next = request_list_take(&reads->waiting);
    while (next != NULL) {
        struct request *other = next;
        next = other->next;
        if (other->min_seq <= seq && find_kept(reads, seq, other) != NULL) {
            note_taken(reads, other);
            request_list_append(&kept, other);
        } else {
            request_list_append(&reads->waiting, other);
        }
    }
    return request_list_take(&kept);
}

int64_t reads_due_ms(const struct reads *reads, uint64_t seq)
{
    int64_t due_ms = INT64_MAX;
    for (const struct request *other = reads->waiting.first; other != NULL; other = other->next) {
        int64_t own_ms = other->min_seq <= seq ? INT64_MIN : other->until_ms;
        due_ms = own_ms < due_ms ? own_ms : due_ms;
    }
    return due_ms;
}

uint64_t reads_wanted_seq(const struct reads *reads, uint64_t seq)
{
    uint64_t wanted = 0;
    for (const struct request *other = reads->waiting.first; other != NULL; other = other->next) {
        wanted = other->min_seq <= seq && other->min_seq > wanted ? other->min_seq : wanted;
    }
    return wanted;
}

bool reads_find_kept(const struct reads *reads, uint64_t seq, struct request *request)
{
    const struct kept_read *kept = find_kept(reads, seq, request);
    if (kept != NULL) {
        buffer_append(&request->body, kept->body.bytes, kept->body.size);
        answer_body(request, kept->status, kept->content_type);
    }
    return kept != NULL;
}

void reads_keep(struct reads *reads, uint64_t seq, const struct request *request)
{
    struct kept_read *kept = &reads->kept[reads->kept_next];
    if (request->body.failed || request->body.size > READS_KEPT_SIZE_MAX) {
        return;
    }
    reads->kept_next = (reads->kept_next + 1) % READS_KEPT_MAX;
    buffer_clear(&kept->asks);
    buffer_clear(&kept->body);
    buffer_append(&kept->asks, request->asks, request->asks_size);
    buffer_append(&kept->body, request->body.bytes, request->body.size);
    if (kept->asks.failed || kept->body.failed) { /* then nothing is kept */
        buffer_clear(&kept->asks);
        return;
    }
    kept->asks_digest = request->asks_digest;
    kept->seq = seq;
    kept->status = request->status;
    kept->content_type = request->content_type;
}

void reads_forget(struct reads *reads)
{
    for (uint32_t i = 0; i < READS_KEPT_MAX; i++) {
        buffer_clear(&reads->kept[i].asks);
    }
}

void reads_fini(struct reads *reads)
{
    assert(reads->waiting.first == NULL);
    for (uint32_t i = 0; i < READS_KEPT_MAX; i++) {
        buffer_fini(&reads->kept[i].asks);
        buffer_fini(&reads->kept[i].body);
    }
}
