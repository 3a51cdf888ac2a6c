/*
** text_test.c - what the wire sends never steers a terminal, and JSON stays JSON; errors and addresses as text.
*/
#include "base/text.h"
#include "support/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tl_span literal(const char *s)
{
    return tl_span_of(s, strlen(s));
}

static const struct {
    const char *in;
    size_t n;
    const char *text, *json;
} escapes[] = {
    {"", 0, "", "\"\""},
    {"GET /", 5, "GET /", "\"GET /\""},
    {"a\\b", 3, "a\\\\b", "\"a\\\\\\\\b\""},
    {"say \"hi\"", 8, "say \"hi\"", "\"say \\\"hi\\\"\""},
    {"\r\n\t", 3, "\\x0d\\x0a\\x09", "\"\\\\x0d\\\\x0a\\\\x09\""},
    {"\0x", 2, "\\x00x", "\"\\\\x00x\""},
    {"\x1b[31m", 5, "\\x1b[31m", "\"\\\\x1b[31m\""},
    {"\x7f", 1, "\\x7f", "\"\\\\x7f\""},
    {"gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
    {"\xe2\x82\xac\xf0\x9f\x98\x80", 7, "\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"\xc2\x85", 2, "\\xc2\\x85", "\"\\\\xc2\\\\x85\""},                                 /* C1 NEL */
    {"\xc2\x9b", 2, "\\xc2\\x9b", "\"\\\\xc2\\\\x9b\""},                                 /* C1 CSI */
    {"\xe2\x80\xae", 3, "\\xe2\\x80\\xae", "\"\\\\xe2\\\\x80\\\\xae\""},                 /* U+202E, right to left */
    {"\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6", "\"\\\\xe2\\\\x81\\\\xa6\""},                 /* U+2066, isolate */
    {"\xef\xbb\xbf", 3, "\\xef\\xbb\\xbf", "\"\\\\xef\\\\xbb\\\\xbf\""},                 /* U+FEFF */
    {"\xf3\xa0\x81\x81", 4, "\\xf3\\xa0\\x81\\x81", "\"\\\\xf3\\\\xa0\\\\x81\\\\x81\""}, /* U+E0041, tag */
    {"\xc0\xaf", 2, "\\xc0\\xaf", "\"\\\\xc0\\\\xaf\""},                                 /* overlong / */
    {"\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf", "\"\\\\xe0\\\\x80\\\\xaf\""},                 /* overlong / */
    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80", "\"\\\\xed\\\\xa0\\\\x80\""},                 /* surrogate */
    {"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80", "\"\\\\xf4\\\\x90\\\\x80\\\\x80\""}, /* above U+10FFFF */
    {"\xe2\x82", 2, "\\xe2\\x82", "\"\\\\xe2\\\\x82\""},                                 /* cut character */
    {"\x80\xff", 2, "\\x80\\xff", "\"\\\\x80\\\\xff\""},                                 /* stray bytes */
};

static void escaping(void)
{
    tl_text t = {0};
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        char *in = tl_exact(escapes[i].in, escapes[i].n);
        tl_text_reset(&t);
        tl_text_escaped(&t, tl_span_of(in, escapes[i].n), SIZE_MAX);
        CU_ASSERT_PTR_NOT_NULL_FATAL(t.p);
        CU_ASSERT_STRING_EQUAL(t.p, escapes[i].text);
        tl_text_reset(&t);
        tl_json_string(&t, tl_span_of(in, escapes[i].n), SIZE_MAX);
        CU_ASSERT_STRING_EQUAL(t.p, escapes[i].json);
        free(in);
    }
    tl_text_free(&t);
    CU_ASSERT(t.p == NULL && t.n == 0 && t.room == 0 && !t.failed);
}

static void a_cut_is_told(void)
{
    static const struct {
        const char *in;
        size_t most;
        const char *out;
    } cases[] = {
        {"abcdef", 6, "abcdef"},  {"abcdef", 5, "abcde..."},     {"abcdef", 0, "..."},          {"", 0, ""},
        {"a\xc3\xbc", 2, "a..."}, {"a\xc3\xbc", 3, "a\xc3\xbc"}, {"a\xff\xff", 2, "a\\xff..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_text t = {0};
        tl_text_escaped(&t, literal(cases[i].in), cases[i].most);
        CU_ASSERT_STRING_EQUAL(t.p, cases[i].out);
        tl_text_free(&t);
    }
}

/* Long texts are escaped in slices: where these end must not show. */
static void slices_do_not_show(void)
{
    static const char *const units[] = {"\xf0\x9f\x98\x80", "\xc3\xbc", "\xff", "\"\\", "\xe2\x82"}; /* whole, whole, stray, special, cut */
    for (size_t unit = 0; unit < sizeof units / sizeof units[0]; unit++)
        for (size_t before = 55; before < 70; before++) {
            char in[160];
            size_t n = strlen(units[unit]);
            tl_text whole = {0}, parts = {0};
            memset(in, 'a', sizeof in);
            memcpy(in + before, units[unit], n);
            char *exact = tl_exact(in, sizeof in);
            tl_json_string(&whole, tl_span_of(exact, sizeof in), SIZE_MAX);
            tl_text_add(&parts, "\"");
            for (size_t i = 0; i < before; i++) tl_text_add(&parts, "a");
            tl_json_string(&parts, tl_span_of(exact + before, n), SIZE_MAX); /* with its quotes, which go */
            memmove(parts.p + before + 1, parts.p + before + 2, parts.n - before - 2);
            parts.n -= 2;
            for (size_t i = before + n; i < sizeof in; i++) tl_text_add(&parts, "a");
            tl_text_add(&parts, "\"");
            CU_ASSERT_STRING_EQUAL(whole.p, parts.p);
            tl_text_reset(&whole);
            tl_text_escaped(&whole, tl_span_of(exact, sizeof in), before + 1); /* cut in or behind the unit's first byte */
            CU_ASSERT(memcmp(whole.p, in, before) == 0 && strcmp(whole.p + whole.n - 3, "...") == 0);
            CU_ASSERT(unit > 1 || whole.n == before + 3);
            free(exact);
            tl_text_free(&whole);
            tl_text_free(&parts);
        }
}

/* Bytes are looked at by words: none of them may hide among others that are plain. */
static void each_byte_at_each_place(void)
{
    for (unsigned c = 0; c < 256; c++)
        for (size_t place = 0; place < 17; place++) {
            char in[17], one[8], quoted[12], expect[32], expect_json[32];
            memset(in, c % 2 ? ' ' : '~', sizeof in); /* the ends of what is plain */
            snprintf(one, sizeof one, c == '\\' ? "\\\\" : c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
            snprintf(quoted, sizeof quoted, "%s%s%s", c == '"' || one[0] == '\\' ? "\\" : "", c == '\\' ? "\\" : "", one);
            snprintf(expect, sizeof expect, "%.*s%s%.*s", (int)place, in, one, (int)(sizeof in - place - 1), in);
            snprintf(expect_json, sizeof expect_json, "\"%.*s%s%.*s\"", (int)place, in, quoted, (int)(sizeof in - place - 1), in);
            in[place] = (char)c;
            char *exact = tl_exact(in, sizeof in);
            tl_text t = {0};
            tl_text_escaped(&t, tl_span_of(exact, sizeof in), SIZE_MAX);
            CU_ASSERT_STRING_EQUAL(t.p, expect);
            tl_text_reset(&t);
            tl_json_string(&t, tl_span_of(exact, sizeof in), SIZE_MAX);
            CU_ASSERT_STRING_EQUAL(t.p, expect_json);
            tl_text_free(&t);
            free(exact);
        }
}

/* Whatever comes in, a terminal gets printable bytes only, and the JSON string has no bare quote inside. */
static void any_bytes(void)
{
    static const uint8_t spiky[] = "\\\"x\x1b\xe2\x80\xae\xc3\xbc\n";
    unsigned long long seed = 5;
    tl_text t = {0};
    for (int round = 0; round < 20000; round++) {
        uint8_t in[24];
        size_t n = (size_t)(tl_random(&seed) % sizeof in);
        for (size_t i = 0; i < n; i++) in[i] = round % 2 ? (uint8_t)tl_random(&seed) : spiky[tl_random(&seed) % (sizeof spiky - 1)];
        uint8_t *exact = tl_exact(in, n);
        tl_text_reset(&t);
        tl_json_string(&t, tl_span_of(exact, n), (size_t)(tl_random(&seed) % 30));
        free(exact);
        CU_ASSERT(!t.failed && t.n >= 2 && t.p[0] == '"' && t.p[t.n - 1] == '"');
        size_t wrong = 0;
        for (size_t i = 1; i + 1 < t.n;) {
            size_t len = tl_text_readable(tl_span_of(t.p + i, t.n - 1 - i));
            if (t.p[i] == '\\') {
                wrong += t.p[i + 1] != '\\' && t.p[i + 1] != '"';
                i += 2;
            } else {
                wrong += len == 0 || t.p[i] == '"';
                i += len ? len : 1;
            }
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
    tl_text_free(&t);
}

static void objects(void)
{
    tl_text t = {0};
    tl_json_open(&t);
    tl_json_close(&t);
    CU_ASSERT_STRING_EQUAL(t.p, "{}");
    tl_text_reset(&t);
    tl_json_open(&t);
    tl_json_field(&t, "method", literal("GET"), 100);
    tl_json_number(&t, "least", INT64_MIN);
    tl_json_field(&t, "host", literal("{"), 100);
    tl_json_number(&t, "status", 200);
    tl_json_close(&t);
    CU_ASSERT_STRING_EQUAL(t.p, "{\"method\":\"GET\",\"least\":-9223372036854775808,\"host\":\"{\",\"status\":200}");
    tl_text_free(&t);
}

static void growing(void)
{
    tl_text t = {0};
    for (int i = 0; i < 10000; i++) {
        tl_text_printf(&t, "%d", i % 10);
        CU_ASSERT_FATAL(t.n == (size_t)i + 1 && t.p[t.n] == '\0' && t.room > t.n);
    }
    CU_ASSERT_EQUAL(strncmp(t.p, "01234567890", 11), 0);
    tl_text_reset(&t);
    CU_ASSERT(t.n == 0 && t.p[0] == '\0');
    tl_text_bytes(&t, "a\0b", 3);
    CU_ASSERT(t.n == 3 && memcmp(t.p, "a\0b", 4) == 0);
    tl_text_free(&t);
}

static void errors_fit_and_are_safe(void)
{
    tl_error e = {0};
    CU_ASSERT_EQUAL(tl_fail(&e, TL_EIO, "%s: cannot be opened", "a\x1b]0;b\n\xc3\xbc\xff\\"), TL_EIO);
    CU_ASSERT_EQUAL(e.rc, TL_EIO);
    CU_ASSERT_STRING_EQUAL(e.text, "a\\x1b]0;b\\x0a\xc3\xbc\\xff\\: cannot be opened");
    CU_ASSERT_EQUAL(tl_fail(&e, TL_ESQL, "db: %s", e.text), TL_ESQL); /* its own text as an argument */
    CU_ASSERT_EQUAL(strncmp(e.text, "db: a\\x1b", 9), 0);
    CU_ASSERT_EQUAL(tl_fail(NULL, TL_ENOMEM, "no memory"), TL_ENOMEM);

    /* Every length around the buffer's, with bytes that grow fourfold: cut, whole escapes, ended. */
    for (size_t n = 80; n < 800; n++) {
        char *in = malloc(n + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(in);
        memset(in, '\x01', n);
        in[n] = '\0';
        tl_error *exact = tl_exact(&e, sizeof e);
        (void)tl_fail(exact, TL_EIO, "%s", in);
        size_t len = strlen(exact->text);
        CU_ASSERT(len < sizeof exact->text && len % 4 == 0 && (n * 4 >= sizeof exact->text || len == n * 4));
        free(exact);
        free(in);
    }
}

static void addresses(void)
{
    static const struct {
        tl_addr a;
        const char *text;
        bool v4;
    } cases[] = {
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}, 80}, "192.0.2.1", true},
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 255, 255, 255, 255}, 80}, "255.255.255.255", true},
        {{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 80}, "2001:db8::1", false},
        {{{0}, 0}, "::", false},
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1}, 80}, "::192.0.2.1", false},
        {{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44}, 80}, "fe80::1111:2222:3333:4444", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[TL_ADDR_TEXT];
        CU_ASSERT_STRING_EQUAL(tl_addr_text(&cases[i].a, text), cases[i].text);
        CU_ASSERT_EQUAL(tl_addr_is_ipv4(&cases[i].a), cases[i].v4);
    }
}

/* Rounded down, not towards 1970; the ends of what 64 bits hold. */
static void times(void)
{
    static const struct {
        int64_t ns;
        const char *want;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000000Z"},
        {1715595427123456789, "2024-05-13T10:17:07.123456789Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {-1000000000, "1969-12-31T23:59:59.000000000Z"},
        {951782400000000000, "2000-02-29T00:00:00.000000000Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_text t = {0};
        tl_text_time(&t, cases[i].ns);
        CU_ASSERT_STRING_EQUAL(t.p, cases[i].want);
        tl_text_free(&t);
    }
}

int main(void)
{
    return tl_run_cases("text", (const tl_case[]){{"escaping", escaping},
                                                  {"a cut is told", a_cut_is_told},
                                                  {"slices do not show", slices_do_not_show},
                                                  {"each byte at each place", each_byte_at_each_place},
                                                  {"any bytes", any_bytes},
                                                  {"objects", objects},
                                                  {"growing", growing},
                                                  {"errors fit and are safe", errors_fit_and_are_safe},
                                                  {"addresses", addresses},
                                                  {"times", times},
                                                  {0}});
}
