/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

uint64_t process_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    uint64_t pages = 0;
    int fields_count = fscanf(file, "%*u %" SCNu64, &pages);
    (void)fclose(file);
    return fields_count == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

uint64_t process_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return 0;
    }
    uint64_t count = 0;
    while (readdir(directory) != NULL) {
        count++;
    }
    (void)closedir(directory);
    return count - 3; /* ".", ".." and the directory itself */
}

/* Field 22 of /proc/self/stat: clock ticks from the boot to the start of the process. */
static uint64_t start_ticks(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const char *field = strrchr(text, ')'); /* the end of field 2, which may hold anything */
    for (uint32_t i = 2; field != NULL && i < 22; i++) {
        field = strchr(field + 1, ' ');
    }
    return field == NULL ? 0 : strtoull(field, NULL, 10);
}

uint64_t process_start_s(void)
{
    struct timespec wall;
    struct timespec since_boot;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &since_boot);
    uint64_t started_s = start_ticks() / (uint64_t)sysconf(_SC_CLK_TCK);
    return (uint64_t)wall.tv_sec - ((uint64_t)since_boot.tv_sec - started_s);
}

uint64_t process_age_ns(int64_t time_ms)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - time_ms;
    return time_ms == 0 || age_ms < 0 ? 0 : (uint64_t)age_ms * 1000000;
}
