/*
** mllp.c - HL7 version 2 over MLLP (HL7 Implementation Support Guide, appendix C): VT, a message, FS CR.
**
** The message is segments that end in CR; the first is MSH, whose fourth and fifth bytes say what separates fields and components
** (HL7 v2.5.1 section 2.5.4).  A message with an MSA segment answers the one whose control id (MSH-10) its MSA-2 repeats (section 2.9.2).
** A hole in a message is counted as missing; where it took the end, the next VT MSH begins another.
** What is in segments besides MSH and MSA (patients) is not shown.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { VT = 0x0b, FS = 0x1c, HEAD_MOST = 4096, FIELD_MOST = 256 };

struct mllp {
    bool inside[2]; /* a message goes on */
};

static const char begin[] = "\x0bMSH";

static bool may_begin(tl_span b)
{
    return tl_may_begin(b, begin) && (b.n < 5 || (b.p[4] > ' ' && b.p[4] < 0x7f && b.p[4] != '\\'));
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match best = TL_NO;
    for (int dir = 0; dir < 2; dir++) {
        tl_span b = in->head[dir];
        if (b.n == 0 || !may_begin(b)) continue;
        if (b.n >= 6) return TL_YES;
        best = TL_MAYBE;
    }
    return best;
}

/* Behind FS CR (*last), or before the next message's front; else how many bytes surely belong to the message (*wait: what is behind them
** may be one of those, more bytes tell). */
static size_t find_end(tl_span b, size_t from, bool *last, bool *wait)
{
    *last = *wait = false;
    for (size_t at = from; at < b.n; at++) {
        tl_span rest = tl_span_of(b.p + at, b.n - at);
        if (b.p[at] == FS) {
            *wait = rest.n == 1;
            if (*wait) return at;
            if (rest.p[1] != '\r') continue;
            *last = true;
            return at + 2;
        }
        if (b.p[at] == VT && at > 0 && may_begin(rest)) {
            *wait = rest.n < 5;
            return at;
        }
    }
    return b.n;
}

/* ---- segments ---- */

static tl_span segment(tl_span *message)
{
    const uint8_t *cr = message->n > 0 ? memchr(message->p, '\r', message->n) : NULL;
    tl_span out = tl_take(message, cr != NULL ? (size_t)(cr - message->p) : message->n);
    while (message->n > 0 && (message->p[0] == '\r' || message->p[0] == '\n')) (void)tl_take(message, 1);
    return out;
}

/* Field `number` of a segment; MSH's first field is the separator itself. */
static tl_span field(tl_span in, uint8_t separator, unsigned number)
{
    if (tl_begins(in, "MSH")) number--;
    for (; number > 0; number--) {
        const uint8_t *next = in.n > 0 ? memchr(in.p, separator, in.n) : NULL;
        if (next == NULL) return tl_span_of(in.p, 0);
        (void)tl_take(&in, (size_t)(next - in.p) + 1);
    }
    const uint8_t *end = in.n > 0 ? memchr(in.p, separator, in.n) : NULL;
    return end != NULL ? tl_span_of(in.p, (size_t)(end - in.p)) : in;
}

struct parts {
    tl_span msh, msa, last; /* last: of those that are there */
    uint8_t separator;
};

static struct parts parts_of(tl_span b)
{
    struct parts p = {.msa = {b.p, 0}};
    const uint8_t *fs = memchr(b.p, FS, b.n);
    if (fs != NULL) b.n = (size_t)(fs - b.p);
    (void)tl_take(&b, 1);
    p.separator = b.n > 3 ? b.p[3] : '|';
    p.msh = segment(&b);
    while (b.n > 0) {
        tl_span s = segment(&b);
        if (tl_begins(s, "MSA") && p.msa.n == 0) p.msa = s;
    }
    return p;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct mllp *s = state;
    tl_span b = in->bytes;
    bool last, wait, first = !s->inside[in->dir] || (b.p[0] == VT && may_begin(b));
    if (!first) {
        size_t n = find_end(b, 0, &last, &wait);
        if (n == 0) return tl_more(b.n + 1);
        s->inside[in->dir] = !last;
        return (tl_verdict){.answer = TL_FRAME, .length = n, .edge = last ? TL_LAST : 0, .elastic = true};
    }
    if (!may_begin(b)) return tl_reject(0);
    size_t n = find_end(b, 1, &last, &wait);
    if ((n == b.n || wait) && !last && b.n < HEAD_MOST && !in->ended) return tl_more(b.n + 1);
    if (n < 5) return tl_more(b.n + 1);
    if (n > HEAD_MOST) last = false;
    if (n > HEAD_MOST) n = HEAD_MOST;
    tl_verdict v = tl_whole(in, n, n, "message");
    struct parts p = parts_of(tl_span_of(b.p, n));
    tl_span id = field(p.msh, p.separator, 10), answered = field(p.msa, p.separator, 2);
    v.summary = field(p.msh, p.separator, 9);
    v.edge = TL_FIRST | (last ? TL_LAST : 0);
    v.elastic = v.strong = true;
    if (answered.n > 0) {
        v = tl_with_id(tl_as(v, TL_RESPONSE, 0), tl_text_id(answered));
        v.kind = "acknowledgment";
    } else if (id.n > 0) {
        v = tl_with_id(tl_as(v, TL_REQUEST, 1), tl_text_id(id));
    }
    s->inside[in->dir] = !last;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    ((struct mllp *)state)->inside[dir] = false;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, may_begin);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    static const struct {
        const char *member;
        unsigned number;
    } fields[] = {{"type", 9},
                  {"control_id", 10},
                  {"sending_application", 3},
                  {"sending_facility", 4},
                  {"receiving_application", 5},
                  {"receiving_facility", 6},
                  {"time", 7},
                  {"version", 12}};
    if (in->bytes.n < 5) return;
    struct parts p = parts_of(in->bytes);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        tl_span value = field(p.msh, p.separator, fields[i].number);
        if (value.n > 0) tl_json_field(json, fields[i].member, value, FIELD_MOST);
    }
    if (p.msa.n == 0) return;
    tl_json_field(json, "acknowledgment", field(p.msa, p.separator, 1), 16);
    tl_json_field(json, "answers", field(p.msa, p.separator, 2), FIELD_MOST);
}

const tl_detector tl_mllp = {
    .name = "hl7",
    .head_max = HEAD_MOST + 4,
    .state_size = sizeof(struct mllp),
    .ports = {2575},
    .first = TL_FIRST("\x0b\x0b"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
