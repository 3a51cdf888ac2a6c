/*
** positions_test.c - reading that starts in the middle of a capture gives what reading from the front gives there.
*/
#include "capture/positions.h"
#include "capture/source.h"
#include "support/capture_bytes.h"
#include "support/check.h"
#include "support/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES = 1000, MICRO = (int)0xa1b2c3d4 };

static const char *frame_text(int i, char text[64])
{
    snprintf(text, 64, "frame %d %.*s", i, i % 40, "........................................");
    return text;
}

static tl_bytes make_pcap(void)
{
    char text[64];
    tl_bytes b = {0};
    tl_put_pcap_header(&b, false, (uint32_t)MICRO, 2, 4, 65535, 1);
    for (int i = 1; i <= FRAMES; i++) {
        frame_text(i, text);
        tl_put_pcap_record(&b, false, (uint32_t)i, 7, text, (uint32_t)strlen(text));
    }
    return b;
}

/* Two sections of both byte orders; interfaces of their own link type and time unit come before and among the frames. */
static tl_bytes make_pcapng(bool simple)
{
    char text[64];
    tl_bytes b = {0}, options = {0};
    uint8_t nano = 9;
    for (int section = 0; section < 2; section++) {
        bool big = section == 1;
        tl_put_section(&b, big);
        tl_put_interface(&b, big, 1, 65535, NULL);
        for (int i = 1; i <= FRAMES / 2; i++) {
            if (i == 200) {
                tl_put_option(&options, big, 9, &nano, 1);
                tl_put_interface(&b, big, 101, 2000, &options);
                tl_bytes_free(&options);
            }
            frame_text(section * FRAMES / 2 + i, text);
            tl_put_enhanced(&b, big, i > 200 && i % 3 == 0, (uint64_t)i * 1000003, text, (uint32_t)strlen(text) + 5, NULL);
        }
    }
    if (simple) {
        uint8_t body[8] = {4, 0, 0, 0, 'b', 'o', 'd', 'y'};
        tl_put_section(&b, false);
        tl_put_interface(&b, false, 1, 65535, NULL);
        tl_put_block(&b, false, 3, body, sizeof body);
    }
    return b;
}

static char *file_of(const tl_bytes *b)
{
    char *path = strdup("/tmp/positions-XXXXXX");
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    CU_ASSERT_FATAL(tl_spill(path, b->p, b->n));
    return path;
}

/* The frames that are left; closes. */
static tl_taken take_rest(tl_source *s)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    tl_taken t = tl_take_all(s);
    tl_source_close(s);
    return t;
}

/* Copied out before the source is closed. */
static tl_bytes positions_of(const char *path, tl_taken *all)
{
    tl_error err;
    tl_bytes packed = {0};
    tl_frame frame;
    tl_source *s = tl_source_open_file(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    while (tl_source_next(s, &frame) == TL_OK) CU_ASSERT(s->facts.positions.n == 0);
    tl_put(&packed, s->facts.positions.p, s->facts.positions.n);
    tl_source_close(s);
    *all = take_rest(tl_source_open_file(path, &err));
    return packed;
}

static void from_the_middle(tl_bytes file, size_t least_packed)
{
    tl_error err;
    tl_taken all;
    char *path = file_of(&file);
    tl_bytes packed = positions_of(path, &all);
    CU_ASSERT_EQUAL(all.rc, TL_END);
    CU_ASSERT_EQUAL_FATAL(all.n, FRAMES);
    CU_ASSERT(packed.n >= least_packed && packed.n < 100);
    for (uint64_t wanted = 1; wanted <= FRAMES + 70; wanted += 13) {
        tl_source *s = tl_source_open_file(path, &err);
        CU_ASSERT_EQUAL(tl_source_seek(s, tl_span_of(packed.p, packed.n), wanted), TL_OK);
        tl_taken rest = take_rest(s);
        uint64_t first = FRAMES + 1 - rest.n;
        CU_ASSERT(first <= wanted && first % POSITIONS_STRIDE == 1);
        CU_ASSERT(wanted > FRAMES || wanted - first < POSITIONS_STRIDE);
        for (size_t i = 0; i < rest.n; i++) CU_ASSERT(tl_same_frame(&rest.frames[i], &all.frames[first - 1 + i]));
        tl_taken_free(&rest);
    }
    tl_taken_free(&all);
    tl_bytes_free(&packed);
    tl_bytes_free(&file);
    tl_sample_drop(path);
}

static void pcap_from_the_middle(void)
{
    from_the_middle(make_pcap(), 20);
}

static void pcapng_from_the_middle(void)
{
    from_the_middle(make_pcapng(false), 24);
}

/* Never back, and in steps as well as at once. */
static void only_forwards(void)
{
    tl_error err;
    tl_taken all;
    tl_bytes file = make_pcap();
    char *path = file_of(&file);
    tl_bytes packed = positions_of(path, &all);
    tl_frame frame;
    tl_source *s = tl_source_open_file(path, &err);
    static const uint64_t wanted[] = {100, 90, 101, 640, 641, 642, 1, 999}, comes[] = {65, 66, 67, 577, 641, 642, 643, 961};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        CU_ASSERT_EQUAL(tl_source_seek(s, tl_span_of(packed.p, packed.n), wanted[i]), TL_OK);
        CU_ASSERT_EQUAL_FATAL(tl_source_next(s, &frame), TL_OK);
        CU_ASSERT_EQUAL(frame.at.frame, comes[i]);
        CU_ASSERT(tl_same_frame(&frame, &all.frames[comes[i] - 1]));
    }
    while (tl_source_next(s, &frame) == TL_OK) continue;
    CU_ASSERT(!s->facts.have_sha256 && s->facts.positions.n == 0);
    tl_source_close(s);
    tl_taken_free(&all);
    tl_bytes_free(&packed);
    tl_bytes_free(&file);
    tl_sample_drop(path);
}

/* A frame without a time of its own needs the one before it; gzip cannot be sought in. */
static void none(void)
{
    tl_taken all;
    tl_bytes file = make_pcapng(true), packed_file = {0}, plain = make_pcap();
    tl_put_gzip(&packed_file, plain.p, plain.n);
    for (int i = 0; i < 2; i++) {
        char *path = file_of(i == 0 ? &file : &packed_file);
        tl_bytes packed = positions_of(path, &all);
        CU_ASSERT_EQUAL(packed.n, 0);
        tl_taken_free(&all);
        tl_bytes_free(&packed);
        tl_sample_drop(path);
    }
    tl_bytes_free(&plain);
    tl_bytes_free(&packed_file);
    tl_bytes_free(&file);
}

/* What a damaged database says: frames of any kind or none, and nothing worse. */
static void nonsense(void)
{
    tl_error err;
    tl_taken all;
    unsigned long long seed = 4711;
    tl_bytes file = make_pcapng(false);
    char *path = file_of(&file);
    tl_bytes packed = positions_of(path, &all);
    for (int i = 0; i < 300; i++) {
        uint8_t *bad = tl_exact(packed.p, packed.n);
        size_t n = i % 5 == 0 ? (size_t)(tl_random(&seed) % packed.n) : packed.n;
        for (int k = 0; k <= i % 4; k++) bad[tl_random(&seed) % packed.n] = (uint8_t)tl_random(&seed);
        tl_source *s = tl_source_open_file(path, &err);
        tl_rc rc = tl_source_seek(s, tl_span_of(bad, n), tl_random(&seed) % FRAMES);
        CU_ASSERT(rc == TL_OK || rc == TL_ETRUNCATED || rc == TL_EIO);
        tl_frame frame;
        while (rc == TL_OK) rc = tl_source_next(s, &frame);
        CU_ASSERT(rc == TL_END || rc == TL_ETRUNCATED || rc == TL_EIO);
        tl_source_close(s);
        free(bad);
    }
    tl_taken_free(&all);
    tl_bytes_free(&packed);
    tl_bytes_free(&file);
    tl_sample_drop(path);
}

/* The stride doubles, and what is kept is still right. */
static void bounded(void)
{
    position_list p;
    position at;
    tl_text packed = {0};
    positions_begin(&p);
    for (uint64_t frames = 0; frames < (uint64_t)POSITIONS_FRAMES * POSITIONS_STRIDE * 5; frames++)
        if (frames == p.next) CU_ASSERT_EQUAL(position_frame(&p, 24 + frames * 10), TL_OK);
    CU_ASSERT_EQUAL(positions_pack(&p, &packed), TL_OK);
    CU_ASSERT(packed.n < 4 * POSITIONS_FRAMES);
    CU_ASSERT_EQUAL(positions_find(tl_span_of(packed.p, packed.n), 12345678, &at), TL_OK);
    CU_ASSERT(at.frame <= 12345678 && 12345678 - at.frame < 8 * POSITIONS_STRIDE);
    CU_ASSERT_EQUAL(at.offset, 24 + (at.frame - 1) * 10);
    free(at.description);
    tl_text_free(&packed);
    positions_free(&p);
}

static void hash_of_a_file(void)
{
    tl_error err;
    uint64_t bytes;
    uint8_t sha256[32];
    tl_bytes file = make_pcap();
    char *path = file_of(&file);
    CU_ASSERT_EQUAL(tl_source_hash_file(path, &bytes, sha256, &err), TL_OK);
    CU_ASSERT_EQUAL(bytes, file.n);
    tl_source *s = tl_source_open_file(path, &err);
    tl_frame frame;
    while (tl_source_next(s, &frame) == TL_OK) continue;
    CU_ASSERT(s->facts.have_sha256 && memcmp(s->facts.sha256, sha256, sizeof sha256) == 0);
    tl_source_close(s);
    tl_sample_drop(path);
    CU_ASSERT_EQUAL(tl_source_hash_file("/no/such/file", &bytes, sha256, &err), TL_EIO);
    tl_bytes_free(&file);
}

int main(void)
{
    return tl_run_cases("positions", (const tl_case[]){{"pcap from the middle", pcap_from_the_middle},
                                                       {"pcapng from the middle", pcapng_from_the_middle},
                                                       {"only forwards", only_forwards},
                                                       {"none", none},
                                                       {"nonsense", nonsense},
                                                       {"bounded", bounded},
                                                       {"hash of a file", hash_of_a_file},
                                                       {0}});
}
