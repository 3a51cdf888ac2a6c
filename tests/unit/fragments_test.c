/*
** fragments_test.c - the fragment table's rules one by one; tests/model/fragments_test.c has what arbitrary programs of fragments do.
*/
#include "support/check.h"
#include "support/frames.h"

#include "packet/fragments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAW = 12, SEGMENT = 20 + 100, USED_MAX = 4 * 1024 * 1024 };
#define SECOND INT64_C(1000000000)

static tl_build b;
static tl_decoder *d;
static tl_at at;
static uint8_t segment[SEGMENT]; /* a TCP segment with 100 bytes of payload */
static const uint8_t *const payload = segment + 20;
static uint8_t *exact; /* the frame pushed last */

static const tl_tcp_fields v4 = {.src = "192.0.2.1", .dst = "192.0.2.2", .seq = 1000, .flags = TL_ACK};
static const tl_tcp_fields v6 = {.src = "2001:db8::1", .dst = "2001:db8::2", .seq = 1000, .flags = TL_ACK};

static void begin(const tl_tcp_fields *f)
{
    static const uint8_t key[16] = {1, 2, 3};
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i + 1);
    tl_build_start(&b, bytes, sizeof bytes);
    tl_build_tcp(&b, f);
    memcpy(segment, tl_build_bytes(&b).p, SEGMENT);
    d = tl_decoder_new(key);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    at = (tl_at){.ns = SECOND, .capture = 1};
}

static void end(void)
{
    tl_decoder_free(d);
    free(exact);
    exact = NULL;
}

/* captured: of the built frame; the wire had all. */
static tl_decoded push_cut(size_t captured, tl_segment *out)
{
    tl_span frame = tl_build_bytes(&b);
    free(exact);
    exact = tl_exact(frame.p, captured);
    at.frame++;
    return tl_decoder_push(d, RAW, tl_span_of(exact, captured), (uint32_t)frame.n, at, out);
}

static void build(const tl_tcp_fields *f, uint32_t id, size_t from, size_t to)
{
    tl_build_start(&b, segment + from, to - from);
    tl_build_fragment(&b, f->src, f->dst, 6, id, from, to < SEGMENT);
}

static tl_decoded push(const tl_tcp_fields *f, uint32_t id, size_t from, size_t to, tl_segment *out)
{
    build(f, id, from, to);
    return push_cut(tl_build_bytes(&b).n, out);
}

static size_t pull(void)
{
    size_t n = 0;
    for (tl_fragment_lost lost; tl_decoder_lost(d, &lost); n++) CU_ASSERT(lost.at.frame > 0 && lost.wire_bytes >= lost.captured_bytes);
    return n;
}

static bool whole(const tl_segment *s)
{
    return s->seq == 1000 && s->payload_wire == 100 && s->payload.n == 100 && memcmp(s->payload.p, payload, 100) == 0 && !s->bad_checksum;
}

static void every_cut_and_order(void)
{
    static const tl_tcp_fields *const both[] = {&v4, &v6};
    for (unsigned i = 0; i < 2; i++)
        for (size_t cut = 8; cut < SEGMENT; cut += 8)
            for (unsigned swapped = 0; swapped < 2; swapped++) {
                tl_segment s;
                begin(both[i]);
                CU_ASSERT(push(both[i], 7, swapped ? cut : 0, swapped ? SEGMENT : cut, &s) == TL_SEG_FRAGMENT);
                CU_ASSERT_FATAL(push(both[i], 7, swapped ? 0 : cut, swapped ? cut : SEGMENT, &s) == TL_SEG_OK);
                CU_ASSERT(whole(&s) && s.at.frame == 2);
                CU_ASSERT(s.wire_bytes == (i == 0 ? 20 : 48) + SEGMENT); /* the fragment header is counted */
                CU_ASSERT(tl_decoder_used(d) == 0 && pull() == 0);
                end();
            }
}

static void first_copy_wins(void)
{
    tl_segment s;
    begin(&v4);
    CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT);
    memset(segment + 32, 'X', SEGMENT - 32); /* lies about 32..64, true of the rest */
    CU_ASSERT_FATAL(push(&v4, 7, 32, SEGMENT, &s) == TL_SEG_OK);
    CU_ASSERT(s.payload.p[43] == 44 && s.payload.p[44] == 'X' && s.bad_checksum);
    CU_ASSERT(tl_decoder_counts(d)->overlaps == 1 && tl_decoder_counts(d)->conflicts == 1);
    end();
    begin(&v4);
    CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT && push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT(push(&v4, 7, 48, SEGMENT, &s) == TL_SEG_OK && whole(&s));
    CU_ASSERT(tl_decoder_counts(d)->overlaps == 2 && tl_decoder_counts(d)->conflicts == 0);
    end();
}

static void parts_name_their_frames(void)
{
    tl_segment s;
    tl_fragment_part parts[TL_FRAGMENTS_MAX];
    begin(&v4);
    CU_ASSERT(push(&v4, 7, 80, SEGMENT, &s) == TL_SEG_FRAGMENT && push(&v4, 7, 0, 40, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT(tl_decoder_parts(d, &s, parts) == 0);
    CU_ASSERT_FATAL(push(&v4, 7, 40, 80, &s) == TL_SEG_OK);
    CU_ASSERT_FATAL(tl_decoder_parts(d, &s, parts) == 3);
    CU_ASSERT(parts[0].at.frame == 1 && parts[0].offset == 60 && parts[0].n == 40);
    CU_ASSERT(parts[1].at.frame == 2 && parts[1].offset == 0 && parts[1].n == 20); /* the header is not payload */
    CU_ASSERT(parts[2].at.frame == 3 && parts[2].offset == 20 && parts[2].n == 40);
    tl_build_start(&b, segment, SEGMENT);
    tl_build_ip(&b, v4.src, v4.dst, 6);
    CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_OK && whole(&s));
    CU_ASSERT(tl_decoder_parts(d, &s, parts) == 0);
    end();
}

static void keys(void)
{
    static const tl_tcp_fields elsewhere = {.src = "192.0.2.1", .dst = "192.0.2.3"};
    tl_segment s;
    begin(&v4);
    CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT(push(&v4, 8, 64, SEGMENT, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT(push(&elsewhere, 7, 64, SEGMENT, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT(push(&v6, 7, 64, SEGMENT, &s) == TL_SEG_FRAGMENT);
    tl_build_start(&b, segment + 64, SEGMENT - 64);
    tl_build_fragment(&b, v4.src, v4.dst, 17, 7, 64, false);
    CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_FRAGMENT);
    build(&v4, 7, 64, SEGMENT);
    tl_build_ip(&b, "198.51.100.1", "198.51.100.2", 4); /* the same, seen in a tunnel */
    CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT(push(&v4, 7, 64, SEGMENT, &s) == TL_SEG_OK && whole(&s));
    tl_decoder_flush(d);
    CU_ASSERT(pull() == 5 && tl_decoder_counts(d)->lost_frames == 5 && tl_decoder_counts(d)->expired == 5);
    end();
}

static void thirty_seconds(void)
{
    static const struct {
        int64_t pass;
        tl_decoded how;
        size_t lost;
    } cases[] = {{30 * SECOND, TL_SEG_OK, 0},
                 {30 * SECOND + 1, TL_SEG_FRAGMENT, 1},
                 {-30 * SECOND, TL_SEG_OK, 0},
                 {-31 * SECOND, TL_SEG_FRAGMENT, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_segment s;
        begin(&v4);
        CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT);
        at.ns += cases[i].pass;
        CU_ASSERT_EQUAL(push(&v4, 7, 64, SEGMENT, &s), cases[i].how);
        CU_ASSERT_EQUAL(pull(), cases[i].lost);
        end();
    }
    tl_segment s;
    begin(&v4);
    CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT);
    at.ns += 31 * SECOND;
    tl_build_start(&b, segment, SEGMENT);
    tl_build_ip(&b, v4.src, v4.dst, 6);
    CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_OK); /* any frame lets time pass */
    tl_fragment_lost lost;
    CU_ASSERT(tl_decoder_lost(d, &lost) && lost.at.frame == 1 && lost.wire_bytes == 84 && lost.captured_bytes == 84);
    CU_ASSERT(!tl_decoder_lost(d, &lost));
    end();
}

static void contradictions(void)
{
    tl_segment s;
    begin(&v4);
    CU_ASSERT(push(&v4, 7, 64, SEGMENT, &s) == TL_SEG_FRAGMENT);
    tl_build_start(&b, segment, 64);
    tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 120, true);
    CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_MALFORMED); /* behind the end */
    tl_build_start(&b, segment, 8);
    tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 64, false);
    CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_MALFORMED); /* another end */
    CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_OK && whole(&s));
    CU_ASSERT(tl_decoder_counts(d)->contradictions == 2 && pull() == 0);
    end();
}

/* FragmentSmack (CVE-2018-5391): the 65th fragment ends the datagram. */
static void sixty_four_fragments(void)
{
    tl_segment s;
    begin(&v4);
    for (size_t i = 0; i < TL_FRAGMENTS_MAX; i++) {
        tl_build_start(&b, segment, 8);
        tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 16 * (TL_FRAGMENTS_MAX - i), true);
        CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_FRAGMENT);
        CU_ASSERT(pull() == 0);
    }
    CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT_LOST);
    CU_ASSERT(pull() == TL_FRAGMENTS_MAX && tl_decoder_used(d) == 0);
    CU_ASSERT(tl_decoder_counts(d)->lost_frames == TL_FRAGMENTS_MAX + 1 && tl_decoder_counts(d)->fragments == TL_FRAGMENTS_MAX + 1);
    end();
}

static void memory(void)
{
    tl_segment s;
    size_t lost = 0, frames = 20000, used = 0;
    begin(&v4);
    for (uint32_t id = 0; id < frames; id++) {
        uint8_t bytes[1480] = {0};
        tl_build_start(&b, bytes, id % 3 == 0 ? 8 : sizeof bytes);
        tl_build_fragment(&b, v4.src, v4.dst, 6, id, 8 * (id % 2000), true);
        CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_FRAGMENT);
        lost += pull();
        if (tl_decoder_used(d) > used) used = tl_decoder_used(d);
    }
    CU_ASSERT(used <= USED_MAX && used > USED_MAX / 2 && lost > 0);
    CU_ASSERT_EQUAL(tl_decoder_counts(d)->evicted, tl_decoder_counts(d)->lost_datagrams);
    /* The oldest go first, so what came last still completes. */
    CU_ASSERT(push(&v4, 60000, 0, 64, &s) == TL_SEG_FRAGMENT && push(&v4, 60000, 64, SEGMENT, &s) == TL_SEG_OK && whole(&s));
    lost += pull();
    tl_decoder_flush(d);
    CU_ASSERT_EQUAL(lost + pull(), frames);
    end();
}

/* The datagram completes by its lengths on the wire, and what was captured up to the cut is its payload. */
static void cut_by_the_snaplen(void)
{
    tl_segment s;
    begin(&v4);
    build(&v4, 7, 0, 64);
    CU_ASSERT(push_cut(20 + 50, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT_FATAL(push(&v4, 7, 64, SEGMENT, &s) == TL_SEG_OK);
    CU_ASSERT(s.payload.n == 30 && s.payload_wire == 100 && !s.bad_checksum && memcmp(s.payload.p, payload, 30) == 0);
    CU_ASSERT(tl_decoder_counts(d)->cut_bytes == SEGMENT - 64);
    end();
    begin(&v4);
    build(&v4, 7, 0, 64);
    CU_ASSERT(push_cut(20 + 10, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT(push(&v4, 7, 64, SEGMENT, &s) == TL_SEG_TRUNCATED); /* not even a TCP header */
    end();
    begin(&v4);
    build(&v4, 7, 0, 64);
    CU_ASSERT(push_cut(20 + 10, &s) == TL_SEG_FRAGMENT);
    CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT); /* a second copy has the rest */
    CU_ASSERT(push(&v4, 7, 64, SEGMENT, &s) == TL_SEG_OK && whole(&s));
    end();
}

/* An outer datagram in fragments, whose inside is a fragment of another one. */
static void fragments_in_fragments(void)
{
    tl_segment s;
    uint8_t inner[200];
    begin(&v4);
    CU_ASSERT(push(&v4, 7, 0, 64, &s) == TL_SEG_FRAGMENT); /* the same datagram outside of the tunnel is another one */
    for (unsigned half = 0; half < 2; half++) {
        build(&v6, 9, half ? 64 : 0, half ? SEGMENT : 64);
        size_t n = tl_build_bytes(&b).n;
        memcpy(inner, tl_build_bytes(&b).p, n);
        for (unsigned part = 0; part < 2; part++) {
            size_t from = part ? 48 : 0, to = part ? n : 48;
            tl_build_start(&b, inner + from, to - from);
            tl_build_fragment(&b, "198.51.100.1", "198.51.100.2", 41, 100 + half, from, part == 0);
            tl_decoded how = push_cut(tl_build_bytes(&b).n, &s);
            CU_ASSERT_EQUAL(how, half && part ? TL_SEG_OK : TL_SEG_FRAGMENT);
        }
    }
    char text[TL_LAYERS_TEXT];
    CU_ASSERT(s.payload.n == 100 && memcmp(s.payload.p, payload, 100) == 0 && s.src.ip[0] == 0x20);
    CU_ASSERT_STRING_EQUAL(tl_layers_tunnel_text(&s.layers, text), "ip4");
    CU_ASSERT(tl_decoder_counts(d)->datagrams == 3);
    tl_decoder_flush(d);
    CU_ASSERT(pull() == 1);
    end();
}

/* UDP inside: every frame has one outcome, and the whole counts as what it is. */
static void not_tcp_inside(void)
{
    tl_segment s;
    begin(&v4);
    tl_build_start(&b, segment, 64);
    tl_build_fragment(&b, v4.src, v4.dst, 17, 7, 0, true);
    CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_FRAGMENT);
    tl_build_start(&b, segment, 64);
    tl_build_fragment(&b, v4.src, v4.dst, 17, 7, 64, false);
    CU_ASSERT(push_cut(tl_build_bytes(&b).n, &s) == TL_SEG_NOT_TCP);
    CU_ASSERT(tl_decoder_used(d) == 0);
    end();
}

int main(void)
{
    return tl_run_cases("fragments", (const tl_case[]){{"every cut, both orders, both versions", every_cut_and_order},
                                                       {"the first copy wins", first_copy_wins},
                                                       {"parts name their frames", parts_name_their_frames},
                                                       {"what belongs together", keys},
                                                       {"thirty seconds", thirty_seconds},
                                                       {"contradictions", contradictions},
                                                       {"sixty-four fragments", sixty_four_fragments},
                                                       {"memory", memory},
                                                       {"cut by the snaplen", cut_by_the_snaplen},
                                                       {"fragments in fragments", fragments_in_fragments},
                                                       {"not TCP inside", not_tcp_inside},
                                                       {0}});
}
