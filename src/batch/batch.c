/*
** batch.c - the batch: its memory, the ops and the rows of sessions, and which flows still owe one.
**
** Life: new → (event | message | session)... → touched until NULL, each answered with session_part → [writer: pack, walk] → reset.
**
** Invariants:
** 1. Everything a row points at lies in the arena, or is `kept`: handing over the batch hands over all of it.
** 2. A flow that has ops in the batch has a session row in it, or is on the list `touched`.
** 3. After the hand-over no flow points at bytes of the batch that it would use again: `round` tells.
**
** What is not here: how bytes become chunks (flow.c), what waits for them (held.c), comparing copies (copy.c), compression (pack.c).
*/
#include "batch/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What the arena asks of malloc at a time: the unused tail of a block is at most a chunk. */
static const size_t block_bytes = 1U << 20;

tl_batch *tl_batch_new(size_t bytes)
{
    tl_batch *b = calloc(1, sizeof *b);
    if (b == NULL) return NULL;
    b->bytes = bytes;
    b->tapes_end = &b->tapes;
    b->arena = tl_arena_new(bytes < block_bytes ? bytes + 4096 : block_bytes);
    if (b->arena == NULL) {
        free(b);
        return NULL;
    }
    return b;
}

static void free_kept(tl_batch *b)
{
    for (kept *k = b->kept; k != NULL; k = k->next) free(k->p); /* the list itself lies in the arena */
    b->kept = NULL;
    b->kept_bytes = 0;
}

void tl_batch_stays_raw(tl_batch *b)
{
    b->raw = true;
}

void tl_batch_free(tl_batch *b)
{
    if (b == NULL) return;
    while (b->touched != NULL) batch_untouch(b->touched);
    free_kept(b);
    item_list *const lists[] = {&b->session_items, &b->op_items, &b->later_session_items, &b->later_op_items};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) free(lists[i]->at);
    tl_arena_free(b->arena);
    free(b);
}

void tl_batch_reset(tl_batch *b)
{
    while (b->touched != NULL) batch_untouch(b->touched);
    free_kept(b);
    tl_arena_reset(b->arena);
    b->round++;
    b->payload = 0;
    b->session_items.n = b->op_items.n = b->later_session_items.n = b->later_op_items.n = 0;
    b->lost_item = false;
    b->unpacked = 0;
    b->later = 0;
    b->tapes = NULL;
    b->tapes_end = &b->tapes;
}

bool tl_batch_full(const tl_batch *b)
{
    /* Each touched flow still needs its row: without counting them 20,000 open sessions would overrun the size by half. */
    return tl_arena_used(b->arena) + b->kept_bytes + b->touched_n * sizeof(tl_row_session) + b->later >= b->bytes;
}

bool tl_batch_empty(const tl_batch *b)
{
    return b->session_items.n == 0 && b->op_items.n == 0 && b->tapes == NULL && !b->lost_item && b->touched == NULL;
}

const tl_row_session *tl_batch_session_at(const tl_batch *b, size_t i)
{
    return i < b->session_items.n ? b->session_items.at[i].row : NULL;
}

const tl_op *tl_batch_op_at(const tl_batch *b, size_t i)
{
    return i < b->op_items.n ? b->op_items.at[i].op : NULL;
}

uint64_t tl_batch_payload_bytes(const tl_batch *b)
{
    return b->payload;
}

void *batch_alloc(tl_batch *b, size_t n)
{
    return tl_arena_alloc(b->arena, n);
}

bool batch_keep(tl_batch *b, uint8_t *p, size_t bytes)
{
    kept *k = batch_alloc(b, sizeof *k);
    if (k == NULL) return false;
    *k = (kept){.next = b->kept, .p = p};
    b->kept = k;
    b->kept_bytes += bytes;
    return true;
}

static void add_item(tl_batch *b, item_list *list, tl_batch_item item)
{
    if (list->n == list->room) {
        size_t room = list->room == 0 ? 64 : 2 * list->room;
        tl_batch_item *at = realloc(list->at, room * sizeof *at);
        if (at == NULL) {
            b->lost_item = true;
            return;
        }
        list->at = at;
        list->room = room;
    }
    list->at[list->n++] = item;
}

tl_rc tl_batch_tape(tl_batch *b, const tl_session_info *info, tl_span tape)
{
    enum { OPS = 4 }; /* a chunk of each direction, a request and its answer */
    tl_taped *t = batch_alloc(b, sizeof *t);
    char *history = tl_arena_copy(b->arena, info->history, strlen(info->history) + 1);
    tl_layers *layers = tl_arena_copy(b->arena, info->layers, sizeof *layers);
    uint8_t *bytes = tl_arena_copy(b->arena, tape.p, tape.n);
    if (t == NULL || history == NULL || layers == NULL || bytes == NULL) return TL_ENOMEM;
    *t = (tl_taped){.info = *info, .tape = tl_span_of(bytes, tape.n)};
    t->info.history = history;
    t->info.layers = layers;
    *b->tapes_end = t;
    b->tapes_end = &t->next;
    b->later += tape.n + sizeof(tl_row_session) + OPS * sizeof(tl_op);
    return TL_OK;
}

static void swap(item_list *a, item_list *b)
{
    item_list c = *a;
    *a = *b;
    *b = c;
}

const tl_taped *tl_batch_play(tl_batch *b)
{
    const tl_taped *first = b->tapes;
    b->tapes = NULL;
    b->tapes_end = &b->tapes;
    b->later = 0;
    swap(&b->session_items, &b->later_session_items);
    swap(&b->op_items, &b->later_op_items);
    return first;
}

static void append(tl_batch *b, item_list *list, item_list *more)
{
    for (size_t i = 0; i < more->n; i++) add_item(b, list, more->at[i]);
    more->n = 0;
}

tl_rc tl_batch_played(tl_batch *b)
{
    append(b, &b->session_items, &b->later_session_items);
    append(b, &b->op_items, &b->later_op_items);
    return b->lost_item ? TL_ENOMEM : TL_OK;
}

static uint32_t number(uint64_t session_id)
{
    assert(session_id <= UINT32_MAX);
    return (uint32_t)session_id;
}

static bool alone(const tl_op *op)
{
    switch (op->kind) {
    case TL_OP_CHUNK:
    case TL_OP_STRAY: return false;
    case TL_OP_GAP: return op->event.joins;
    case TL_OP_MESSAGE: return op->message.update;
    default: return true;
    }
}

/* All of it but these three fields is there already. */
static void append_op(tl_batch *b, tl_op *op, tl_op_kind kind, uint64_t session_id, tl_dir dir)
{
    op->kind = kind;
    op->session_id = session_id;
    op->dir = dir;
    add_item(b, &b->op_items, (tl_batch_item){.session_id = number(session_id), .kind = (uint8_t)kind, .alone = alone(op), .op = op});
}

void batch_op(tl_batch *b, tl_op *op, tl_op_kind kind, tl_flow *f, tl_dir dir)
{
    batch_touch(b, f);
    append_op(b, op, kind, f->session_id, dir);
}

tl_rc tl_batch_state(tl_batch *b, uint64_t session_id, tl_span state, const tl_session_mark *mark)
{
    tl_op *op = batch_alloc(b, sizeof *op);
    uint8_t *bytes = tl_arena_copy(b->arena, state.p, state.n);
    if (op == NULL || bytes == NULL) return TL_ENOMEM;
    op->state = (tl_op_state){.bytes = bytes, .n = state.n, .mark = *mark};
    append_op(b, op, TL_OP_STATE, session_id, TL_C2S);
    return TL_OK;
}

void batch_enter(tl_batch *b, tl_flow *f)
{
    if (f->batch == b && f->round == b->round) return;
    assert(!f->touched); /* a batch was handed over while this flow owed a row */
    f->batch = b;
    f->round = b->round;
    f->row = NULL;
    for (int d = 0; d < 2; d++) {
        f->dir[d].newest = NULL;
        f->dir[d].gap = NULL;
    }
}

void batch_touch(tl_batch *b, tl_flow *f)
{
    batch_enter(b, f);
    if (f->touched) return;
    f->touched = true;
    f->touched_next = b->touched;
    f->touched_prev = &b->touched;
    if (b->touched != NULL) b->touched->touched_prev = &f->touched_next;
    b->touched = f;
    b->touched_n++;
}

void batch_untouch(tl_flow *f)
{
    if (!f->touched) return;
    *f->touched_prev = f->touched_next;
    if (f->touched_next != NULL) f->touched_next->touched_prev = f->touched_prev;
    f->touched = false;
    f->batch->touched_n--;
}

tl_flow *tl_batch_touched(tl_batch *b)
{
    return b->touched;
}

static told told_by(const tl_stream_info *i)
{
    return (told){.seen = i->packets + i->other_channel,
                  .length = i->length,
                  .captured_bytes = i->captured_bytes,
                  .base_seq = i->base_seq,
                  .has_base = i->has_base};
}

static bool same_told(const told *a, const told *b)
{
    return a->seen == b->seen && a->length == b->length && a->captured_bytes == b->captured_bytes && a->base_seq == b->base_seq &&
           a->has_base == b->has_base;
}

/* A row of an open session is written when its counts change; what else is to say of it comes with the close. */
static void tell_stream(tl_flow *f, tl_row_session *row, int d)
{
    told now = told_by(&row->info.stream[d]);
    bool counts = row->add[d].stored + row->add[d].gap + row->add[d].duplicate + row->add[d].stray > 0 || row->asks[d];
    if (!row->exists || counts || (row->info.closed != TL_WHY_NONE && (f->told[d].seen == 0 || !same_told(&f->told[d], &now))))
        row->changed[d] = true;
    if (row->changed[d]) f->told[d] = now;
}

tl_rc tl_batch_session(tl_batch *b, tl_flow *f, const tl_session_info *info, const char *protocol)
{
    batch_enter(b, f);
    for (int d = 0; d < 2; d++) {
        tl_rc rc = flow_close_chunk(b, f, (tl_dir)d);
        if (rc != TL_OK) return rc;
    }
    return tl_batch_session_part(b, f, info, protocol);
}

tl_rc tl_batch_session_part(tl_batch *b, tl_flow *f, const tl_session_info *info, const char *protocol)
{
    assert(info->id == f->session_id);
    batch_touch(b, f);
    tl_row_session *row = f->row;
    const char *history = info->history != NULL ? info->history : "";
    char *h = tl_arena_copy(b->arena, history, strlen(history) + 1);
    char *p = tl_arena_copy(b->arena, protocol, strlen(protocol) + 1);
    tl_layers *layers = batch_alloc(b, sizeof *layers);
    if (row == NULL) row = batch_alloc(b, sizeof *row);
    if (h == NULL || p == NULL || layers == NULL || row == NULL) return TL_ENOMEM;

    if (f->row == NULL) {
        *row = (tl_row_session){.exists = f->exists || (info->reopened && !info->deferred) || info->resumed};
        add_item(b, &b->session_items, (tl_batch_item){.session_id = number(info->id), .row = row});
        f->row = row;
        f->exists = true;
    }
    *layers = info->layers != NULL ? *info->layers : (tl_layers){0};
    row->info = *info;
    row->info.history = h;
    row->info.layers = layers;
    row->protocol = p;
    row->healed |= info->rebased;
    for (int d = 0; d < 2; d++) {
        /* Bytes that are held back were not captured yet, as far as the database is concerned: they come at the end of the stream. */
        row->info.stream[d].captured_bytes -= f->dir[d].chunk.data.n;
        row->info.stream[d].length -= f->dir[d].chunk.data.n;
        row->healed |= info->reopened && f->add[d].stored + f->add[d].gap > 0;
        row->add[d].stored += f->add[d].stored;
        row->add[d].gap += f->add[d].gap;
        row->add[d].duplicate += f->add[d].duplicate;
        row->add[d].stray += f->add[d].stray;
        memset(&f->add[d], 0, sizeof f->add[d]);
        row->asks[d] |= f->asks[d];
        f->asks[d] = false;
        tell_stream(f, row, d);
    }
    batch_untouch(f);
    return TL_OK;
}
