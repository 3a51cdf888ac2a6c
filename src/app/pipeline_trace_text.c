#include "app/pipeline_trace_text.h"

#include <inttypes.h>

/* So much of any payload is shown. */
enum { SHOWN = 24 };
enum { NOTHING, GAP, BYTE };

static char arrow(tl_dir dir)
{
    return dir == TL_C2S ? '>' : '<';
}

/* Frames of the first capture by their number, those of others as capture:frame. */
static void put_number(tl_text *out, tl_at at)
{
    if (at.capture > 1)
        tl_text_printf(out, " %" PRIu32 ":%" PRIu64, at.capture, at.frame);
    else
        tl_text_printf(out, " %" PRIu64, at.frame);
}

static void put_place(tl_text *out, const char *what, tl_at at)
{
    if (at.frame == 0) return;
    tl_text_printf(out, " %s", what);
    put_number(out, at);
}

static void put_bytes(tl_text *out, tl_span bytes)
{
    tl_text_add(out, " '");
    tl_text_escaped(out, bytes, SHOWN);
    tl_text_add(out, "'");
}

void trace_session_line(tl_text *out, const tl_session_info *info)
{
    char client[TL_ADDR_TEXT], server[TL_ADDR_TEXT];
    tl_text_printf(out, "session %" PRIu64 ": %s port %u > %s port %u\n", info->id, tl_addr_text(&info->client, client), info->client.port,
                   tl_addr_text(&info->server, server), info->server.port);
}

/* A sequence number as an offset: the one nearest to what has been told. */
static int64_t offset_of(const tl_stream_info *s, uint32_t seq)
{
    return (int64_t)s->length + (int32_t)(seq - (s->base_seq + (uint32_t)s->length));
}

static void put_flags(tl_text *out, uint8_t flags)
{
    static const struct {
        uint8_t bit;
        char letter[2];
    } letters[] = {{TL_SYN, "S"}, {TL_FIN, "F"}, {TL_RST, "R"}, {TL_PSH, "P"}, {TL_ACK, "A"}, {TL_URG, "U"}};
    tl_text_add(out, " ");
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (flags & letters[i].bit) tl_text_add(out, letters[i].letter);
}

void trace_segment_line(tl_text *out, const tl_segment *seg, const tl_session_info *info, tl_dir dir, int64_t first_ns, bool other_tap)
{
    const tl_stream_info *own = &info->stream[dir], *peer = &info->stream[!dir];
    tl_text_add(out, "frame");
    put_number(out, seg->at);
    tl_text_printf(out, " %c seq %" PRId64 " len %" PRIu32, arrow(dir), offset_of(own, seg->seq), seg->payload_wire);
    if (seg->payload.n < seg->payload_wire) tl_text_printf(out, " captured %zu", seg->payload.n);
    if (seg->flags & TL_ACK) tl_text_printf(out, " ack %" PRId64, offset_of(peer, seg->ack));
    for (int i = 0; i < seg->sack_n; i++)
        tl_text_printf(out, " sack %" PRId64 "-%" PRId64, offset_of(peer, seg->sack[i][0]), offset_of(peer, seg->sack[i][1]));
    tl_text_printf(out, " win %u", seg->window);
    put_flags(out, seg->flags);
    int64_t ns = seg->at.ns - first_ns;
    tl_text_printf(out, " at %s%" PRId64 ".%06" PRId64, ns < 0 ? "-" : "", (ns < 0 ? -ns : ns) / 1000000000,
                   (ns < 0 ? -ns : ns) / 1000 % 1000000);
    if (other_tap) tl_text_add(out, ", the copy of another tap");
    tl_text_add(out, "\n");
}

/* ---- copies ---- */

static void remember(trace_recent *r, const tl_event *ev)
{
    uint64_t end = ev->offset + ev->length;
    uint64_t from = ev->length > TRACE_RECENT ? end - TRACE_RECENT : ev->offset; /* a gap may be of gigabytes */
    for (uint64_t o = from; o < end; o++) {
        uint64_t place = (o - r->shift) % TRACE_RECENT;
        r->state[place] = ev->kind == TL_EV_GAP ? GAP : BYTE;
        if (ev->kind == TL_EV_BYTES) r->bytes[place] = ev->bytes.p[o - ev->offset];
    }
    if (end > r->end) r->end = end;
}

static void put_count(tl_text *out, uint64_t n, const char *what, const char **comma)
{
    if (n == 0) return;
    tl_text_printf(out, "%s %" PRIu64 " %s", *comma, n, what);
    *comma = ",";
}

static void compare(tl_text *out, const tl_event *ev, trace_recent *r)
{
    uint64_t identical = 0, different = 0, late = 0, older = 0;
    const char *comma = ":";
    for (uint64_t i = 0; i < ev->length; i++) {
        uint64_t o = ev->offset + i, place = (o - r->shift) % TRACE_RECENT;
        if (ev->kept != NULL) {
            *(ev->kept[i] == ev->bytes.p[i] ? &identical : &different) += 1;
        } else if (o < r->shift || o >= r->end || o + TRACE_RECENT < r->end || r->state[place] == NOTHING) {
            older++;
        } else if (r->state[place] == GAP) {
            late++;
            r->state[place] = BYTE;
            r->bytes[place] = ev->bytes.p[i];
        } else {
            *(r->bytes[place] == ev->bytes.p[i] ? &identical : &different) += 1;
        }
    }
    put_count(out, identical, "identical", &comma);
    put_count(out, different, ev->why == TL_WHY_KEEP_ALIVE ? "different (keep_alive)" : "different (the first copy is kept)", &comma);
    put_count(out, late, "late (the gap is healed)", &comma);
    put_count(out, older, "older than this trace remembers", &comma);
}

void trace_event_line(tl_text *out, const tl_event *ev, trace_recent *recent, tl_at now)
{
    static const char *const kinds[] = {"bytes", "gap", "copy", "stray", "rebase", "close"};
    tl_text_printf(out, "%c %" PRId64 "+%" PRIu64 " %s%s", arrow(ev->dir), (int64_t)ev->offset, ev->length, ev->front ? "front " : "",
                   kinds[ev->kind]);
    if (ev->why != TL_WHY_NONE && ev->kind != TL_EV_COPY)
        tl_text_printf(out, " %s", ev->kind == TL_EV_CLOSE ? tl_close_name(ev->why) : tl_why_name(ev->why));
    if (ev->bytes.n > 0) put_bytes(out, ev->bytes);
    if (ev->kind == TL_EV_COPY) compare(out, ev, recent);
    if (ev->kind == TL_EV_GAP) {
        put_place(out, "proof", ev->at);
        put_place(out, "before", ev->before);
        put_place(out, "after", ev->after);
    } else if (ev->kind != TL_EV_CLOSE && (ev->at.frame != now.frame || ev->at.capture != now.capture)) {
        put_place(out, "from frame", ev->at); /* it waited */
    }
    if (ev->told.frame != now.frame || ev->told.capture != now.capture) put_place(out, "told at frame", ev->told);
    tl_text_add(out, "\n");
    if (ev->kind == TL_EV_REBASE) {
        recent->shift += ev->length;
        recent->end += ev->length;
    } else if ((ev->kind == TL_EV_BYTES || ev->kind == TL_EV_GAP) && !ev->front) {
        remember(recent, ev);
    }
}

/* ---- messages ---- */

void trace_message_line(tl_text *out, const tl_message *m)
{
    if (m->update) {
        tl_text_printf(out, "%c message %" PRIu64 " %s\n", arrow(m->dir), m->number, tl_pairing_name(m->pairing));
        return;
    }
    tl_text_printf(out, "%c %" PRIu64 "+%" PRIu64 " message %" PRIu64 " %s %s '", arrow(m->dir), m->offset, m->length, m->number,
                   m->protocol, m->kind);
    tl_text_bytes(out, m->summary.p, m->summary.n); /* escaped already */
    tl_text_printf(out, "' %s%s", tl_sync_name(m->sync), m->complete ? " complete" : "");
    if (m->missing > 0) tl_text_printf(out, " missing %" PRIu64, m->missing);
    if (m->answers > 0) tl_text_printf(out, " answers %" PRIu64, m->answers);
    if (m->pairing != TL_PAIR_NONE) tl_text_printf(out, " %s", tl_pairing_name(m->pairing));
    tl_text_add(out, "\n");
}

void trace_refusal_line(tl_text *out, const char *protocol, const tl_head *head)
{
    tl_text_printf(out, "%c %s refuses", arrow(head->dir), protocol);
    put_bytes(out, head->bytes);
    tl_text_add(out, "\n");
}

void trace_closed_line(tl_text *out, const tl_session_info *info)
{
    tl_text_printf(out, "closed %s, conn_state %s, history %s\n", tl_close_name(info->closed), info->conn_state, info->history);
}
