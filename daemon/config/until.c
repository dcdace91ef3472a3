/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/until.h"

#include "api/text.h"

bool until_parse(struct until *until, const char *text)
{
    struct bs_text written = {text, (uint32_t)strlen(text)};
    if (text_digits(written, UINT64_MAX, &until->seq)) {
        until->kind = UNTIL_SEQ;
        return true;
    }
    until->kind = UNTIL_TIME;
    return text_time_parse(written, &until->time_ms);
}

bool log_moment_parse(struct log_moment *moment, const char *text)
{
    const char *at = strrchr(text, '@');
    bool has_until = at != NULL && strchr(at, '/') == NULL;
    size_t size = has_until ? (size_t)(at - text) : strlen(text);
    *moment = (struct log_moment){.until.kind = UNTIL_END};
    if (size == 0 || size >= sizeof(moment->directory)) {
        return false;
    }
    memcpy(moment->directory, text, size);
    return !has_until || until_parse(&moment->until, at + 1);
}
