/*
** own_protocol.c - a detector of one's own, for tcpledger-ingest --detector.
**
**     cc -shared -fPIC $(pkg-config --cflags libtcpledger) own_protocol.c -o own_protocol.so
**     tcpledger-ingest --detector ./own_protocol.so capture.pcap -o capture.db
**
** The protocol: four bytes of length (big-endian), then so many more; the server answers.  (A framing that simple needs no code: see
** --framings.  This is what it looks like when yours does.)
*/
#include "message/shape.h"

enum { PORT = 7000, HEADER = 4, MOST = 1000000 };

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    if (!tl_usual_port(d, in->server_port)) return TL_NO;
    for (int side = 0; side < 2; side++)
        if (in->head[side].n >= HEADER && tl_be32(in->head[side].p) > MOST) return TL_NO;
    return in->head[0].n >= HEADER || in->head[1].n >= HEADER ? TL_LIKELY : TL_MAYBE;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    if (in->bytes.n < HEADER) return tl_more(HEADER);
    uint32_t n = tl_be32(in->bytes.p);
    if (n > MOST) return tl_reject(0);
    tl_verdict v = tl_whole(in, (uint64_t)n + HEADER, HEADER, "record");
    return tl_as(v, in->dir == TL_C2S ? TL_REQUEST : TL_RESPONSE, 0);
}

static bool plausible(tl_span from)
{
    return from.n < HEADER || tl_be32(from.p) <= MOST;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

static const tl_detector own = {.name = "own",
                                .head_max = MOST + HEADER + 1,
                                .ports = {PORT},
                                .first = TL_FIRST("\0\0"),
                                .probe = probe,
                                .measure = measure,
                                .resync = resync};

TL_DETECTOR_EXPORT(own);
