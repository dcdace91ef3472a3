/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/path.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool path_decode(const char *raw, size_t raw_size, char *bytes, size_t capacity, size_t *ret_size)
{
    size_t size = 0;
    for (size_t i = 0; i < raw_size; i++) {
        char byte = raw[i];
        if (byte == '%') {
            int high = i + 1 < raw_size ? hex_value(raw[i + 1]) : -1;
            int low = i + 2 < raw_size ? hex_value(raw[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            byte = (char)(high * 16 + low);
            i += 2;
        }
        if (size < capacity) {
            bytes[size++] = byte;
        }
    }
    *ret_size = size;
    return true;
}

enum bs_status path_parse(struct path *path, const char *raw)
{
    path->count = 0;
    bool fits = raw[0] == '/';
    const char *cursor = fits ? raw : "";
    while (*cursor == '/') {
        const char *start = cursor + 1;
        size_t raw_size = strcspn(start, "/");
        char spare[BS_ID_SIZE_MAX + 1];
        char *bytes = path->count < PATH_SEGMENTS_MAX ? path->bytes[path->count] : spare;
        size_t size = 0;
        if (!path_decode(start, raw_size, bytes, BS_ID_SIZE_MAX + 1, &size)) {
            return BS_INVALID_PATH;
        }
        if (bytes == spare) {
            fits = false;
        } else {
            path->segments[path->count++] = (struct bs_text){bytes, (uint32_t)size};
        }
        cursor = start + raw_size;
    }
    return fits ? BS_OK : BS_NOT_FOUND;
}
