#include "support/check.h"

#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

int tl_run_cases(const char *suite, const tl_case *cases)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite s = CU_add_suite(suite, NULL, NULL);
    for (; s != NULL && cases->name != NULL; cases++)
        if (CU_add_test(s, cases->name, cases->run) == NULL) s = NULL;
    if (s == NULL) return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}

void *tl_exact(const void *p, size_t n)
{
    void *copy = malloc(n ? n : 1);
    if (copy == NULL) abort();
    if (n > 0) memcpy(copy, p, n);
    return copy;
}

unsigned long long tl_random(unsigned long long *state)
{
    unsigned long long x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 2685821657736338717ULL;
}
