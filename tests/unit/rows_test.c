/*
** Rows as text: what each format makes of the same cells, and that nothing a terminal obeys comes through.
*/
#include "query/rows.h"
#include "query/width.h"
#include "support/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tl_rc collect(void *to, tl_span bytes)
{
    tl_text_bytes(to, bytes.p, bytes.n);
    return TL_OK;
}

static tl_cell text(const char *s)
{
    return (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(s, strlen(s))};
}
static tl_cell integer(int64_t v)
{
    return (tl_cell){.kind = TL_CELL_INTEGER, .integer = v};
}
static const tl_cell null = {.kind = TL_CELL_NULL};

/* The output of n rows of `columns` cells each; owned. */
static char *written(tl_output out, const char *const *names, size_t columns, const tl_cell *cells, size_t n)
{
    tl_text got = {0};
    tl_text_add(&got, "");
    out.write = collect;
    out.to = &got;
    tl_rows *rows = tl_rows_new(&out, names, columns);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
    for (size_t i = 0; i < n; i++) CU_ASSERT_EQUAL(tl_rows_add(rows, cells + i * columns), TL_OK);
    CU_ASSERT_EQUAL(tl_rows_end(rows), TL_OK);
    tl_rows_free(rows);
    return got.p;
}

static void expect(tl_output out, const char *const *names, size_t columns, const tl_cell *cells, size_t n, const char *want)
{
    char *got = written(out, names, columns, cells, n);
    if (strcmp(got, want) != 0) printf("\ngot:\n%s\nwanted:\n%s\n", got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
    free(got);
}

static const char *const names[] = {"id", "name", "part"};

static void each_format(void)
{
    const tl_cell cells[] = {integer(1), text("plain"), null, integer(-20), text("a,\"b\""), {.kind = TL_CELL_REAL, .real = 0.1}};
    static const struct {
        tl_format format;
        const char *want;
    } cases[] = {
        {TL_CSV, "id,name,part\n1,plain,\n-20,\"a,\"\"b\"\"\",0.1\n"},
        {TL_JSON, "[{\"id\":1,\"name\":\"plain\",\"part\":null},\n {\"id\":-20,\"name\":\"a,\\\"b\\\"\",\"part\":0.1}]\n"},
        {TL_JSONL, "{\"id\":1,\"name\":\"plain\",\"part\":null}\n{\"id\":-20,\"name\":\"a,\\\"b\\\"\",\"part\":0.1}\n"},
        {TL_TABLE, " id  name   part\n---  -----  ----\n  1  plain\n-20  a,\"b\"   0.1\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect((tl_output){.format = cases[i].format}, names, 3, cells, 2, cases[i].want);
}

static void no_rows(void)
{
    expect((tl_output){.format = TL_CSV}, names, 2, NULL, 0, "id,name\n");
    expect((tl_output){.format = TL_JSON}, names, 2, NULL, 0, "[]\n");
    expect((tl_output){.format = TL_JSONL}, names, 2, NULL, 0, "");
    expect((tl_output){.format = TL_TABLE, .title = "never seen"}, names, 2, NULL, 0, "");
}

/* RFC 4180 section 2: an empty text is not NULL, leading spaces are kept. */
static void csv_quoting(void)
{
    static const char *const one[] = {"x"};
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", "x\n\"\"\n"},       {" a", "x\n\" a\"\n"},         {"a b", "x\na b\n"},      {"\"", "x\n\"\"\"\"\n"},
        {"a,b", "x\n\"a,b\"\n"}, {"\"\"", "x\n\"\"\"\"\"\"\n"}, {"a\nb", "x\na\\x0ab\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_cell c = text(cases[i].in);
        expect((tl_output){.format = TL_CSV}, one, 1, &c, 1, cases[i].want);
    }
    expect((tl_output){.format = TL_CSV}, one, 1, &null, 1, "x\n\n");
}

static void numbers(void)
{
    static const char *const one[] = {"x"};
    static const struct {
        tl_cell cell;
        const char *want;
    } cases[] = {
        {{.kind = TL_CELL_INTEGER, .integer = INT64_MIN}, "[{\"x\":-9223372036854775808}]\n"},
        {{.kind = TL_CELL_REAL, .real = 1e300 * 1e300}, "[{\"x\":null}]\n"},
        {{.kind = TL_CELL_REAL, .real = 0.30000000000000004}, "[{\"x\":0.30000000000000004}]\n"},
        {{.kind = TL_CELL_REAL, .real = 2.5}, "[{\"x\":2.5}]\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect((tl_output){.format = TL_JSON}, one, 1, &cases[i].cell, 1, cases[i].want);
}

/* Every byte value, as text and as blob, in a cell and in a column's name, in each format. */
static void nothing_a_terminal_obeys(void)
{
    for (int kind = 0; kind < 2; kind++)
        for (int format = TL_TABLE; format <= TL_JSONL; format++)
            for (size_t width = 0; width <= 40; width += 20)
                for (int c = 1; c < 256; c++) {
                    char raw[] = {'a', (char)c, '[', '3', '1', 'm', (char)c, 0};
                    const char *name[] = {raw};
                    uint8_t *block = tl_exact(raw, 7);
                    tl_cell cell = {.kind = kind ? TL_CELL_BLOB : TL_CELL_TEXT, .bytes = tl_span_of(block, 7)};
                    char *got = written((tl_output){.format = (tl_format)format, .width = width}, name, 1, &cell, 1);
                    for (const char *p = got; *p != '\0'; p++) CU_ASSERT((*p >= 0x20 && *p < 0x7f) || *p == '\n');
                    free(got);
                    free(block);
                }
}

/* Text columns hold escaped text: shown as it is.  Blobs hold bytes: a backslash is doubled. */
static void escaped_once(void)
{
    static const char *const one[] = {"x"};
    tl_cell t = text("a\\x00\\\\b"), b = t;
    b.kind = TL_CELL_BLOB;
    expect((tl_output){.format = TL_CSV}, one, 1, &t, 1, "x\na\\x00\\\\b\n");
    expect((tl_output){.format = TL_CSV}, one, 1, &b, 1, "x\na\\\\x00\\\\\\\\b\n");
    expect((tl_output){.format = TL_JSONL}, one, 1, &t, 1, "{\"x\":\"a\\\\x00\\\\\\\\b\"}\n");
    expect((tl_output){.format = TL_JSONL, .title = "s"}, one, 1, &t, 1, "{\"section\":\"s\",\"x\":\"a\\\\x00\\\\\\\\b\"}\n");
}

/* No line of a table is wider than the terminal, whatever is in it; what was left out is named. */
static void tables_fit(void)
{
    static const char *const many[] = {"session_id", "client", "server", "a_long_name_indeed", "bytes", "x", "y", "z"};
    const tl_cell cells[] = {
        integer(1234567890123),
        text("192.168.100.100:65535"),
        text("[2001:db8:1111:2222:3333:4444:5555:6666]:65535"),
        text("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2"),
        integer(5),
        null,
        text(""),
        text("end")};
    for (size_t width = 20; width <= 160; width++) {
        char *got = written((tl_output){.format = TL_TABLE, .width = width}, many, 8, cells, 1);
        char *note = strstr(got, "(no room for: ");
        if (note != NULL) *note = '\0';
        CU_ASSERT(width >= 150 || note != NULL || strstr(got, "end") != NULL);
        for (char *line = got, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
            CU_ASSERT(tl_text_columns(line, (size_t)(end - line)) <= width);
        free(got);
    }
}

/* On a narrow terminal a long name takes two lines rather than its column a place. */
static void long_names_are_broken(void)
{
    static const char *const long_names[] = {"server_bytes", "x", "_odd_one_out_"};
    const tl_cell cells[] = {integer(5), integer(6), text("abc")};
    tl_output out = {.format = TL_TABLE, .width = 30};
    expect(out, long_names, 3, cells, 1, "server_bytes  x  _odd_one_out_\n------------  -  -------------\n           5  6  abc\n");
    out.width = 29;
    expect(out, long_names, 3, cells, 1, "server_     _odd_\n  bytes  x  one_out_\n-------  -  --------\n      5  6  abc\n");
}

static void wide_characters_keep_columns_in_line(void)
{
    const tl_cell cells[] = {text("\xe6\xbc\xa2\xe5\xad\x97"), integer(1), text("ab"), integer(2)};
    expect((tl_output){.format = TL_TABLE}, names, 2, cells, 2, "id    name\n----  ----\n\xe6\xbc\xa2\xe5\xad\x97     1\nab       2\n");
}

/* The widths come from the first rows; memory does not grow with the rest. */
static void long_tables_flow(void)
{
    static const char *const one[] = {"n", "t"};
    tl_text got = {0};
    tl_output out = {.format = TL_TABLE, .write = collect, .to = &got};
    tl_rows *rows = tl_rows_new(&out, one, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
    for (int i = 0; i < TL_TABLE_SAMPLE - 1; i++) {
        tl_cell cells[] = {integer(i), text("abc")};
        CU_ASSERT_EQUAL(tl_rows_add(rows, cells), TL_OK);
    }
    CU_ASSERT_EQUAL(got.n, 0);
    tl_cell last[] = {integer(7), text("abc")}, wider[] = {integer(1234567), text("abcdef")};
    CU_ASSERT_EQUAL(tl_rows_add(rows, last), TL_OK);
    CU_ASSERT(got.n > 0);
    CU_ASSERT_EQUAL(tl_rows_add(rows, wider), TL_OK);
    CU_ASSERT_EQUAL(tl_rows_end(rows), TL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.p, "\n  7  abc\n1234567  abcdef\n"));
    tl_rows_free(rows);
    tl_text_free(&got);
}

static void a_record_stands_upright(void)
{
    const tl_cell cells[] = {integer(7), text(""), text("something long")};
    expect((tl_output){.format = TL_TABLE, .record = true, .title = "one"}, names, 3, cells, 1, "one\nid    7\npart  something long\n");
    expect((tl_output){.format = TL_TABLE, .record = true, .width = 16}, names, 3, cells, 1, "id    7\npart  something~\n");
}

/* On a terminal: bytes and counts to be read, ids and frames to be typed again. */
static void humane_numbers(void)
{
    static const struct {
        const char *name;
        int64_t v;
        const char *want;
    } cases[] = {
        {"bytes", 999999, "999,999"},
        {"bytes", 1000000, "1.00 MB"},
        {"client_bytes", 12345678, "12.3 MB"},
        {"length", 5000000004, "5.00 GB"},
        {"missing", 999499999, "999 MB"},
        {"size", 999999999, "1.00 GB"},
        {"size", 9995000, "10.0 MB"},
        {"size", 99950000, "100 MB"},
        {"size", INT64_MAX, "9.22 EB"},
        {"bytes", -1234, "-1,234"},
        {"frames", 1234567, "1,234,567"},
        {"stream_offset", 1234567, "1,234,567"},
        {"sessions", INT64_MIN, "-9,223,372,036,854,775,808"},
        {"frames", 100, "100"},
        {"session_id", 1234567, "1234567"},
        {"first_frame", 12345, "12345"},
        {"server_port", 50000, "50000"},
        {"base_seq", 4294967295, "4294967295"},
        {"number", 1000, "1000"},
        {"bytes", 0, "0"},
        {"id", 1000000, "1000000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const one[] = {cases[i].name};
        const tl_cell c = integer(cases[i].v);
        char want[80];
        snprintf(want, sizeof want, "%s  %s\n", cases[i].name, cases[i].want);
        expect((tl_output){.format = TL_TABLE, .record = true, .humane = true}, one, 1, &c, 1, want);
    }
}

/* Colours surround what is shown, and change nothing of it. */
static void colours(void)
{
    static const char *const two[] = {"id", "capture_loss", "unknown_loss"};
    const tl_cell cells[] = {integer(1), integer(5), integer(0), integer(2), integer(0), text("\x1b[m")};
    expect((tl_output){.format = TL_TABLE, .coloured = true, .title = "t"}, two, 3, cells, 2,
           "\x1b[1mt\x1b[0m\n"
           "\x1b[1mid\x1b[0m  \x1b[1mcapture_loss\x1b[0m  \x1b[1munknown_loss\x1b[0m\n"
           "\x1b[2m--  ------------  ------------\x1b[0m\n"
           " 1             \x1b[31m5\x1b[0m             0\n"
           " 2             0  \\x1b[m\n");
    expect((tl_output){.format = TL_CSV, .coloured = true, .humane = true}, two, 3, cells, 1, "id,capture_loss,unknown_loss\n1,5,0\n");
}

/* On a terminal of times only what tells the rows apart, and never half a time. */
static void short_times(void)
{
    static const char *const two[] = {"time", "x"};
    const tl_cell ms[] = {text("2024-07-15T13:41:06.503749000Z"), integer(1), null, integer(2),
                          text("2024-07-15T13:41:06.504749001Z"), integer(3)},
                  us[] = {ms[0], integer(1), text("2024-07-15T13:41:06.503750000Z"), integer(2)},
                  ns[] = {ms[0], integer(1), text("2024-07-15T13:41:06.503749001Z"), integer(2), ms[0], integer(3)},
                  words[] = {ms[0], integer(1), text("never"), integer(2)};
    tl_output out = {.format = TL_TABLE, .humane = true, .width = 60};
    expect(out, two, 2, ms, 3,
           "time                     x\n-----------------------  -\n2024-07-15 13:41:06.503  1\n                         2\n"
           "2024-07-15 13:41:06.504  3\n");
    expect(out, two, 2, us, 2,
           "time                        x\n--------------------------  -\n2024-07-15 13:41:06.503749  1\n2024-07-15 13:41:06.503750  2\n");
    expect(out, two, 2, ns, 1, "time                     x\n-----------------------  -\n2024-07-15 13:41:06.503  1\n");
    expect(out, two, 2, ns, 3,
           "time                           x\n-----------------------------  -\n2024-07-15 13:41:06.503749000  1\n"
           "2024-07-15 13:41:06.503749001  2\n2024-07-15 13:41:06.503749000  3\n");
    expect(out, two, 2, words, 2,
           "time                            x\n------------------------------  -\n2024-07-15T13:41:06.503749000Z  1\nnever                 "
           "          2\n");
    out.humane = false;
    expect(out, two, 2, ms, 1, "time                            x\n------------------------------  -\n2024-07-15T13:41:06.503749000Z  1\n");
    static const char *const three[] = {"time", "asked", "x"};
    const tl_cell wide[] = {ms[0], text("GET /a/long/path/to/something"), integer(1)};
    out = (tl_output){.format = TL_TABLE, .humane = true, .width = 52};
    expect(out, three, 3, wide, 1,
           "time                     asked                     x\n-----------------------  ------------------------  -\n2024-07-15 "
           "13:41:06.503  GET /a/long/path/to/som~  1\n");
}

/* Where there is no room, what people ask for stays, whatever stands behind it; the first column always does. */
static void what_is_asked_for_stays(void)
{
    static const char *const six[] = {"session_id", "client", "server", "client_bytes", "capture_loss", "notes"};
    const tl_cell cells[] = {integer(1), text("10.0.0.1:40000"), text("192.0.2.80:80"), integer(5), integer(7), text("none")};
    tl_output out = {.format = TL_TABLE, .width = 63};
    expect(out, six, 6, cells, 1,
           "session_                                 client_  capture_\n      id  client          server           bytes      loss\n"
           "--------  --------------  -------------  -------  --------\n       1  10.0.0.1:40000  192.0.2.80:80        5         7\n"
           "(no room for: notes)\n");
    out.width = 57;
    expect(out, six, 6, cells, 1,
           "session_                                 capture_\n      id  client          server             loss\n"
           "--------  --------------  -------------  --------\n       1  10.0.0.1:40000  192.0.2.80:80         7\n"
           "(no room for: client_bytes, notes)\n");
    out.width = 20;
    expect(out, six, 6, cells, 1,
           "session_  capture_\n      id      loss\n--------  --------\n       1         7\n"
           "(no room for: client, server, client_bytes, notes)\n");
    static const char *const losses[] = {"capture_loss", "unknown_loss", "missing"};
    const tl_cell large[] = {integer(1234567890123456789), integer(2), integer(3)};
    out.width = 24;
    expect(out, losses, 3, large, 1,
           "           capture_\n               loss\n-------------------\n1234567890123456789\n(no room for: unknown_loss, missing)\n");
}

/* Times are told apart only where that leaves nothing out. */
static void times_give_way(void)
{
    static const char *const two[] = {"time", "what_it_is"};
    const tl_cell cells[] = {text("2024-07-15T13:41:06.503749000Z"), text("a letter of some length"),
                             text("2024-07-15T13:41:06.503750000Z"), text("and")};
    tl_output out = {.format = TL_TABLE, .humane = true, .width = 49};
    expect(out, two, 2, cells, 1,
           "time                     what_it_is\n-----------------------  -----------------------\n2024-07-15 13:41:06.503  a letter of "
           "some length\n");
    expect(out, two, 2, cells, 2,
           "                            what_\ntime                        it_is\n--------------------------  ---------------------\n"
           "2024-07-15 13:41:06.503749  a letter of some len~\n2024-07-15 13:41:06.503750  and\n");
    out.width = 48;
    expect(out, two, 2, cells, 2,
           "                         what_\ntime                     it_is\n-----------------------  -----------------------\n"
           "2024-07-15 13:41:06.503  a letter of some length\n2024-07-15 13:41:06.503  and\n");
}

/* What stands before a hit keeps its end, the hit is painted, and a terminal is told that there is none. */
static void hits(void)
{
    static const char *const three[] = {"before", "match", "after"};
    char long_text[3000];
    memset(long_text, 'a', sizeof long_text);
    tl_cell cells[] = {text("abcdefghijklmnopqrstuvwxyz0123456789\xe6\xbc\xa2"), text("hit"), text("0123456789abcdefghijklmnopqrstuvwxyz")};
    for (int i = 0; i < 3; i++) cells[i].kind = TL_CELL_BLOB;
    expect((tl_output){.format = TL_TABLE, .width = 51}, three, 3, cells, 1,
           "               before  match  after\n---------------------  -----  ---------------------\n"
           "~stuvwxyz0123456789\xe6\xbc\xa2  hit    0123456789abcdefghij~\n");
    expect((tl_output){.format = TL_TABLE, .coloured = true}, three, 3, cells, 1,
           "                                \x1b[1mbefore\x1b[0m  \x1b[1mmatch\x1b[0m  \x1b[1mafter\x1b[0m\n"
           "\x1b[2m--------------------------------------  -----  ------------------------------------\x1b[0m\n"
           "abcdefghijklmnopqrstuvwxyz0123456789\xe6\xbc\xa2  \x1b[31mhit\x1b[0m    0123456789abcdefghijklmnopqrstuvwxyz\n");
    cells[0].bytes = tl_span_of(long_text, sizeof long_text);
    long_text[sizeof long_text - 1] = 'z';
    char *got = written((tl_output){.format = TL_TABLE}, three, 3, cells, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "...aaaa"));
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "aaaaz  hit"));
    free(got);
    expect((tl_output){.format = TL_TABLE, .width = 40}, three, 3, NULL, 0, "(no rows)\n");
    expect((tl_output){.format = TL_TABLE, .width = 40, .silent = true}, three, 3, NULL, 0, "");
    expect((tl_output){.format = TL_TABLE, .width = 40, .title = "t"}, three, 3, NULL, 0, "");
    expect((tl_output){.format = TL_TABLE, .width = 40, .record = true}, three, 3, NULL, 0, "");
}

static tl_rc refuse(void *to, tl_span bytes)
{
    (void)bytes;
    return --*(int *)to < 0 ? TL_END : TL_OK;
}

/* A reader that goes away stops the rows with its own code, in each format. */
static void a_refusal_is_passed_on(void)
{
    for (int format = TL_TABLE; format <= TL_JSONL; format++)
        for (int good = 0; good < 2; good++) {
            int left = good;
            tl_output out = {.format = (tl_format)format, .write = refuse, .to = &left};
            tl_rows *rows = tl_rows_new(&out, names, 1);
            CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
            tl_cell c = integer(1);
            tl_rc rc = TL_OK;
            for (int i = 0; i < 3 && rc == TL_OK; i++) rc = tl_rows_add(rows, &c);
            if (rc == TL_OK) rc = tl_rows_end(rows);
            CU_ASSERT_EQUAL(rc, TL_END);
            tl_rows_free(rows);
        }
}

int main(void)
{
    return tl_run_cases("rows", (const tl_case[]){
                                    {"each format", each_format},
                                    {"no rows", no_rows},
                                    {"csv quoting", csv_quoting},
                                    {"numbers", numbers},
                                    {"nothing a terminal obeys", nothing_a_terminal_obeys},
                                    {"escaped once", escaped_once},
                                    {"tables fit", tables_fit},
                                    {"long names are broken", long_names_are_broken},
                                    {"wide characters keep columns in line", wide_characters_keep_columns_in_line},
                                    {"long tables flow", long_tables_flow},
                                    {"a record stands upright", a_record_stands_upright},
                                    {"humane numbers", humane_numbers},
                                    {"colours", colours},
                                    {"short times", short_times},
                                    {"what is asked for stays", what_is_asked_for_stays},
                                    {"times give way", times_give_way},
                                    {"hits", hits},
                                    {"a refusal is passed on", a_refusal_is_passed_on},
                                    {0},
                                });
}
