/*
** extract_http.c - the HTTP conversations of a capture: heads, the first bytes of each body, and the gaps where they are.  No database.
**
**     cc extract_http.c $(pkg-config --cflags --libs libtcpledger) -o extract_http
**     ./extract_http capture.pcap
**
** The loop is the library's whole use: a frame is decoded to a segment, the segment pushed into the sessions, the session pulled dry; each
** event is pushed into the session's framer, which is pulled dry for messages.  Messages are ranges of the stream: whoever wants
** their bytes keeps them, here the first KEPT of what is not yet part of a finished message.
*/
#include "capture/source.h"
#include "message/framer.h"
#include "packet/fragments.h"
#include "stream/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 128 << 10, BODY_SHOWN = 100 };

/* What a session needs of us. */
typedef struct conversation {
    tl_framer *framer;
    struct {
        uint64_t from; /* where the kept bytes begin in the stream; holes in them are zeros */
        size_t n;
        unsigned char *bytes;
    } kept[2];
} conversation;

static void show(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\r') continue;
        if (p[i] == '\n')
            putchar('\n');
        else if (p[i] >= ' ' && p[i] < 127)
            putchar(p[i]);
        else
            printf("\\x%02x", p[i]);
    }
}

/* Keeps n bytes (NULL: lost ones) as far as there is room. */
static void keep(conversation *c, tl_dir dir, uint64_t offset, const unsigned char *p, uint64_t n)
{
    if (offset < c->kept[dir].from || offset - c->kept[dir].from >= KEPT) return;
    size_t at = (size_t)(offset - c->kept[dir].from);
    if (n > KEPT - at) n = KEPT - at;
    if (p != NULL)
        memcpy(c->kept[dir].bytes + at, p, (size_t)n);
    else
        memset(c->kept[dir].bytes + at, 0, (size_t)n);
    c->kept[dir].n = at + (size_t)n;
}

/* Bytes before `offset` are not needed any more. */
static void drop(conversation *c, tl_dir dir, uint64_t offset)
{
    uint64_t n = offset - c->kept[dir].from;
    size_t left = n < c->kept[dir].n ? c->kept[dir].n - (size_t)n : 0;
    if (left > 0) memmove(c->kept[dir].bytes, c->kept[dir].bytes + n, left);
    c->kept[dir].n = left;
    c->kept[dir].from = offset;
}

static void message(conversation *c, uint64_t session, const tl_message *m)
{
    if (m->update || strcmp(m->protocol, "http") != 0) return;
    printf("--- session %llu, %s %llu, frames %llu to %llu, %llu bytes", (unsigned long long)session, m->kind,
           (unsigned long long)m->number, (unsigned long long)m->first.frame, (unsigned long long)m->last.frame,
           (unsigned long long)m->length);
    if (m->missing > 0) printf(", %llu of them missing", (unsigned long long)m->missing);
    if (m->answers > 0) printf(", answers %llu (%s)", (unsigned long long)m->answers, tl_pairing_name(m->pairing));
    puts("");
    uint64_t skip = m->offset - c->kept[m->dir].from;
    size_t n = skip < c->kept[m->dir].n ? c->kept[m->dir].n - (size_t)skip : 0;
    if (n > m->length) n = (size_t)m->length;
    if (n < m->head_length) {
        puts("(the head was not kept)");
    } else {
        size_t body = n - (size_t)m->head_length;
        show(c->kept[m->dir].bytes + skip, (size_t)m->head_length);
        if (body > 0) show(c->kept[m->dir].bytes + skip + m->head_length, body < BODY_SHOWN ? body : BODY_SHOWN);
        if (body > BODY_SHOWN) printf("...");
        puts("");
    }
    drop(c, m->dir, m->offset + m->length);
}

static conversation *conversation_of(tl_session *s, const tl_session_info *info)
{
    conversation *c = *tl_session_slot(s);
    if (c != NULL) return c;
    c = calloc(1, sizeof *c);
    if (c == NULL) return NULL;
    c->framer = tl_framer_new(tl_registry_builtin(), info->server.port);
    for (int dir = 0; dir < 2; dir++) c->kept[dir].bytes = malloc(KEPT);
    *tl_session_slot(s) = c;
    return c->framer != NULL && c->kept[0].bytes != NULL && c->kept[1].bytes != NULL ? c : NULL;
}

static void conversation_end(tl_session *s)
{
    conversation *c = *tl_session_slot(s);
    if (c == NULL) return;
    tl_framer_free(c->framer);
    free(c->kept[0].bytes);
    free(c->kept[1].bytes);
    free(c);
    *tl_session_slot(s) = NULL;
}

static tl_rc drain(tl_session *s)
{
    tl_event ev;
    tl_message m;
    tl_session_info info;
    tl_rc rc = TL_OK;
    while (rc == TL_OK && tl_session_pull(s, &ev)) {
        tl_session_look(s, &info);
        conversation *c = conversation_of(s, &info);
        if (c == NULL) return TL_ENOMEM;
        if (ev.kind == TL_EV_BYTES) keep(c, ev.dir, ev.offset, ev.bytes.p, ev.bytes.n);
        if (ev.kind == TL_EV_GAP) {
            keep(c, ev.dir, ev.offset, NULL, ev.length);
            printf("!!! session %llu, %s: %llu bytes from %llu on are not in the capture (%s)\n", (unsigned long long)info.id,
                   ev.dir == TL_C2S ? "client" : "server", (unsigned long long)ev.length, (unsigned long long)ev.offset,
                   tl_why_name(ev.why));
        }
        rc = tl_framer_push(c->framer, &ev);
        while (rc == TL_OK && (rc = tl_framer_pull(c->framer, &m)) == TL_OK) message(c, info.id, &m);
        if (rc == TL_END) rc = TL_OK;
    }
    if (tl_session_closed(s)) conversation_end(s);
    return rc;
}

int main(int argc, char **argv)
{
    static const uint8_t key[16] = {1}; /* a program for hostile captures takes random bytes */
    tl_limits limits = tl_limits_default();
    tl_error err = {0};
    tl_frame frame;
    tl_segment segment;
    tl_fragment_lost lost;
    tl_session *s;
    if (argc != 2) {
        fputs("usage: extract_http CAPTURE\n", stderr);
        return 2;
    }
    tl_source *source = tl_source_open_file(argv[1], &err);
    tl_sessions *sessions = tl_sessions_new(&limits, 1);
    tl_decoder *decoder = tl_decoder_new(key);
    if (source == NULL || sessions == NULL || decoder == NULL) {
        fprintf(stderr, "extract_http: %s\n", source == NULL ? err.text : "out of memory");
        return 1;
    }
    tl_rc rc;
    while ((rc = tl_source_next(source, &frame)) == TL_OK) {
        tl_decoded how = tl_decoder_push(decoder, frame.linktype, frame.bytes, frame.wire_len, frame.at, &segment);
        if (how == TL_SEG_OK && (rc = tl_sessions_push(sessions, &segment, &s)) == TL_OK) rc = drain(s);
        while (tl_decoder_lost(decoder, &lost)) {
        }
        while (rc == TL_OK && (s = tl_sessions_due(sessions, frame.at)) != NULL) rc = drain(s);
        if (rc != TL_OK) break;
    }
    if (rc == TL_END || rc == TL_ETRUNCATED) {
        bool damaged = rc == TL_ETRUNCATED;
        for (rc = TL_OK; rc == TL_OK && (s = tl_sessions_end(sessions)) != NULL;) rc = drain(s);
        if (damaged) {
            fprintf(stderr, "extract_http: %s\n", source->error.text);
            rc = TL_EIO;
        }
    }
    if (rc == TL_ENOMEM) fputs("extract_http: out of memory\n", stderr);
    tl_decoder_free(decoder);
    tl_sessions_free(sessions);
    tl_source_close(source);
    return rc == TL_OK ? 0 : 1;
}
