#include "support/streams.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fault(tape *t, const char *fmt, ...) TL_PRINTF(2, 3);
static void fault(tape *t, const char *fmt, ...)
{
    va_list args;
    if (t->fault[0] != '\0') return;
    va_start(args, fmt);
    vsnprintf(t->fault, sizeof t->fault, fmt, args);
    va_end(args);
}

static void tell(tape *t, const tl_event *ev)
{
    static const char *const kinds[] = {"bytes", "gap", "copy", "stray", "rebase", "close"};
    int n = snprintf(t->log + t->log_n, sizeof t->log - t->log_n, "%c %lld+%llu %s%s%s%s", ev->dir == TL_C2S ? '>' : '<',
                     (long long)ev->offset, (unsigned long long)ev->length, ev->front ? "front " : "", kinds[ev->kind],
                     ev->why == TL_WHY_NONE || ev->kind == TL_EV_COPY ? "" : " ", ev->kind == TL_EV_COPY ? "" : tl_why_name(ev->why));
    if (n < 0 || t->log_n + (size_t)n + 64 > sizeof t->log) return;
    t->log_n += (size_t)n;
    if (ev->bytes.n > 0 && ev->bytes.n <= 24) {
        n = snprintf(t->log + t->log_n, sizeof t->log - t->log_n, " '%.*s'", (int)ev->bytes.n, (const char *)ev->bytes.p);
        t->log_n += n > 0 ? (size_t)n : 0;
    }
    t->log[t->log_n++] = '\n';
    t->log[t->log_n] = '\0';
}

static void tile(tape *t, tape_dir *d, const tl_event *ev, uint8_t what)
{
    if (ev->front) {
        if (ev->offset != d->front_at)
            fault(t, "front tile at %llu, not %llu", (unsigned long long)ev->offset, (unsigned long long)d->front_at);
        d->front_at += ev->length;
        if (d->front_at > d->front_end) fault(t, "front tiles overrun");
    } else {
        if (ev->offset != d->told) fault(t, "tile at %llu, not %llu", (unsigned long long)ev->offset, (unsigned long long)d->told);
        d->told = ev->offset + ev->length;
        if (d->told > d->length) d->length = d->told;
    }
    if (ev->length == 0) fault(t, "empty tile");
    if (ev->offset + ev->length > TAPE_BYTES) t->beyond = true;
    for (uint64_t i = 0; i < ev->length && ev->offset + i < TAPE_BYTES; i++) {
        uint64_t at = ev->offset + i;
        if (d->what[at] != TAPE_NOTHING) fault(t, "told twice at %llu", (unsigned long long)at);
        d->what[at] = what;
        d->why[at] = (uint8_t)ev->why;
        if (what == TAPE_STORED) d->byte[at] = ev->bytes.p[i];
    }
}

/* Byte for byte, as the batch and the store do by ranges. */
static void copy(tape *t, tape_dir *d, const tl_event *ev)
{
    for (uint64_t i = 0; i < ev->length; i++) {
        uint64_t at = ev->offset + i;
        if (ev->kept != NULL) {
            *(ev->kept[i] == ev->bytes.p[i] ? &d->duplicate : &d->stray) += 1;
        } else if (at >= d->told) {
            fault(t, "copy of what was not told, at %llu", (unsigned long long)at);
        } else if (at >= TAPE_BYTES) {
            t->beyond = true;
        } else if (d->what[at] == TAPE_STORED) {
            *(d->byte[at] == ev->bytes.p[i] ? &d->duplicate : &d->stray) += 1;
        } else if (!t->no_heal) {
            d->what[at] = TAPE_STORED;
            d->byte[at] = ev->bytes.p[i];
            d->stored++;
            d->gap--;
        }
    }
}

void tape_event(tape *t, const tl_event *ev)
{
    tape_dir *d = &t->dir[ev->dir];
    tell(t, ev);
    if (ev->kind != TL_EV_GAP && ev->kind != TL_EV_REBASE && ev->bytes.n != ev->length) fault(t, "length is not that of the bytes");
    switch (ev->kind) {
    case TL_EV_BYTES:
        tile(t, d, ev, TAPE_STORED);
        d->stored += ev->length;
        if (++t->bytes_seen == t->spoil_at && ev->offset < TAPE_BYTES) d->byte[ev->offset] ^= 1;
        break;
    case TL_EV_GAP:
        tile(t, d, ev, TAPE_GAP);
        d->gap += ev->length;
        break;
    case TL_EV_COPY: copy(t, d, ev); break;
    case TL_EV_STRAY: d->stray += ev->length; break;
    case TL_EV_REBASE:
        if (ev->length >= TAPE_BYTES) { /* all of it lies beyond the tape now */
            t->beyond = true;
            d->front_at = 0;
            d->front_end = ev->length;
            d->told += ev->length;
            d->length += ev->length;
            memset(d->what, TAPE_NOTHING, sizeof d->what);
            break;
        }
        memmove(d->what + ev->length, d->what, TAPE_BYTES - ev->length);
        memmove(d->byte + ev->length, d->byte, TAPE_BYTES - ev->length);
        memmove(d->why + ev->length, d->why, TAPE_BYTES - ev->length);
        memset(d->what, TAPE_NOTHING, ev->length);
        d->front_at = 0;
        d->front_end = ev->length;
        d->told += ev->length;
        d->length += ev->length;
        break;
    case TL_EV_CLOSE:
        if (d->front_at != d->front_end) fault(t, "front not tiled");
        d->closes++;
        d->closed = ev->why;
        break;
    }
}

void tape_drain(tape *t, tl_session *s)
{
    tl_event ev;
    while (tl_session_pull(s, &ev)) tape_event(t, &ev);
}
