#include "support/stage.h"

#include "query/inflate.h"

#include "base/text.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die(const char *what, const char *text)
{
    fprintf(stderr, "stage: %s: %s\n", what, text);
    abort();
}

void tl_stage_open(tl_stage *s, tl_store *store, uint64_t session_id)
{
    *s = (tl_stage){.store = store, .batch = tl_batch_new((size_t)1 << 20), .flow = tl_flow_new(NULL, session_id, NULL)};
    if (s->batch == NULL || s->flow == NULL) die("memory", "out");
    s->info = (tl_session_info){.id = session_id,
                                .conn_state = "SF",
                                .history = "ShAdDaFf",
                                .rtt_ns = -1,
                                .first = {.ns = 1000, .frame = 1, .capture = 1},
                                .last = {.ns = 2000, .frame = 2, .capture = 1}};
    memcpy(s->info.client.ip + 10, "\xff\xff\x0a\x00\x00\x01", 6);
    memcpy(s->info.server.ip + 10, "\xff\xff\x0a\x00\x00\x02", 6);
    s->info.client.port = 40000;
    s->info.server.port = 80;
}

void tl_stage_close(tl_stage *s)
{
    tl_flow_free(s->flow);
    tl_batch_free(s->batch);
    *s = (tl_stage){0};
}

static void pack(tl_stage *s)
{
    tl_packer *p = s->level > 0 ? tl_packer_new(s->level) : NULL;
    if (s->level > 0 && p == NULL) die("memory", "out");
    tl_batch_pack(s->batch, p);
    tl_packer_free(p);
}

tl_rc tl_stage_hand_over(tl_stage *s)
{
    s->info.layers = &s->layers;
    tl_rc rc = tl_batch_session(s->batch, s->flow, &s->info, "");
    if (rc == TL_OK && tl_batch_touched(s->batch) != NULL) die("touched", "still owes a row");
    if (rc == TL_OK) pack(s);
    if (rc == TL_OK && s->store != NULL) rc = tl_store_write(s->store, s->batch);
    tl_batch_reset(s->batch);
    return rc;
}

static tl_at place(const char *word)
{
    unsigned long long capture = 1, frame = 0;
    if (strchr(word, ':') == NULL ? sscanf(word, "%llu", &frame) != 1 : sscanf(word, "%llu:%llu", &capture, &frame) != 2)
        die("frame", word);
    return (tl_at){.ns = (int64_t)frame * 1000, .frame = frame, .capture = (uint32_t)capture};
}

static tl_why why_of(const char *word)
{
    for (int w = 1; w < TL_WHYS; w++)
        if (strcmp(tl_why_name((tl_why)w), word) == 0) return (tl_why)w;
    die("reason", word);
    return TL_WHY_NONE;
}

/* What the session table would have counted. */
static void count(tl_stage *s, const tl_event *ev)
{
    tl_stream_info *i = &s->info.stream[ev->dir];
    i->captured_bytes += ev->bytes.n;
    if (ev->kind == TL_EV_BYTES || ev->kind == TL_EV_GAP) i->length += ev->length;
    if (ev->kind == TL_EV_REBASE) s->info.rebased = true;
}

static void play_words(tl_stage *s, char **w, int n)
{
    tl_event ev = {.dir = w[0][0] == 's' ? TL_S2C : TL_C2S};
    const char *kind = w[1], *acked = strchr(w[n - 1], '/');
    void *bytes = NULL, *kept = NULL;
    int text = 3;
    ev.offset = (uint64_t)strtoll(w[2], NULL, 10);
    ev.at = ev.told = place(w[n - 1]);
    if (acked != NULL) ev.peer_acked = strtoull(acked + 1, NULL, 10);
    if (strcmp(kind, "bytes") == 0) {
        ev.kind = TL_EV_BYTES;
    } else if (strcmp(kind, "gap") == 0) {
        ev.kind = TL_EV_GAP;
        ev.length = strtoull(w[3], NULL, 10);
        ev.why = why_of(w[4]);
        text = 0;
    } else if (strcmp(kind, "copy") == 0 || strcmp(kind, "keep") == 0 || strcmp(kind, "held") == 0) {
        ev.kind = TL_EV_COPY;
        ev.why = kind[0] == 'k' ? TL_WHY_KEEP_ALIVE : TL_WHY_CONFLICT;
        if (kind[0] == 'h') ev.kept = kept = strdup(w[4]);
    } else if (strcmp(kind, "stray") == 0) {
        ev.kind = TL_EV_STRAY;
        ev.why = why_of(w[4]);
    } else if (strcmp(kind, "rebase") == 0) {
        ev.kind = TL_EV_REBASE;
        ev.length = ev.offset;
        ev.offset = 0;
        text = 0;
    } else {
        die("kind", kind);
    }
    if (text > 0) {
        /* In a block of exactly its size: nothing may read past it. */
        ev.length = strlen(w[text]);
        bytes = malloc(ev.length);
        if (bytes == NULL) die("memory", "out");
        memcpy(bytes, w[text], ev.length);
        ev.bytes = tl_span_of(bytes, ev.length);
    }
    count(s, &ev);
    if (tl_batch_event(s->batch, s->flow, &ev) != TL_OK) die("event", kind);
    free(bytes);
    free(kept);
}

void tl_stage_play(tl_stage *s, const char *script)
{
    char *copy = strdup(script), *step_end, *word_end;
    for (char *step = strtok_r(copy, ";", &step_end); step != NULL; step = strtok_r(NULL, ";", &step_end)) {
        char *words[8];
        int n = 0;
        for (char *w = strtok_r(step, " \n", &word_end); w != NULL && n < 8; w = strtok_r(NULL, " \n", &word_end)) words[n++] = w;
        if (n == 0) continue;
        if (strcmp(words[0], "hand") == 0) {
            if (tl_stage_hand_over(s) != TL_OK) die("hand over", s->store != NULL ? tl_store_error(s->store)->text : "");
        } else {
            play_words(s, words, n);
        }
    }
    free(copy);
}

void tl_stage_message(tl_stage *s, const tl_message *m)
{
    if (tl_batch_message(s->batch, s->flow, m) != TL_OK) die("message", "out of memory");
}

static void chunk_text(tl_text *t, const tl_op_chunk *c)
{
    tl_arrival a = {.frame = c->first_frame, .ns = c->first_ns};
    tl_span in = tl_span_of(c->arrivals, c->arrivals_size);
    tl_text_printf(t, "chunk %llu ", (unsigned long long)c->offset);
    tl_text_bytes(t, c->data, c->raw_size);
    while (tl_arrival_next(&in, &a)) {
        tl_text_printf(t, " %llu@%llu", (unsigned long long)a.bytes, (unsigned long long)a.frame);
        if (a.peer_acked > 0) tl_text_printf(t, "/%llu", (unsigned long long)a.peer_acked);
    }
    if (in.n > 0) tl_text_printf(t, " (%zu bytes of arrivals left)", in.n);
}

static void event_text(tl_text *t, const char *kind, const tl_op_event *e)
{
    tl_text_printf(t, "%s %lld+%llu", kind, (long long)e->offset, (unsigned long long)e->length);
    if (e->why != TL_WHY_NONE) tl_text_printf(t, " %s", tl_why_name(e->why));
    if (e->bytes != NULL) {
        tl_text_add(t, " ");
        tl_text_bytes(t, e->bytes, (size_t)e->length);
    }
    tl_text_printf(t, " @%llu", (unsigned long long)e->at.frame);
}

char *tl_stage_ops(const tl_stage *s)
{
    tl_text t = {0};
    tl_text_add(&t, "");
    const tl_op *op;
    for (size_t i = 0; (op = tl_batch_op_at(s->batch, i)) != NULL; i++) {
        tl_text_printf(&t, "%s%c ", i > 0 ? "\n" : "", op->dir == TL_C2S ? 'c' : 's');
        switch (op->kind) {
        case TL_OP_CHUNK: chunk_text(&t, &op->chunk); break;
        case TL_OP_GAP: event_text(&t, "gap", &op->event); break;
        case TL_OP_STRAY: event_text(&t, "stray", &op->event); break;
        case TL_OP_COPY: event_text(&t, "copy", &op->event); break;
        case TL_OP_REBASE: event_text(&t, "rebase", &op->event); break;
        case TL_OP_STATE: tl_text_printf(&t, "state of %zu bytes", op->state.n); break;
        case TL_OP_MESSAGE:
            tl_text_printf(&t, "message %llu+%llu", (unsigned long long)op->message.offset, (unsigned long long)op->message.length);
        }
    }
    return t.p;
}

char *tl_stage_counts(const tl_stage *s)
{
    unsigned long long n[2][4] = {{0}};
    const tl_row_session *row;
    for (size_t i = 0; (row = tl_batch_session_at(s->batch, i)) != NULL; i++)
        for (int d = 0; d < 2; d++) {
            n[d][0] += row->add[d].stored;
            n[d][1] += row->add[d].gap;
            n[d][2] += row->add[d].duplicate;
            n[d][3] += row->add[d].stray;
        }
    tl_text t = {0};
    tl_text_printf(&t, "c %llu %llu %llu %llu s %llu %llu %llu %llu", n[0][0], n[0][1], n[0][2], n[0][3], n[1][0], n[1][1], n[1][2],
                   n[1][3]);
    return t.p;
}

char *tl_scratch(const char *name)
{
    static unsigned serial;
    tl_text t = {0};
    const char *folder = getenv("TMPDIR");
    tl_text_printf(&t, "%s/tcpledger-%ld-%u-%s", folder != NULL ? folder : "/tmp", (long)getpid(), serial++, name);
    unlink(t.p);
    return t.p;
}

void tl_scratch_done(char *path)
{
    tl_text t = {0};
    tl_text_printf(&t, "%s-journal", path);
    unlink(path);
    unlink(t.p);
    tl_text_free(&t);
    free(path);
}

/* The rows of q, each after a line break but the very first. */
static int add_rows(tl_text *t, sqlite3_stmt *q, size_t *rows)
{
    int rc;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        if ((*rows)++ > 0) tl_text_add(t, "\n");
        for (int i = 0; i < sqlite3_column_count(q); i++) {
            const unsigned char *v = sqlite3_column_text(q, i);
            if (i > 0) tl_text_add(t, "|");
            tl_text_bytes(t, v != NULL ? (const char *)v : "NULL", v != NULL ? (size_t)sqlite3_column_bytes(q, i) : 4);
        }
    }
    return rc;
}

char *tl_rows(const char *db, const char *sql)
{
    sqlite3 *c = NULL;
    tl_text t = {0};
    size_t rows = 0;
    int rc = sqlite3_open_v2(db, &c, SQLITE_OPEN_READONLY, NULL);
    if (rc == SQLITE_OK && !tl_inflate_register(c)) abort();
    tl_text_add(&t, "");
    while (rc == SQLITE_OK && *sql != '\0') {
        sqlite3_stmt *q = NULL;
        rc = sqlite3_prepare_v2(c, sql, -1, &q, &sql);
        if (rc == SQLITE_OK && q != NULL && (rc = add_rows(&t, q, &rows)) == SQLITE_DONE) rc = SQLITE_OK;
        sqlite3_finalize(q);
    }
    if (rc != SQLITE_OK) tl_text_printf(&t, "error: %s", sqlite3_errmsg(c));
    sqlite3_close(c);
    return t.p;
}
