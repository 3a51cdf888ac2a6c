/*
** source_damage_test.c - a file cut anywhere gives every frame before the cut, and says so; a damaged one never more than it holds.
** Cut and flipped at every byte, in both byte orders, plain and packed, read whole and byte by byte.
*/
#include "support/capture_bytes.h"
#include "support/check.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 6 };
static const char *const texts[FRAMES] = {"one", "", "the third", "4444", "fifth frame", "last"};

/* A file with the places where it may end without damage: after its header, and after each record. */
typedef struct sample {
    const char *kind;
    tl_bytes file;
    size_t header;       /* shorter than this it is no capture */
    size_t ends[FRAMES]; /* where frame i + 1 ends */
    tl_bytes borders;    /* one byte per offset: 1 where the file may end */
} sample;

static void border(sample *s)
{
    while (s->borders.n <= s->file.n) tl_put(&s->borders, "", 1);
    s->borders.p[s->file.n] = 1;
}

static void make_pcap(sample *s, bool big, uint32_t magic)
{
    tl_put_pcap_header(&s->file, big, magic, 2, 4, 65535, 1);
    s->header = s->file.n;
    border(s);
    for (size_t i = 0; i < FRAMES; i++) {
        tl_put_pcap_record(&s->file, big, 1700000000 + (uint32_t)i, (uint32_t)i, texts[i], 20);
        s->ends[i] = s->file.n;
        border(s);
    }
}

static void make_pcapng(sample *s, bool big, uint32_t unused)
{
    (void)unused;
    tl_put_section(&s->file, big);
    s->header = s->file.n;
    border(s);
    tl_put_interface(&s->file, big, 1, 65535, NULL);
    border(s);
    for (size_t i = 0; i < FRAMES; i++) {
        if (i == 2) tl_put_block(&s->file, big, 4, "names", 5);
        if (i == 2) border(s);
        if (i == 4) {
            tl_put_section(&s->file, !big);
            border(s);
            tl_put_interface(&s->file, !big, 113, 100, NULL);
            border(s);
        }
        tl_put_enhanced(&s->file, i < 4 ? big : !big, 0, 1700000000 + i, texts[i], 20, NULL);
        s->ends[i] = s->file.n;
        border(s);
    }
}

static const struct kind {
    const char *name;
    void (*make)(sample *s, bool big, uint32_t magic);
    uint32_t magic;
} kinds[] = {{"pcap", make_pcap, 0xa1b2c3d4}, {"pcap-ns", make_pcap, 0xa1b23c4d}, {"pcapng", make_pcapng, 0}};

/* Runs the test over each kind in both byte orders. */
static void each_sample(void (*test)(const sample *s))
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (int big = 0; big <= 1; big++) {
            sample s = {.kind = kinds[i].name};
            kinds[i].make(&s, big, kinds[i].magic);
            test(&s);
            tl_bytes_free(&s.file);
            tl_bytes_free(&s.borders);
        }
}

static void sha256(const void *p, size_t n, uint8_t out[32])
{
    CU_ASSERT_EQUAL_FATAL(EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL), 1);
}

static size_t frames_within(const sample *s, size_t cut)
{
    size_t n = 0;
    while (n < FRAMES && s->ends[n] <= cut) n++;
    return n;
}

/* Reads b to its end.  Each frame must be the one that all samples have there; returns how many came. */
static size_t read_checked(const tl_bytes *b, size_t step, tl_rc *rc, char *text)
{
    tl_error err = {0};
    tl_source *source = tl_open_bytes(b, step, &err);
    if (source == NULL) {
        *rc = err.rc;
        strcpy(text, err.text);
        return 0;
    }
    tl_taken t = tl_take_all(source);
    for (size_t i = 0; i < t.n && i < FRAMES; i++) {
        const tl_frame *f = &t.frames[i];
        CU_ASSERT(f->at.frame == i + 1 && f->wire_len == 20);
        CU_ASSERT(f->bytes.n == strlen(texts[i]) && memcmp(f->bytes.p, texts[i], f->bytes.n) == 0);
    }
    CU_ASSERT(t.n <= FRAMES);
    uint8_t digest[32];
    sha256(b->p, b->n, digest);
    CU_ASSERT(source->facts.have_sha256 && memcmp(source->facts.sha256, digest, 32) == 0);
    CU_ASSERT_EQUAL(source->facts.bytes_read, b->n);
    *rc = t.rc;
    strcpy(text, source->error.text);
    tl_frame again;
    CU_ASSERT_EQUAL(tl_source_next(source, &again), t.rc); /* and stays so */
    size_t n = t.n;
    tl_taken_free(&t);
    tl_source_close(source);
    return n;
}

static void cut_everywhere(const sample *s)
{
    for (size_t cut = 0; cut <= s->file.n; cut++)
        for (size_t step = 1; step <= 4096; step *= 4096) {
            tl_bytes part = {0};
            uint8_t *exact = tl_exact(s->file.p, cut);
            part.p = exact;
            part.n = cut;
            char text[400], place[80];
            tl_rc rc;
            size_t n = read_checked(&part, step, &rc, text);
            CU_ASSERT_EQUAL(n, frames_within(s, cut));
            if (cut < s->header) {
                CU_ASSERT_EQUAL(rc, TL_EUSAGE);
            } else if (s->borders.p[cut]) {
                CU_ASSERT_EQUAL(rc, TL_END);
            } else {
                CU_ASSERT_EQUAL(rc, TL_ETRUNCATED);
                snprintf(place, sizeof place, "capture: breaks off after frame %zu, at byte ", n);
                CU_ASSERT_EQUAL(strncmp(text, place, strlen(place)), 0);
                size_t at = (size_t)strtoul(text + strlen(place), NULL, 10);
                CU_ASSERT(at < cut && s->borders.p[at] == 1);
            }
            free(exact);
        }
}

static void every_length(void)
{
    each_sample(cut_everywhere);
}

static void garbage_behind(const sample *s)
{
    static const char *const garbage[] = {"x", "\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\nand so on and on and on and on"};
    for (size_t i = 0; i < 3; i++) {
        tl_bytes file = {0};
        tl_put(&file, s->file.p, s->file.n);
        tl_put(&file, garbage[i], strlen(garbage[i]));
        char text[400];
        tl_rc rc;
        CU_ASSERT_EQUAL(read_checked(&file, 4096, &rc, text), FRAMES);
        CU_ASSERT_EQUAL(rc, TL_ETRUNCATED);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "after frame 6, at byte "));
        tl_bytes_free(&file);
    }
}

static void trailing_garbage(void)
{
    each_sample(garbage_behind);
}

/* One bit of each byte turned over: frames that end before it are untouched, and never is anything read that is not there. */
static void flip_everywhere(const sample *s)
{
    for (size_t at = 0; at < s->file.n; at++)
        for (int bit = 0; bit < 8; bit++) {
            tl_bytes file = {0};
            file.p = tl_exact(s->file.p, s->file.n);
            file.n = s->file.n;
            file.p[at] = (uint8_t)(file.p[at] ^ 1U << bit);
            tl_source *source = tl_open_bytes(&file, 4096, NULL);
            CU_ASSERT(source != NULL || at < s->header);
            if (source != NULL) {
                tl_taken t = tl_take_all(source);
                CU_ASSERT(t.rc == TL_END || t.rc == TL_ETRUNCATED);
                CU_ASSERT(at < s->header || t.n >= frames_within(s, at));
                for (size_t i = 0; i < t.n && i < FRAMES && s->ends[i] <= at && at >= s->header; i++)
                    CU_ASSERT(t.frames[i].bytes.n == strlen(texts[i]) && memcmp(t.frames[i].bytes.p, texts[i], strlen(texts[i])) == 0);
                CU_ASSERT(source->facts.have_sha256);
                tl_taken_free(&t);
                tl_source_close(source);
            }
            tl_bytes_free(&file);
        }
}

static void every_flip(void)
{
    each_sample(flip_everywhere);
}

/* A packed file cut anywhere: a prefix of the frames, then TRUNCATED; never END. */
static void cut_packed_everywhere(const sample *s)
{
    tl_bytes packed = {0};
    tl_put_gzip(&packed, s->file.p, s->file.n);
    char text[400];
    tl_rc rc;
    for (size_t step = 1; step <= 4096; step *= 4096) {
        size_t before = 0;
        for (size_t cut = 0; cut < packed.n; cut++) {
            tl_bytes part = {.p = tl_exact(packed.p, cut), .n = cut};
            size_t n = read_checked(&part, step, &rc, text);
            CU_ASSERT(n >= before);
            before = n;
            CU_ASSERT(rc == TL_ETRUNCATED || (rc == TL_EUSAGE && n == 0));
            if (rc == TL_ETRUNCATED) CU_ASSERT_PTR_NOT_NULL(strstr(text, "the gzip data ends before its time"));
            tl_bytes_free(&part);
        }
        CU_ASSERT_EQUAL(before, FRAMES); /* its trailer alone cut off */
        CU_ASSERT_EQUAL(read_checked(&packed, step, &rc, text), FRAMES);
        CU_ASSERT_EQUAL(rc, TL_END);
    }
    tl_bytes_free(&packed);
}

static void every_length_packed(void)
{
    each_sample(cut_packed_everywhere);
}

/* The file in two members, divided anywhere; then with padding and with garbage behind them. */
static void two_members(const sample *s)
{
    static const struct {
        const char *bytes;
        size_t n;
        tl_rc rc;
    } tails[] = {{"", 0, TL_END},
                 {"\0\0\0\0\0\0\0", 7, TL_END},
                 {"\0x", 2, TL_ETRUNCATED},
                 {"garbage", 7, TL_ETRUNCATED},
                 {"\x1f", 1, TL_ETRUNCATED},
                 {"\x1f\x8b\x08\0\0\0\0\0\0\x03", 10, TL_ETRUNCATED}};
    for (size_t split = 0; split <= s->file.n; split++)
        for (size_t k = 0; k < sizeof tails / sizeof tails[0]; k++) {
            tl_bytes packed = {0};
            tl_put_gzip(&packed, s->file.p, split);
            tl_put_gzip(&packed, s->file.p + split, s->file.n - split);
            tl_put(&packed, tails[k].bytes, tails[k].n);
            char text[400];
            tl_rc rc;
            CU_ASSERT_EQUAL(read_checked(&packed, split % 2 ? 1 : 4096, &rc, text), FRAMES);
            CU_ASSERT_EQUAL(rc, tails[k].rc);
            if (rc == TL_ETRUNCATED) CU_ASSERT_PTR_NOT_NULL(strstr(text, "(uncompressed): the gzip data "));
            tl_bytes_free(&packed);
        }
}

static void gzip_members(void)
{
    each_sample(two_members);
}

/* Lengths that contradict each other, each told by what is wrong. */
static void contradictions(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } cases[] = {
        {"\x01\0\0\0\x08\0\0\0\x08\0\0\0", 12, "claims to be 8 bytes long, which is too short"},
        {"\x01\0\0\0\0\0\0\0\0\0\0\0", 12, "claims to be 0 bytes long, which is too short"},
        {"\x06\0\0\0\x0c\0\0\0\x0c\0\0\0", 12, "a packet block of 12 bytes is too short"},
        {"\x02\0\0\0\x0c\0\0\0\x0c\0\0\0", 12, "a packet block of 12 bytes is too short"},
        {"\x03\0\0\0\x0c\0\0\0\x0c\0\0\0", 12, "a packet block of 12 bytes is too short"},
        {"\x01\0\0\0\x0c\0\0\0\x0c\0\0\0", 12, "an interface description of 12 bytes is too short"},
        {"\x01\0\0\0\x14\0\0\0\1\0\0\0\0\0\0\0\x15\0\0\0", 20, "begins with length 20 and ends with 21"},
        {"\x77\0\0\0\x14\0\0\0\1\0\0\0\0\0\0\0\x13\0\0\0", 20, "begins with length 20 and ends with 19"},
        {"\x06\0\0\0\xff\xff\xff\x7f\0\0\0\0", 12, "more than the"},
        {"\x06\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\x20\0\0\0", 32, "claims 1 captured bytes in a block of 32"},
        {"\x06\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\1\0\0\0\x20\0\0\0", 32, "claims 4294967295 captured bytes"},
        {"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\2\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0", 28,
         "a section of pcapng version 2"},
        {"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1b\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0", 28, "without a byte order mark"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample s = {0};
        make_pcapng(&s, true, 0); /* ends in a little-endian section */
        tl_bytes file = {0};
        tl_put(&file, s.file.p, s.file.n);
        tl_put(&file, cases[i].bytes, cases[i].n);
        char text[400];
        tl_rc rc;
        CU_ASSERT_EQUAL(read_checked(&file, 4096, &rc, text), FRAMES);
        CU_ASSERT_EQUAL(rc, TL_ETRUNCATED);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "capture: damaged after frame 6, at byte "));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, cases[i].says));
        tl_bytes_free(&file);
        tl_bytes_free(&s.file);
        tl_bytes_free(&s.borders);
    }
}

/* Some writers leave the padding out of a block's length. */
static void unpadded_lengths(void)
{
    tl_bytes file = {0};
    tl_put_section(&file, false);
    tl_put_interface(&file, false, 1, 0, NULL);
    for (int i = 0; i < 2; i++) {
        size_t at = file.n;
        tl_put_enhanced(&file, false, 0, 1, "five!", 5, NULL);
        file.p[at + 4] = (uint8_t)(file.p[at + 4] - 3);
        file.p[file.n - 4] = (uint8_t)(file.p[file.n - 4] - 3);
    }
    tl_source *s = tl_open_bytes(&file, 4096, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    tl_taken t = tl_take_all(s);
    CU_ASSERT_EQUAL(t.rc, TL_END);
    CU_ASSERT_EQUAL(t.n, 2);
    tl_taken_free(&t);
    tl_source_close(s);
    tl_bytes_free(&file);
}

int main(void)
{
    return tl_run_cases("source damage", (const tl_case[]){{"every length", every_length},
                                                           {"trailing garbage", trailing_garbage},
                                                           {"every flip", every_flip},
                                                           {"every length, packed", every_length_packed},
                                                           {"gzip members", gzip_members},
                                                           {"contradictions", contradictions},
                                                           {"unpadded lengths", unpadded_lengths},
                                                           {0}});
}
