/*
** Bodies out of a database: unframed and decoded, with holes, with bombs, and what objects are made of them.
*/
#include "query/body.h"
#include "query/objects.h"
#include "query/search.h"
#include "support/check.h"
#include "support/coded.h"
#include "support/sample.h"
#include "support/stored.h"
#include <stdlib.h>
#include <zlib.h>

static tl_reader *open_stored(tl_stored *s, const char *more, char **path)
{
    tl_error err = {0};
    *path = tl_stored_new(s, more);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*path);
    tl_reader *r = tl_reader_open(*path, &err);
    if (r == NULL) printf("\n%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    return r;
}

static void close_stored(tl_reader *r, char *path)
{
    tl_reader_close(r);
    tl_sample_drop(path);
}

/* All of a body into out (NULL: only counted); holes as '?'. */
static tl_body_result read_body(tl_reader *r, const tl_body_source *src, tl_text *out)
{
    tl_body_piece p;
    tl_rc rc;
    uint64_t at = 0;
    tl_body *b = tl_body_open(r, src);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    while ((rc = tl_body_next(b, &p)) == TL_OK) {
        CU_ASSERT(p.offset == at && p.length > 0 && (p.bytes.p == NULL || p.bytes.n == p.length));
        at += p.length;
        if (out != NULL && p.bytes.p == NULL)
            for (uint64_t i = 0; i < p.length; i++) tl_text_add(out, "?");
        else if (out != NULL)
            tl_text_bytes(out, p.bytes.p, p.bytes.n);
    }
    CU_ASSERT_EQUAL(rc, TL_END);
    tl_body_result result = tl_body_result_of(b);
    tl_body_close(b);
    return result;
}

static void expect(tl_reader *r, const tl_body_source *src, tl_body_state state, const char *want, size_t n)
{
    tl_text got = {0};
    tl_text_add(&got, "");
    tl_body_result result = read_body(r, src, &got);
    bool ok = result.state == state && got.n == n && memcmp(got.p, want, n) == 0;
    if (!ok) printf("\n%s, %zu bytes: %.80s\n", tl_body_state_name(result.state), got.n, got.p);
    CU_ASSERT(ok);
    tl_text_free(&got);
}

/* Every coding over chunks of the database, with a hole at some places: right up to the hole. */
static void codings_and_holes(void)
{
    char want[TL_CODED_ROOM], *path;
    size_t n = tl_coded_text(want);
    tl_stored s = {0};
    for (size_t k = 0; k < TL_CODED_KINDS; k++) {
        tl_span in = tl_coded_all[k].bytes;
        tl_stored_session(&s, "http", 80);
        tl_stored_chunk(&s, 0, tl_span_of(in.p, 20), 1);
        tl_stored_chunk(&s, 0, tl_span_of(in.p + 20, in.n - 20), 3);
        tl_stored_chunk(&s, 1, tl_span_of(in.p, in.n - 12), 1);
        tl_stored_gap(&s, 1, 5);
        tl_stored_chunk(&s, 1, tl_span_of(in.p + in.n - 7, 7), 1);
    }
    tl_reader *r = open_stored(&s, NULL, &path);
    for (size_t k = 0; k < TL_CODED_KINDS; k++) {
        tl_text got = {0};
        tl_body_source src = {
            .session = (int64_t)k + 1, .length = tl_coded_all[k].bytes.n, .codings = {tl_coded_all[k].kind}, .coding_count = 1};
        expect(r, &src, TL_BODY_WHOLE, want, n);
        src.length--; /* the end of the message cuts it */
        CU_ASSERT_EQUAL(read_body(r, &src, NULL).state, TL_BODY_CUT);
        src.length++;
        src.direction = 1;
        tl_body_result result = read_body(r, &src, &got);
        CU_ASSERT(result.state == TL_BODY_CUT && result.missing == 5 && got.n < n && (got.n == 0 || memcmp(got.p, want, got.n) == 0));
        src.coding_count = 0;
        result = read_body(r, &src, NULL);
        CU_ASSERT(result.state == TL_BODY_HOLES && result.missing == 5 && result.size == src.length - 5 && result.read == result.size);
        src.unknown = true;
        src.direction = 0;
        CU_ASSERT_EQUAL(read_body(r, &src, NULL).state, TL_BODY_UNKNOWN);
        src = (tl_body_source){.session = (int64_t)k + 1, .length = 20, .codings = {TL_CODING_ZSTD, TL_CODING_BR}, .coding_count = 2};
        CU_ASSERT(read_body(r, &src, NULL).state != TL_BODY_WHOLE);
        tl_text_free(&got);
    }
    close_stored(r, path);
}

static void chunked_with_holes(void)
{
    static const char head[] = "5\r\nhello\r\n10\r\n0123", tail[] = "89abcdef\r\n0\r\n\r\n";
    char *path;
    tl_stored s = {0};
    tl_stored_session(&s, "http", 80);
    tl_stored_chunk(&s, 0, tl_span_of(head, sizeof head - 1), 1);
    tl_stored_gap(&s, 0, 4);
    tl_stored_chunk(&s, 0, tl_span_of(tail, sizeof tail - 1), 1);
    tl_stored_chunk(&s, 1, tl_span_of(head, sizeof head - 1), 1);
    tl_stored_gap(&s, 1, 20);
    tl_stored_chunk(&s, 1, tl_span_of(tail, sizeof tail - 1), 1);
    tl_reader *r = open_stored(&s, NULL, &path);
    tl_body_source src = {.session = 1, .length = 1000, .framing = TL_FRAMING_CHUNKED};
    expect(r, &src, TL_BODY_HOLES, "hello0123????89abcdef", 21);
    src.direction = 1; /* the hole hides where the next chunk begins */
    expect(r, &src, TL_BODY_CUT, "hello0123????????????", 21);
    close_stored(r, path);
}

/* n zeros, as gzip; levels: so many times. */
static uint8_t *bomb(size_t zeros, int levels, size_t *n)
{
    uint8_t *in = calloc(1, zeros);
    size_t size = zeros;
    for (int i = 0; i < levels; i++) {
        z_stream z = {0};
        CU_ASSERT_FATAL(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY) == Z_OK);
        size_t room = deflateBound(&z, size) + 100;
        uint8_t *out = malloc(room);
        z.next_in = in;
        z.avail_in = (uInt)size;
        z.next_out = out;
        z.avail_out = (uInt)room;
        CU_ASSERT_FATAL(deflate(&z, Z_FINISH) == Z_STREAM_END);
        size = room - z.avail_out;
        deflateEnd(&z);
        free(in);
        in = out;
    }
    *n = size;
    return in;
}

/* A gigabyte in a kilobyte ends at the limit; the same ratio as deflate's own is no bomb. */
static void bombs(void)
{
    size_t once = 0, twice = 0;
    uint8_t *one = bomb(80 << 20, 1, &once), *two = bomb(80 << 20, 2, &twice);
    char *path;
    tl_stored s = {0};
    tl_stored_session(&s, "http", 80);
    for (size_t at = 0; at < once; at += 60000) tl_stored_chunk(&s, 0, tl_span_of(one + at, once - at < 60000 ? once - at : 60000), 1);
    tl_stored_chunk(&s, 1, tl_span_of(two, twice), 1);
    tl_reader *r = open_stored(&s, NULL, &path);
    tl_body_source src = {.session = 1, .length = once, .codings = {TL_CODING_GZIP, TL_CODING_GZIP}, .coding_count = 1};
    tl_body_result result = read_body(r, &src, NULL);
    CU_ASSERT(result.state == TL_BODY_WHOLE && result.size == 80 << 20);
    src.direction = 1;
    src.length = twice;
    src.coding_count = 2;
    result = read_body(r, &src, NULL);
    CU_ASSERT(result.state == TL_BODY_LIMIT && result.size <= TL_BODY_FREE + TL_BODY_RATIO * twice &&
              result.size >= TL_BODY_FREE - (1 << 20));
    close_stored(r, path);
    free(one);
    free(two);
}

/* ---- objects ---- */

typedef struct told {
    size_t n;
    struct {
        char name[TL_OBJECT_NAME_MOST], media[TL_MEDIA_TYPE_MOST], asked[40];
        int64_t expected;
        tl_body_state state;
        tl_text bytes;
    } object[20];
} told;

static void tell_objects(tl_reader *r, int direction, told *t)
{
    tl_object o;
    tl_rc rc;
    tl_objects *objects = tl_objects_open(r, &tl_filter_all, direction);
    CU_ASSERT_PTR_NOT_NULL_FATAL(objects);
    for (t->n = 0; (rc = tl_objects_next(objects, &o)) == TL_OK && t->n < 20; t->n++) {
        tl_object_name(&o, t->object[t->n].name);
        snprintf(t->object[t->n].media, sizeof t->object[0].media, "%s", o.media_type);
        snprintf(t->object[t->n].asked, sizeof t->object[0].asked, "%s", o.asked == NULL ? "" : o.asked);
        t->object[t->n].expected = o.expected;
        tl_text_add(&t->object[t->n].bytes, "");
        t->object[t->n].state = read_body(r, &o.body, &t->object[t->n].bytes).state;
    }
    CU_ASSERT_EQUAL(rc, TL_END);
    tl_objects_close(objects);
}

static void free_told(told *t)
{
    for (size_t i = 0; i < t->n; i++) tl_text_free(&t->object[i].bytes);
    *t = (told){0};
}

/* A message of head and body in one chunk. */
static uint32_t http(tl_stored *s, int direction, const char *head, tl_span body, uint32_t answers)
{
    uint64_t at = s->at[direction];
    tl_text all = {0};
    tl_text_add(&all, head);
    tl_text_bytes(&all, body.p, body.n);
    tl_stored_chunk(s, direction, tl_span_of(all.p, all.n), 2);
    uint32_t number = tl_stored_message(s, direction, "http", direction ? "response" : "request", at, all.n, strlen(head), 0, answers);
    tl_text_free(&all);
    return number;
}

static void http_objects(void)
{
    char want[TL_CODED_ROOM], *path;
    size_t n = tl_coded_text(want);
    tl_stored s = {0};
    tl_text chunked = {0};
    tl_stored_session(&s, "http", 80);
    uint32_t get = http(&s, 0, "GET /x HTTP/1.1\r\n\r\n", tl_span_of("", 0), 0);
    http(&s, 1, "HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=x\r\nContent-Encoding: gzip, br\r\nContent-Length: 1\r\n\r\n",
         tl_span_of(coded_gzip_br, sizeof coded_gzip_br - 1), get);
    tl_text_printf(&chunked, "%x\r\n", (unsigned)sizeof coded_gzip - 1);
    tl_text_bytes(&chunked, coded_gzip, sizeof coded_gzip - 1);
    tl_text_add(&chunked, "\r\n0\r\n\r\n");
    http(&s, 1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Type: ../../etc/passwd\r\n\r\n",
         tl_span_of(chunked.p, chunked.n), 0);
    http(&s, 1, "HTTP/1.1 200 OK\r\nContent-Encoding: compress, identity\r\nContent-Type: image/png\r\n\r\n", tl_span_of("abc", 3), 0);
    http(&s, 1, "HTTP/1.1 200 OK\r\nContent-Type: a/b\x1b[31m\r\n\r\n", tl_span_of("plain", 5), 0);
    http(&s, 0, "POST /y HTTP/1.1\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\n", tl_span_of("bad", 3), 0);
    tl_reader *r = open_stored(&s, NULL, &path);
    static told t;
    tell_objects(r, -1, &t);
    CU_ASSERT_EQUAL_FATAL(t.n, 5);
    CU_ASSERT_STRING_EQUAL(t.object[0].name, "s1-m2.html");
    CU_ASSERT_STRING_EQUAL(t.object[0].media, "text/html");
    CU_ASSERT_STRING_EQUAL(t.object[0].asked, "request 1");
    for (int i = 0; i < 2; i++)
        CU_ASSERT(t.object[i].state == TL_BODY_WHOLE && t.object[i].bytes.n == n && memcmp(t.object[i].bytes.p, want, n) == 0);
    CU_ASSERT(t.object[1].expected == -1 && strcmp(t.object[1].name, "s1-m3.bin") == 0 && t.object[1].media[0] == '\0');
    CU_ASSERT(t.object[2].state == TL_BODY_UNKNOWN && strcmp(t.object[2].name, "s1-m4.png") == 0);
    CU_ASSERT(t.object[3].state == TL_BODY_WHOLE && t.object[3].expected == 5 && t.object[3].media[0] == '\0');
    CU_ASSERT(t.object[4].state == TL_BODY_DAMAGED);
    free_told(&t);
    tell_objects(r, 0, &t);
    CU_ASSERT_EQUAL(t.n, 1);
    free_told(&t);
    /* The decoded bodies are what a decoded search sees. */
    const tl_search_options o = {.pattern = "line 1[01] of", .regex = true, .decoded = true, .direction = -1, .context = 3};
    tl_search *search = tl_search_open(r, &tl_filter_all, &o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(search);
    tl_search_hit h;
    size_t hits = 0;
    for (; tl_search_next(search, &h) == TL_OK; hits++) {
        CU_ASSERT(h.message == 2 + hits / 2 && h.direction == 1 && memcmp(want + h.body_offset, "line 1", 6) == 0);
        CU_ASSERT(h.before.n == 3 && memcmp(h.before.p, want + h.body_offset - 3, 3) == 0);
    }
    CU_ASSERT(hits == 4 && tl_search_summary(search).bodies == 5);
    tl_search_close(search);
    close_stored(r, path);
    tl_text_free(&chunked);
}

static void say(tl_stored *s, int direction, const char *protocol, const char *kind, const char *text)
{
    uint64_t at = s->at[direction];
    tl_stored_chunk(s, direction, tl_span_of(text, strlen(text)), 1);
    tl_stored_message(s, direction, protocol, kind, at, strlen(text), 0, 0, 0);
}

static void other_objects(void)
{
    char *path;
    tl_stored s = {0};
    static told t;
    tl_stored_session(&s, "smtp", 25);
    say(&s, 0, "smtp", "command", "DATA\r\n");
    say(&s, 0, "smtp", "data", "Subject: x\r\n\r\n..dot\r\n.\r\n");
    tl_stored_session(&s, "imap", 143);
    say(&s, 1, "imap", "response", "* 1 FETCH (BODY[1] {4}\r\nabcd BODY[2] {3+}\r\n{9} X {99999999999}\r\n)\r\n");
    say(&s, 1, "imap", "response", "* OK {9} nothing\r\n");
    say(&s, 1, "imap", "response", "* 1 FETCH ({900}\r\ncut");
    tl_stored_session(&s, "ftp", 21);
    say(&s, 1, "ftp", "reply", "227 x\r\n");
    tl_stored_session(&s, "turn", 1025);
    say(&s, 1, "turn", "turn", "a file");
    tl_stored_session(&s, "turn", 1026);
    say(&s, 1, "turn", "turn", "no file");
    tl_reader *r = open_stored(&s, "UPDATE message SET summary = '227 Entering Passive Mode (10,0,0,9,4,1)' WHERE protocol = 'ftp'", &path);
    tell_objects(r, -1, &t);
    static const struct {
        const char *name, *bytes;
        int64_t expected;
    } want[] = {{"s1-m2.eml", "Subject: x\r\n\r\n.dot\r\n", -1},
                {"s2-m1.eml", "abcd", 4},
                {"s2-m1-2.eml", "{9}", 3},
                {"s2-m3.eml", "cut", 3},
                {"s4-m1.bin", "a file", 6}};
    CU_ASSERT_EQUAL_FATAL(t.n, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < t.n; i++) {
        bool ok = strcmp(t.object[i].name, want[i].name) == 0 && strcmp(t.object[i].bytes.p, want[i].bytes) == 0 &&
                  t.object[i].expected == want[i].expected;
        if (!ok) printf("\n%s: %s\n", t.object[i].name, t.object[i].bytes.p);
        CU_ASSERT(ok);
    }
    free_told(&t);
    close_stored(r, path);
}

/* Rows that lie end in an error or in fewer bytes. */
static void liars(void)
{
    static const char *const cases[] = {
        "UPDATE message SET head_length = 10 WHERE head_length > 0",
        "UPDATE message SET stream_offset = 1 << 50",
        "UPDATE message SET length = 9223372036854775807, head_length = 0",
        "PRAGMA ignore_check_constraints = ON; UPDATE message SET length = -1",
        "PRAGMA ignore_check_constraints = ON; UPDATE message SET head_length = length + 5",
        "PRAGMA ignore_check_constraints = ON; UPDATE message SET stream_offset = -1",
        "PRAGMA ignore_check_constraints = ON; UPDATE message SET direction = 7",
        "UPDATE chunk SET raw_size = raw_size + 1",
        "UPDATE message SET protocol = 'imap'",
        "UPDATE message SET protocol = 'smtp', kind = 'data'",
        "UPDATE message SET protocol = 'ftp', summary = '227 (1,2,3,4,99999999999,6'",
        "DELETE FROM chunk",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path;
        tl_stored s = {0};
        tl_object o;
        tl_rc rc;
        tl_stored_session(&s, "http", 80);
        http(&s, 1, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", tl_span_of(coded_gzip, sizeof coded_gzip - 1), 0);
        tl_reader *r = open_stored(&s, cases[i], &path);
        tl_objects *objects = tl_objects_open(r, &tl_filter_all, -1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(objects);
        while ((rc = tl_objects_next(objects, &o)) == TL_OK) {
            tl_body_piece p;
            tl_body *b = tl_body_open(r, &o.body);
            CU_ASSERT_PTR_NOT_NULL_FATAL(b);
            while ((rc = tl_body_next(b, &p)) == TL_OK) {
            }
            CU_ASSERT(rc == TL_END || rc == TL_ESQL);
            tl_body_close(b);
        }
        CU_ASSERT(rc == TL_END || (rc == TL_ESQL && strstr(tl_reader_error(r)->text, "damaged") != NULL));
        tl_objects_close(objects);
        close_stored(r, path);
    }
}

int main(void)
{
    return tl_run_cases("body", (const tl_case[]){
                                    {"codings and holes", codings_and_holes},
                                    {"chunked with holes", chunked_with_holes},
                                    {"bombs", bombs},
                                    {"HTTP objects", http_objects},
                                    {"other objects", other_objects},
                                    {"liars", liars},
                                    {0},
                                });
}
