/*
** Follow: a dialogue as text, the same however its frames cut it; gaps that no payload can imitate; hexadecimal, YAML; a stored session.
*/
#include "query/follow.h"
#include "support/check.h"
#include "support/sample.h"
#include <stdlib.h>
#include <string.h>

static const char sample[] = TL_SOURCE_DIR "/tests/support/sample.sql";
static const tl_peer client = {"10.0.0.1", 40000}, server = {"2001:db8::2", 80};

static tl_part part_of(tl_dir dir, uint64_t offset, const uint8_t *p, size_t n)
{
    return (tl_part){
        .dir = dir, .offset = offset, .length = n, .bytes = tl_span_of(p, n), .at = {.ns = 1500000001, .frame = 7, .capture = 1}};
}

/* The bytes of one side in pieces of `size` (each an exact block), then an optional gap. */
static void add_pieces(tl_follow *f, tl_text *t, tl_dir dir, const char *bytes, size_t n, size_t size)
{
    for (size_t at = 0; at < n; at += size) {
        size_t here = n - at < size ? n - at : size;
        uint8_t *block = tl_exact(bytes + at, here);
        tl_part p = part_of(dir, at, block, here);
        tl_follow_add(f, t, &p);
        free(block);
    }
}

static void text_does_not_depend_on_the_cuts(void)
{
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        {"GET /\r\nHost: x\r\n\r\n", "> GET /\n> Host: x\n> \n"},
        {"no end", "> no end\n"},
        {"a\rb\r\r\nc\r", "> a\\x0db\\x0d\n> c\\x0d\n"},
        {"\r\n", "> \n"},
        {"\r", "> \\x0d\n"},
        {"caf\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80\n", "> caf\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80\n"},
        {"\xe6\xbc", "> \\xe6\\xbc\n"},
        {"\xe6\xe6\xbc\xa2\xc3(\xf0\x9f\x98", "> \\xe6\xe6\xbc\xa2\\xc3(\\xf0\\x9f\\x98\n"},
        {"\xc3\r\n\xf0\r\r\n", "> \\xc3\n> \\xf0\\x0d\n"},
        {"\xc2\x9b"
         "31m \xe2\x80\xae \x1b[31m \\",
         "> \\xc2\\x9b31m \\xe2\\x80\\xae \\x1b[31m \\\\\n"},
        {"> a\n! 5 bytes of the server are missing\n", "> > a\n> ! 5 bytes of the server are missing\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = strlen(cases[i].bytes);
        for (size_t size = 1; size <= n; size++) {
            tl_follow f = {.as = TL_FOLLOW_TEXT};
            tl_text t = {0};
            add_pieces(&f, &t, TL_C2S, cases[i].bytes, n, size);
            tl_follow_end(&f, &t);
            tl_text want = {0};
            tl_text_add(&want, cases[i].want);
            tl_text_add(&want, "===================================================================\n");
            if (strcmp(t.p, want.p) != 0) printf("\ncase %zu, size %zu: got:\n%s\n", i, size, t.p);
            CU_ASSERT_STRING_EQUAL(t.p, want.p);
            tl_text_free(&want);
            tl_text_free(&t);
        }
    }
}

static const tl_part gap = {.gap = true,
                            .dir = TL_S2C,
                            .offset = 2,
                            .length = 100,
                            .reason = "acked",
                            .at = {.frame = 10, .capture = 1},
                            .before = {.frame = 7, .capture = 1},
                            .after = {.frame = 9, .capture = 1}};

/* A change of sides or a gap ends a line, and what was held for its rest. */
static void sides_and_gaps(void)
{
    static const struct {
        tl_follow_as as;
        const char *want;
    } cases[] = {
        {TL_FOLLOW_TEXT,
         "===================================================================\nFollow: tcp,text\nFilter: session 3\n"
         "Node 0: 10.0.0.1:40000\nNode 1: [2001:db8::2]:80\n"
         "> ab\\xc3\n< c\\x0d\n! 100 bytes of the server are missing at offset 2: acked, capture loss, proved by frame 10, after frame 7,"
         " before frame 9\n< \xc3\xa9\n===================================================================\n"},
        {TL_FOLLOW_HEX,
         "===================================================================\nFollow: tcp,hex\nFilter: session 3\n"
         "Node 0: 10.0.0.1:40000\nNode 1: [2001:db8::2]:80\n"
         "00000000  61 62 c3                                          ab.\n"
         "\t00000000  63 0d                                             c.\n"
         "! 100 bytes of the server are missing at offset 2: acked, capture loss, proved by frame 10, after frame 7, before frame 9\n"
         "\t00000066  c3 a9                                             ..\n"
         "===================================================================\n"},
        {TL_FOLLOW_RAW, "6162c3\n\t630d\n\tc3a9\n"},
        {TL_FOLLOW_YAML,
         "peers:\n  - peer: 0\n    host: 10.0.0.1\n    port: 40000\n  - peer: 1\n    host: 2001:db8::2\n    port: 80\npackets:\n"
         "  - packet: 7\n    peer: 0\n    index: 0\n    capture: 1\n    offset: 0\n    timestamp: 1.500000001\n    data: !!binary |\n      "
         "YWLD\n"
         "  - packet: 7\n    peer: 1\n    index: 0\n    capture: 1\n    offset: 0\n    timestamp: 1.500000001\n    data: !!binary |\n      "
         "Yw0=\n"
         "  - missing: 100\n    peer: 1\n    offset: 2\n    reason: acked\n    loss: capture\n    proof: 10\n    before: 7\n    after: 9\n"
         "  - packet: 7\n    peer: 1\n    index: 1\n    capture: 1\n    offset: 102\n    timestamp: 1.500000001\n    data: !!binary |\n    "
         "  w6k=\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_follow f = {.as = cases[i].as};
        tl_text t = {0};
        tl_follow_begin(&f, &t, 3, &client, &server);
        add_pieces(&f, &t, TL_C2S, "ab\xc3", 3, 3);
        add_pieces(&f, &t, TL_S2C, "c\r", 2, 2);
        tl_follow_add(&f, &t, &gap);
        tl_part last = part_of(TL_S2C, 102, (const uint8_t *)"\xc3\xa9", 2);
        tl_follow_add(&f, &t, &last);
        tl_follow_end(&f, &t);
        if (strcmp(t.p, cases[i].want) != 0) printf("\ncase %zu: got:\n%s\n", i, t.p);
        CU_ASSERT_STRING_EQUAL(t.p, cases[i].want);
        tl_text_free(&t);
    }
}

/* All byte values in each form: nothing that a terminal obeys, and only payload's own lines begin as payload's do. */
static void any_bytes(void)
{
    char all[512];
    for (size_t i = 0; i < sizeof all; i++) all[i] = (char)(i * 7);
    for (int as = TL_FOLLOW_TEXT; as <= TL_FOLLOW_YAML; as++)
        for (size_t size = 1; size <= sizeof all; size += 13) {
            tl_follow f = {.as = (tl_follow_as)as};
            tl_text t = {0};
            add_pieces(&f, &t, TL_S2C, all, sizeof all, size);
            tl_follow_end(&f, &t);
            for (size_t i = 0; i < t.n; i++) {
                CU_ASSERT(t.p[i] == '\n' || (t.p[i] >= 0x20 && t.p[i] < 0x7f) || (t.p[i] == '\t' && (i == 0 || t.p[i - 1] == '\n')) ||
                          (as == TL_FOLLOW_TEXT && (t.p[i] & 0x80) != 0 && tl_text_readable(tl_span_of(t.p + i, t.n - i)) > 0));
                if (as == TL_FOLLOW_TEXT && (t.p[i] & 0x80) != 0) i += tl_text_readable(tl_span_of(t.p + i, t.n - i)) - 1;
            }
            tl_text_free(&t);
        }
}

/* Base64 of RFC 4648 section 10, and lines of 76. */
static void base64(void)
{
    static const char *const cases[][2] = {{"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_follow f = {.as = TL_FOLLOW_YAML};
        tl_text t = {0};
        add_pieces(&f, &t, TL_C2S, cases[i][0], strlen(cases[i][0]), 99);
        CU_ASSERT_EQUAL(strncmp(strrchr(t.p, ' ') + 1, cases[i][1], strlen(cases[i][1])), 0);
        tl_text_free(&t);
    }
}

/* What a reader's session gives: each byte once, in the order of the stream, gaps between, frames put together over chunks. */
static void a_stored_session(void)
{
    tl_error err;
    char *path = tl_sample_new(sample, NULL);
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (int direction = -1; direction < 2; direction++) {
        tl_dialogue *d = tl_dialogue_open(r, 1, direction);
        CU_ASSERT_PTR_NOT_NULL_FATAL(d);
        CU_ASSERT_STRING_EQUAL(tl_dialogue_peer(d, 0)->addr, "10.0.0.1");
        CU_ASSERT_EQUAL(tl_dialogue_peer(d, 1)->port, 80);
        uint64_t at[2] = {0, 0}, missing = 0;
        tl_part p;
        tl_rc rc;
        while ((rc = tl_dialogue_next(d, &p)) == TL_OK) {
            CU_ASSERT_EQUAL(p.offset, at[p.dir]);
            CU_ASSERT_EQUAL(p.length, p.gap ? 100 : p.bytes.n);
            at[p.dir] += p.length;
            missing += p.gap ? p.length : 0;
        }
        CU_ASSERT_EQUAL(rc, TL_END);
        CU_ASSERT_EQUAL(at[0], direction == 1 ? 0 : 97);
        CU_ASSERT_EQUAL(at[1], direction == 0 ? 0 : 689);
        CU_ASSERT_EQUAL(missing, direction == 0 ? 0 : 100);
        tl_dialogue_close(d);
    }
    CU_ASSERT_PTR_NULL(tl_dialogue_open(r, 99, -1));
    CU_ASSERT_EQUAL(tl_reader_error(r)->rc, TL_EUSAGE);
    tl_reader_close(r);
    tl_sample_drop(path);
}

/* Damage is told, not followed. */
static void damaged_sessions(void)
{
    static const char *const damage[] = {
        "UPDATE session SET server_addr = 'nonsense'",
        "UPDATE session SET server_addr = '192.0.2.80' || hex(zeroblob(500))",
        "UPDATE chunk SET arrivals = X'80'",
        "UPDATE chunk SET arrivals = X''",
        "UPDATE chunk SET stream_offset = stream_offset + 1 WHERE session_id = 1 AND direction = 1",
        "UPDATE chunk SET data = X'00' WHERE length(data) > 1",
    };
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        tl_error err;
        char *path = tl_sample_new(sample, damage[i]);
        tl_reader *r = tl_reader_open(path, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(r);
        tl_dialogue *d = tl_dialogue_open(r, 1, -1);
        tl_rc rc = d == NULL ? tl_reader_error(r)->rc : TL_OK;
        tl_part p;
        while (rc == TL_OK) rc = tl_dialogue_next(d, &p);
        if (rc != TL_ESQL) printf("\n%s: %d\n", damage[i], (int)rc);
        CU_ASSERT_EQUAL(rc, TL_ESQL);
        tl_dialogue_close(d);
        tl_reader_close(r);
        tl_sample_drop(path);
    }
}

int main(void)
{
    return tl_run_cases("follow", (const tl_case[]){
                                      {"text does not depend on the cuts", text_does_not_depend_on_the_cuts},
                                      {"sides and gaps", sides_and_gaps},
                                      {"any bytes", any_bytes},
                                      {"base64", base64},
                                      {"a stored session", a_stored_session},
                                      {"damaged sessions", damaged_sessions},
                                      {0},
                                  });
}
