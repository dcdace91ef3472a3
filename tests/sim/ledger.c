/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/sim/life.h"

void ledger_problem(struct ledger *ledger, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (ledger->problem[0] == '\0') {
        (void)vsnprintf(ledger->problem, sizeof(ledger->problem), format, arguments);
    }
    va_end(arguments);
    _exit(LIFE_WRONG);
}

void ledger_trace(struct ledger *ledger, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ledger->trace = (ledger->trace ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    }
}
