/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page_main.h"

#include <stdio.h>
#include <stdlib.h>

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

int page_main(const struct page *page, int argc, char **argv)
{
    bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (argc != 1 && !check) {
        (void)fprintf(stderr, "usage: %s [--check FILE]\n", page->program);
        return 64;
    }
    struct buffer out = {0};
    page->print(&out);
    bool good = check ? same(argv[2], &out) : fwrite(out.bytes, 1, out.size, stdout) == out.size;
    if (!good && check) {
        (void)fprintf(stderr, "%s differs from %s: write it again with %s\n", argv[2], page->table,
                      page->program);
    }
    buffer_fini(&out);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
