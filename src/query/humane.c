/*
** humane.c - see humane.h.
*/
#include "query/humane.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { EXACT_BELOW = 1000000 };

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(word, *words) != 0) words++;
    return *words != NULL;
}

tl_quantity tl_quantity_of(const char *column)
{
    static const char *const bytes[] = {"bytes",    "length",    "missing", "loss",       "size", "stored",
                                        "captured", "duplicate", "stray",   "bytes_sent", NULL},
                             *const counts[] = {"captures", "frames",   "gaps",     "messages",  "offset", "order",
                                                "packets",  "pkts",     "requests", "responses", "rows",   "retransmitted",
                                                "segments", "sessions", "strays",   "streams",   NULL};
    const char *word = strrchr(column, '_');
    word = word == NULL ? column : word + 1;
    if (is_one_of(word, bytes) || is_one_of(column, bytes)) return TL_BYTES;
    return is_one_of(word, counts) || strncmp(column, "sessions_", 9) == 0 ? TL_COUNT : TL_NAME;
}

static void add_separated(tl_text *t, int64_t v)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    if (v < 0) tl_text_add(t, "-");
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) tl_text_add(t, ",");
        tl_text_bytes(t, digits + i, 1);
    }
}

void tl_humane_add(tl_text *t, tl_quantity what, int64_t v)
{
    static const char *const units[] = {"MB", "GB", "TB", "PB", "EB"};
    if (what == TL_NAME) {
        tl_text_printf(t, "%" PRId64, v);
    } else if (what == TL_COUNT || v < EXACT_BELOW) {
        add_separated(t, v);
    } else {
        size_t unit = 0;
        double shown = (double)v / EXACT_BELOW;
        for (; shown >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++) shown /= 1000;
        tl_text_printf(t, "%.*f %s", shown < 9.995 ? 2 : shown < 99.95 ? 1 : 0, shown, units[unit]);
    }
}
