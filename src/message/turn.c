/*
** turn.c - directions of an unknown protocol: a message is what one side said until it heard the other one speak.
**
** The order of events is not the order on the wire (data crosses, holes are told late), but acknowledgements are proof:
**   * bytes that the other side had acknowledged when it spoke belong to the run before that (`limit`), however late they are told;
**   * once all of a run was acknowledged by the other side's next bytes, the run is over;
**   * bytes whose sender had heard of something that the other side said after the run's last bytes (`heard`) begin a new run.
**
** The runs of a direction tile its stream from the first run on; GAPs in them are `missing`.  A run is complete when the other side
** spoke after it, or the stream ended with a FIN, and nothing of it is missing.  A run of which no byte was captured is no message.
** One that begins with a hole may have begun earlier or later: `guessed`.
*/
#include "message/lane.h"

#include <string.h>

static tl_rc begin_run(struct tl_framer *f, tl_lane *l, const tl_piece *p)
{
    if (p->kind == TL_EV_GAP) l->sync = TL_SYNC_GUESSED;
    return tl_open_begin(f, l, "turn", "turn", p->peer_acked);
}

static void grow_run(struct tl_framer *f, tl_lane *l, tl_piece *p, uint64_t n)
{
    tl_open *o = l->open;
    if (n > 0) l->before = p->kind == TL_EV_BYTES ? p->bytes[n - 1] : TL_UNKNOWN;
    if (p->kind == TL_EV_GAP) {
        tl_open_missing(l, n);
    } else {
        if (!o->captured) {
            tl_open_number(f, l);
            o->m.peer_acked = p->peer_acked;
        }
        size_t show = sizeof o->shown - o->shown_n;
        if (show > n) show = (size_t)n;
        if (show > 0) memcpy(o->shown + o->shown_n, p->bytes, show);
        o->shown_n += show;
        tl_open_bytes(l, n, &p->at, &p->at);
    }
    tl_piece_take(p, n);
    l->at += n;
}

static tl_rc end_run(struct tl_framer *f, tl_lane *l, bool known)
{
    bool lost = l->open != NULL && !l->open->captured;
    l->turn_probed = false;
    tl_rc rc = tl_open_finish(f, l, known);
    if (lost) l->sync = TL_SYNC_RESYNCED;
    return rc;
}

/* l speaks: what does that say about the other side's run? */
static tl_rc tell_other(struct tl_framer *f, tl_lane *l, const tl_piece *p)
{
    tl_lane *other = &f->lane[!l->dir];
    if (!other->peer_spoke) {
        other->peer_spoke = true;
        other->heard = l->at;
    }
    if (p->peer_acked > other->at) {
        if (p->peer_acked > other->limit) other->limit = p->peer_acked;
        return TL_OK;
    }
    return p->peer_acked == other->at ? end_run(f, other, true) : TL_OK;
}

tl_rc tl_turn_step(struct tl_framer *f, tl_lane *l, tl_piece *p, bool *probe)
{
    tl_rc rc = TL_OK;
    *probe = false;
    if (p->kind == TL_EV_CLOSE) {
        rc = end_run(f, l, p->why == TL_WHY_FIN || l->peer_spoke);
        if (rc == TL_OK) l->closed = true;
        if (rc == TL_OK) tl_piece_take(p, p->length);
        return rc;
    }
    bool before_limit = l->at < l->limit, heard = p->kind == TL_EV_BYTES && l->peer_spoke && p->peer_acked > l->heard;
    if (p->kind == TL_EV_BYTES) {
        rc = tell_other(f, l, p);
        if (rc == TL_OK && l->open != NULL && l->open->captured && heard && !before_limit) rc = end_run(f, l, true);
        if (rc != TL_OK) return rc;
        if (l->open == NULL && !l->turn_probed) {
            l->turn_probed = *probe = true;
            return TL_OK;
        }
    }
    if (l->open == NULL) rc = begin_run(f, l, p);
    if (rc != TL_OK) return rc;
    uint64_t n = p->length;
    if (before_limit && n > l->limit - l->at) n = l->limit - l->at;
    grow_run(f, l, p, n);
    if (before_limit && l->at == l->limit) return end_run(f, l, true);
    if (heard) l->peer_spoke = false;
    return TL_OK;
}
