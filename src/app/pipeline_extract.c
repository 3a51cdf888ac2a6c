/*
** pipeline_extract.c - see the header.
**
** Frames that complete a segment come in order and are kept as differences; the other fragments of their datagrams lie before them and are
** kept in a second list, which is sorted when reading begins.
*/
#include "app/pipeline_extract.h"

#include "base/varint.h"
#include "packet/fragments.h"

#include <stdlib.h>
#include <string.h>

typedef struct fragment {
    uint64_t frame;
    size_t session;
} fragment;

struct tl_extract {
    tl_extract_session *sessions; /* borrowed, sorted by their ends */
    size_t n;
    uint32_t capture;
    tl_extract_range *ranges; /* owned; room for n */
    size_t ranges_n;
    tl_decoder *decoder;
    tl_text frames; /* varints: frame - frame before, session */
    uint64_t last;
    fragment *fragments; /* owned */
    size_t fragments_n, fragments_room;
    /* of tl_extract_next */
    bool reading, has_frame;
    size_t at, fragment_at;
    fragment next;
};

/* The two ends of a connection, the smaller first, whoever is the client. */
static void ends(const tl_addr *a, const tl_addr *b, tl_addr out[2])
{
    int order = memcmp(a->ip, b->ip, sizeof a->ip);
    if (order == 0) order = (a->port > b->port) - (a->port < b->port);
    out[0] = order <= 0 ? *a : *b;
    out[1] = order <= 0 ? *b : *a;
}

static int compare_address(const tl_addr *a, const tl_addr *b)
{
    int order = memcmp(a->ip, b->ip, sizeof a->ip);
    return order != 0 ? order : (a->port > b->port) - (a->port < b->port);
}

static int compare_ends(const tl_addr a[2], const tl_addr b[2])
{
    int order = compare_address(&a[0], &b[0]);
    return order != 0 ? order : compare_address(&a[1], &b[1]);
}

static int by_ends(const void *x, const void *y)
{
    const tl_extract_session *s = x, *t = y;
    tl_addr a[2], b[2];
    ends(&s->client, &s->server, a);
    ends(&t->client, &t->server, b);
    int order = compare_ends(a, b);
    return order != 0 ? order : (s->session_id > t->session_id) - (s->session_id < t->session_id);
}

tl_extract *tl_extract_new(tl_extract_session *sessions, size_t n)
{
    tl_extract *x = calloc(1, sizeof *x);
    if (x == NULL) return NULL;
    if (n > 0) qsort(sessions, n, sizeof *sessions, by_ends);
    x->ranges = calloc(n > 0 ? n : 1, sizeof *x->ranges);
    if (x->ranges == NULL) {
        free(x);
        return NULL;
    }
    x->sessions = sessions;
    x->n = n;
    return x;
}

void tl_extract_free(tl_extract *x)
{
    if (x == NULL) return;
    tl_decoder_free(x->decoder);
    tl_text_free(&x->frames);
    free(x->fragments);
    free(x->ranges);
    free(x);
}

/* Its frames in this capture; false: none. */
static bool range_of(const tl_extract *x, const tl_extract_session *s, tl_extract_range *out)
{
    if (s->first.capture > x->capture || s->last.capture < x->capture) return false;
    bool begins = s->first.capture == x->capture;
    out->first = begins ? s->first.frame : 1;
    out->first_ns = begins ? s->first.ns : INT64_MIN;
    out->last = s->last.capture == x->capture ? s->last.frame : UINT64_MAX;
    return out->first <= out->last;
}

static int by_first(const void *a, const void *b)
{
    const tl_extract_range *r = a, *q = b;
    return (r->first > q->first) - (r->first < q->first);
}

static void find_ranges(tl_extract *x)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < x->n; i++)
        if (x->sessions[i].wanted && range_of(x, &x->sessions[i], &x->ranges[n])) n++;
    if (n > 0) qsort(x->ranges, n, sizeof *x->ranges, by_first);
    for (size_t i = 0; i < n; i++) {
        tl_extract_range *before = kept > 0 ? &x->ranges[kept - 1] : NULL;
        if (before == NULL || x->ranges[i].first > before->last)
            x->ranges[kept++] = x->ranges[i];
        else if (x->ranges[i].last > before->last)
            before->last = x->ranges[i].last;
    }
    x->ranges_n = kept;
}

tl_rc tl_extract_begin(tl_extract *x, uint32_t capture_id)
{
    static const uint8_t key[16]; /* datagrams are bounded in number, and nothing is shared with anybody */
    tl_decoder_free(x->decoder);
    x->decoder = tl_decoder_new(key);
    tl_text_reset(&x->frames);
    x->fragments_n = 0;
    x->last = 0;
    x->reading = false;
    x->capture = capture_id;
    find_ranges(x);
    return x->decoder == NULL ? TL_ENOMEM : TL_OK;
}

const tl_extract_range *tl_extract_ranges(const tl_extract *x, size_t *n)
{
    *n = x->ranges_n;
    return x->ranges;
}

/* How far the segment's first byte is from what the session is known to hold. */
static uint32_t distance(const tl_extract_session *s, const tl_segment *seg)
{
    int dir = compare_address(&seg->src, &s->client) != 0;
    if (!s->has_base[dir]) return UINT32_MAX / 2;
    if (s->length[dir] >= UINT32_MAX / 2) return 0;
    /* One before for the SYN and keep-alives, one behind for the FIN. */
    uint32_t at = seg->seq - (s->base_seq[dir] - 1), room = (uint32_t)s->length[dir] + 2;
    if (at <= room) return 0;
    return at - room < 0 - at ? at - room : 0 - at;
}

static bool is_candidate(const tl_extract *x, const tl_extract_session *s, const tl_segment *seg)
{
    char vlan[TL_LAYERS_TEXT];
    tl_extract_range r;
    if (!range_of(x, s, &r) || seg->at.frame < r.first || seg->at.frame > r.last) return false;
    return !s->vlan_key || strcmp(tl_layers_vlan_text(&seg->layers, vlan), s->vlan) == 0;
}

/* The session that has the segment; n: none. */
static size_t owner(const tl_extract *x, const tl_segment *seg)
{
    tl_addr want[2], have[2];
    size_t low = 0, high = x->n, best = x->n;
    uint32_t least = UINT32_MAX;
    ends(&seg->src, &seg->dst, want);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        ends(&x->sessions[middle].client, &x->sessions[middle].server, have);
        if (compare_ends(have, want) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < x->n; low++) {
        const tl_extract_session *s = &x->sessions[low];
        ends(&s->client, &s->server, have);
        if (compare_ends(have, want) != 0) break;
        if (!is_candidate(x, s, seg)) continue;
        uint32_t d = distance(s, seg);
        if (best < x->n && d >= least) continue;
        best = low;
        least = d;
    }
    return best;
}

static bool add_fragment(tl_extract *x, uint64_t frame, size_t session)
{
    if (x->fragments_n == x->fragments_room) {
        size_t room = x->fragments_room > 0 ? x->fragments_room * 2 : 16;
        fragment *more = realloc(x->fragments, room * sizeof *more);
        if (more == NULL) return false;
        x->fragments = more;
        x->fragments_room = room;
    }
    x->fragments[x->fragments_n++] = (fragment){frame, session};
    return true;
}

static tl_rc add_frame(tl_extract *x, uint64_t frame, size_t session)
{
    uint8_t bytes[2 * TL_VARINT_MAX];
    size_t n = tl_varint_put(bytes, frame - x->last);
    n += tl_varint_put(bytes + n, session);
    tl_text_bytes(&x->frames, bytes, n);
    x->last = frame;
    return x->frames.failed ? TL_ENOMEM : TL_OK;
}

tl_rc tl_extract_push(tl_extract *x, const tl_frame *frame)
{
    tl_segment seg;
    tl_at parts[TL_FRAGMENTS_MAX], at = frame->at;
    at.capture = x->capture;
    if (tl_decoder_push(x->decoder, frame->linktype, frame->bytes, frame->wire_len, at, &seg) != TL_SEG_OK) return TL_OK;
    size_t session = owner(x, &seg);
    if (session == x->n || !x->sessions[session].wanted) return TL_OK;
    x->sessions[session].found++;
    size_t n = tl_decoder_frames(x->decoder, parts);
    for (size_t i = 0; i < n; i++)
        if (parts[i].frame != at.frame && !add_fragment(x, parts[i].frame, session)) return TL_ENOMEM;
    return add_frame(x, at.frame, session);
}

static int by_frame(const void *a, const void *b)
{
    const fragment *f = a, *g = b;
    return (f->frame > g->frame) - (f->frame < g->frame);
}

/* The next of the differences into x->next. */
static void advance(tl_extract *x)
{
    tl_span in = tl_span_of(x->frames.p + x->at, x->frames.n - x->at);
    uint64_t ahead = 0, session = 0;
    x->has_frame = in.n > 0;
    if (!x->has_frame) return;
    size_t n = tl_varint_get(in, &ahead);
    n += tl_varint_get(tl_span_of(in.p + n, in.n - n), &session);
    x->at += n;
    x->next.frame += ahead;
    x->next.session = (size_t)session;
}

static void start_over(tl_extract *x)
{
    if (x->fragments_n > 0) qsort(x->fragments, x->fragments_n, sizeof *x->fragments, by_frame);
    x->at = x->fragment_at = 0;
    x->next = (fragment){0};
    x->reading = true;
    if (x->frames.n == 0)
        x->has_frame = false;
    else
        advance(x);
}

/* A frame that carries two fragments, or a fragment and a segment, is one frame. */
tl_rc tl_extract_next(tl_extract *x, tl_extracted *out)
{
    if (!x->reading) start_over(x);
    const fragment *f = x->fragment_at < x->fragments_n ? &x->fragments[x->fragment_at] : NULL;
    x->reading = f != NULL || x->has_frame;
    if (!x->reading) return TL_END;
    fragment next = f != NULL && (!x->has_frame || f->frame <= x->next.frame) ? *f : x->next;
    while (x->fragment_at < x->fragments_n && x->fragments[x->fragment_at].frame == next.frame) x->fragment_at++;
    if (x->has_frame && x->next.frame == next.frame) advance(x);
    *out = (tl_extracted){next.frame, &x->sessions[next.session]};
    return TL_OK;
}
