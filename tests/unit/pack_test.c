/*
** pack_test.c - packing: the sqlar rule, the same bytes back, and what is not worth the time.
*/
#include "support/check.h"
#include "support/stage.h"

#include "batch/quick.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef void fill(uint8_t *p, size_t n);

static void zeros(uint8_t *p, size_t n)
{
    memset(p, 0, n);
}

static void text(uint8_t *p, size_t n)
{
    static const char words[] = "<li class=\"item\"><a href=\"/news/index.html\">The quick brown fox</a></li>\r\n";
    unsigned long long r = 42;
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(i % 97 == 0 ? 'a' + tl_random(&r) % 26 : (unsigned char)words[i % (sizeof words - 1)]);
}

static void noise(uint8_t *p, size_t n)
{
    unsigned long long r = 7;
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(tl_random(&r) >> 32);
}

/* A flat histogram, but the same 256 bytes again and again. */
static void repeated(uint8_t *p, size_t n)
{
    noise(p, n < 256 ? n : 256);
    for (size_t i = 256; i < n; i++) p[i] = p[i - 256];
}

/* A page, then a picture, again and again: part of it is stored within the stream. */
static void page_and_picture(uint8_t *p, size_t n)
{
    for (size_t at = 0, i = 0; at < n; i++) {
        size_t part = 9000 + 3700 * (i % 5) < n - at ? 9000 + 3700 * (i % 5) : n - at;
        (i % 2 ? noise : text)(p + at, part);
        at += part;
    }
}

static void picture_and_page(uint8_t *p, size_t n)
{
    noise(p, n / 2);
    text(p + n / 2, n - n / 2);
}

static const struct {
    const char *name;
    fill *fill;
    size_t n;
    bool packs;
} cases[] = {{"zeros", zeros, 60000, true},
             {"text", text, 60000, true},
             {"text, a segment", text, 1460, true},
             {"repeated", repeated, 60000, true},
             {"noise", noise, 60000, false},
             {"noise, a segment", noise, 1460, false},
             {"noise, 3 KB", noise, 3000, false},
             {"noise, 5 KB", noise, 5000, false},
             {"text, 300 bytes", text, 300, false},
             {"one byte", zeros, 1, false},
             {"pages and pictures", page_and_picture, 69000, true},
             {"picture and page", picture_and_page, 69000, true},
             {"zeros, 1100 bytes", zeros, 1100, true},
             {"noise, 1100 bytes", noise, 1100, false},
             {"text, 1100 bytes", text, 1100, true},
             {"text, 1000 bytes", text, 1000, false},
             {"repeated, a segment", repeated, 1460, false}, /* the look does not see it, and a trial is not worth it */
             {"repeated, 3 KB", repeated, 3000, true}};

static void open_with(tl_stage *s, fill *f, size_t n, uint8_t **bytes)
{
    *bytes = malloc(n);
    f(*bytes, n);
    tl_stage_open(s, NULL, 1);
    s->info.layers = &s->layers;
    tl_event ev = {.kind = TL_EV_BYTES, .bytes = tl_span_of(*bytes, n), .length = n, .at = {.capture = 1, .frame = 1}};
    CU_ASSERT_EQUAL_FATAL(tl_batch_event(s->batch, s->flow, &ev), TL_OK);
    CU_ASSERT_EQUAL_FATAL(tl_batch_session(s->batch, s->flow, &s->info, ""), TL_OK);
}

static void pack(tl_stage *s, int level)
{
    tl_packer *p = tl_packer_new(level);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    tl_batch_pack(s->batch, p);
    tl_packer_free(p);
}

static void packs_what_gets_shorter(void)
{
    for (int level = 1; level <= 9; level++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            tl_stage s;
            uint8_t *bytes;
            open_with(&s, cases[i].fill, cases[i].n, &bytes);
            pack(&s, level);
            uint8_t *back = malloc(cases[i].n);
            size_t raw = 0, stored = 0;
            const tl_op *op;
            for (size_t at = 0; (op = tl_batch_op_at(s.batch, at)) != NULL; at++) {
                const tl_op_chunk *c = &op->chunk; /* what stays raw may lie in several rows */
                uLongf n = c->raw_size;
                CU_ASSERT_FATAL(raw + n <= cases[i].n);
                if (c->data_size == c->raw_size)
                    memcpy(back + raw, c->data, n);
                else if (uncompress(back + raw, &n, c->data, c->data_size) != Z_OK)
                    CU_FAIL("does not unpack");
                CU_ASSERT_EQUAL(n, c->raw_size);
                raw += c->raw_size;
                stored += c->data_size;
            }
            CU_ASSERT_EQUAL(stored < raw, cases[i].packs);
            CU_ASSERT(raw == cases[i].n && memcmp(back, bytes, raw) == 0);
            free(back);
            free(bytes);
            tl_stage_close(&s);
        }
}

static void leaves_all_raw_without_a_packer(void)
{
    tl_stage s;
    uint8_t *bytes;
    open_with(&s, zeros, 60000, &bytes);
    tl_batch_pack(s.batch, NULL);
    CU_ASSERT_EQUAL(tl_batch_op_at(s.batch, 0)->chunk.data_size, 60000);
    CU_ASSERT(memcmp(tl_batch_op_at(s.batch, 0)->chunk.data, bytes, 60000) == 0);
    free(bytes);
    tl_stage_close(&s);
}

/* A batch that packed before, at other levels, packs the same bytes as a new one. */
static void packs_the_same_again(void)
{
    tl_stage one, other;
    uint8_t *bytes, *again;
    open_with(&one, noise, 60000, &bytes);
    pack(&one, 9);
    pack(&one, 1);
    tl_batch_reset(one.batch);
    text(bytes, 60000);
    tl_event ev = {
        .kind = TL_EV_BYTES, .offset = 60000, .bytes = tl_span_of(bytes, 60000), .length = 60000, .at = {.capture = 1, .frame = 1}};
    CU_ASSERT_EQUAL(tl_batch_event(one.batch, one.flow, &ev), TL_OK);
    CU_ASSERT_EQUAL(tl_batch_session(one.batch, one.flow, &one.info, ""), TL_OK);
    pack(&one, 1);
    open_with(&other, text, 60000, &again);
    pack(&other, 1);
    const tl_op_chunk *a = &tl_batch_op_at(one.batch, 0)->chunk, *b = &tl_batch_op_at(other.batch, 0)->chunk;
    CU_ASSERT(a->data_size < 60000 && b->data_size < 60000);
    CU_ASSERT_EQUAL(a->data_size, b->data_size);
    CU_ASSERT(memcmp(a->data, b->data, a->data_size < b->data_size ? a->data_size : b->data_size) == 0);
    /* Packing twice changes nothing. */
    uint32_t size = a->data_size;
    pack(&one, 1);
    CU_ASSERT_EQUAL(a->data_size, size);
    free(bytes);
    free(again);
    tl_stage_close(&one);
    tl_stage_close(&other);
}

/* What a packer packed before, another thread's work or none, shows in nothing that it packs: the memory it works in keeps its bytes. */
static void what_was_packed_before_does_not_show(void)
{
    static fill *const before[] = {noise, zeros, page_and_picture, repeated, text};
    for (int level = 1; level <= 2; level++) {
        tl_packer *p = tl_packer_new(level);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
            tl_stage used, fresh, other;
            uint8_t *one, *two, *three;
            open_with(&other, before[i], 40000 + 1000 * i, &three);
            tl_batch_pack(other.batch, p);
            open_with(&used, page_and_picture, 65000, &one);
            tl_batch_pack(used.batch, p);
            open_with(&fresh, page_and_picture, 65000, &two);
            pack(&fresh, level);
            const tl_op_chunk *a = &tl_batch_op_at(used.batch, 0)->chunk, *b = &tl_batch_op_at(fresh.batch, 0)->chunk;
            CU_ASSERT(a->data_size < 65000 && a->data_size == b->data_size && memcmp(a->data, b->data, a->data_size) == 0);
            tl_stage_close(&used);
            tl_stage_close(&fresh);
            tl_stage_close(&other);
            free(one);
            free(two);
            free(three);
        }
        tl_packer_free(p);
    }
}

/* Nor does where the packer lies: ISA-L hashes a bit of the stream's address.  Of a table of 2048 slots that hits one that matters for
** one in a thousand of these. */
static void where_the_packer_lies_does_not_show(void)
{
    enum { N = 1100, PERIOD = 61, ROUNDS = 10000 };
    quick *one = malloc(sizeof *one), *other = malloc(sizeof *other);
    CU_ASSERT_FATAL(one != NULL && other != NULL);
    unsigned long long r = 5;
    unsigned differ = 0, longer = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t in[N], a[N], b[N];
        for (size_t i = 0; i < N; i++) in[i] = i < PERIOD ? (uint8_t)('a' + tl_random(&r) % 26) : in[i - PERIOD];
        size_t n = quick_pack(one, in, N, a, sizeof a), m = quick_pack(other, in, N, b, sizeof b);
        longer += n == 0;
        differ += n != m || memcmp(a, b, n) != 0;
    }
    CU_ASSERT_EQUAL(longer, 0);
    CU_ASSERT_EQUAL(differ, 0);
    free(one);
    free(other);
}

/* Parts of all lengths, so that deflated parts end in all numbers of bits; each comes back, at every level. */
static void parts_of_all_lengths(void)
{
    unsigned long long r = 3;
    size_t shorter = 0;
    for (int round = 0; round < 300; round++) {
        size_t n = 20000 + tl_random(&r) % 49580;
        uint8_t *bytes = malloc(n), *back = malloc(n);
        for (size_t at = 0; at < n;) {
            size_t part = 1 + tl_random(&r) % 25000;
            if (part > n - at) part = n - at;
            bool flat = tl_random(&r) % 2;
            for (size_t i = 0; i < part; i++) {
                unsigned long long roll = tl_random(&r) >> 32;
                bytes[at + i] = flat ? (uint8_t)roll : (uint8_t) "abcdefgh 0123456789<>"[roll % 21];
            }
            at += part;
        }
        tl_stage s;
        tl_stage_open(&s, NULL, 1);
        s.info.layers = &s.layers;
        tl_event ev = {.kind = TL_EV_BYTES, .bytes = tl_span_of(bytes, n), .length = n, .at = {.capture = 1, .frame = 1}};
        CU_ASSERT_EQUAL_FATAL(tl_batch_event(s.batch, s.flow, &ev), TL_OK);
        CU_ASSERT_EQUAL_FATAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
        pack(&s, round % 2 ? 1 : 1 + round / 2 % 9); /* level 1 divides them */
        const tl_op *op;
        for (size_t i = 0; (op = tl_batch_op_at(s.batch, i)) != NULL; i++) {
            if (op->kind != TL_OP_CHUNK || op->chunk.data_size == op->chunk.raw_size) continue;
            uLongf size = op->chunk.raw_size;
            shorter++;
            CU_ASSERT_FATAL(uncompress(back, &size, op->chunk.data, op->chunk.data_size) == Z_OK && size == op->chunk.raw_size);
            CU_ASSERT_FATAL(memcmp(back, bytes + op->chunk.offset, size) == 0);
        }
        tl_stage_close(&s);
        free(bytes);
        free(back);
    }
    CU_ASSERT(shorter > 150);
}

int main(void)
{
    return tl_run_cases("pack", (const tl_case[]){{"what gets shorter is packed, and unpacks to the same", packs_what_gets_shorter},
                                                  {"no packer", leaves_all_raw_without_a_packer},
                                                  {"parts of all lengths", parts_of_all_lengths},
                                                  {"the same bytes again", packs_the_same_again},
                                                  {"what was packed before does not show", what_was_packed_before_does_not_show},
                                                  {"where the packer lies does not show", where_the_packer_lies_does_not_show},
                                                  {0}});
}
