/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what fuzzing has found stays fixed, also in builds without libFuzzer. Method: the target
 * gets every file of the folders named, whole and cut off at CUTS places.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define PATH_SIZE 4096
#define FILE_SIZE_MAX ((size_t)1 << 20)
#define CUTS 32

static void run(const uint8_t *bytes, size_t size)
{
    char *copy = fuzz_copy(bytes, size, 0);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)copy, size);
    free(copy);
}

static void run_file(const char *path)
{
    static uint8_t bytes[FILE_SIZE_MAX];
    FILE *file = fopen(path, "rbe");
    assert(file != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    assert(size < sizeof bytes);
    (void)fclose(file);
    (void)fprintf(stderr, "%s\n", path); /* whose turn it was when something aborts */
    run(bytes, size);
    for (size_t cut = 0; cut < CUTS; cut++) {
        run(bytes, size * cut / CUTS);
    }
}

static uint32_t run_folder(const char *path)
{
    uint32_t count = 0;
    DIR *folder = opendir(path);
    assert(folder != NULL);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char name[PATH_SIZE];
        struct stat status;
        int size = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        assert(size > 0);
        assert((size_t)size < sizeof name);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode)) {
            run_file(name);
            count++;
        }
    }
    (void)closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    uint32_t count = 0;
    for (int i = 1; i < argc; i++) {
        count += run_folder(argv[i]);
    }
    printf("%u passed, %u failed\n", count, count == 0 ? 1 : 0);
    return count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
