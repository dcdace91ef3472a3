/* SPDX-License-Identifier: Apache-2.0 */
/* What others want of the second block: copies of it, and answers from it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/answer/answer.h"
#include "daemon/follower/internal.h"

#define SERVE_MS 20 /* of reads, between two looks at the log */

/* ---- lends ---- */

static void finish_lend(struct follower *follower, struct lend *lend, int code)
{
    (void)pthread_mutex_lock(&follower->mutex);
    lend->code = code;
    lend->is_done = true;
    (void)pthread_cond_broadcast(&follower->lent);
    (void)pthread_mutex_unlock(&follower->mutex);
}

bool follower_cannot_serve(const struct follower *follower)
{
    return atomic_load(&follower->stop) || !follower->is_open || follower->is_doubted;
}

/* Takes one that can be served or refused now; NULL: none. */
static struct lend *take_lend(struct follower *follower)
{
    bool refuses = follower_cannot_serve(follower);
    (void)pthread_mutex_lock(&follower->mutex);
    struct lend **at = &follower->lends;
    while (*at != NULL && !refuses && (*at)->seq > block_seq(&follower->block)) {
        at = &(*at)->next;
    }
    struct lend *lend = *at;
    if (lend != NULL) {
        *at = lend->next;
    }
    (void)pthread_mutex_unlock(&follower->mutex);
    return lend;
}

void follower_serve_lends(struct follower *follower)
{
    for (struct lend *lend = take_lend(follower); lend != NULL; lend = take_lend(follower)) {
        if (atomic_load(&follower->stop)) {
            finish_lend(follower, lend, -ECANCELED);
        } else if (follower_cannot_serve(follower)) {
            finish_lend(follower, lend, -EIO);
        } else {
            view_take(lend->view, &follower->block);
            finish_lend(follower, lend, 0);
        }
    }
}

/* False: it was given back already. */
static bool withdraw(struct follower *follower, const struct lend *lend)
{
    for (struct lend **at = &follower->lends; *at != NULL; at = &(*at)->next) {
        if (*at == lend) {
            *at = lend->next;
            return true;
        }
    }
    return false;
}

int follower_lend(struct follower *follower, uint64_t seq, const struct block_limit *limit,
                  struct view *view)
{
    struct timespec until = {.tv_sec = limit->until_ms / 1000,
                             .tv_nsec = limit->until_ms % 1000 * 1000000};
    (void)pthread_mutex_lock(&follower->mutex);
    struct lend lend = {.next = follower->lends, .seq = seq, .view = view, .code = -ECANCELED};
    if (!atomic_load(&follower->stop)) {
        follower->lends = &lend;
        (void)pthread_cond_signal(&follower->changed);
        while (!lend.is_done) {
            int code = pthread_cond_timedwait(&follower->lent, &follower->mutex, &until);
            bool is_canceled = limit->stop != NULL && atomic_load(limit->stop);
            if ((code != 0 || is_canceled) && !lend.is_done && withdraw(follower, &lend)) {
                lend.code = is_canceled ? -ECANCELED : -ETIMEDOUT;
                break;
            }
        }
    }
    (void)pthread_mutex_unlock(&follower->mutex);
    return lend.code;
}

int follower_copy(struct follower *follower, struct view *view, char error[LOG_ERROR_SIZE])
{
    int code = view_open(view, follower_config(follower), error);
    if (code == 0) {
        view_take(view, &follower->block);
    }
    return code;
}

/* ---- reads ---- */

bool follower_read(struct follower *follower, struct request *request)
{
    uint64_t executed_seq = follower_executed_seq(follower);
    (void)pthread_mutex_lock(&follower->mutex);
    bool is_ended = atomic_load(&follower->stop);
    bool is_taken = !is_ended && reads_add(&follower->reads, request, executed_seq);
    if (is_taken) {
        (void)pthread_cond_signal(&follower->changed);
    }
    (void)pthread_mutex_unlock(&follower->mutex);
    if (!is_taken && !is_ended) {
        follower->reads_refused++;
        answer_problem(request, BS_OVERLOADED, "too many reads of many accounts are waiting");
        request->done(request);
    }
    return !is_ended;
}

static struct request *take_read(struct follower *follower)
{
    uint64_t seq = follower_cannot_serve(follower) ? UINT64_MAX : block_seq(&follower->block);
    (void)pthread_mutex_lock(&follower->mutex);
    struct request *request = reads_take(&follower->reads, seq, block_now_ms());
    (void)pthread_mutex_unlock(&follower->mutex);
    return request;
}

/* It waited for a sequence that the block has not come to, and its time is up. */
static void refuse_late(struct follower *follower, struct request *request)
{
    char detail[80];
    uint64_t last_seq = log_last_seq(follower->log);
    if (request->min_seq > last_seq) {
        (void)snprintf(detail, sizeof(detail), "the log ends at seq %" PRIu64, last_seq);
        answer_problem(request, BS_SEQ_NOT_REACHED, detail);
    } else {
        follower->reads_behind++;
        answer_problem(request, BS_FOLLOWER_BEHIND, NULL);
    }
}

static void answer_read(struct follower *follower, struct request *request)
{
    if (atomic_load(&follower->stop)) {
        answer_problem(request, BS_NOT_READY, NULL);
    } else if (follower_cannot_serve(follower)) {
        answer_problem(request, BS_SECOND_BLOCK_DROPPED, NULL);
    } else if (request->min_seq > block_seq(&follower->block)) {
        refuse_late(follower, request);
    } else if (reads_find_kept(&follower->reads, block_seq(&follower->block), request)) {
        follower->reads_shared++;
    } else {
        request->query(request, follower->core, follower->block.engine);
        if (request->status != 0) { /* else it took something that is its own */
            reads_keep(&follower->reads, block_seq(&follower->block), request);
        }
    }
    request->done(request);
}

/* What was made goes to all that ask for it before the block moves, however long it took to make:
 * at the next sequence it would be made again for each of them. */
static void answer_kept(struct follower *follower)
{
    (void)pthread_mutex_lock(&follower->mutex);
    struct request *next = reads_take_kept(&follower->reads, block_seq(&follower->block));
    (void)pthread_mutex_unlock(&follower->mutex);
    while (next != NULL) {
        struct request *request = next;
        next = request->next; /* its owner has it once it is answered */
        answer_read(follower, request);
    }
}

/* Those that can be answered now, for a while; at the end all of them. */
void follower_serve_reads(struct follower *follower)
{
    int64_t until_ms = block_now_ms() + SERVE_MS;
    bool is_up = false;
    for (struct request *request = take_read(follower); request != NULL;
         request = is_up ? NULL : take_read(follower)) {
        answer_read(follower, request);
        is_up = block_now_ms() >= until_ms && !atomic_load(&follower->stop);
    }
    if (is_up && !follower_cannot_serve(follower)) {
        answer_kept(follower);
    }
}

/* With the mutex: when there is something to do for a read. The block does not move while a digest is
 * made. */
int64_t follower_read_due_ms(const struct follower *follower)
{
    uint64_t seq = follower_cannot_serve(follower) ? UINT64_MAX : block_seq(&follower->block);
    uint64_t wanted = reads_wanted_seq(&follower->reads, follower_executed_seq(follower));
    return wanted > seq && !follower_is_checking(follower) ? 0
                                                           : reads_due_ms(&follower->reads, seq);
}

/* Somebody waits for a copy that can be made now, or refused. */
bool follower_has_lend(const struct follower *follower)
{
    const struct lend *lend = follower->lends;
    while (lend != NULL && !follower_cannot_serve(follower) &&
           lend->seq > block_seq(&follower->block)) {
        lend = lend->next;
    }
    return lend != NULL;
}
