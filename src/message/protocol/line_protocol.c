/*
** line_protocol.c - unknown protocols of text, line by line (IRC, NNTP, finger, logs sent over TCP, ...).
**
** Taken only when no other detector has anything to say (LIKELY, and last in the registry), and when the first line of each
** direction is readable: ASCII or UTF-8, with tabs and line ends.  What only one side says, a file perhaps, are no lines.
** A line is a message; one that is longer than HEAD_MOST is counted on to its end.  What is not text ends the framing there.
** Nothing is known of what answers what: lines have no pairing.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { HEAD_MOST = 1024, PROBED_MOST = 1024 };

struct lines {
    bool inside[2]; /* a long line goes on */
};

/* YES: the first line is whole and readable; MAYBE: it is, as far as it is there. */
static tl_match first_line(tl_span b)
{
    for (size_t at = 0; at < b.n && at < PROBED_MOST;) {
        uint8_t c = b.p[at];
        if (c == '\n') return TL_YES;
        size_t n = c == '\r' || c == '\t' ? 1 : tl_text_readable(tl_span_of(b.p + at, b.n - at));
        /* A character that the end cuts is let pass. */
        if (n == 0) return c >= 0xc2 && c < 0xf5 && b.n - at < 4 ? TL_MAYBE : TL_NO;
        at += n;
    }
    return b.n < PROBED_MOST ? TL_MAYBE : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match client = first_line(in->head[TL_C2S]), server = first_line(in->head[TL_S2C]);
    if (client == TL_NO || server == TL_NO) return TL_NO;
    return client == TL_YES && server == TL_YES ? TL_LIKELY : TL_MAYBE;
}

/* Bytes before the first that is neither text nor the line's end. */
static size_t text_length(tl_span b, size_t from)
{
    size_t at = from;
    while (at < b.n && b.p[at] != '\n' && (b.p[at] >= ' ' ? b.p[at] != 0x7f : b.p[at] == '\t' || b.p[at] == '\r')) at++;
    return at;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct lines *s = state;
    tl_span b = in->bytes;
    size_t n = text_length(b, !s->inside[in->dir] && in->seen <= b.n ? in->seen : 0);
    bool ends = n < b.n && b.p[n] == '\n';
    if (n < b.n && !ends) {
        if (!s->inside[in->dir] || n == 0) return tl_reject(0);
    } else if (!ends && n < HEAD_MOST && !in->ended && !s->inside[in->dir]) {
        tl_verdict v = tl_more(b.n + 1);
        v.seen = b.n;
        return v;
    }
    tl_verdict v = tl_whole(in, n + ends, n < HEAD_MOST ? n : HEAD_MOST, "line");
    v.edge = (s->inside[in->dir] ? 0 : TL_FIRST) | (ends ? TL_LAST : 0);
    v.summary = tl_span_of(b.p, n > 0 && ends && b.p[n - 1] == '\r' ? n - 1 : n);
    s->inside[in->dir] = !ends;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    ((struct lines *)state)->inside[dir] = false;
}

/* A line begins behind a line's end. */
static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return in->before == '\n' ? 0 : tl_next_line(in->bytes);
}

const tl_detector tl_lines = {
    .name = "lines",
    .head_max = HEAD_MOST,
    .state_size = sizeof(struct lines),
    .first = TL_FIRST("\t\n\r\r ~\xc2\xf4"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
};
