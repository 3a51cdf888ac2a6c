/*
** tls_fuzz.c - the TLS detector on any bytes, held to its contract, and at two cuts (tests/support/fuzzing.h).
**
** Input: one byte that says how to cut (its lowest bit: the direction), then bytes that follow a client hello and a hole.
*/
#include "support/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t hello[] = {22, 3, 1, 0, 43, 1, 0, 0, 39, 3, 3};
    if (size < 2 || size > 1 << 16) return 0;
    tl_dir dir = (tl_dir)(data[0] & 1);
    tl_script s = {0};
    tl_check_settled(&tl_tls, dir, data + 1, size - 1);
    tl_say_bytes(&s, !dir, hello, sizeof hello);
    tl_say_bytes(&s, dir, data + 1, size - 1);
    tl_end(&s, data[0] & 2 ? TL_WHY_FIN : TL_WHY_RST);
    tl_check_messages(&tl_tls, &s, 0);
    tl_check_messages(&tl_tls, &s, 1 + (data[0] >> 2));
    tl_script_free(&s);
    return 0;
}
