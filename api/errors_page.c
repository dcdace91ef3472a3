/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints docs/errors.md from the table of outcomes. With --check FILE it compares instead: a test
 * keeps the committed page and the table equal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/buffer.h"
#include "lib/base/status.h"

static const char introduction[] =
    "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
    "<!-- Printed by api/errors_page.c from lib/base/status.def: do not edit. -->\n"
    "# Codes\n"
    "\n"
    "Every refusal has a stable `code`; programs should look at nothing else. It comes in the\n"
    "`rejected` list of a write, one for each refused item, or as the `code` of an\n"
    "`application/problem+json` document, whose `type` is `urn:backstop:problem:<code>`, whose\n"
    "`title` is the sentence below and whose `detail` names the field, line or value.\n"
    "\n"
    "HTTP is the status of a request that has only this outcome. A list of which some items were\n"
    "refused is answered with 207, one of which all were refused with 422.\n"
    "\n"
    "| code | HTTP | meaning |\n"
    "|---|---|---|\n";

static void page(struct buffer *out)
{
    buffer_text(out, introduction);
    for (unsigned i = BS_OK + 1; i < BS_STATUS_COUNT; i++) {
        enum bs_status status = (enum bs_status)i;
        buffer_printf(out, "| `%s` | %d | %s |\n", bs_status_name(status), bs_status_http(status),
                      bs_status_sentence(status));
    }
}

/* Whether a file holds exactly these bytes. */
static bool same(const char *path, const struct buffer *expected)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    struct buffer actual = {0};
    buffer_reserve(&actual, expected->size + 1);
    actual.size = fread(actual.bytes, 1, expected->size + 1, file);
    bool equal = ferror(file) == 0 && actual.size == expected->size &&
                 memcmp(actual.bytes, expected->bytes, actual.size) == 0;
    buffer_fini(&actual);
    (void)fclose(file);
    return equal;
}

int main(int argc, char **argv)
{
    bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (argc != 1 && !check) {
        fprintf(stderr, "usage: errors_page [--check FILE]\n");
        return 64;
    }
    struct buffer out = {0};
    page(&out);
    bool good = check ? same(argv[2], &out) : fwrite(out.bytes, 1, out.size, stdout) == out.size;
    if (!good && check) {
        fprintf(stderr, "%s differs from lib/base/status.def: write it again with errors_page\n",
                argv[2]);
    }
    buffer_fini(&out);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
