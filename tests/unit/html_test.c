/*
** HTML by construction: whatever a cell holds, it comes out as text; and figures never round a loss away.
*/
#include "query/html.h"
#include "support/check.h"
#include <string.h>

static void is(html *h, const char *want)
{
    const char *got = h->out.p == NULL ? "" : h->out.p;
    if (strcmp(got, want) != 0) printf("\ngot:    %s\nwanted: %s\n", got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
    tl_text_reset(&h->out);
}

static void markup_stays_text(void)
{
    html h = {0};
    html_text(&h, "<script>alert('1')</script> & \"x\"");
    is(&h, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;");
    static const char nasty[] = "a\x00\x1b[31m\xc2\x9b\xe2\x80\xae\xff";
    html_cell(&h, (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(nasty, sizeof nasty - 1)});
    is(&h, "a\\x00\\x1b[31m\\xc2\\x9b\\xe2\\x80\\xae\\xff");
    html_cell(&h, (tl_cell){.kind = TL_CELL_BLOB, .bytes = tl_span_of("<\\", 2)});
    is(&h, "&lt;\\\\");
    html_cell(&h, (tl_cell){.kind = TL_CELL_NULL});
    is(&h, "");
    html_free(&h);
}

/* Every byte value, in both kinds of text: none of the five characters survives, no control byte either. */
static void every_byte(void)
{
    html h = {0};
    for (int kind = TL_CELL_TEXT; kind <= TL_CELL_BLOB; kind++)
        for (int c = 0; c < 256; c++) {
            const uint8_t bytes[] = {'x', (uint8_t)c, 'y'};
            html_cell(&h, (tl_cell){.kind = (tl_cell_kind)kind, .bytes = tl_span_of(bytes, 3)});
            CU_ASSERT_PTR_NULL(strpbrk(h.out.p, "<>\"'"));
            const char *amp = strchr(h.out.p, '&');
            CU_ASSERT(amp == NULL || strchr(amp, ';') != NULL);
            for (size_t i = 0; i < h.out.n; i++) CU_ASSERT((unsigned char)h.out.p[i] >= 0x20 && (unsigned char)h.out.p[i] < 0x7f);
            tl_text_reset(&h.out);
        }
    html_free(&h);
}

static void figures(void)
{
    html h = {0};
    static const struct {
        int64_t n;
        const char *want;
    } counts[] = {{0, "0"},
                  {999, "999"},
                  {1000, "1,000"},
                  {-1234567, "-1,234,567"},
                  {INT64_MAX, "9,223,372,036,854,775,807"},
                  {INT64_MIN, "-9,223,372,036,854,775,808"}},
      sizes[] = {{1, "1 byte"},     {999, "999 bytes"}, {1000, "1.00 kB"},   {9994, "9.99 kB"},       {9996, "10.0 kB"},
                 {99960, "100 kB"}, {999400, "999 kB"}, {999600, "1.00 MB"}, {5416666670, "5.42 GB"}, {INT64_MAX, "9.22 EB"}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        html_count(&h, counts[i].n);
        is(&h, counts[i].want);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        html_size(&h, sizes[i].n);
        is(&h, sizes[i].want);
    }
    html_of(&h, 1, "gap");
    html_of(&h, 2, "gap");
    is(&h, "1 gap2 gaps");
    html_free(&h);
}

/* One byte lost of many is never "100 %", and never "0 %". */
static void shares(void)
{
    html h = {0};
    static const struct {
        int64_t part, whole;
        const char *want;
    } cases[] = {
        {0, 0, "0 %"},
        {0, 7, "0 %"},
        {7, 7, "100 %"},
        {1, INT64_MAX, "&lt;0.01 %"},
        {INT64_MAX - 1, INT64_MAX, "&gt;99.99 %"},
        {1, 3, "33.3 %"},
        {1, 200, "0.50 %"},
        {199, 200, "99.50 %"},
        {99999, 100000, "&gt;99.99 %"},
        {1, 100000, "&lt;0.01 %"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        html_share(&h, cases[i].part, cases[i].whole);
        is(&h, cases[i].want);
    }
    html_free(&h);
}

static void numbers_and_times(void)
{
    html h = {0};
    static const struct {
        double v;
        const char *number, *duration;
    } cases[] = {
        {0, "0", "0 ms"},        {0.002, "0.002", "2 ms"},          {1, "1", "1 s"}, {90.5, "90.5", "90.5 s"}, {900, "900", "15 min"},
        {21600, "21600", "6 h"}, {31536000, "31536000", "365 days"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        html_number(&h, cases[i].v);
        is(&h, cases[i].number);
        html_duration(&h, cases[i].v);
        is(&h, cases[i].duration);
    }
    static const char when[] = "2024-07-15T13:41:06.464271000Z", no_time[] = "<b>";
    html_time(&h, (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(when, sizeof when - 1)});
    is(&h, "<time datetime=\"2024-07-15T13:41:06.464271000Z\">2024-07-15 13:41:06.464</time>");
    html_time(&h, (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(no_time, sizeof no_time - 1)});
    is(&h, "&lt;b&gt;");
    html_free(&h);
}

int main(void)
{
    return tl_run_cases("html", (const tl_case[]){
                                    {"markup stays text", markup_stays_text},
                                    {"every byte", every_byte},
                                    {"figures", figures},
                                    {"shares", shares},
                                    {"numbers and times", numbers_and_times},
                                    {0},
                                });
}
