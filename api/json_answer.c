/* SPDX-License-Identifier: Apache-2.0 */
/* What a write or a failed request is answered with. */
#include "api/json_state.h"
#include "api/json_writer.h"

/* The members of RFC 9457, and our code. */
static void write_problem(struct buffer *out, enum bs_status status, int http, const char *detail)
{
    const char *code = bs_status_name(status);
    member_name(out, "type");
    buffer_printf(out, "\"urn:backstop:problem:%s\"", code);
    member_word(out, "title", bs_status_sentence(status));
    member_integer(out, "status", (uint64_t)http);
    member_word(out, "detail", detail != NULL ? detail : bs_status_sentence(status));
    member_word(out, "code", code);
}

void api_problem(struct buffer *out, enum bs_status status, const char *detail)
{
    buffer_append(out, "{", 1);
    write_problem(out, status, bs_status_http(status), detail);
    buffer_append(out, "}", 1);
}

static void write_rejection(struct buffer *out, const struct api_rejection *rejection)
{
    buffer_append(out, "{", 1);
    member_integer(out, "index", rejection->index);
    member_word(out, "code", bs_status_name(rejection->status));
    member_word(out, "detail", rejection->detail);
    if (rejection->state != NULL) {
        member_name(out, "state");
        buffer_text(out, rejection->state);
    }
    buffer_append(out, "}", 1);
}

/*
 * Rejections in item order: the parser's come first in the array, then the core's; each run is in
 * item order already. Each is cut at API_LISTED_MAX, so the first API_LISTED_MAX of all are there.
 */
struct merge {
    const struct api_rejection *rejections;
    uint32_t left, left_end;
    uint32_t right, right_end;
};

static struct merge merge_begin(const struct api_batch *batch)
{
    uint32_t split = batch->parser_listed_count;
    return (struct merge){.rejections = batch->rejections,
                          .left_end = split,
                          .right = split,
                          .right_end = batch->listed_count};
}

static const struct api_rejection *merge_next(struct merge *merge)
{
    bool left = merge->left < merge->left_end;
    bool right = merge->right < merge->right_end;
    if (left && right) {
        left = merge->rejections[merge->left].index <= merge->rejections[merge->right].index;
    }
    if (left) {
        return &merge->rejections[merge->left++];
    }
    return right ? &merge->rejections[merge->right++] : NULL;
}

/* 200: all accepted, 207: some, 422: none; a path that takes one command has its code's status. */
static int http_status(const struct api_batch *batch, const struct api_rejection *first)
{
    if (first == NULL) {
        return 200;
    }
    if (batch->rejections_count < batch->items_count) {
        return 207;
    }
    return batch->is_list ? 422 : bs_status_http(first->status);
}

void api_write_result(struct buffer *out, uint64_t seq, const struct api_batch *batch, bool waiting,
                      int *ret_http_status)
{
    struct merge merge = merge_begin(batch);
    const struct api_rejection *rejection = merge_next(&merge);
    int status = http_status(batch, rejection);
    buffer_append(out, "{", 1);
    if (status >= 400) {
        write_problem(out, rejection->status, status, rejection->detail);
    }
    member_integer(out, "seq", seq);
    member_integer(out, "accepted", batch->items_count - batch->rejections_count);
    member_name(out, "rejected");
    buffer_append(out, "[", 1);
    for (uint32_t i = 0; rejection != NULL && i < API_LISTED_MAX; i++) {
        buffer_text(out, i == 0 ? "" : ",");
        write_rejection(out, rejection);
        rejection = merge_next(&merge);
    }
    buffer_text(out, "]");
    if (batch->rejections_count > API_LISTED_MAX) {
        member_integer(out, "rejected_count", batch->rejections_count);
    }
    buffer_text(out, waiting ? ",\"waiting\":\"stale_mark\"}" : "}");
    *ret_http_status = status;
}
