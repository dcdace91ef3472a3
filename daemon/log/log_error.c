/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_error.h"

#include <stdarg.h>
#include <stdio.h>

int log_error(char *error, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error, LOG_ERROR_SIZE, format, arguments);
    va_end(arguments);
    return code;
}
