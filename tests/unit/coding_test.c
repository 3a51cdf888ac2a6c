/*
** Codings and framings, piece by piece: whatever the pieces and however little room there is, the same bytes come out.
*/
#include "query/coding.h"
#include "query/unframe.h"
#include "support/check.h"
#include "support/coded.h"
#include <stdlib.h>
#include <zlib.h>

/* Decodes pieces that end at the cuts into out (NULL: nowhere); how it ended. */
static tl_coded decode(tl_coding_kind kind, tl_span in, const size_t *cuts, size_t n, size_t room, char *out, size_t most, size_t *made)
{
    tl_coding *c = tl_coding_new(kind);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    uint8_t *buffer = malloc(room);
    tl_coded coded = TL_CODED_MORE;
    *made = 0;
    for (size_t i = 0, at = 0; i <= n && coded == TL_CODED_MORE; i++) {
        size_t stop = i < n ? cuts[i] : in.n, some = 0;
        uint8_t *exact = tl_exact(in.p + at, stop - at); /* a sanitizer sees every over-read */
        tl_span piece = tl_span_of(exact, stop - at);
        for (int turns = 0; turns < 1000000; turns++) {
            coded = tl_coding_run(c, &piece, buffer, room, &some);
            CU_ASSERT_FATAL(some <= room && (out == NULL || *made + some <= most));
            if (out != NULL) memcpy(out + *made, buffer, some);
            *made += some;
            if (coded != TL_CODED_OK) break;
        }
        CU_ASSERT(coded != TL_CODED_OK);
        CU_ASSERT(coded != TL_CODED_MORE || piece.n == 0);
        at = stop;
        free(exact);
    }
    if (coded == TL_CODED_MORE && tl_coding_may_end(c)) coded = TL_CODED_END;
    free(buffer);
    tl_coding_free(c);
    return coded;
}

static void every_split(void)
{
    char want[TL_CODED_ROOM], got[TL_CODED_ROOM];
    size_t n = tl_coded_text(want), made;
    for (size_t k = 0; k < TL_CODED_KINDS; k++) {
        tl_span in = tl_coded_all[k].bytes;
        for (size_t a = 0; a <= in.n; a++)
            for (size_t b = a; b <= in.n; b += 1 + in.n / 4) {
                const size_t cuts[] = {a, b};
                CU_ASSERT_EQUAL(decode(tl_coded_all[k].kind, in, cuts, 2, a % 3 == 0 ? 1 : 1000, got, sizeof got, &made), TL_CODED_END);
                CU_ASSERT(made == n && memcmp(got, want, n) == 0);
            }
    }
}

/* Cut anywhere: what comes out is the front of the text, and the end is not reached. */
static void truncated(void)
{
    char want[TL_CODED_ROOM], got[TL_CODED_ROOM];
    size_t made;
    tl_coded_text(want);
    for (size_t k = 0; k < TL_CODED_KINDS; k++)
        for (size_t cut = 1; cut < tl_coded_all[k].bytes.n; cut++) {
            bool between = tl_coded_all[k].bytes.p == (const uint8_t *)coded_two && cut == sizeof coded_two - 1;
            tl_coded coded = decode(tl_coded_all[k].kind, tl_span_of(tl_coded_all[k].bytes.p, cut), NULL, 0, 64, got, sizeof got, &made);
            if (coded == TL_CODED_END && made == 100) between = true; /* right after the first of two members */
            CU_ASSERT(coded == TL_CODED_MORE || between);
            CU_ASSERT(memcmp(got, want, made) == 0);
        }
}

static void damaged(void)
{
    size_t made;
    unsigned bad = 0;
    for (size_t k = 0; k < TL_CODED_KINDS; k++)
        for (size_t at = 0; at < tl_coded_all[k].bytes.n; at++)
            for (int bit = 0; bit < 8; bit += 3) {
                uint8_t *copy = tl_exact(tl_coded_all[k].bytes.p, tl_coded_all[k].bytes.n);
                copy[at] ^= (uint8_t)(1 << bit);
                bad +=
                    decode(tl_coded_all[k].kind, tl_span_of(copy, tl_coded_all[k].bytes.n), NULL, 0, 4096, NULL, 0, &made) == TL_CODED_BAD;
                free(copy);
            }
    CU_ASSERT(bad > 500);
}

/* What follows the end is padding; a window that HTTP does not allow is refused. */
static void ends(void)
{
    char got[TL_CODED_ROOM], padded[sizeof coded_gzip + 40] = {0};
    size_t made, n = sizeof coded_gzip - 1;
    memcpy(padded, coded_gzip, n);
    CU_ASSERT_EQUAL(decode(TL_CODING_GZIP, tl_span_of(padded, n + 40), NULL, 0, 64, got, sizeof got, &made), TL_CODED_END);
    CU_ASSERT(made > 300);
    CU_ASSERT_EQUAL(decode(TL_CODING_GZIP, tl_span_of("", 0), NULL, 0, 64, got, sizeof got, &made), TL_CODED_END);
    static const char window[] = "\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00"; /* windowLog 27 */
    CU_ASSERT_EQUAL(decode(TL_CODING_ZSTD, tl_span_of(window, sizeof window - 1), NULL, 0, 64, got, sizeof got, &made), TL_CODED_BAD);
    CU_ASSERT_EQUAL(tl_coding_named(tl_span_of("X-GZip", 6)), TL_CODING_GZIP);
    CU_ASSERT_EQUAL(tl_coding_named(tl_span_of("gzipp", 5)), TL_CODING_UNKNOWN);
    CU_ASSERT_EQUAL(tl_coding_named(tl_span_of("identity", 8)), TL_CODING_NONE);
}

/* ---- framings ---- */

static tl_unframe unframe(tl_framing framing, const char *in, size_t n, size_t cut, char *out, size_t *made)
{
    tl_unframe u = {.framing = framing};
    *made = 0;
    for (int half = 0; half < 2; half++) {
        uint8_t *exact = half == 0 ? tl_exact(in, cut) : tl_exact(in + cut, n - cut);
        tl_span left = tl_span_of(exact, half == 0 ? cut : n - cut), some;
        while (left.n > 0 && !u.lost && !u.ended) {
            tl_unframe_run(&u, &left, &some);
            memcpy(out + *made, some.p, some.n);
            *made += some.n;
        }
        free(exact);
    }
    return u;
}

static void framings(void)
{
    static const struct {
        tl_framing framing;
        const char *in, *out;
        bool ended, lost;
    } cases[] = {
        {TL_FRAMING_CHUNKED, "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n", "hello world", true, false},
        {TL_FRAMING_CHUNKED, "5\nhello\n00\nT: x\n\nrest", "hello", true, false},
        {TL_FRAMING_CHUNKED, "A \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "0123456789", true, false},
        {TL_FRAMING_CHUNKED, "5\r\nhel", "hel", false, false},
        {TL_FRAMING_CHUNKED, "5\r\nhello\r\n", "hello", false, false},
        {TL_FRAMING_CHUNKED, "xyz\r\nhello", "", false, true},
        {TL_FRAMING_CHUNKED, "\r\nhello", "", false, true},
        {TL_FRAMING_CHUNKED, "ffffffffffffffffff\r\nx", "", false, true},
        {TL_FRAMING_DOTS, "one\r\n..two\r\n.\r\n", "one\r\n.two\r\n", true, false},
        {TL_FRAMING_DOTS, ".\r\n", "", true, false},
        {TL_FRAMING_DOTS, ".\n", "", true, false},
        {TL_FRAMING_DOTS, "a\n.\rb\n", "a\n\rb\n", false, false},
        {TL_FRAMING_DOTS, "no end", "no end", false, false},
        {TL_FRAMING_NONE, "as it is", "as it is", false, false},
    };
    char out[200];
    size_t made;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = strlen(cases[i].in);
        for (size_t cut = 0; cut <= n; cut++) {
            tl_unframe u = unframe(cases[i].framing, cases[i].in, n, cut, out, &made);
            bool ok = made == strlen(cases[i].out) && memcmp(out, cases[i].out, made) == 0 && u.ended == cases[i].ended &&
                      u.lost == cases[i].lost;
            if (!ok) printf("\n%s, cut at %zu: %.*s\n", cases[i].in, cut, (int)made, out);
            CU_ASSERT(ok);
        }
    }
}

/* A hole within a chunk is the body's; one that reaches over its end loses the rest. */
static void holes(void)
{
    char out[50];
    size_t made;
    tl_unframe u = unframe(TL_FRAMING_CHUNKED, "a\r\n01234", 8, 3, out, &made);
    CU_ASSERT(made == 5 && tl_unframe_hole(&u, 3) == 3 && !u.lost);
    CU_ASSERT(tl_unframe_hole(&u, 2) == 2 && !u.lost);
    CU_ASSERT(tl_unframe_hole(&u, 1) == 0 && u.lost);
    u = unframe(TL_FRAMING_CHUNKED, "a\r\n01234", 8, 3, out, &made);
    CU_ASSERT(tl_unframe_hole(&u, 6) == 5 && u.lost);
    u = (tl_unframe){0};
    CU_ASSERT(tl_unframe_hole(&u, 1 << 30) == 1 << 30 && !u.lost);
}

int main(void)
{
    return tl_run_cases("coding", (const tl_case[]){
                                      {"every split", every_split},
                                      {"truncated", truncated},
                                      {"damaged", damaged},
                                      {"ends", ends},
                                      {"framings", framings},
                                      {"holes", holes},
                                      {0},
                                  });
}
