/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/offline.h"

#include <stdio.h>
#include <sysexits.h>

#include "api/json_state.h"
#include "api/json_writer.h"
#include "api/text.h"
#include "daemon/app.h"
#include "daemon/log/identity.h"
#include "daemon/offline/print.h"
#include "daemon/offline/replay_to.h"
#include "daemon/offline/state.h"

static void print_moment(struct replay_to *replay)
{
    char digest[DIGEST_TEXT_SIZE];
    char time[TEXT_TIME_SIZE];
    struct bs_engine *engine = replay->executor.engine;
    struct bs_usage usage = bs_engine_usage(engine);
    digest_print(bs_engine_digest(engine), digest);
    text_time_print(bs_engine_time_ms(engine), time);
    print_word("log", log_identity(replay->log));
    print_number("seq", replay->executor.seq);
    print_word("time", time);
    print_number("ordinal", bs_engine_actions(engine));
    print_number("settlements", replay->settlements_count);
    print_number("feature_level", bs_engine_feature_level(engine));
    print_number("pools", usage.pools);
    print_number("markets", usage.markets);
    print_number("accounts", usage.accounts);
    print_number("positions", usage.positions);
    print_word("digest", digest);
}

static struct bs_text text_of(const char *text)
{
    return (struct bs_text){text, (uint32_t)strlen(text)};
}

/* The first line of a state: where it is. */
static void write_moment(struct buffer *out, struct replay_to *replay)
{
    char digest[DIGEST_TEXT_SIZE];
    struct bs_engine *engine = replay->executor.engine;
    digest_print(bs_engine_digest(engine), digest);
    buffer_text(out, "{");
    member_word(out, "type", "state");
    member_text(out, "log", text_of(log_identity(replay->log)));
    member_integer(out, "seq", replay->executor.seq);
    member_time(out, "time", bs_engine_time_ms(engine));
    member_integer(out, "ordinal", bs_engine_actions(engine));
    member_integer(out, "feature_level", bs_engine_feature_level(engine));
    member_text(out, "digest", text_of(digest));
    buffer_text(out, "}\n");
}

static bool print_line(const struct buffer *line)
{
    return !line->failed && fwrite(line->bytes, 1, line->size, stdout) == line->size;
}

static bool print_state(struct replay_to *replay)
{
    struct bs_engine *engine = replay->executor.engine;
    struct state_thing thing = {0};
    struct buffer line = {0};
    struct buffer json = {0};
    write_moment(&line, replay);
    bool is_written = print_line(&line);
    while (is_written && state_next(engine, &thing)) {
        buffer_clear(&json);
        buffer_clear(&line);
        state_json(&json, engine, &thing);
        assert(json.size > 2 || json.failed); /* no thing is without members */
        buffer_printf(&line, "{\"type\":\"%s\",", state_kind_name(thing.kind));
        if (!json.failed) {
            buffer_append(&line, json.bytes + 1, json.size - 1);
        }
        buffer_text(&line, "\n");
        is_written = !json.failed && print_line(&line);
    }
    buffer_fini(&json);
    buffer_fini(&line);
    return is_written;
}

static int end(struct replay_to *replay, int code, const char *error)
{
    replay_to_fini(replay);
    if (code < 0) {
        (void)fprintf(stderr, "backstopd: %s\n", error);
        return app_exit_status(code);
    }
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static void moment_of(const struct settings *settings, const struct until *until,
                      struct log_moment *ret_moment)
{
    *ret_moment = (struct log_moment){.until = *until};
    (void)snprintf(ret_moment->directory, sizeof(ret_moment->directory), "%s",
                   settings_text(settings, SETTING_STORAGE_DATA));
}

int offline_replay(const struct settings *settings, const struct until *until, bool shows_state)
{
    char error[LOG_ERROR_SIZE];
    struct replay_to replay;
    struct log_moment moment;
    moment_of(settings, until, &moment);
    int code = replay_to_run(&replay, settings, &moment, NULL, error);
    if (code == 0 && !shows_state) {
        print_moment(&replay);
    }
    bool is_written = code < 0 || !shows_state || print_state(&replay);
    int status = end(&replay, code, error);
    return is_written ? status : EX_IOERR;
}
