/*
** check.h - CUnit, with a main() of one line: each test file lists its cases.
**
**     static void fills_a_hole(void) { CU_ASSERT_EQUAL(1, 1); }
**     int main(void) { return tl_run_cases("session", (const tl_case[]){{"fills a hole", fills_a_hole}, {0}}); }
*/
#ifndef TL_CHECK_H
#define TL_CHECK_H

#include <CUnit/CUnit.h>

typedef struct tl_case {
    const char *name;
    void (*run)(void);
} tl_case;

/* Runs the cases up to {NULL, NULL}, prints what failed and CUnit's summary; 0 when all passed. */
int tl_run_cases(const char *suite, const tl_case *cases);

/* A copy of n bytes in a heap block of exactly that size, so that a sanitizer sees every over-read; free() it. */
void *tl_exact(const void *p, size_t n);

/* xorshift64*: the same numbers on every machine.  state is not 0. */
unsigned long long tl_random(unsigned long long *state);

#endif
