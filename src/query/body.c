/*
** body.c - see body.h.
**
** A chain of pulls: stage 0 unframes the pieces of the stream, stage i undoes coding i; each asks the one before it for more.  A stage's
** output is its own buffer, good until it is asked again, which happens only when all of it was taken.
*/
#include "query/body.h"

#include "query/handle.h"
#include "query/pieces.h"
#include <stdlib.h>

enum { BUFFER = 64 << 10 };

typedef struct stage {
    tl_coding *coding;
    tl_span in; /* of the stage before */
    uint8_t *out;
    uint64_t made;
    bool dry; /* the stage before has no more */
} stage;

struct tl_body {
    tl_reader *r;
    tl_body_source src;
    tl_pieces *pieces;
    tl_span raw;   /* of the piece at hand, not unframed yet */
    uint64_t hole; /* of it, to be told */
    bool dry;      /* the pieces are over */
    tl_unframe unframe;
    stage stage[TL_CODINGS_MOST];
    uint64_t at; /* told so far, holes included */
    tl_body_result result;
    bool ended;
};

const char *tl_body_state_name(tl_body_state s)
{
    static const char *const names[] = {"whole", "holes", "cut", "damaged", "limit", "unknown_coding"};
    return names[s];
}

tl_body *tl_body_open(tl_reader *r, const tl_body_source *src)
{
    tl_body *b = calloc(1, sizeof *b);
    if (b == NULL) {
        (void)tl_fail(&r->error, TL_ENOMEM, "no memory");
        return NULL;
    }
    b->r = r;
    b->src = *src;
    b->unframe.framing = src->framing;
    b->result.state = src->unknown ? TL_BODY_UNKNOWN : TL_BODY_WHOLE;
    bool ok = true;
    for (size_t i = 0; ok && i < src->coding_count; i++) {
        b->stage[i].coding = tl_coding_new(src->codings[i]);
        b->stage[i].out = malloc(BUFFER);
        ok = b->stage[i].coding != NULL && b->stage[i].out != NULL;
    }
    if (!ok)
        (void)tl_fail(&r->error, TL_ENOMEM, "no memory");
    else
        b->pieces = tl_pieces_open(r, src->session, src->direction, src->offset, src->length);
    if (b->pieces != NULL) return b;
    tl_body_close(b);
    return NULL;
}

void tl_body_close(tl_body *b)
{
    if (b == NULL) return;
    tl_pieces_close(b->pieces);
    for (size_t i = 0; i < TL_CODINGS_MOST; i++) {
        tl_coding_free(b->stage[i].coding);
        free(b->stage[i].out);
    }
    free(b);
}

tl_body_result tl_body_result_of(const tl_body *b)
{
    return b->result;
}

/* The first thing that is wrong is what is told. */
static void worsen(tl_body *b, tl_body_state state)
{
    if (b->result.state == TL_BODY_WHOLE || b->result.state == TL_BODY_UNKNOWN ||
        (b->result.state == TL_BODY_HOLES && state != TL_BODY_HOLES))
        b->result.state = state;
}

/* The next piece of the stream. */
static tl_rc next_raw(tl_body *b)
{
    tl_stream_piece p;
    tl_rc rc = tl_reader_look(b->r);
    if (rc == TL_OK) rc = tl_pieces_next(b->pieces, &p);
    if (rc == TL_END) b->dry = true;
    if (rc != TL_OK) return rc;
    if (p.bytes.p == NULL) {
        b->result.missing += p.length;
        b->hole = tl_unframe_hole(&b->unframe, p.length);
        worsen(b, b->unframe.lost ? TL_BODY_CUT : TL_BODY_HOLES);
    } else {
        b->result.read += p.length;
        b->raw = p.bytes;
    }
    return TL_OK;
}

/* Stage 0: bytes of the unframed body, or a hole in it. */
static tl_rc pull_unframed(tl_body *b, tl_body_piece *out)
{
    for (;;) {
        if (b->hole > 0) {
            *out = (tl_body_piece){.length = b->hole};
            b->hole = 0;
            return TL_OK;
        }
        if (b->unframe.lost) worsen(b, TL_BODY_CUT);
        if (b->unframe.lost || b->unframe.ended) return TL_END;
        if (b->raw.n == 0) {
            tl_rc rc = b->dry ? TL_END : next_raw(b);
            if (rc == TL_END && !tl_unframe_may_end(&b->unframe)) worsen(b, TL_BODY_CUT);
            if (rc != TL_OK) return rc;
            continue;
        }
        tl_unframe_run(&b->unframe, &b->raw, &out->bytes);
        out->length = out->bytes.n;
        if (out->length > 0) return TL_OK;
    }
}

static bool is_too_much(const tl_body *b, uint64_t made)
{
    return made > TL_BODY_MOST || made > TL_BODY_FREE + b->result.read * TL_BODY_RATIO;
}

static tl_rc pull(tl_body *b, size_t depth, tl_body_piece *out);

/* More input for a stage.  A hole ends what can be decoded. */
static tl_rc feed(tl_body *b, size_t depth)
{
    stage *s = &b->stage[depth - 1];
    tl_body_piece p = {0};
    tl_rc rc = pull(b, depth - 1, &p);
    if (rc == TL_OK && p.bytes.p != NULL) {
        s->in = p.bytes;
        return TL_OK;
    }
    if (rc != TL_OK && rc != TL_END) return rc;
    s->dry = true;
    if (rc == TL_OK || !tl_coding_may_end(s->coding)) worsen(b, TL_BODY_CUT);
    if (rc == TL_OK) b->result.state = TL_BODY_CUT; /* the pieces behind the hole are of no use */
    return TL_END;
}

static tl_rc pull_decoded(tl_body *b, size_t depth, tl_body_piece *out)
{
    stage *s = &b->stage[depth - 1];
    for (;;) {
        size_t made = 0;
        tl_coded coded = s->dry ? TL_CODED_END : tl_coding_run(s->coding, &s->in, s->out, BUFFER, &made);
        s->made += made;
        if (is_too_much(b, s->made)) {
            worsen(b, TL_BODY_LIMIT);
            s->dry = true;
            return TL_END;
        }
        if (coded == TL_CODED_BAD) worsen(b, TL_BODY_DAMAGED);
        if (coded == TL_CODED_BAD || coded == TL_CODED_END) s->dry = true;
        if (made > 0) {
            *out = (tl_body_piece){.length = made, .bytes = {s->out, made}};
            return TL_OK;
        }
        if (s->dry) return TL_END;
        if (coded == TL_CODED_MORE) {
            tl_rc rc = feed(b, depth);
            if (rc != TL_OK) return rc;
        }
    }
}

static tl_rc pull(tl_body *b, size_t depth, tl_body_piece *out)
{
    return depth == 0 ? pull_unframed(b, out) : pull_decoded(b, depth, out);
}

tl_rc tl_body_next(tl_body *b, tl_body_piece *out)
{
    *out = (tl_body_piece){0};
    tl_rc rc = b->ended ? TL_END : pull(b, b->src.coding_count, out);
    if (rc != TL_OK) {
        b->ended = true;
        return rc;
    }
    out->offset = b->at;
    b->at += out->length;
    b->result.size += out->bytes.p == NULL ? 0 : out->length;
    return TL_OK;
}
