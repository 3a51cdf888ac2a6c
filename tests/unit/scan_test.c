/*
** A pattern over bytes that come in pieces: whatever the pieces, the matches are those of the joined bytes.  The models are memmem() and
** one pcre2_match() loop over all of them.
*/
#include "query/scan.h"
#include "support/check.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum { HITS_MOST = 4000 };
typedef struct hits {
    size_t n;
    struct {
        uint64_t at;
        size_t length;
    } hit[HITS_MOST];
} hits;

static void note(hits *h, uint64_t at, size_t length)
{
    if (h->n < HITS_MOST) {
        h->hit[h->n].at = at;
        h->hit[h->n].length = length;
    }
    h->n++;
}

static bool same(const hits *a, const hits *b)
{
    if (a->n != b->n || a->n > HITS_MOST) return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->hit[i].at != b->hit[i].at || a->hit[i].length != b->hit[i].length) return false;
    return true;
}

static void model_literal(tl_span in, const char *needle, size_t m, hits *out)
{
    out->n = 0;
    for (size_t at = 0; at < in.n;) {
        const uint8_t *p = memmem(in.p + at, in.n - at, needle, m);
        if (p == NULL) break;
        note(out, (uint64_t)(p - in.p), m);
        at = (size_t)(p - in.p) + m;
    }
}

static void model_regex(tl_span in, const char *text, hits *out)
{
    int code;
    size_t where;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)text, strlen(text), PCRE2_MULTILINE, &code, &where, context);
    CU_ASSERT_PTR_NOT_NULL_FATAL(re);
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    out->n = 0;
    for (size_t at = 0; at < in.n && pcre2_match(re, in.p, in.n, at, PCRE2_NOTEMPTY, match, NULL) >= 0;) {
        const size_t *range = pcre2_get_ovector_pointer(match);
        note(out, range[0], range[1] - range[0]);
        at = range[1];
    }
    pcre2_match_data_free(match);
    pcre2_code_free(re);
    pcre2_compile_context_free(context);
}

/* Each hit's bytes and context lie where they should. */
static void check_hit(tl_span in, const tl_scan_hit *h, size_t context)
{
    size_t at = (size_t)h->offset, end = at + h->match.n, before = at < context ? at : context;
    size_t after = in.n - end < context ? in.n - end : context;
    CU_ASSERT_FATAL(end <= in.n);
    CU_ASSERT(h->before.n == before && memcmp(h->before.p, in.p + at - before, before) == 0);
    CU_ASSERT(memcmp(h->match.p, in.p + at, h->match.n) == 0);
    CU_ASSERT(h->after.n == after && memcmp(h->after.p, in.p + end, after) == 0);
}

/* Pieces end at the cuts (ascending).  A gap at each cut instead, for the sabotage. */
static void scan(tl_scan *s, tl_span in, const size_t *cuts, size_t n, bool gaps, size_t context, hits *out)
{
    tl_scan_hit h;
    out->n = 0;
    tl_scan_start(s, 0, false);
    for (size_t i = 0, at = 0; i <= n; i++) {
        size_t stop = i < n ? cuts[i] : in.n;
        uint8_t *room = tl_scan_room(s, stop - at);
        CU_ASSERT_PTR_NOT_NULL_FATAL(room);
        if (stop > at) memcpy(room, in.p + at, stop - at);
        tl_scan_push(s, stop - at);
        if (i == n || gaps) tl_scan_finish(s, i < n);
        while (tl_scan_pull(s, &h)) {
            if (!gaps) check_hit(in, &h, context);
            note(out, h.offset, h.match.n);
        }
        if (gaps && i < n) tl_scan_start(s, stop, true);
        at = stop;
    }
}

static bool every_cut(tl_span in, const char *pattern, bool regex, bool gaps, const hits *want)
{
    static hits got;
    static const size_t contexts[] = {0, 3, 1000}, batches[] = {1, 7, 1 << 16};
    tl_error err;
    tl_pattern *p = tl_pattern_new(pattern, regex, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    bool all = true;
    for (size_t k = 0; k < 3; k++) {
        tl_scan *s = tl_scan_new(p, contexts[k], batches[k]);
        for (size_t a = 0; a <= in.n; a++) {
            for (size_t b = a; b <= in.n; b += 1 + in.n / 16) {
                const size_t cuts[] = {a, b};
                scan(s, in, cuts, 2, gaps, contexts[k], &got);
                if (!same(&got, want)) all = false;
            }
        }
        size_t *bytewise = malloc(in.n * sizeof *bytewise);
        for (size_t i = 0; i < in.n; i++) bytewise[i] = i;
        scan(s, in, bytewise, in.n, gaps, contexts[k], &got);
        if (!same(&got, want)) all = false;
        free(bytewise);
        tl_scan_free(s);
    }
    tl_pattern_free(p);
    return all;
}

static const char text[] =
    "GET /a HTTP/1.1\r\nHost: aab.example\r\n\r\nababababab\nHost: \r\r\n\nfoobar foo=12345;aaaaaaaaaaaaaab\r\n\r\nlast line";

static void literals(void)
{
    static const char *const needles[] = {"a", "ab", "aba", "abababab", "Host: ", "last line", "GET", "nosuch", "aaaaaaaaaaaaaab", "e"};
    static hits want;
    tl_span in = tl_span_of(text, sizeof text - 1);
    for (size_t i = 0; i < sizeof needles / sizeof needles[0]; i++) {
        model_literal(in, needles[i], strlen(needles[i]), &want);
        CU_ASSERT(every_cut(in, needles[i], false, false, &want));
    }
    /* Long ones, in bytes where every place looks like one: 256 is the last that is looked for here, longer ones are memmem's. */
    static char many[560], needle[300];
    memset(many, 'a', sizeof many);
    many[300] = 'b';
    for (size_t m = 256; m <= 257; m++) {
        memset(needle, 'a', m);
        needle[m] = '\0';
        needle[m / 2] = 'b';
        model_literal(tl_span_of(many, sizeof many), needle, m, &want);
        CU_ASSERT_EQUAL(want.n, 1);
        CU_ASSERT(every_cut(tl_span_of(many, sizeof many), needle, false, false, &want));
        needle[m / 2] = 'a';
        model_literal(tl_span_of(many, sizeof many), needle, m, &want);
        CU_ASSERT(every_cut(tl_span_of(many, sizeof many), needle, false, false, &want));
    }
    /* The checker can fail: where each piece is a run of its own, what lies over a cut is not found. */
    model_literal(in, "ababab", 6, &want);
    CU_ASSERT(every_cut(in, "ababab", false, false, &want));
    CU_ASSERT_FALSE(every_cut(in, "ababab", false, true, &want));
}

static void expressions(void)
{
    static const char *const patterns[] = {
        "a+b",          "^Host: *\\S*$", "(?<=foo)\\w+", "\\bfoo\\b",  "^.*$",     "\\d{3}", "(?s)Host.*?\\n\\n", "\\r\\n\\r\\n",
        "[^a]+",        "line\\z",       "foo(?=bar)",   "foo(?!bar)", "^",        "x*",     "(a|ab)(c|bcd)*",    "^\\s",
        "(?i)get|HOST", "\\AGET",        "$\\s",         "\\Kaa",      "(?<!a)ab", "\\s+",   "[ -~]+$",           "e$"};
    static hits want;
    tl_span in = tl_span_of(text, sizeof text - 1);
    size_t found = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        model_regex(in, patterns[i], &want);
        found += want.n;
        bool ok = every_cut(in, patterns[i], true, false, &want);
        if (!ok) printf("\n%s\n", patterns[i]);
        CU_ASSERT(ok);
    }
    CU_ASSERT(found > 50);
    model_regex(in, "a+b", &want);
    CU_ASSERT_FALSE(every_cut(in, "a+b", true, true, &want));
}

/* Few letters, so that needles overlap themselves and each other. */
static void random_bytes(void)
{
    static hits want, got;
    unsigned long long seed = 0x5eed;
    for (int round = 0; round < 300; round++) {
        uint8_t bytes[700];
        char needle[12] = "", regex[40];
        size_t n = 1 + (size_t)(tl_random(&seed) % sizeof bytes), m = 1 + (size_t)(tl_random(&seed) % 6), cuts[40], cut = 0;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)("ab\n\r"[tl_random(&seed) % 23 < 20 ? tl_random(&seed) % 2 : 2 + tl_random(&seed) % 2]);
        for (size_t i = 0; i < m; i++) needle[i] = (char)('a' + tl_random(&seed) % 2);
        snprintf(regex, sizeof regex, "(?:^)?%.3s+(b|\\r\\n|$)?%.2s", needle, needle);
        tl_span in = tl_span_of(bytes, n);
        for (size_t at = 0; cut < 40 && (at += tl_random(&seed) % 40) < n;) cuts[cut++] = at;
        for (int kind = 0; kind < 2; kind++) {
            tl_error err;
            tl_pattern *p = tl_pattern_new(kind ? regex : needle, kind == 1, &err);
            tl_scan *s = tl_scan_new(p, 5, 1 + (size_t)round % 50);
            if (kind)
                model_regex(in, regex, &want);
            else
                model_literal(in, needle, m, &want);
            scan(s, in, cuts, cut, false, 5, &got);
            if (!same(&got, &want)) printf("\nround %d: %s\n", round, kind ? regex : needle);
            CU_ASSERT(same(&got, &want));
            tl_scan_free(s);
            tl_pattern_free(p);
        }
    }
}

/* No match, no context and no line's end comes from the other side of a gap, and the hits say that one is near. */
static void gaps(void)
{
    static const struct {
        const char *pattern;
        bool regex;
        size_t hits;
    } cases[] = {{"abcd", false, 0}, {"ab", false, 2}, {"cd", false, 2}, {"^cd", true, 0}, {"ab$", true, 1}, {"^ab", true, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_error err;
        tl_scan_hit h;
        tl_pattern *p = tl_pattern_new(cases[i].pattern, cases[i].regex, &err);
        tl_scan *s = tl_scan_new(p, 4, 1);
        size_t n = 0;
        for (int run = 0; run < 2; run++) { /* "ab" gap "cd", then at the end of all "cdab" */
            static const char *const runs[][2] = {{"ab", "cd"}, {"cd", "ab"}};
            for (int half = 0; half < 2; half++) {
                tl_scan_start(s, (uint64_t)(run * 100 + half * 50), run > 0 || half > 0);
                memcpy(tl_scan_room(s, 2), runs[run][half], 2);
                tl_scan_push(s, 2);
                tl_scan_finish(s, run == 0 || half == 0);
                for (; tl_scan_pull(s, &h); n++) {
                    CU_ASSERT(h.before.n == 0 && h.after.n == 0);
                    CU_ASSERT(h.gap_before == (run > 0 || half > 0) && h.gap_after == (run == 0 || half == 0));
                }
            }
        }
        if (n != cases[i].hits) printf("\n%s: %zu\n", cases[i].pattern, n);
        CU_ASSERT_EQUAL(n, cases[i].hits);
        tl_scan_free(s);
        tl_pattern_free(p);
    }
}

/* A match has TL_MATCH_MOST bytes at most, however the bytes come. */
static void long_matches(void)
{
    enum { N = 200000 };
    static hits got;
    uint8_t *bytes = malloc(N);
    memset(bytes, 'x', N);
    bytes[10] = 'a';
    bytes[10 + TL_MATCH_MOST - 1] = 'b'; /* just fits */
    bytes[100000] = 'a';
    bytes[100000 + TL_MATCH_MOST] = 'b'; /* just does not */
    static const size_t steps[] = {1000, 17000, 70000, N};
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
        tl_error err;
        size_t cuts[N / 1000], n = 0;
        for (size_t at = steps[k]; at < N; at += steps[k]) cuts[n++] = at;
        tl_pattern *p = tl_pattern_new("a[^a]*b", true, &err);
        tl_scan *s = tl_scan_new(p, 10, 1);
        scan(s, tl_span_of(bytes, N), cuts, n, false, 10, &got);
        CU_ASSERT(got.n == 1 && got.hit[0].at == 10 && got.hit[0].length == TL_MATCH_MOST);
        CU_ASSERT_EQUAL(tl_scan_given_up(s), 0);
        tl_scan_free(s);
        tl_pattern_free(p);
    }
    free(bytes);
}

/* An expression that backtracks for ever is stopped, and what could not be decided is told. */
static void costly(void)
{
    enum { N = 40000 };
    static hits got;
    tl_error err;
    char *bytes = malloc(N);
    memset(bytes, 'a', N);
    memcpy(bytes + N - 10, "\nneedle\nab", 10);
    tl_pattern *p = tl_pattern_new("(?:(?:a|aa)+)+b$|needle", true, &err);
    tl_scan *s = tl_scan_new(p, 0, 1);
    const size_t cut = N - 10;
    scan(s, tl_span_of(bytes, N), &cut, 1, false, 0, &got);
    CU_ASSERT(tl_scan_given_up(s) > 0 && tl_scan_given_up(s) <= N);
    CU_ASSERT(got.n <= 2);
    tl_scan_free(s);
    tl_pattern_free(p);
    free(bytes);
}

static void wrong_patterns(void)
{
    static const struct {
        const char *text, *says;
        bool regex;
    } cases[] = {
        {"", "empty", false},       {"a\\d", "byte 2", false},  {"\\", "byte 1", false},          {"\\x4", "byte 1", false},
        {"\\xg0", "byte 1", false}, {"(a", "byte 3", true},     {"(*UTF)a", "UTF", true},         {"(*UCP)a", "UCP", true},
        {"a\\C", "\\C", true},      {"[", "terminating", true}, {"(?<=a+)b", "lookbehind", true}, {"a{70000}", "big", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_error err = {0};
        tl_pattern *p = tl_pattern_new(cases[i].text, cases[i].regex, &err);
        CU_ASSERT_PTR_NULL(p);
        CU_ASSERT_EQUAL(err.rc, TL_EUSAGE);
        if (strstr(err.text, cases[i].says) == NULL) printf("\n%s: %s\n", cases[i].text, err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].says));
        tl_pattern_free(p);
    }
    char *huge = malloc(TL_PATTERN_MOST + 2);
    memset(huge, 'a', TL_PATTERN_MOST + 1);
    huge[TL_PATTERN_MOST + 1] = '\0';
    tl_error err = {0};
    CU_ASSERT_PTR_NULL(tl_pattern_new(huge, false, &err));
    free(huge);
}

static void escapes(void)
{
    static const char want[] = "a\0\n\r\t\\\xff\x1b.*";
    uint8_t out[64];
    size_t n;
    tl_error err;
    CU_ASSERT(tl_pattern_unescape("a\\x00\\n\\r\\t\\\\\\xFf\\x1b.*", out, &n, &err));
    CU_ASSERT(n == sizeof want - 1 && memcmp(out, want, n) == 0);
    CU_ASSERT(tl_pattern_unescape("\\0", out, &n, &err) && n == 1 && out[0] == 0);
}

int main(void)
{
    return tl_run_cases("scan", (const tl_case[]){
                                    {"literals at every cut", literals},
                                    {"expressions at every cut", expressions},
                                    {"random bytes and cuts", random_bytes},
                                    {"gaps", gaps},
                                    {"long matches", long_matches},
                                    {"costly", costly},
                                    {"wrong patterns", wrong_patterns},
                                    {"escapes", escapes},
                                    {0},
                                });
}
