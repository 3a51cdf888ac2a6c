/*
** follow.c - see follow.h.
*/
#include "query/follow.h"

#include <inttypes.h>
#include <string.h>

enum { HEX_LINE = 16, BASE64_LINE = 57 /* bytes: 76 characters */ };

static const char rule[] = "===================================================================\n";
static const char of_client[] = "\x1b[31m", of_server[] = "\x1b[34m", of_gap[] = "\x1b[7m", plain[] = "\x1b[0m";

static void paint(const tl_follow *f, tl_text *t, const char *with)
{
    if (f->coloured) tl_text_add(t, with);
}

static const char *colour(tl_dir side)
{
    return side == TL_C2S ? of_client : of_server;
}

void tl_hex_add(tl_text *t, tl_span bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.n; i++) {
        const char two[2] = {digits[bytes.p[i] >> 4], digits[bytes.p[i] & 15]};
        tl_text_bytes(t, two, 2);
    }
}

void tl_follow_gap(tl_text *t, const tl_part *gap)
{
    tl_text_printf(t, "%" PRIu64 " bytes of the %s are missing at offset %" PRIu64 ": %s, %s", gap->length,
                   gap->dir == TL_C2S ? "client" : "server", gap->offset, gap->reason,
                   tl_is_capture_loss(gap->reason) ? "capture loss" : "unknown loss");
    if (gap->at.frame != 0) tl_text_printf(t, ", proved by frame %" PRIu64, gap->at.frame);
    if (gap->before.frame != 0) tl_text_printf(t, ", after frame %" PRIu64, gap->before.frame);
    if (gap->after.frame != 0) tl_text_printf(t, ", before frame %" PRIu64, gap->after.frame);
}

/* ---- text ---- */

/* The open line, or a new one of that side. */
static void begin_line(tl_follow *f, tl_text *t, tl_dir side)
{
    if (f->open) return;
    paint(f, t, colour(side));
    tl_text_add(t, side == TL_C2S ? "> " : "< ");
    f->open = true;
    f->side = side;
}

static void end_line(tl_follow *f, tl_text *t)
{
    paint(f, t, plain);
    tl_text_add(t, "\n");
    f->open = false;
}

/* What was held back will not be completed: it is shown for what it is. */
static void break_line(tl_follow *f, tl_text *t)
{
    if (f->n_held > 0) {
        begin_line(f, t, f->side);
        tl_text_escaped(t, tl_span_of(f->held, f->n_held), SIZE_MAX);
        f->n_held = 0;
    }
    if (f->open) end_line(f, t);
}

/* How many bytes at the end of s may be the front of something: a character of UTF-8 (RFC 3629), or CR LF. */
static size_t unfinished(tl_span s)
{
    if (s.n > 0 && s.p[s.n - 1] == '\r') return 1;
    for (size_t back = 1; back <= 3 && back <= s.n; back++) {
        uint8_t c = s.p[s.n - back];
        if (c >= 0xc2 && c <= 0xf4) return back < (c >= 0xf0 ? 4U : c >= 0xe0 ? 3U : 2U) ? back : 0;
        if ((c & 0xc0) != 0x80) return 0;
    }
    return 0;
}

static void add_lines(tl_follow *f, tl_text *t, tl_dir side, tl_span s)
{
    while (s.n > 0) {
        const uint8_t *newline = memchr(s.p, '\n', s.n);
        size_t n = newline == NULL ? s.n : (size_t)(newline - s.p), shown = n;
        if (newline != NULL && n > 0 && s.p[n - 1] == '\r') shown--;
        begin_line(f, t, side);
        tl_text_escaped(t, tl_span_of(s.p, shown), SIZE_MAX);
        if (newline != NULL) {
            end_line(f, t);
            n++;
        }
        s.p += n;
        s.n -= n;
    }
}

/* Of what was held, as much is completed from the front of s as it takes; s is moved on. */
static void complete(tl_follow *f, tl_text *t, tl_span *s)
{
    while (f->n_held > 0 && s->n > 0) {
        f->held[f->n_held++] = *s->p;
        s->p++;
        s->n--;
        tl_span held = {f->held, f->n_held};
        if (held.n < sizeof f->held && held.p[0] != '\r' && unfinished(held) == held.n) continue;
        /* The last byte may begin something itself. */
        size_t keep = unfinished(held), n = held.n - keep;
        uint8_t last[sizeof f->held];
        memcpy(last, held.p + n, keep);
        add_lines(f, t, f->side, tl_span_of(held.p, n));
        memcpy(f->held, last, keep);
        f->n_held = keep;
    }
}

static void add_text(tl_follow *f, tl_text *t, const tl_part *p)
{
    tl_span s = p->bytes;
    if ((f->open || f->n_held > 0) && f->side != p->dir) break_line(f, t);
    f->side = p->dir;
    complete(f, t, &s);
    size_t keep = unfinished(s);
    add_lines(f, t, p->dir, tl_span_of(s.p, s.n - keep));
    if (keep > 0) memcpy(f->held, s.p + s.n - keep, keep);
    if (keep > 0) f->n_held = keep;
}

/* ---- hex ---- */

static void add_hex(const tl_follow *f, tl_text *t, const tl_part *p)
{
    for (size_t at = 0; at < p->bytes.n; at += HEX_LINE) {
        size_t n = p->bytes.n - at < HEX_LINE ? p->bytes.n - at : HEX_LINE;
        const uint8_t *b = p->bytes.p + at;
        paint(f, t, colour(p->dir));
        tl_text_printf(t, "%s%08" PRIX64 "  ", p->dir == TL_C2S ? "" : "\t", p->offset + at);
        for (size_t i = 0; i < HEX_LINE; i++) {
            if (i < n)
                tl_text_printf(t, "%02x ", b[i]);
            else
                tl_text_add(t, "   ");
            if (i == HEX_LINE / 2 - 1) tl_text_add(t, " ");
        }
        tl_text_add(t, " ");
        for (size_t i = 0; i < n; i++) {
            char c = b[i] >= 0x20 && b[i] < 0x7f ? (char)b[i] : '.';
            if (i == HEX_LINE / 2) tl_text_add(t, " ");
            tl_text_bytes(t, &c, 1);
        }
        if (t->n > 0 && t->p[t->n - 1] == ' ') t->p[--t->n] = '\0'; /* tshark drops one, too */
        paint(f, t, plain);
        tl_text_add(t, "\n");
    }
}

/* ---- YAML ---- */

/* RFC 4648 section 4, in lines behind `indent`. */
static void add_base64(tl_text *t, tl_span s, const char *indent)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        size_t n = s.n - i < 3 ? s.n - i : 3;
        uint32_t v = (uint32_t)s.p[i] << 16 | (n > 1 ? (uint32_t)s.p[i + 1] << 8 : 0) | (n > 2 ? s.p[i + 2] : 0);
        const char four[4] = {letters[v >> 18], letters[v >> 12 & 63], n > 1 ? letters[v >> 6 & 63] : '=', n > 2 ? letters[v & 63] : '='};
        if (i % BASE64_LINE == 0) tl_text_add(t, indent);
        tl_text_bytes(t, four, 4);
        if ((i + 3) % BASE64_LINE == 0 || i + 3 >= s.n) tl_text_add(t, "\n");
    }
}

static void add_frame(tl_text *t, const char *key, const tl_at *at)
{
    if (at->frame != 0) tl_text_printf(t, "    %s: %" PRIu64 "\n", key, at->frame);
}

static void add_yaml(tl_follow *f, tl_text *t, const tl_part *p)
{
    if (p->gap) {
        tl_text_printf(t, "  - missing: %" PRIu64 "\n    peer: %d\n    offset: %" PRIu64 "\n    reason: %s\n    loss: %s\n", p->length,
                       (int)p->dir, p->offset, p->reason, tl_is_capture_loss(p->reason) ? "capture" : "unknown");
        add_frame(t, "proof", &p->at);
        add_frame(t, "before", &p->before);
        add_frame(t, "after", &p->after);
        return;
    }
    int64_t part = p->at.ns % 1000000000, seconds = p->at.ns / 1000000000;
    bool negative = p->at.ns < 0;
    tl_text_printf(t,
                   "  - packet: %" PRIu64 "\n    peer: %d\n    index: %" PRIu64 "\n    capture: %" PRIu32 "\n    offset: %" PRIu64
                   "\n    timestamp: %s%" PRId64 ".%09" PRId64 "\n    data: !!binary |\n",
                   p->at.frame, (int)p->dir, f->index[p->dir]++, p->at.capture, p->offset, negative ? "-" : "",
                   negative ? -seconds : seconds, negative ? -part : part);
    add_base64(t, p->bytes, "      ");
}

/* ---- */

void tl_follow_begin(tl_follow *f, tl_text *t, int64_t session, const tl_peer *client, const tl_peer *server)
{
    const tl_peer *peers[2] = {client, server};
    if (f->as == TL_FOLLOW_TEXT || f->as == TL_FOLLOW_HEX)
        tl_text_printf(t, "%sFollow: tcp,%s\nFilter: session %" PRId64 "\n", rule, f->as == TL_FOLLOW_TEXT ? "text" : "hex", session);
    if (f->as == TL_FOLLOW_YAML) tl_text_add(t, "peers:\n");
    for (int i = 0; i < 2 && f->as != TL_FOLLOW_RAW; i++) {
        bool v6 = strchr(peers[i]->addr, ':') != NULL;
        if (f->as == TL_FOLLOW_YAML)
            tl_text_printf(t, "  - peer: %d\n    host: %s\n    port: %u\n", i, peers[i]->addr, peers[i]->port);
        else
            tl_text_printf(t, "Node %d: %s%s%s:%u\n", i, v6 ? "[" : "", peers[i]->addr, v6 ? "]" : "", peers[i]->port);
    }
    if (f->as == TL_FOLLOW_YAML) tl_text_add(t, "packets:\n");
}

void tl_follow_add(tl_follow *f, tl_text *t, const tl_part *p)
{
    switch (f->as) {
    case TL_FOLLOW_YAML: add_yaml(f, t, p); return;
    case TL_FOLLOW_RAW:
        if (p->gap) return;
        if (p->dir == TL_S2C) tl_text_add(t, "\t");
        tl_hex_add(t, p->bytes);
        tl_text_add(t, "\n");
        return;
    default: break;
    }
    if (p->gap) {
        break_line(f, t);
        paint(f, t, of_gap);
        tl_text_add(t, "! ");
        tl_follow_gap(t, p);
        paint(f, t, plain);
        tl_text_add(t, "\n");
    } else if (f->as == TL_FOLLOW_TEXT) {
        add_text(f, t, p);
    } else {
        add_hex(f, t, p);
    }
}

void tl_follow_end(tl_follow *f, tl_text *t)
{
    break_line(f, t);
    if (f->as == TL_FOLLOW_TEXT || f->as == TL_FOLLOW_HEX) tl_text_add(t, rule);
}
