/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/header.h"

#include <strings.h>

struct search {
    const char *name;
    size_t name_size;
    uint32_t count;
    struct bs_text value;
};

static enum MHD_Result on_header(void *user, enum MHD_ValueKind kind, const char *name,
                                 size_t name_size, const char *value, size_t value_size)
{
    struct search *search = user;
    (void)kind;
    if (name_size == search->name_size && strncasecmp(name, search->name, name_size) == 0 &&
        search->count++ == 0) {
        search->value = (struct bs_text){value == NULL ? "" : value, (uint32_t)value_size};
    }
    return MHD_YES;
}

uint32_t header_find(const struct connection *connection, const char *name,
                     struct bs_text *ret_value)
{
    struct search search = {.name = name, .name_size = strlen(name)};
    (void)MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, on_header, &search);
    *ret_value = search.value;
    return search.count;
}
