/*
** http1_fuzz.c - the HTTP/1 detector on any bytes, held to its contract (tests/support/watched.c aborts), and at two cuts.
**
** Input: one byte that says how to cut, then the bytes of a direction (its lowest bit says which).
** Asserted besides: a head settled with some bytes is settled the same with more; the framer's messages lie in the stream, in order.
*/
#include "support/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 16) return 0;
    tl_dir dir = (tl_dir)(data[0] & 1);
    tl_script s = {0};
    tl_check_settled(&tl_http1, dir, data + 1, size - 1);
    tl_say(&s, !dir, dir == TL_C2S ? "HTTP/1.1 200 OK\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n");
    tl_say_bytes(&s, dir, data + 1, size - 1);
    tl_end(&s, data[0] & 2 ? TL_WHY_FIN : TL_WHY_RST);
    tl_check_messages(&tl_http1, &s, 0);
    tl_check_messages(&tl_http1, &s, 1 + (data[0] >> 2));
    tl_script_free(&s);
    return 0;
}
