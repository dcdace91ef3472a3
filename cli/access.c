/* SPDX-License-Identifier: Apache-2.0 */
/* The client's credentials, a key or a certificate, from options or the environment. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define KEY_SIZE_MAX 512

static const char *either(const char *option, const char *variable)
{
    const char *value = option != NULL ? option : getenv(variable);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* Reads the first line, without blanks at its end, into memory that lives as long as the
 * process. */
static int read_key(const char *path, const char **ret_key)
{
    static char key[KEY_SIZE_MAX + 2];
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(key, sizeof(key), file) == NULL) {
        cli_error("%s: %s", path, file == NULL ? strerror(errno) : "the file is empty");
        if (file != NULL) {
            (void)fclose(file);
        }
        return EX_NOINPUT;
    }
    (void)fclose(file);
    size_t size = strlen(key);
    while (size > 0 && isspace((unsigned char)key[size - 1])) {
        key[--size] = '\0';
    }
    *ret_key = key;
    return EX_OK;
}

/* A key with a line break would add a header of its own. */
static bool key_is_sendable(const char *key)
{
    for (const char *at = key; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return false;
        }
    }
    return *key != '\0' && strlen(key) <= KEY_SIZE_MAX;
}

int cli_access(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct http_access access = {
        .key = options->key_file != NULL ? options->key : either(options->key, "BACKSTOP_KEY"),
        .cacert = either(options->cacert, "BACKSTOP_CACERT"),
        .cert = either(options->cert, "BACKSTOP_CERT"),
        .cert_key = either(options->cert_key, "BACKSTOP_CERT_KEY"),
    };
    const char *key_file = either(options->key_file, "BACKSTOP_KEY_FILE");
    if (access.key == NULL && key_file != NULL) {
        int code = read_key(key_file, &access.key);
        if (code != EX_OK) {
            return code;
        }
    }
    if (access.key != NULL && !key_is_sendable(access.key)) {
        cli_error("the key must be one line of printable characters, at most %d", KEY_SIZE_MAX);
        return EX_USAGE;
    }
    if (access.cert != NULL && access.cert_key == NULL) {
        access.cert_key = access.cert; /* one file may hold both */
    }
    if (!http_set_access(cli->http, &access)) {
        cli_error("%s: a key goes to other machines over https only", http_url(cli->http));
        return EX_USAGE;
    }
    return EX_OK;
}
