/*
** unframe.c - see unframe.h.
**
** Chunked: SIZE → (EXTENSION) → DATA → DATA_END → SIZE ... → TRAILER until an empty line.  A chunk's data is followed by as many bytes as
** its size line ended in, whatever they are, as the framer has it.
** Dots: LINE_START → (DOT) → IN_LINE ...; a line of one dot ends it.  After a hole a line is taken to be in its middle.
*/
#include "query/unframe.h"

#include <string.h>

enum { SIZE, EXTENSION, DATA, DATA_END, TRAILER };
enum { LINE_START, IN_LINE, DOT, DOT_CR };
enum { LINE_MOST = 4096, TRAILERS_MOST = 16 << 10 };

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a size line. */
static void size_byte(tl_unframe *u, uint8_t c)
{
    if (u->state == SIZE && hex(c) >= 0) {
        if (u->left > (uint64_t)INT64_MAX / 32) u->lost = true;
        u->left = u->left * 16 + (uint64_t)hex(c);
    } else if (c == '\n') {
        if (u->line == 0) u->lost = true; /* a size has a digit */
        u->state = u->left > 0 ? DATA : TRAILER;
        u->line = 0;
        return;
    } else {
        if (u->state == SIZE && (u->line == 0 || strchr("; \t\r", c) == NULL || c == '\0')) u->lost = true;
        u->state = EXTENSION;
        u->crlf = c == '\r';
    }
    if (++u->line > LINE_MOST) u->lost = true;
}

/* line: bytes of the trailer's line, its CR not counted; left: all bytes of the trailers. */
static void trailer_byte(tl_unframe *u, uint8_t c)
{
    if (++u->left > TRAILERS_MOST) u->lost = true;
    if (c == '\n') {
        if (u->line == 0) u->ended = true;
        u->line = 0;
    } else if (c != '\r') {
        u->line++;
    }
}

static void run_chunked(tl_unframe *u, tl_span *in, tl_span *out)
{
    while (in->n > 0 && !u->lost && !u->ended) {
        size_t some = 1;
        switch (u->state) {
        case SIZE:
        case EXTENSION: size_byte(u, in->p[0]); break;
        case DATA:
            some = u->left < in->n ? (size_t)u->left : in->n;
            *out = tl_span_of(in->p, some);
            u->left -= some;
            if (u->left == 0) u->state = DATA_END;
            *in = tl_span_of(in->p + some, in->n - some);
            return;
        case DATA_END:
            if (++u->line < (u->crlf ? 2U : 1U)) break;
            u->state = SIZE;
            u->line = 0;
            u->crlf = false;
            break;
        case TRAILER: trailer_byte(u, in->p[0]); break;
        default: break;
        }
        *in = tl_span_of(in->p + some, in->n - some);
    }
}

/* A run of bytes up to and with the next line's end, or a dot that is dropped. */
static void run_dots(tl_unframe *u, tl_span *in, tl_span *out)
{
    static const uint8_t dot_cr[] = ".\r";
    while (in->n > 0 && !u->ended) {
        uint8_t c = in->p[0];
        const uint8_t *lf = NULL;
        switch (u->state) {
        case LINE_START:
            u->state = c == '.' ? DOT : IN_LINE;
            if (c == '.') *in = tl_span_of(in->p + 1, in->n - 1);
            break;
        case DOT: /* the dot is gone; was it all of the line? */
            if (c == '\n') u->ended = true;
            u->state = c == '\r' ? DOT_CR : IN_LINE;
            if (c == '\n' || c == '\r') *in = tl_span_of(in->p + 1, in->n - 1);
            break;
        case DOT_CR:
            u->state = IN_LINE;
            if (c == '\n') {
                u->ended = true;
                *in = tl_span_of(in->p + 1, in->n - 1);
                break;
            }
            *out = tl_span_of(dot_cr + 1, 1); /* ".\r" and no LF: its dot was a doubled one */
            return;
        default:
            lf = memchr(in->p, '\n', in->n);
            *out = tl_span_of(in->p, lf == NULL ? in->n : (size_t)(lf - in->p) + 1);
            *in = tl_span_of(in->p + out->n, in->n - out->n);
            if (lf != NULL) u->state = LINE_START;
            return;
        }
    }
}

void tl_unframe_run(tl_unframe *u, tl_span *in, tl_span *out)
{
    *out = tl_span_of(in->p, 0);
    if (u->framing == TL_FRAMING_CHUNKED) {
        run_chunked(u, in, out);
    } else if (u->framing == TL_FRAMING_DOTS) {
        run_dots(u, in, out);
    } else {
        *out = *in;
        in->n = 0;
    }
}

uint64_t tl_unframe_hole(tl_unframe *u, uint64_t n)
{
    if (u->framing == TL_FRAMING_DOTS) u->state = IN_LINE;
    if (u->framing != TL_FRAMING_CHUNKED) return n;
    if (u->state != DATA || n > u->left) {
        uint64_t own = u->state == DATA ? u->left : 0;
        u->lost = true;
        return own;
    }
    u->left -= n;
    if (u->left == 0) u->state = DATA_END;
    return n;
}

bool tl_unframe_may_end(const tl_unframe *u)
{
    return u->ended || u->framing == TL_FRAMING_NONE;
}
