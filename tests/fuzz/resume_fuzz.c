/*
** resume_fuzz.c - any bytes as a saved session: refused, or gone on with like one of ours.
*/
#include "support/reborn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)tl_reborn_from(tl_span_of(data, size));
    return 0;
}
