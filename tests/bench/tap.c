#include "tap.h"
#include "bodies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 1024 * 1024,
    FRAME_MOST = 14 + 40 + 20 + 8 + PAYLOAD_MOST,
    RECORD_MOST = 16 + FRAME_MOST,
    LATE_MOST = 64 /* frames under way */
};

typedef struct late {
    unsigned places; /* that many frames go first; 0: free */
    size_t n;
    uint8_t frame[FRAME_MOST];
} late;

struct tap {
    int fd;
    tap_options o;
    uint64_t random, frames, now_us;
    bool failed;
    int error_number;
    size_t used;
    uint8_t *buffer;
    unsigned late_count;
    late lates[LATE_MOST];
};

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static void flush(tap *t)
{
    for (size_t at = 0; at < t->used && !t->failed;) {
        ssize_t n = write(t->fd, t->buffer + at, t->used - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            t->failed = true;
            t->error_number = errno;
        } else {
            at += (size_t)n;
        }
    }
    t->used = 0;
}

tap *tap_new(int fd, const tap_options *options)
{
    tap *t = calloc(1, sizeof *t);
    if (t == NULL) return NULL;
    t->buffer = malloc(BUFFER_BYTES);
    if (t->buffer == NULL) {
        free(t);
        return NULL;
    }
    t->fd = fd;
    t->o = *options;
    t->random = options->seed;
    t->now_us = 1700000000000000;
    static const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1}; /* in this machine's byte order, as pcap is */
    memcpy(t->buffer, header, sizeof header);
    t->used = sizeof header;
    return t;
}

/* RFC 1071, over bytes of which any odd one is the last. */
static uint32_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
    uint64_t wide = sum;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t word;
        memcpy(&word, p + i, 4);
        wide += word;
    }
    uint8_t rest[4] = {0};
    memcpy(rest, p + i, n - i);
    uint32_t word;
    memcpy(&word, rest, 4);
    wide += word;
    wide = (wide & 0xffffffff) + (wide >> 32);
    wide = (wide & 0xffffffff) + (wide >> 32);
    uint32_t folded = (uint32_t)(wide & 0xffff) + (uint32_t)(wide >> 16);
    return (folded & 0xffff) + (folded >> 16);
}

/* The sum was made in this machine's byte order, and is stored in it: RFC 1071, section 2(B). */
static void put_checksum(uint8_t *at, uint32_t sum)
{
    uint16_t v = (uint16_t)~sum;
    memcpy(at, &v, 2);
}

/* Ethernet, IP and TCP around the payload; returns the frame's length. */
static size_t build(uint8_t *frame, const segment *s)
{
    bool syn = s->flags & TCP_SYN;
    size_t payload = s->part_n[0] + s->part_n[1], tcp_header = syn ? 28 : 20, tcp_n = tcp_header + payload;
    memcpy(frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
    put16(frame + 12, s->ipv6 ? 0x86dd : 0x0800);
    uint8_t *ip = frame + 14, *tcp = ip + (s->ipv6 ? 40 : 20);
    uint8_t pseudo[4] = {0, 6, (uint8_t)(tcp_n >> 8), (uint8_t)tcp_n};
    uint32_t sum;
    if (s->ipv6) {
        put32(ip, 0x60000000);
        put16(ip + 4, (unsigned)tcp_n);
        ip[6] = 6;
        ip[7] = 64;
        memcpy(ip + 8, s->from->ip, 16);
        memcpy(ip + 24, s->to->ip, 16);
        sum = sum16(ip + 8, 32, sum16(pseudo, 4, 0));
    } else {
        put32(ip, 0x45000000 | (uint32_t)(20 + tcp_n));
        put32(ip + 4, 0x4000); /* don't fragment */
        put32(ip + 8, 64 << 24 | 6 << 16);
        memcpy(ip + 12, s->from->ip, 4);
        memcpy(ip + 16, s->to->ip, 4);
        put_checksum(ip + 10, sum16(ip, 20, 0));
        sum = sum16(ip + 12, 8, sum16(pseudo, 4, 0));
    }
    put16(tcp, s->from->port);
    put16(tcp + 2, s->to->port);
    put32(tcp + 4, s->seq);
    put32(tcp + 8, s->ack);
    tcp[12] = (uint8_t)(tcp_header / 4 << 4);
    tcp[13] = s->flags;
    put16(tcp + 14, 0xfff0);
    put32(tcp + 16, 0);
    if (syn) {
        put32(tcp + 20, 0x02040000 | PAYLOAD_MOST); /* maximum segment size */
        put32(tcp + 24, 0x01030307);                /* no-op, window scale 7 */
    }
    uint8_t *at = tcp + tcp_header;
    for (int i = 0; i < 2; i++) {
        if (s->part_n[i] > 0) memcpy(at, s->parts[i], s->part_n[i]);
        at += s->part_n[i];
    }
    put_checksum(tcp + 16, sum16(tcp, tcp_n, sum));
    return (size_t)(at - frame);
}

/* Puts the record header in front of a frame that lies 16 bytes into the free part of the buffer. */
static void commit(tap *t, size_t n)
{
    uint32_t header[4] = {(uint32_t)(t->now_us / 1000000), (uint32_t)(t->now_us % 1000000), (uint32_t)n, (uint32_t)n};
    memcpy(t->buffer + t->used, header, 16);
    t->used += 16 + n;
    t->now_us += t->o.frame_us;
    t->frames++;
    if (t->used > BUFFER_BYTES - RECORD_MOST) flush(t);
}

static void delay(tap *t, const uint8_t *frame, size_t n, unsigned places)
{
    for (size_t i = 0; i < LATE_MOST; i++) {
        late *l = &t->lates[i];
        if (l->places > 0) continue;
        l->places = places;
        l->n = n;
        memcpy(l->frame, frame, n);
        t->late_count++;
        return;
    }
}

static void write_lates(tap *t, bool all)
{
    for (size_t i = 0; i < LATE_MOST && t->late_count > 0; i++) {
        late *l = &t->lates[i];
        if (l->places == 0 || (!all && --l->places > 0)) continue;
        l->places = 0;
        t->late_count--;
        memcpy(t->buffer + t->used + 16, l->frame, l->n);
        commit(t, l->n);
    }
}

bool tap_send(tap *t, const segment *s)
{
    bool lost = random_percent(&t->random, t->o.loss_percent);
    bool again = random_percent(&t->random, t->o.retransmit_percent);
    bool again_lost = again && random_percent(&t->random, t->o.loss_percent);
    bool is_late = random_percent(&t->random, t->o.reorder_percent);
    bool seen = !lost || (again && !again_lost);
    if (!seen) {
        t->now_us += t->o.frame_us;
        return false;
    }
    bool room = t->late_count + 2 <= LATE_MOST;
    uint8_t *frame = t->buffer + t->used + 16;
    size_t n = build(frame, s);
    bool now = !lost && !(is_late && room);
    if (again && !again_lost && room)
        delay(t, frame, n, (unsigned)(3 + random_below(&t->random, 5)));
    else if (lost)
        now = true; /* the second copy finds no room to wait */
    if (!lost && !now) delay(t, frame, n, 2);
    if (now) commit(t, n);
    if (t->late_count > 0) write_lates(t, false);
    return true;
}

bool tap_finish(tap *t)
{
    write_lates(t, true);
    flush(t);
    bool good = !t->failed;
    errno = t->error_number;
    free(t->buffer);
    free(t);
    return good;
}

uint64_t tap_frames(const tap *t)
{
    return t->frames;
}
