/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/costly_reads.h"

#include "daemon/answer/answer.h"
#include "daemon/core/internal.h"

#define READS_NS 1000000 /* of a turn */

static bool asks_the_same(const struct request *one, const struct request *other)
{
    return one->asks_size == other->asks_size &&
           memcmp(one->asks, other->asks, one->asks_size) == 0;
}

static bool is_asked_already(const struct costly_reads *reads, const struct request *request)
{
    for (const struct request *other = reads->waiting.first; other != NULL; other = other->next) {
        if (other->is_different && asks_the_same(other, request)) {
            return true;
        }
    }
    return false;
}

void costly_reads_add(struct core *core, struct request *request)
{
    struct costly_reads *reads = &core->costly_reads;
    assert(request->asks_size > 0);
    request->is_different = !is_asked_already(reads, request);
    if (request->is_different && reads->different_count == COSTLY_READS_MAX) {
        queue_done(&core->queue, request);
        counter_add(&core->counters.reads_refused, 1);
        answer_problem(request, BS_OVERLOADED, "too many reads of many accounts are waiting");
        request->done(request);
        return;
    }
    reads->different_count += request->is_different;
    request_list_append(&reads->waiting, request);
}

static void answer(struct core *core, struct request *request)
{
    core->costly_reads.different_count -= request->is_different;
    queue_done(&core->queue, request);
    request->done(request);
}

static const struct kept_read *find_kept(const struct costly_reads *reads, uint64_t seq,
                                         const struct request *request)
{
    for (uint32_t i = 0; i < KEPT_READS_MAX; i++) {
        const struct kept_read *kept = &reads->kept[i];
        if (kept->seq == seq && kept->asks.size == request->asks_size &&
            memcmp(kept->asks.bytes, request->asks, request->asks_size) == 0) {
            return kept;
        }
    }
    return NULL;
}

/* Answers every read whose answer is kept. */
static void answer_kept(struct core *core)
{
    struct costly_reads *reads = &core->costly_reads;
    struct request *next = request_list_take(&reads->waiting);
    while (next != NULL) {
        struct request *request = next;
        next = request->next;
        const struct kept_read *kept = find_kept(reads, core->executor.seq, request);
        if (kept == NULL) {
            request_list_append(&reads->waiting, request);
            continue;
        }
        buffer_append(&request->body, kept->body.bytes, kept->body.size);
        answer_body(request, kept->status, kept->content_type);
        counter_add(&core->counters.reads_shared, 1);
        answer(core, request);
    }
}

static void keep(struct costly_reads *reads, uint64_t seq, const struct request *request)
{
    struct kept_read *kept = &reads->kept[reads->kept_next];
    reads->kept_next = (reads->kept_next + 1) % KEPT_READS_MAX;
    buffer_clear(&kept->asks);
    buffer_clear(&kept->body);
    buffer_append(&kept->asks, request->asks, request->asks_size);
    buffer_append(&kept->body, request->body.bytes, request->body.size);
    kept->seq = seq;
    kept->status = request->status;
    kept->content_type = request->content_type;
}

static void run_first(struct core *core)
{
    struct costly_reads *reads = &core->costly_reads;
    struct request *request = request_list_remove(&reads->waiting);
    uint64_t start_ns = uv_hrtime();
    request->query(request, core, core->executor.engine);
    keep(reads, core->executor.seq, request);
    answer(core, request);
    uint64_t took_ns = uv_hrtime() - start_ns;
    reads->longest_ns = took_ns > reads->longest_ns / 2 ? took_ns : reads->longest_ns / 2;
    reads->ticks_count = core->ticks_count;
}

/* A tick wakes them. */
static bool must_wait(const struct core *core)
{
    const struct costly_reads *reads = &core->costly_reads;
    uint64_t due_ns = counter_get(&core->counters.tick_ns);
    bool has_run = reads->ticks_count == core->ticks_count;
    bool delays = due_ns != 0 && uv_hrtime() + reads->longest_ns > due_ns;
    return core->is_settling || (has_run && delays);
}

void costly_reads_run(struct core *core)
{
    struct costly_reads *reads = &core->costly_reads;
    uint64_t end_ns = uv_hrtime() + READS_NS;
    assert(!core->executor.effects.more);
    while (reads->waiting.first != NULL) {
        answer_kept(core);
        if (reads->waiting.first == NULL || must_wait(core)) {
            return;
        }
        if (uv_hrtime() > end_ns) {
            (void)uv_async_send(&core->wake);
            return;
        }
        run_first(core);
    }
}

void costly_reads_fini(struct costly_reads *reads)
{
    for (uint32_t i = 0; i < KEPT_READS_MAX; i++) {
        buffer_fini(&reads->kept[i].asks);
        buffer_fini(&reads->kept[i].body);
    }
}
