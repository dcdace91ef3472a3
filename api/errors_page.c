/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints docs/errors.md from the table of outcomes. With --check FILE it compares instead: a test
 * keeps the committed page and the table equal.
 */
#include "api/page_main.h"
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

static void print(struct buffer *out)
{
    buffer_text(out, introduction);
    for (unsigned i = BS_OK + 1; i < BS_STATUS_COUNT; i++) {
        enum bs_status status = (enum bs_status)i;
        buffer_printf(out, "| `%s` | %d | %s |\n", bs_status_name(status), bs_status_http(status),
                      bs_status_sentence(status));
    }
}

int main(int argc, char **argv)
{
    const struct page errors = {"errors_page", "lib/base/status.def", print};
    return page_main(&errors, argc, argv);
}
