/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams an NDJSON file to /v1/commands in requests of some lines, in order, one at a time,
 * because a later line may need an earlier one. Each line is accepted or rejected, and reported by
 * number.
 *
 * The server refuses a body whole, and applies nothing of it, when a line is not JSON. The body is
 * then sent again in halves, so that one broken line costs only itself. An overloaded server (503)
 * has applied nothing and is asked again. When an answer is lost the request may have been applied;
 * it is sent again under the same Idempotency-Key and so counts once, even if the server was killed
 * and started again. If no answer comes, post names those lines and stops.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/lines.h"
#include "cli/verbs.h"

#define BODY_SIZE_MAX ((size_t)8 << 20) /* of one request; the server's default is 16 MiB */
#define OVERLOADED_TRIES_MAX 60
#define LOST_PATIENCE_MS 20000 /* for the answer to a request after its first one was lost */
#define LOST_PAUSE_MS 200
#define PROGRESS_MS 100
#define BAR_WIDTH 30

struct item {
    uint64_t line;
    size_t offset; /* in the body */
};

struct post {
    struct cli *cli;
    const char *name; /* of the file, for messages */
    struct lines lines;
    struct buffer body;
    struct item *items;
    size_t items_count;
    struct timespec started;
    int64_t shown_ms;   /* when progress was last shown; -1 = never */
    uint64_t file_size; /* 0 when unknown */
    uint64_t sent, accepted, rejected;
    json_int_t seq;
    uint64_t run; /* random: its requests have the keys "run-1", "run-2" and so on */
    uint64_t requests;
    bool is_lost; /* the last request may have been applied */
};

static int64_t elapsed_ms(const struct post *post)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - post->started.tv_sec) * 1000 +
           (now.tv_nsec - post->started.tv_nsec) / 1000000;
}

static void clear_progress(const struct post *post)
{
    if (post->shown_ms >= 0) {
        fputs("\r\033[K", stderr);
    }
}

static void show_progress(struct post *post)
{
    int64_t now_ms = elapsed_ms(post);
    if (post->shown_ms < 0 || now_ms - post->shown_ms < PROGRESS_MS) {
        return;
    }
    post->shown_ms = now_ms;
    uint64_t done = post->lines.bytes_count;
    if (post->file_size >= done && post->file_size > 0) {
        int bar = (int)(done * BAR_WIDTH / post->file_size);
        fprintf(stderr, "\r[%.*s%*s] %3d%% ", bar, "##############################",
                BAR_WIDTH - bar, "", (int)(done * 100 / post->file_size));
    } else {
        fputs("\r", stderr);
    }
    fprintf(stderr, " %" PRIu64 " lines, %" PRIu64 "/s, %" PRIu64 " rejected\033[K", post->sent,
            post->sent * 1000 / (uint64_t)(now_ms > 0 ? now_ms : 1), post->rejected);
}

/* Reports a rejected line as compilers do: file:line: code: detail. */
static void reject(struct post *post, uint64_t line, json_t *rejection)
{
    post->rejected++;
    if (post->cli->json) {
        json_object_del(rejection, "index");
        json_object_set_new(rejection, "line", json_integer((json_int_t)line));
        cli_print_json(rejection);
        return;
    }
    const char *code = json_string_value(json_object_get(rejection, "code"));
    const char *detail = json_string_value(json_object_get(rejection, "detail"));
    /* The server counts the lines of a request; the message has that of the file. */
    if (detail != NULL && strncmp(detail, "line 1 ", 7) == 0) {
        detail += 7;
    }
    clear_progress(post);
    fprintf(stderr, "%s:%" PRIu64 ": %s: %s\n", post->name, line, code != NULL ? code : "rejected",
            detail != NULL ? detail : "");
}

static int surprise(struct post *post, const char *what)
{
    clear_progress(post);
    cli_error("%s/v1/commands: %s", http_url(post->cli->http), what);
    return EX_PROTOCOL;
}

/* {"seq","accepted","rejected":[...]} over `count` items from `first` on. */
static int take_result(struct post *post, size_t first, size_t count, const json_t *result)
{
    const json_t *rejected = json_object_get(result, "rejected");
    json_int_t accepted = json_integer_value(json_object_get(result, "accepted"));
    size_t index = 0;
    json_t *rejection = NULL;
    if (accepted < 0 || (size_t)accepted + json_array_size(rejected) != count) {
        return surprise(post, "accepted and rejected do not add up to the items sent");
    }
    json_array_foreach(rejected, index, rejection)
    {
        json_int_t item = json_integer_value(json_object_get(rejection, "index"));
        if (item < 0 || (size_t)item >= count) {
            return surprise(post, "it rejects an item that was not sent");
        }
        reject(post, post->items[first + (size_t)item].line, rejection);
    }
    post->sent += count;
    post->accepted += (uint64_t)accepted;
    post->seq = json_integer_value(json_object_get(result, "seq"));
    const char *waiting = json_string_value(json_object_get(result, "waiting"));
    if (waiting != NULL) {
        clear_progress(post);
        cli_error("%s: a settlement waits: %s", post->name, waiting);
    }
    return EX_OK;
}

static void pause_ms(int64_t milliseconds)
{
    struct timespec pause = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = (milliseconds % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

/*
 * True to ask again: the request went out and no answer came, the server that answered the one
 * before is gone, or it is still working on this one.
 */
static bool asks_again(struct post *post, int code, const struct http_answer *answer,
                       int64_t *since_ms)
{
    bool is_gone = code == EX_UNAVAILABLE;
    bool is_running = code == EX_OK && answer->status == 409;
    post->is_lost = post->is_lost || (is_gone && http_was_sent(post->cli->http));
    if (is_gone && (post->is_lost || post->requests > 1) && *since_ms < 0) {
        *since_ms = elapsed_ms(post);
        clear_progress(post);
        cli_error("%s: %s: asking again", http_url(post->cli->http), http_error(post->cli->http));
    }
    return *since_ms >= 0 && (is_gone || is_running) &&
           elapsed_ms(post) - *since_ms < LOST_PATIENCE_MS;
}

/* Sends items until an answer comes that is not an overload, which applies nothing. */
static int send_items(struct post *post, size_t first, size_t count, struct http_answer *ret_answer)
{
    struct http *http = post->cli->http;
    size_t begin = post->items[first].offset;
    size_t end =
        first + count < post->items_count ? post->items[first + count].offset : post->body.size;
    struct buffer body = {.bytes = post->body.bytes + begin, .size = end - begin};
    char key[48];
    int64_t since_ms = -1; /* no answer came */
    (void)snprintf(key, sizeof(key), "post-%016" PRIx64 "-%" PRIu64, post->run, ++post->requests);
    post->is_lost = false;
    for (unsigned tries = 1;; tries++) {
        int code = http_post_ndjson(http, "/v1/commands", &body, key, ret_answer);
        if (asks_again(post, code, ret_answer, &since_ms)) {
            pause_ms(LOST_PAUSE_MS);
            continue;
        }
        if (code != EX_OK) {
            clear_progress(post);
            cli_error("%s: %s", http_url(http), http_error(http));
            return code;
        }
        if (ret_answer->status != 503 || tries == OVERLOADED_TRIES_MAX) {
            return EX_OK;
        }
        sleep(ret_answer->retry_after_s > 0 ? (unsigned)ret_answer->retry_after_s : 1);
    }
}

static int send_range(struct post *post, size_t first, size_t count);

/* Handles a body that was refused whole: 400 and 413 are about single lines. */
static int take_refusal(struct post *post, size_t first, size_t count,
                        const struct http_answer *answer, json_t *problem)
{
    bool by_line = answer->status == 400 || answer->status == 413 || answer->status == 422;
    if (!by_line || json_object_get(problem, "code") == NULL) {
        clear_progress(post);
        return cli_refused(post->cli, answer);
    }
    if (count == 1) {
        post->sent++;
        reject(post, post->items[first].line, problem);
        return EX_OK;
    }
    int code = send_range(post, first, count / 2);
    return code != EX_OK ? code : send_range(post, first + count / 2, count - count / 2);
}

static int send_range(struct post *post, size_t first, size_t count)
{
    struct http_answer answer = {0};
    int code = send_items(post, first, count, &answer);
    if (code != EX_OK) {
        cli_error("%s: lines %" PRIu64 " to %" PRIu64 " %s; nothing after them was sent",
                  post->name, post->items[first].line, post->items[first + count - 1].line,
                  post->is_lost || http_was_sent(post->cli->http)
                      ? "may or may not have been applied"
                      : "were not sent");
        return code;
    }
    json_t *document = json_loadb(answer.body, answer.size, 0, NULL);
    if (json_is_array(json_object_get(document, "rejected"))) {
        code = take_result(post, first, count, document);
    } else if (answer.status >= 400) {
        code = take_refusal(post, first, count, &answer, document);
    } else {
        code = surprise(post, "the answer is not that to a write");
    }
    json_decref(document);
    return code;
}

static int send_batch(struct post *post)
{
    int code = post->items_count > 0 ? send_range(post, 0, post->items_count) : EX_OK;
    post->items_count = 0;
    buffer_clear(&post->body);
    show_progress(post);
    return code;
}

static int read_failed(const struct post *post, enum lines_result result)
{
    clear_progress(post);
    if (result == LINES_TOO_LONG) {
        cli_error("%s: line %" PRIu64
                  " is longer than %zu MiB: is this NDJSON, one object on each line?",
                  post->name, post->lines.number + 1, LINE_SIZE_MAX >> 20);
        return EX_DATAERR;
    }
    cli_error("%s: %s", post->name, strerror(errno));
    return EX_IOERR;
}

static int send_file(struct post *post)
{
    struct bs_text line;
    enum lines_result result = LINES_NEXT;
    while ((result = lines_next(&post->lines, &line)) == LINES_NEXT) {
        if (post->items_count == (size_t)post->cli->batch ||
            (post->items_count > 0 && post->body.size + line.size > BODY_SIZE_MAX)) {
            int code = send_batch(post);
            if (code != EX_OK) {
                return code;
            }
        }
        post->items[post->items_count++] = (struct item){post->lines.number, post->body.size};
        buffer_append(&post->body, line.bytes, line.size);
        buffer_append(&post->body, "\n", 1);
    }
    int code = send_batch(post);
    return code != EX_OK || result == LINES_END ? code : read_failed(post, result);
}

static void print_summary(const struct post *post)
{
    if (post->cli->json) {
        printf("{\"lines\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"rejected\":%" PRIu64
               ",\"seq\":%" JSON_INTEGER_FORMAT "}\n",
               post->sent, post->accepted, post->rejected, post->seq);
        return;
    }
    printf("%" PRIu64 " line%s: %" PRIu64 " accepted, %" PRIu64
           " rejected, last seq %" JSON_INTEGER_FORMAT "\n",
           post->sent, post->sent == 1 ? "" : "s", post->accepted, post->rejected, post->seq);
}

static FILE *open_file(const char *name, uint64_t *ret_size)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    struct stat stat;
    if (file != NULL && fstat(fileno(file), &stat) == 0) {
        if (S_ISDIR(stat.st_mode)) {
            fclose(file);
            errno = EISDIR;
            return NULL;
        }
        *ret_size = S_ISREG(stat.st_mode) ? (uint64_t)stat.st_size : 0;
    }
    return file;
}

int verb_post(struct cli *cli)
{
    struct post post = {.cli = cli, .name = cli->operands[0]};
    post.lines.file = open_file(post.name, &post.file_size);
    if (post.lines.file == NULL) {
        cli_error("%s: %s", post.name, strerror(errno));
        return EX_NOINPUT;
    }
    post.items = calloc((size_t)cli->batch, sizeof(*post.items));
    if (post.items == NULL) {
        abort();
    }
    post.shown_ms = isatty(STDERR_FILENO) && !cli->options.quiet ? 0 : -1;
    clock_gettime(CLOCK_MONOTONIC, &post.started);
    if (getrandom(&post.run, sizeof(post.run), 0) != (ssize_t)sizeof(post.run)) {
        abort();
    }
    int code = send_file(&post);
    clear_progress(&post);
    print_summary(&post);
    free(post.items);
    buffer_fini(&post.body);
    lines_fini(&post.lines);
    if (post.lines.file != stdin) {
        fclose(post.lines.file);
    }
    return code == EX_OK && post.rejected > 0 ? EX_DATAERR : code;
}
