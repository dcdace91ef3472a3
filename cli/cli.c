/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"

#define GET_TIMEOUT_MS 30000L

void cli_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fputs("backstopctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static int exit_code_of_status(long status)
{
    if (status == 401 || status == 403) {
        return EX_NOPERM;
    }
    return status >= 500 ? EX_UNAVAILABLE : EX_DATAERR;
}

int cli_refused(const struct cli *cli, const struct http_answer *answer)
{
    assert(answer->status != 200);
    json_t *problem = json_loadb(answer->body, answer->size, 0, NULL);
    const char *code = json_string_value(json_object_get(problem, "code"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    int result = EX_PROTOCOL;
    if (answer->status >= 400 && code != NULL) {
        cli_error("%s: %s", code, detail != NULL ? detail : "the server gave no detail");
        result = exit_code_of_status(answer->status);
    } else {
        cli_error("%s answered %ld without a problem document: is it a backstopd?",
                  http_url(cli->http), answer->status);
    }
    json_decref(problem);
    return result;
}

int cli_get(struct cli *cli, const char *path, json_t **ret_document)
{
    assert(path[0] == '/');
    assert(ret_document != NULL);
    struct http_answer answer = {0};
    int code = http_get(cli->http, path, GET_TIMEOUT_MS, &answer);
    if (code != EX_OK) {
        cli_error("%s: %s", http_url(cli->http), http_error(cli->http));
        return code;
    }
    if (answer.status != 200) {
        return cli_refused(cli, &answer);
    }
    json_error_t error;
    json_t *document = json_loadb(answer.body, answer.size, 0, &error);
    if (!json_is_object(document)) {
        cli_error("%s%s: the answer is not a JSON object%s%s", http_url(cli->http), path,
                  document == NULL ? ": " : "", document == NULL ? error.text : "");
        json_decref(document);
        return EX_PROTOCOL;
    }
    *ret_document = document;
    return EX_OK;
}

void cli_print_json(const json_t *document)
{
    assert(document != NULL);
    if (json_dumpf(document, stdout, JSON_COMPACT) == 0) {
        fputc('\n', stdout);
    }
}

void cli_print_object(const struct cli *cli, json_t *document)
{
    if (cli->json) {
        cli_print_json(document);
    } else {
        table_print_object(stdout, document, cli->color);
    }
}

int cli_print_answer(const struct cli *cli, const struct http_answer *answer)
{
    json_t *document = json_loadb(answer->body, answer->size, 0, NULL);
    if (!json_is_object(document)) {
        json_decref(document);
        return cli_refused(cli, answer);
    }
    cli_print_object(cli, document);
    json_decref(document);
    return EX_OK;
}

int cli_flush(void)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "backstopctl: standard output: %s\n", strerror(errno));
        return EX_IOERR;
    }
    return EX_OK;
}
