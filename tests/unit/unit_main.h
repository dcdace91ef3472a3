/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a unit test's main: one case of Check, run and reported.

       TCase *tests = unit_tests("money");
       UNIT_ADD(tests, test_mul, test_div);
       return unit_run(tests);

   CK_VERBOSITY, CK_FORK and the other variables of Check apply. */
#ifndef TESTS_UNIT_UNIT_MAIN_H
#define TESTS_UNIT_UNIT_MAIN_H

#include <check.h>
#include <stdlib.h>

/* Seconds for one test: enough for the slowest of them under a sanitizer. */
enum { UNIT_TIMEOUT_S = 300 };

static inline TCase *unit_tests(const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, UNIT_TIMEOUT_S);
    return tests;
}

/* Adds tests, in the order in which they run. */
#define UNIT_ADD(tests, ...) unit_add(tests, (const TTest *const[]){__VA_ARGS__, NULL})

static inline void unit_add(TCase *tests, const TTest *const *added)
{
    for (; *added != NULL; added++) {
        tcase_add_test(tests, *added);
    }
}

/* Returns what main returns. Frees the case. */
static inline int unit_run(TCase *tests)
{
    Suite *suite = suite_create("unit");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
