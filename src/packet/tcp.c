/*
** tcp.c - the TCP header and its options (RFC 9293 section 3.1; RFC 7323, RFC 2018).  The last step: fills the segment.
**
** A frame that the snaplen cut is a segment as long as the 20 fixed bytes were captured: sequence number, acknowledgement and
** the payload's length on the wire are known, and they say which bytes are missing.  Options count as far as they were captured.
*/
#include "packet/checksum.h"
#include "packet/layer.h"

enum { FIXED_BYTES = 20 };

static void parse_sack(tl_segment *out, const uint8_t *p, size_t n)
{
    if (n % 8 != 0) return;
    for (size_t i = 0; i < n && out->sack_n < TL_SACK_MAX; i += 8) {
        out->sack[out->sack_n][0] = tl_be32(p + i);
        out->sack[out->sack_n][1] = tl_be32(p + i + 4);
        out->sack_n++;
    }
}

/* Options end at the first one that contradicts its length: what came before it counts. */
static void parse_options(tl_segment *out, const uint8_t *p, size_t n)
{
    enum { END = 0, NOP = 1, MSS = 2, WINDOW_SCALE = 3, SACK = 5 };
    size_t i = 0;
    while (i < n && p[i] != END) {
        if (p[i] == NOP) {
            i++;
            continue;
        }
        if (n - i < 2 || p[i + 1] < 2 || p[i + 1] > n - i) return;
        size_t length = p[i + 1];
        const uint8_t *value = p + i + 2;
        switch (p[i]) {
        case MSS:
            if (length == 4) out->mss = tl_be16(value);
            break;
        case WINDOW_SCALE:
            /* RFC 7323 section 2.3: larger shifts count as 14. */
            if (length == 3) out->window_scale = (int8_t)(value[0] > 14 ? 14 : value[0]);
            break;
        case SACK: parse_sack(out, value, length - 2); break;
        default: break;
        }
        i += length;
    }
}

static void check_sum(const cursor *c)
{
    tl_segment *out = c->out;
    if (c->n < c->wire || c->beyond > 0 || c->routed) return;
    size_t skip = c->version == 4 ? 12 : 0;
    out->bad_checksum = !tl_checksum_tcp_ok(out->src.ip + skip, out->dst.ip + skip, 16 - skip, tl_span_of(c->p, c->n));
}

layer tl_tcp(cursor *c)
{
    if (!cursor_need(c, FIXED_BYTES)) return LAYER_STOP;
    const uint8_t *p = c->p;
    size_t header = (size_t)(p[12] >> 4) * 4;
    if (header < FIXED_BYTES || header > c->wire) return cursor_stop(c, TL_SEG_MALFORMED);

    tl_segment *out = c->out;
    out->src.port = tl_be16(p);
    out->dst.port = tl_be16(p + 2);
    out->seq = tl_be32(p + 4);
    out->ack = tl_be32(p + 8);
    out->flags = p[13] & (TL_FIN | TL_SYN | TL_RST | TL_PSH | TL_ACK | TL_URG);
    out->window = tl_be16(p + 14);
    if (out->flags & TL_URG) out->urgent = tl_be16(p + 18);
    size_t captured = header < c->n ? header : c->n;
    parse_options(out, p + FIXED_BYTES, captured - FIXED_BYTES);
    check_sum(c);
    out->payload = tl_span_of(p + captured, c->n - captured);
    out->payload_wire = (uint32_t)(c->wire - header);
    return cursor_stop(c, TL_SEG_OK);
}
