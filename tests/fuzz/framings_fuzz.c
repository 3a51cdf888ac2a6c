/*
** framings_fuzz.c - any text as declared framings: an error that names its line, or detectors that keep their contract on what follows.
**
** Input: the text, a NUL, then bytes of a client.
*/
#include "message/framings.h"
#include "support/fuzzing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tl_error err = {0};
    const uint8_t *nul = size > 0 && size < 1 << 14 ? memchr(data, 0, size) : NULL;
    if (nul == NULL) return 0;
    size_t text_n = (size_t)(nul - data) + 1;
    char *text = malloc(text_n);
    memcpy(text, data, text_n);
    tl_framings *f = tl_framings_read(text, "f", &err);
    assert(f != NULL || (err.rc == TL_EUSAGE && strncmp(err.text, "f:", 2) == 0));
    const tl_registry none = {NULL, 0, NULL}, *r = f != NULL ? tl_framings_registry(f, &none) : &none;
    for (size_t i = 0; i < r->n && i < 4; i++) {
        tl_script s = {.port = 7000};
        if (size > text_n) tl_say_bytes(&s, TL_C2S, data + text_n, size - text_n);
        tl_end(&s, TL_WHY_FIN);
        tl_check_messages(r->items[i], &s, 0);
        tl_check_messages(r->items[i], &s, 3);
        tl_script_free(&s);
    }
    tl_framings_free(f);
    free(text);
    return 0;
}
