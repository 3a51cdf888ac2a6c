/*
** source_test.c - what a capture file says is what comes out: pcap in all its dialects (with libpcap as the oracle), pcapng with its
** interfaces, sections and times, gzip, and files that are no captures.
*/
#include "capture/file.h"
#include "capture/source.h"
#include "support/capture_bytes.h"
#include "support/check.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MICRO = (int)0xa1b2c3d4, NANO = (int)0xa1b23c4d };

/* --- classic pcap ---------------------------------------------------------------------------------------------------------- */

static const struct dialect {
    uint32_t magic;
    uint16_t major, minor;
    const char *format;
} dialects[] = {{(uint32_t)MICRO, 2, 4, "pcap"},
                {(uint32_t)NANO, 2, 4, "pcap-ns"},
                {(uint32_t)MICRO, 2, 3, "pcap"},
                {(uint32_t)MICRO, 2, 2, "pcap"},
                {(uint32_t)MICRO, 543, 0, "pcap"}};

/* The same bytes to libpcap: it must see the same frames. */
static void compare_with_libpcap(const tl_bytes *file, const tl_taken *ours)
{
    char text[PCAP_ERRBUF_SIZE];
    FILE *f = fmemopen(file->p, file->n, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    pcap_t *p = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    struct pcap_pkthdr *h;
    const u_char *data;
    size_t n = 0;
    for (; pcap_next_ex(p, &h, &data) == 1; n++) {
        CU_ASSERT_FATAL(n < ours->n);
        const tl_frame *o = &ours->frames[n];
        CU_ASSERT_EQUAL(o->at.ns, (int64_t)(uint32_t)h->ts.tv_sec * 1000000000 + h->ts.tv_usec);
        CU_ASSERT_EQUAL(o->linktype, pcap_datalink(p));
        CU_ASSERT_EQUAL(o->wire_len, h->len);
        CU_ASSERT(o->bytes.n == h->caplen && memcmp(o->bytes.p, data, h->caplen) == 0);
    }
    CU_ASSERT_EQUAL(n, ours->n);
    pcap_close(p);
}

static void pcap_dialects(void)
{
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
        for (int big = 0; big <= 1; big++) {
            const struct dialect *d = &dialects[i];
            tl_bytes file = {0};
            tl_put_pcap_header(&file, big, d->magic, d->major, d->minor, 65535, 1);
            /* Lengths the other way round in the old versions: equal ones mean the same to all. */
            tl_put_pcap_record(&file, big, 1700000000, 123456, "first frame", 11);
            tl_put_pcap_record(&file, big, 1, 0, "", 0);
            tl_put_pcap_record(&file, big, 0xfffffff0, 999999, "year 2106", 9);
            tl_error err;
            tl_source *s = tl_open_bytes(&file, SIZE_MAX, &err);
            CU_ASSERT_PTR_NOT_NULL_FATAL(s);
            CU_ASSERT_STRING_EQUAL(s->facts.format, d->format);
            CU_ASSERT_EQUAL(s->facts.linktype, DLT_EN10MB);
            CU_ASSERT_EQUAL(s->facts.snaplen, 65535);
            CU_ASSERT_EQUAL(s->facts.drops, -1);
            tl_taken t = tl_take_all(s);
            CU_ASSERT_EQUAL(t.rc, TL_END);
            CU_ASSERT_EQUAL_FATAL(t.n, 3);
            CU_ASSERT_EQUAL(t.frames[0].at.ns, 1700000000000000000 + (d->magic == (uint32_t)NANO ? 123456 : 123456000));
            CU_ASSERT_EQUAL(t.frames[2].at.ns / 1000000000, 0xfffffff0);
            CU_ASSERT_EQUAL(t.frames[2].at.frame, 3);
            compare_with_libpcap(&file, &t);
            tl_taken_free(&t);
            tl_source_close(s);
            tl_bytes_free(&file);
        }
}

static void put_lengths(tl_bytes *file, bool big, uint32_t third, uint32_t fourth, size_t data)
{
    tl_put32(file, big, 1);
    tl_put32(file, big, 2);
    tl_put32(file, big, third);
    tl_put32(file, big, fourth);
    for (size_t i = 0; i < data; i++) tl_put(file, "x", 1);
}

/* A cut frame of 4 of 10 bytes, as each version would have written it. */
static void old_versions_swapped_the_lengths(void)
{
    static const struct {
        uint16_t major, minor;
        uint32_t third, fourth;
    } cases[] = {{2, 4, 4, 10}, {2, 3, 4, 10}, {2, 3, 10, 4}, {2, 2, 10, 4}, {2, 0, 10, 4}, {543, 0, 10, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_bytes file = {0};
        tl_put_pcap_header(&file, true, (uint32_t)MICRO, cases[i].major, cases[i].minor, 100, 1);
        put_lengths(&file, true, cases[i].third, cases[i].fourth, 4);
        tl_error err;
        tl_source *s = tl_open_bytes(&file, SIZE_MAX, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_taken t = tl_take_all(s);
        CU_ASSERT_EQUAL(t.rc, TL_END);
        CU_ASSERT_EQUAL_FATAL(t.n, 1);
        CU_ASSERT(t.frames[0].bytes.n == 4 && t.frames[0].wire_len == 10);
        compare_with_libpcap(&file, &t);
        tl_taken_free(&t);
        tl_source_close(s);
        tl_bytes_free(&file);
    }
}

static void longer_record_headers(void)
{
    tl_bytes file = {0};
    tl_put_pcap_header(&file, false, 0xa1b2cd34, 2, 4, 100, 1);
    for (int i = 0; i < 3; i++) {
        put_lengths(&file, false, 5, 5, 0);
        tl_put(&file, "\0\0\0\0\x08\0\0\0", 8); /* interface index, protocol, packet type */
        tl_put(&file, "hello", 5);
    }
    tl_error err;
    tl_source *s = tl_open_bytes(&file, 1, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    tl_taken t = tl_take_all(s);
    CU_ASSERT_EQUAL(t.rc, TL_END);
    CU_ASSERT_EQUAL_FATAL(t.n, 3);
    compare_with_libpcap(&file, &t);
    tl_taken_free(&t);
    tl_source_close(s);
    tl_bytes_free(&file);
}

static void link_types_are_libpcaps(void)
{
    for (uint32_t linktype = 0; linktype < 400; linktype++) {
        char text[PCAP_ERRBUF_SIZE];
        tl_bytes file = {0};
        tl_put_pcap_header(&file, false, (uint32_t)MICRO, 2, 4, 100, linktype | 0xf4000000); /* with a length of FCS on top */
        FILE *f = fmemopen(file.p, file.n, "rb");
        CU_ASSERT_PTR_NOT_NULL_FATAL(f);
        pcap_t *p = pcap_fopen_offline(f, text);
        tl_source *s = tl_open_bytes(&file, SIZE_MAX, NULL);
        CU_ASSERT_FATAL(p != NULL && s != NULL);
        CU_ASSERT_EQUAL(s->facts.linktype, pcap_datalink(p));
        pcap_close(p);
        tl_source_close(s);
        tl_bytes_free(&file);
    }
}

/* A record may be longer than the snaplen says (it happens), but not absurdly so. */
static void record_limits(void)
{
    static const struct {
        uint32_t snaplen, caplen;
        tl_rc rc;
    } cases[] = {
        {96, 262144, TL_OK},           {96, 262145, TL_ETRUNCATED},           {400000, 400000, TL_OK},           {0, 100000, TL_OK},
        {UINT32_MAX, 16777216, TL_OK}, {UINT32_MAX, 16777217, TL_ETRUNCATED}, {65535, UINT32_MAX, TL_ETRUNCATED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_bytes file = {0};
        tl_put_pcap_header(&file, false, (uint32_t)MICRO, 2, 4, cases[i].snaplen, 1);
        put_lengths(&file, false, cases[i].caplen, cases[i].caplen, 0);
        uint8_t *zeros = calloc(1, 17000000);
        CU_ASSERT_PTR_NOT_NULL_FATAL(zeros);
        tl_put(&file, zeros, cases[i].caplen < 17000000 ? cases[i].caplen : 17000000);
        free(zeros);
        tl_source *s = tl_open_bytes(&file, 65536, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_frame frame;
        CU_ASSERT_EQUAL(tl_source_next(s, &frame), cases[i].rc);
        if (cases[i].rc == TL_OK) CU_ASSERT_EQUAL(frame.bytes.n, cases[i].caplen);
        tl_source_close(s);
        tl_bytes_free(&file);
    }
}

/* --- pcapng ---------------------------------------------------------------------------------------------------------------- */

/* Three sections of both byte orders, interfaces that differ in everything, all kinds of packet blocks: one capture. */
static void put_mixed_pcapng(tl_bytes *file)
{
    for (int section = 0; section < 3; section++) {
        bool big = section % 2 == 1;
        tl_bytes nano = {0}, blob = {0};
        tl_put_option(&nano, big, 9, "\x09", 1);
        tl_put_section(file, big);
        tl_put_interface(file, big, 1, 65535, NULL);
        tl_put_interface(file, big, 101, 96, &nano);
        tl_put_block(file, big, 0x0bad, "anyone's own block", 18);
        tl_put_enhanced(file, big, 0, 1700000000123456, "ethernet", 8, NULL);
        tl_put_enhanced(file, big, 1, 1700000000123456789, "raw, cut", 1500, NULL);
        tl_put32(&blob, big, 20); /* simple: length on the wire, then as much as the block holds */
        tl_put(&blob, "simple, no time", 15);
        tl_put_block(file, big, 3, blob.p, blob.n);
        tl_bytes_free(&blob);
        tl_put16(&blob, big, 1); /* obsolete: interface, drops, time, lengths */
        tl_put16(&blob, big, 0xffff);
        tl_put32(&blob, big, (uint32_t)(1700000000123456790 >> 32));
        tl_put32(&blob, big, (uint32_t)1700000000123456790);
        tl_put32(&blob, big, 3);
        tl_put32(&blob, big, 3);
        tl_put(&blob, "old", 3);
        tl_put_block(file, big, 2, blob.p, blob.n);
        tl_bytes_free(&blob);
        tl_bytes_free(&nano);
    }
}

static void pcapng_of_every_kind(void)
{
    static const struct {
        int linktype;
        int64_t ns;
        const char *data;
        uint32_t wire_len;
    } expected[] = {{DLT_EN10MB, 1700000000123456000, "ethernet", 8},
                    {DLT_RAW, 1700000000123456789, "raw, cut", 1500},
                    {DLT_EN10MB, 1700000000123456789, "simple, no time\0", 20},
                    {DLT_RAW, 1700000000123456790, "old", 3}};
    static const size_t steps[] = {1, 7, SIZE_MAX};
    tl_bytes file = {0};
    put_mixed_pcapng(&file);
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
        tl_source *s = tl_open_bytes(&file, steps[k], NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        CU_ASSERT_STRING_EQUAL(s->facts.format, "pcapng");
        tl_taken t = tl_take_all(s);
        CU_ASSERT_EQUAL(t.rc, TL_END);
        CU_ASSERT_EQUAL(s->facts.linktype, DLT_EN10MB);
        CU_ASSERT_EQUAL(s->facts.snaplen, 65535);
        CU_ASSERT_EQUAL(s->facts.drops, -1);
        CU_ASSERT_EQUAL_FATAL(t.n, 12);
        for (size_t i = 0; i < t.n; i++) {
            size_t n = i % 4 == 2 ? 16 : strlen(expected[i % 4].data);
            const tl_frame want = {.at = {.ns = expected[i % 4].ns, .frame = i + 1},
                                   .linktype = expected[i % 4].linktype,
                                   .wire_len = expected[i % 4].wire_len,
                                   .bytes = tl_span_of(expected[i % 4].data, n)};
            CU_ASSERT(tl_same_frame(&t.frames[i], &want));
        }
        tl_taken_free(&t);
        tl_source_close(s);
    }
    tl_bytes_free(&file);
}

static void pcapng_times(void)
{
    static const struct {
        int resolution; /* -1: no option */
        int64_t offset_s;
        uint64_t units;
        int64_t ns;
    } cases[] = {
        {-1, 0, 1000001, 1000001000},
        {6, 0, 1000001, 1000001000},
        {0, 0, 17, 17000000000},
        {3, 0, 17, 17000000},
        {9, 0, UINT64_MAX, INT64_MAX},
        {9, 0, INT64_MAX, INT64_MAX},
        {0, 0, UINT64_MAX, INT64_MAX},
        {12, 0, 1700000000123456789, 1700000000123456},
        {0x7f, 0, UINT64_MAX, 0},
        {0x80, 0, 17, 17000000000},
        {0x80 | 10, 0, 1024 + 512, 1500000000},
        {0x80 | 32, 0, (uint64_t)1700000000 << 32 | 0x80000000, 1700000000500000000},
        {0x80 | 63, 0, UINT64_MAX, 1999999999},
        {0xff, 0, UINT64_MAX, 0},
        {6, 1700000000, 1, 1700000000000001000},
        {6, -10, 1, -9999999000},
        {6, INT64_MIN, 0, INT64_MIN},
        {6, INT64_MAX, UINT64_MAX, INT64_MAX},
        {9, -10000000000, 0, INT64_MIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_bytes file = {0}, options = {0}, offset = {0};
        uint8_t resolution = (uint8_t)cases[i].resolution;
        if (cases[i].resolution >= 0) tl_put_option(&options, true, 9, &resolution, 1);
        tl_put64(&offset, true, (uint64_t)cases[i].offset_s);
        if (cases[i].offset_s != 0) tl_put_option(&options, true, 14, offset.p, 8);
        tl_put_section(&file, true);
        tl_put_interface(&file, true, 1, 0, &options);
        tl_put_enhanced(&file, true, 0, cases[i].units, "x", 1, NULL);
        tl_source *s = tl_open_bytes(&file, SIZE_MAX, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_taken t = tl_take_all(s);
        CU_ASSERT_EQUAL_FATAL(t.n, 1);
        CU_ASSERT_EQUAL(t.frames[0].at.ns, cases[i].ns);
        tl_taken_free(&t);
        tl_source_close(s);
        tl_bytes_free(&file);
        tl_bytes_free(&options);
        tl_bytes_free(&offset);
    }
}

static void put_statistics(tl_bytes *file, uint32_t id, int ifdrop, int osdrop)
{
    tl_bytes body = {0}, options = {0}, number = {0};
    tl_put32(&body, false, id);
    tl_put64(&body, false, 0);
    tl_put64(&number, false, 1000);
    tl_put_option(&options, false, 4, number.p, 8); /* received, not dropped */
    tl_bytes_free(&number);
    tl_put64(&number, false, (uint64_t)ifdrop);
    if (ifdrop >= 0) tl_put_option(&options, false, 5, number.p, 8);
    tl_bytes_free(&number);
    tl_put64(&number, false, (uint64_t)osdrop);
    if (osdrop >= 0) tl_put_option(&options, false, 7, number.p, 8);
    tl_put(&body, options.p, options.n);
    tl_put32(&body, false, 0);
    tl_put_block(file, false, 5, body.p, body.n);
    tl_bytes_free(&body);
    tl_bytes_free(&options);
    tl_bytes_free(&number);
}

static int64_t drops_of(const tl_bytes *file)
{
    tl_source *s = tl_open_bytes(file, SIZE_MAX, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    tl_taken t = tl_take_all(s);
    CU_ASSERT_EQUAL(t.rc, TL_END);
    int64_t drops = s->facts.drops;
    tl_taken_free(&t);
    tl_source_close(s);
    return drops;
}

static void pcapng_drops(void)
{
    tl_bytes file = {0}, five = {0}, dropped = {0};
    tl_put64(&five, false, 5);
    tl_put_option(&dropped, false, 4, five.p, 8);

    tl_put_section(&file, false);
    tl_put_interface(&file, false, 1, 0, NULL);
    tl_put_interface(&file, false, 1, 0, NULL);
    tl_put_enhanced(&file, false, 0, 1, "x", 1, NULL);
    CU_ASSERT_EQUAL(drops_of(&file), -1);
    put_statistics(&file, 0, -1, -1); /* tells other things */
    CU_ASSERT_EQUAL(drops_of(&file), -1);
    tl_put_enhanced(&file, false, 0, 1, "x", 1, &dropped);
    tl_put_enhanced(&file, false, 1, 1, "x", 1, &dropped);
    CU_ASSERT_EQUAL(drops_of(&file), 10);
    put_statistics(&file, 0, 0, -1); /* the interface's own word counts more */
    CU_ASSERT_EQUAL(drops_of(&file), 0);
    put_statistics(&file, 0, 100, 20);
    put_statistics(&file, 0, 101, 20); /* totals, so the last one stands */
    put_statistics(&file, 1, 3, -1);
    put_statistics(&file, 2, 999, 999); /* of no interface */
    CU_ASSERT_EQUAL(drops_of(&file), 124);
    tl_put_section(&file, false);
    tl_put_interface(&file, false, 1, 0, NULL);
    CU_ASSERT_EQUAL(drops_of(&file), 124);
    put_statistics(&file, 0, 6, -1);
    CU_ASSERT_EQUAL(drops_of(&file), 130);
    tl_bytes_free(&file);
    tl_bytes_free(&five);
    tl_bytes_free(&dropped);
}

/* Framed well, odd inside: read on. */
static void pcapng_oddities(void)
{
    tl_bytes file = {0}, overrun = {0};
    tl_put16(&overrun, false, 9);
    tl_put16(&overrun, false, 400); /* an option longer than its block */
    tl_put_section(&file, false);
    tl_put_enhanced(&file, false, 0, 1, "no interface yet", 16, NULL);
    tl_put_interface(&file, false, 1, 8, &overrun);
    tl_put_enhanced(&file, false, 0, 5, "len below caplen", 3, &overrun);
    tl_put_enhanced(&file, false, 7, 5, "no such interface", 17, NULL);
    tl_source *s = tl_open_bytes(&file, SIZE_MAX, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    tl_taken t = tl_take_all(s);
    CU_ASSERT_EQUAL(t.rc, TL_END);
    CU_ASSERT_EQUAL_FATAL(t.n, 3);
    CU_ASSERT_EQUAL(t.frames[0].linktype, -1);
    CU_ASSERT_EQUAL(t.frames[1].linktype, DLT_EN10MB);
    CU_ASSERT_EQUAL(t.frames[1].at.ns, 5000);
    CU_ASSERT_EQUAL(t.frames[1].wire_len, 16);
    CU_ASSERT_EQUAL(t.frames[2].linktype, -1);
    CU_ASSERT_EQUAL(t.frames[2].bytes.n, 17);
    tl_taken_free(&t);
    tl_source_close(s);
    tl_bytes_free(&file);
    tl_bytes_free(&overrun);
}

/* A block that nobody knows may be longer than any frame: it is skipped, not held. */
static void pcapng_huge_unknown_block(void)
{
    tl_bytes file = {0}, packed = {0};
    uint8_t *zeros = calloc(1, 40000000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(zeros);
    tl_put_section(&file, false);
    tl_put_interface(&file, false, 1, 0, NULL);
    tl_put_block(&file, false, 0x40000bad, zeros, 40000000);
    tl_put_enhanced(&file, false, 0, 5, "behind it", 9, NULL);
    free(zeros);
    tl_put_gzip(&packed, file.p, file.n);
    const tl_bytes *both[] = {&file, &packed};
    for (size_t i = 0; i < 2; i++) {
        tl_source *s = tl_open_bytes(both[i], 100000, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_taken t = tl_take_all(s);
        CU_ASSERT_EQUAL(t.rc, TL_END);
        CU_ASSERT_EQUAL(t.n, 1);
        tl_taken_free(&t);
        tl_source_close(s);
    }
    tl_bytes_free(&file);
    tl_bytes_free(&packed);
}

/* NFLOG's TLVs are in the order of the machine that captured; they come out little-endian. */
static void nflog_is_little_endian(void)
{
    static const uint8_t big[] = {2, 0, 0, 7, 0, 8, 0, 1, 8, 0, 0, 0, 0, 5, 0, 9, 'i', 'p', 0xee, 0xee};
    static const uint8_t little[] = {2, 0, 0, 7, 8, 0, 1, 0, 8, 0, 0, 0, 5, 0, 9, 0, 'i', 'p', 0xee, 0xee};
    for (size_t cut = 0; cut <= sizeof big; cut++) {
        tl_bytes file = {0};
        tl_put_pcap_header(&file, true, (uint32_t)MICRO, 2, 4, 100, 239);
        put_lengths(&file, true, (uint32_t)cut, 20, 0);
        tl_put(&file, big, cut);
        tl_source *s = tl_open_bytes(&file, SIZE_MAX, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_frame frame;
        CU_ASSERT_EQUAL(tl_source_next(s, &frame), TL_OK);
        CU_ASSERT_EQUAL(frame.bytes.n, cut);
        if (cut == sizeof big) CU_ASSERT_EQUAL(memcmp(frame.bytes.p, little, cut), 0);
        tl_source_close(s);
        tl_bytes_free(&file);
    }
}

/* --- no captures ----------------------------------------------------------------------------------------------------------- */

static void not_captures(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } cases[] = {
        {"", 0, "capture: empty, not a capture"},
        {"P", 1, "begins with 50)"},
        {"GET / HTTP/1.1\r\n\r\n", 18, "begins with 47 45 54 20)"},
        {"SQLite format 3\0........", 24, "an SQLite database"},
        {"\xfd\x37zXZ\0......", 12, "xz -dc FILE | tcpledger-ingest -"},
        {"\x28\xb5\x2f\xfd....", 8, "zstd -dc FILE"},
        {"snoop\0\0\0....", 12, "a snoop capture"},
        {"\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0", 23, "ends inside its file header"},
        {"\xd4\xc3\xb2\xa1", 4, "ends inside its file header"},
        {"\xd4\xc3\xb2\xa1\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0", 24, "of version 1.4"},
        {"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0", 27,
         "ends inside its section header"},
        {"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1b\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0", 28, "begins with 0a 0d 0d 0a)"},
        {"\x1f\x8b\x08", 3, "the gzip data ends before its time"},
        {"\x1f\x8b\x08\xff\0\0\0\0\0\0\0\0", 12, "the gzip data is damaged"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_bytes file = {0};
        tl_put(&file, cases[i].bytes, cases[i].n);
        for (size_t step = 1; step < 40; step += 38) {
            tl_error err = {0};
            CU_ASSERT_PTR_NULL(tl_open_bytes(&file, step, &err));
            CU_ASSERT_EQUAL(err.rc, TL_EUSAGE);
            CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].says));
        }
        tl_bytes_free(&file);
    }
    tl_bytes packed = {0};
    tl_put_gzip(&packed, "hello", 5);
    tl_error err = {0};
    CU_ASSERT_PTR_NULL(tl_open_bytes(&packed, 1, &err));
    CU_ASSERT_EQUAL(err.rc, TL_EUSAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "gzip data, but inside it: not a pcap"));
    tl_bytes_free(&packed);
}

static void files_that_cannot_be_read(void)
{
    tl_error err = {0};
    CU_ASSERT_PTR_NULL(tl_source_open_file("/nowhere/at/all.pcap", &err));
    CU_ASSERT_EQUAL(err.rc, TL_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "/nowhere/at/all.pcap: cannot be opened: No such file or directory");
    CU_ASSERT_PTR_NULL(tl_source_open_file("/", &err));
    CU_ASSERT_EQUAL(err.rc, TL_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "/: cannot be read: Is a directory");
    CU_ASSERT_PTR_NULL(tl_source_open_file("/nowhere", NULL));
}

/* --- files and standard input ---------------------------------------------------------------------------------------------- */

/* Long enough for the hasher's own thread; read by name and as standard input, plain and packed. */
static void long_files_by_name_and_from_stdin(void)
{
    tl_bytes file = {0}, packed = {0};
    tl_put_pcap_header(&file, false, (uint32_t)MICRO, 2, 4, 65535, 1);
    static char data[60001];
    unsigned long long seed = 3;
    for (uint32_t i = 0; i < 200; i++) {
        size_t n = (size_t)(tl_random(&seed) % (sizeof data - 1));
        for (size_t k = 0; k < n; k++) data[k] = (char)('a' + tl_random(&seed) % 26);
        data[n] = '\0';
        tl_put_pcap_record(&file, false, i, 0, data, (uint32_t)n);
    }
    tl_put_gzip(&packed, file.p, file.n);
    tl_source *whole = tl_open_bytes(&file, SIZE_MAX, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    tl_taken expected = tl_take_all(whole);
    CU_ASSERT_EQUAL(expected.n, 200);

    const tl_bytes *both[] = {&file, &packed};
    for (size_t i = 0; i < 4; i++) {
        const tl_bytes *b = both[i % 2];
        char path[] = "/tmp/tcpledger-source-XXXXXX";
        int fd = mkstemp(path);
        CU_ASSERT_FATAL(fd >= 0 && write(fd, b->p, b->n) == (ssize_t)b->n && lseek(fd, 0, SEEK_SET) == 0);
        int saved = dup(STDIN_FILENO);
        CU_ASSERT_FATAL(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
        tl_source *s = tl_source_open_file(i < 2 ? path : "-", NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_taken t = tl_take_all(s);
        CU_ASSERT_EQUAL(t.rc, TL_END);
        CU_ASSERT_EQUAL_FATAL(t.n, expected.n);
        for (size_t k = 0; k < t.n; k++) CU_ASSERT(tl_same_frame(&t.frames[k], &expected.frames[k]));
        CU_ASSERT_STRING_EQUAL(s->facts.format, i % 2 ? "pcap.gz" : "pcap");
        CU_ASSERT(s->facts.bytes_read == b->n && s->facts.bytes_total == b->n && s->facts.have_sha256);
        if (i % 2 == 0) CU_ASSERT_EQUAL(memcmp(s->facts.sha256, whole->facts.sha256, 32), 0);
        tl_taken_free(&t);
        tl_source_close(s);
        CU_ASSERT_FATAL(dup2(saved, STDIN_FILENO) == STDIN_FILENO);
        close(saved);
        close(fd);
        unlink(path);
    }
    tl_taken_free(&expected);
    tl_source_close(whole);
    tl_bytes_free(&file);
    tl_bytes_free(&packed);
}

/* Closing early, at every stage of the block ring, must leave nothing behind (LeakSanitizer and ThreadSanitizer look). */
static void closing_early(void)
{
    tl_bytes file = {0};
    tl_put_pcap_header(&file, false, (uint32_t)MICRO, 2, 4, 65535, 1);
    static char data[50001];
    memset(data, 'x', sizeof data - 1);
    for (uint32_t i = 0; i < 150; i++) tl_put_pcap_record(&file, false, i, 0, data, 50000);
    for (size_t stop = 0; stop < 150; stop += 7) {
        tl_source *s = tl_open_bytes(&file, SIZE_MAX, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_frame frame;
        for (size_t i = 0; i < stop; i++) CU_ASSERT_EQUAL(tl_source_next(s, &frame), TL_OK);
        CU_ASSERT_FALSE(s->facts.have_sha256);
        tl_source_close(s);
    }
    tl_bytes_free(&file);
}

int main(void)
{
    return tl_run_cases("source", (const tl_case[]){{"pcap dialects", pcap_dialects},
                                                    {"old versions swapped the lengths", old_versions_swapped_the_lengths},
                                                    {"longer record headers", longer_record_headers},
                                                    {"link types are libpcap's", link_types_are_libpcaps},
                                                    {"record limits", record_limits},
                                                    {"pcapng of every kind", pcapng_of_every_kind},
                                                    {"pcapng times", pcapng_times},
                                                    {"pcapng drops", pcapng_drops},
                                                    {"pcapng oddities", pcapng_oddities},
                                                    {"pcapng with a huge unknown block", pcapng_huge_unknown_block},
                                                    {"NFLOG is little-endian", nflog_is_little_endian},
                                                    {"not captures", not_captures},
                                                    {"files that cannot be read", files_that_cannot_be_read},
                                                    {"long files by name and from stdin", long_files_by_name_and_from_stdin},
                                                    {"closing early", closing_early},
                                                    {0}});
}
