/*
** dialogue.c - see dialogue.h.
**
** A frame's bytes may lie in two chunks: parts are put together again, which needs one event ahead.
*/
#include "query/dialogue.h"

#include "query/handle.h"
#include "query/replay.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tl_dialogue {
    tl_reader *r;
    tl_replay *replay;
    int direction;
    tl_peer peer[2];
    tl_event ahead;
    bool has_ahead;
    uint8_t *bytes; /* TL_CHUNK_LIMIT of them */
};

/* What the replay failed with, as the reader's error. */
static tl_rc failed(tl_dialogue *d, const tl_error *why)
{
    if (d->r->late) return tl_reader_fail(d->r, SQLITE_INTERRUPT);
    return tl_fail(&d->r->error, why->rc, "%s", why->text);
}

static bool set_peer(tl_peer *peer, const char *addr, int64_t port)
{
    uint8_t ip[16];
    if (addr == NULL || port < 0 || port > UINT16_MAX || strlen(addr) >= sizeof peer->addr) return false;
    if (inet_pton(AF_INET, addr, ip) != 1 && inet_pton(AF_INET6, addr, ip) != 1) return false;
    snprintf(peer->addr, sizeof peer->addr, "%s", addr);
    peer->port = (uint16_t)port;
    return true;
}

static tl_rc read_peers(tl_dialogue *d, int64_t session)
{
    static const char sql[] = "SELECT client_addr, client_port, server_addr, server_port FROM session WHERE session_id = ?1";
    const tl_param id = {.number = session};
    sqlite3_stmt *s = NULL;
    tl_rc rc = tl_reader_prepare(d->r, sql, &s);
    if (rc == TL_OK) rc = tl_reader_bind(d->r, s, &id, 1);
    int sq = rc == TL_OK ? sqlite3_step(s) : SQLITE_DONE;
    if (rc == TL_OK && sq == SQLITE_DONE) rc = tl_fail(&d->r->error, TL_EUSAGE, "there is no session %lld", (long long)session);
    if (rc == TL_OK && sq != SQLITE_ROW) rc = tl_reader_fail(d->r, sq);
    for (int i = 0; i < 2 && rc == TL_OK; i++)
        if (!set_peer(&d->peer[i], (const char *)sqlite3_column_text(s, 2 * i), sqlite3_column_int64(s, 2 * i + 1)))
            rc = tl_fail(&d->r->error, TL_ESQL, "the database is damaged: the addresses of session %lld", (long long)session);
    sqlite3_finalize(s);
    return rc;
}

tl_dialogue *tl_dialogue_open(tl_reader *r, int64_t session, int direction)
{
    tl_error why = {0};
    tl_dialogue *d = calloc(1, sizeof *d);
    if (d != NULL) d->bytes = malloc(TL_CHUNK_LIMIT);
    if (d == NULL || d->bytes == NULL) {
        (void)tl_fail(&r->error, TL_ENOMEM, "no memory");
        tl_dialogue_close(d);
        return NULL;
    }
    d->r = r;
    d->direction = direction;
    tl_reader_start(r);
    tl_rc rc = read_peers(d, session);
    if (rc == TL_OK && (d->replay = tl_replay_by_frame(r->db, session, &why)) == NULL) rc = failed(d, &why);
    if (rc == TL_OK) return d;
    tl_dialogue_close(d);
    return NULL;
}

void tl_dialogue_close(tl_dialogue *d)
{
    if (d == NULL) return;
    tl_replay_close(d->replay);
    free(d->bytes);
    free(d);
}

const tl_peer *tl_dialogue_peer(const tl_dialogue *d, int side)
{
    return &d->peer[side];
}

bool tl_is_capture_loss(const char *reason)
{
    return strcmp(reason, tl_why_name(TL_WHY_ACKED)) == 0 || strcmp(reason, tl_why_name(TL_WHY_SNAPLEN)) == 0;
}

/* Makes d->ahead ready: the next BYTES or GAP of the directions asked for. */
static tl_rc look(tl_dialogue *d)
{
    tl_error why = {0};
    while (!d->has_ahead) {
        tl_rc rc = tl_replay_next(d->replay, &d->ahead, &why);
        if (rc == TL_END) return rc;
        if (rc != TL_OK) return failed(d, &why);
        bool wanted = d->direction < 0 || d->direction == (int)d->ahead.dir;
        d->has_ahead = wanted && (d->ahead.kind == TL_EV_BYTES || d->ahead.kind == TL_EV_GAP);
    }
    return TL_OK;
}

/* Is the event ahead what the same frame brought next? */
static bool goes_on(const tl_dialogue *d, const tl_part *p)
{
    const tl_event *e = &d->ahead;
    return e->kind == TL_EV_BYTES && e->dir == p->dir && e->at.frame == p->at.frame && e->at.capture == p->at.capture &&
           e->offset == p->offset + p->length && p->length + e->length <= TL_CHUNK_LIMIT;
}

static void take(tl_dialogue *d, tl_part *p)
{
    memcpy(d->bytes + p->length, d->ahead.bytes.p, d->ahead.bytes.n);
    p->length += d->ahead.length;
    d->has_ahead = false;
}

tl_rc tl_dialogue_next(tl_dialogue *d, tl_part *out)
{
    tl_rc rc = look(d);
    if (rc != TL_OK) return rc;
    const tl_event *e = &d->ahead;
    *out = (tl_part){.gap = e->kind == TL_EV_GAP, .dir = e->dir, .offset = e->offset, .at = e->at};
    if (out->gap) {
        out->length = e->length;
        out->before = e->before;
        out->after = e->after;
        out->reason = tl_why_name(e->why);
        d->has_ahead = false;
        return TL_OK;
    }
    do {
        take(d, out);
        rc = look(d);
    } while (rc == TL_OK && goes_on(d, out));
    out->bytes = tl_span_of(d->bytes, (size_t)out->length);
    return rc == TL_END ? TL_OK : rc;
}
