/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/port_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

int port_file_write(const char *path, uint16_t port)
{
    char partial[PATH_MAX];
    if (path[0] == '\0') {
        return 0;
    }
    int size = snprintf(partial, sizeof(partial), "%s.new", path);
    if (size < 0 || (size_t)size >= sizeof(partial)) {
        return -ENAMETOOLONG;
    }
    FILE *file = fopen(partial, "we");
    bool is_written = file != NULL && fprintf(file, "%u\n", (unsigned)port) > 0;
    if (file != NULL && fclose(file) != 0) {
        is_written = false;
    }
    return is_written && rename(partial, path) == 0 ? 0 : -errno;
}
