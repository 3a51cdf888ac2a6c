/*
** pipeline_fuzz.c - any frames, through everything, into a database that must pass every check.
**
** Input: one byte that chooses the link type and the size of the batches, then records until the end:
**
**     0x80 | n     a raw frame: two bytes of length (big-endian), one of time, that many bytes
**     otherwise    a segment by short hand, seven bytes: tag (bits 0-1 connection, 2 direction, 3 other bytes than the first copy had,
**                  4 cut by a snaplen, 5-6 tags), sequence number (signed, from the connection's), acknowledgement (likewise), flags,
**                  payload length, time in units of 10 ms
**
** Short hand payload depends on connection, direction and sequence number only, so that overlaps agree unless bit 3 says otherwise.
*/
#include "support/frames.h"
#include "support/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAMES_MAX = 512, SHORT_BYTES = 7 };

static tl_frame frames[FRAMES_MAX];
static tl_build build;

static tl_span keep(const void *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1); /* exactly: an over-read is seen */
    if (copy == NULL) abort();
    if (n > 0) memcpy(copy, p, n);
    return tl_span_of(copy, n);
}

static void short_hand(const uint8_t *r, tl_frame *f)
{
    static const uint16_t tags[] = {0, 100, 200, 300};
    unsigned connection = r[0] & 3, dir = r[0] >> 2 & 1, tag = r[0] >> 5 & 3;
    uint32_t base[2] = {1000, 4294967200U};
    uint32_t seq = base[dir] + (uint32_t)(int32_t)(int8_t)r[1] * 8, ack = base[!dir] + (uint32_t)(int32_t)(int8_t)r[2] * 8;
    uint8_t payload[256];
    size_t n = r[4] & 127;
    for (size_t i = 0; i < n; i++) {
        static const char text[] = "GET / HTTP/1.1\r\nContent-Length: 40\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
        payload[i] = (uint8_t)text[(seq + i + connection) % (sizeof text - 1)];
        if (r[0] & 8 && i % 5 == 1) payload[i] ^= 1;
    }
    tl_tcp_fields t = {.src = dir ? "10.0.0.2" : "10.0.0.1",
                       .dst = dir ? "10.0.0.1" : "10.0.0.2",
                       .sport = (uint16_t)(dir ? 80 : 1000 + connection),
                       .dport = (uint16_t)(dir ? 1000 + connection : 80),
                       .seq = seq,
                       .ack = ack,
                       .flags = r[3] & 63};
    tl_build_start(&build, payload, n);
    tl_build_tcp(&build, &t);
    tl_build_ip(&build, t.src, t.dst, 6);
    if (tag == 0) {
        tl_build_ether(&build, 0x0800);
    } else {
        tl_build_vlan(&build, tags[tag], 0x0800);
        tl_build_ether(&build, 0x8100);
    }
    tl_span whole = tl_build_bytes(&build);
    size_t cut = r[0] & 16 ? n / 2 : 0;
    f->linktype = 1;
    f->wire_len = (uint32_t)whole.n;
    f->bytes = keep(whole.p, whole.n - cut);
}

static size_t read_frames(const uint8_t *p, size_t size, int linktype)
{
    size_t n = 0;
    int64_t ns = INT64_C(1700000000000000000);
    while (n < FRAMES_MAX && size > 0) {
        tl_frame *f = &frames[n];
        *f = (tl_frame){.linktype = linktype};
        if (*p & 0x80) {
            if (size < 4) break;
            size_t length = tl_be16(p + 1);
            if (length > size - 4) length = size - 4;
            ns += (int64_t)(int8_t)p[3] * 10000000;
            f->bytes = keep(p + 4, length);
            f->wire_len = (uint32_t)length + (*p & 0x7f);
            p += 4 + length;
            size -= 4 + length;
        } else {
            if (size < SHORT_BYTES) break;
            short_hand(p, f);
            ns += (int64_t)(int8_t)p[6] * 10000000 + (int64_t)p[5] * 1000;
            p += SHORT_BYTES;
            size -= SHORT_BYTES;
        }
        f->at.ns = ns;
        n++;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int linktypes[] = {1, 0, 12, 101, 113, 276, 127, 239, 9, 105, 104, 108, 228, 229, 192, 50};
    static char path[64];
    if (size == 0) return 0;
    if (path[0] == '\0') snprintf(path, sizeof path, "/dev/shm/tcpledger-fuzz-%ld.db", (long)getpid());
    size_t n = read_frames(data + 1, size - 1, linktypes[data[0] & 15]);
    tl_ledger_options o = {.batch_bytes = data[0] & 16 ? 4096 : 0,
                           .batches = 2,
                           .level = data[0] & 32 ? 1 : 0,
                           .commit_bytes = data[0] & 64 ? 100 : 0,
                           .scan_aggregate = data[0] & 64};
    if (o.batch_bytes == 0) o.batch_bytes = 1 << 20;
    o.limits = tl_limits_default();
    if (data[0] & 128) {
        o.limits.hole_bytes = 100;
        o.limits.max_sessions = 2;
        o.limits.vlan_key = true;
    }
    tl_source *s = tl_source_open_memory(frames, n);
    tl_error err = {0};
    unlink(path);
    tl_rc rc = tl_ledger_make(path, &s, 1, &o, &err);
    if (rc != TL_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    char *rows;
    const char *bad = tl_ledger_check(path, &rows);
    if (bad != NULL) {
        fprintf(stderr, "%s:\n%s\n", bad, rows != NULL ? rows : "");
        abort();
    }
    unlink(path);
    for (size_t i = 0; i < n; i++) free((void *)(uintptr_t)frames[i].bytes.p);
    return 0;
}
