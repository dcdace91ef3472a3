/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/access/access.h"

#include <time.h>

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void warn_of_keys(const char *path, const struct keys *keys, struct buffer *warnings)
{
    if (keys->others_can_read) {
        buffer_printf(warnings, "%s: everybody on this machine may read it: chmod o-r\n", path);
    }
    if (keys->count == 0) {
        buffer_printf(warnings, "%s: has no key, so every request is refused\n", path);
    }
}

bool access_load(const struct settings *settings, struct access *ret_access,
                 struct buffer *problems, struct buffer *warnings)
{
    struct access access = {0};
    const char *path = settings_text(settings, SETTING_ACCESS_KEYS);
    if (path[0] != '\0') {
        access.keys = keys_load(path, now_ms(), problems);
        if (access.keys == NULL) {
            return false;
        }
        warn_of_keys(path, access.keys, warnings);
    }
    const struct tls_files files = {
        .certificate = settings_text(settings, SETTING_TLS_CERTIFICATE),
        .key = settings_text(settings, SETTING_TLS_KEY),
        .client_ca = settings_text(settings, SETTING_TLS_CLIENT_CA),
    };
    if (files.certificate[0] != '\0') {
        access.tls = tls_load(&files, problems, warnings);
        if (access.tls == NULL) {
            access_fini(&access);
            return false;
        }
    }
    *ret_access = access;
    return true;
}

void access_fini(struct access *access)
{
    keys_free(access->keys);
    tls_free(access->tls);
    *access = (struct access){0};
}
