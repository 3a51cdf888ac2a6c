#include "stream/conn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LETTER_A = 16, LETTER_D = 32, LETTER_I = 64, LETTER_Q = 128 };
/* Letters that a history has room for when it is not inline any more. */
enum { ROOM_MOST_NEED = 20, ROOM_MANY_NEED = 60 };
enum { KIND_S, KIND_H, KIND_F, KIND_R };
enum { COUNT_C, COUNT_G, COUNT_T, COUNT_W };

bool conn_room(conn *c, size_t n)
{
    size_t room = c->more == NULL ? 0 : c->more->room;
    if (c->more != NULL && n <= room) return true;
    size_t more = n <= ROOM_MOST_NEED ? ROOM_MOST_NEED : n <= ROOM_MANY_NEED ? ROOM_MANY_NEED : CONN_HISTORY_MAX;
    conn_more *m = realloc(c->more, sizeof *m + more);
    if (m == NULL) return false;
    if (c->more == NULL) {
        *m = (conn_more){0};
        for (int side = 0; side < 2; side++) m->seq[side][c->kind[side]] = c->seq[side];
        memcpy(m->history, c->history, c->history_n);
    }
    m->room = (uint32_t)more;
    c->more = m;
    return true;
}

size_t conn_cost(const conn *c)
{
    return c->more == NULL ? 0 : sizeof *c->more + c->more->room;
}

uint32_t conn_seq(const conn *c, int side, int kind)
{
    if (c->more != NULL) return c->more->seq[side][kind];
    return c->kind[side] == kind ? c->seq[side] : 0;
}

uint32_t conn_count(const conn *c, int side, int kind)
{
    return c->more != NULL ? c->more->count[side][kind] : 0;
}

const char *conn_letters(const conn *c)
{
    return c->more != NULL ? c->more->history : c->history;
}

static void add(conn *c, int side, char letter)
{
    size_t room = c->more != NULL ? c->more->room : CONN_HISTORY_INLINE, n = c->history_n;
    if (n >= CONN_HISTORY_MAX || (n >= room && !conn_room(c, n + 1))) return;
    char *text = c->more != NULL ? c->more->history : c->history;
    text[c->history_n++] = (char)(side == 0 ? toupper((unsigned char)letter) : letter);
}

static void once(conn *c, int side, uint8_t bit, char letter)
{
    if (c->once[side] & bit) return;
    c->once[side] |= bit;
    add(c, side, letter);
}

static void set_seq(conn *c, int side, int kind, uint32_t seq)
{
    enum { NUMBERED = 1 << KIND_S | 1 << KIND_H | 1 << KIND_F | 1 << KIND_R };
    if (c->more == NULL && (c->once[side] & NUMBERED & ~(1 << kind)) == 0) {
        c->kind[side] = (uint8_t)kind;
        c->seq[side] = seq;
    } else if (conn_room(c, c->history_n)) {
        c->more->seq[side][kind] = seq;
    }
}

/* s, h, f, r: again only with another sequence number than the last of that kind. */
static void numbered(conn *c, int side, int kind, uint32_t seq, char letter)
{
    uint8_t bit = (uint8_t)(1 << kind);
    if ((c->once[side] & bit) && conn_seq(c, side, kind) == seq) return;
    set_seq(c, side, kind, seq);
    c->once[side] |= bit;
    add(c, side, letter);
}

/* c, g, t, w: the 1st, 10th, 100th, ... (ScaledHistoryEntry, base 10) */
static void scaled(conn *c, int side, int kind, char letter)
{
    if (!conn_room(c, c->history_n)) return;
    uint32_t n = ++c->more->count[side][kind];
    while (n % 10 == 0 && n > 0) n /= 10;
    if (n == 1) add(c, side, letter);
}

static void become(conn *c, int side, conn_endpoint state)
{
    if (c->state[side] == state) return;
    c->before[side] = c->state[side];
    c->state[side] = (uint8_t)state;
}

static void letters(conn *c, int side, const tl_segment *seg, bool advances)
{
    int controls = !!(seg->flags & TL_SYN) + !!(seg->flags & TL_FIN) + !!(seg->flags & TL_RST);
    if (seg->bad_checksum) scaled(c, side, COUNT_C, 'c');
    if (controls > 1) {
        if (seg->flags & TL_SYN)
            once(c, side, LETTER_Q, 'q');
        else
            once(c, side, LETTER_I, 'i');
    } else if (seg->flags & TL_SYN) {
        if (seg->flags & TL_ACK)
            numbered(c, side, KIND_H, seg->seq, 'h');
        else
            numbered(c, side, KIND_S, seg->seq, 's');
    } else if (seg->flags & TL_FIN) {
        numbered(c, side, KIND_F, seg->seq, 'f');
    } else if (seg->flags & TL_RST) {
        numbered(c, side, KIND_R, seg->seq, 'r');
    } else if (seg->payload_wire > 0) {
        once(c, side, LETTER_D, 'd');
    } else if (seg->flags & TL_ACK) {
        once(c, side, LETTER_A, 'a');
    }
    if (seg->payload_wire > 0 && !advances) scaled(c, side, COUNT_T, 't');
    bool over = seg->flags & TL_RST || c->state[side] == CONN_RESET || c->state[!side] == CONN_CLOSED;
    if (seg->window == 0 && !over) scaled(c, side, COUNT_W, 'w');
}

void conn_segment(conn *c, int side, int orig, const tl_segment *seg, bool advances)
{
    int peer = !side;
    letters(c, side, seg, advances);
    if (seg->flags & TL_SYN && c->state[side] <= CONN_SYN_ACK_SENT) {
        if (side == orig) {
            if (!(seg->flags & TL_ACK))
                become(c, side, CONN_SYN_SENT);
            else
                become(c, side, c->state[peer] == CONN_INACTIVE ? CONN_SYN_ACK_SENT : CONN_ESTABLISHED);
        } else {
            become(c, side, CONN_ESTABLISHED);
            if (c->state[peer] == CONN_SYN_SENT) become(c, peer, CONN_ESTABLISHED);
        }
    }
    if (seg->flags & TL_RST) {
        if (c->state[side] != CONN_CLOSED || c->state[peer] != CONN_CLOSED) become(c, side, CONN_RESET);
    } else if (seg->flags & TL_FIN) {
        become(c, side, CONN_CLOSED);
        if (c->state[peer] == CONN_RESET && c->before[peer] == CONN_CLOSED) become(c, peer, CONN_CLOSED);
    } else if (!(seg->flags & TL_SYN) && c->state[side] == CONN_INACTIVE) {
        bool pure_ack = seg->flags & TL_ACK && seg->payload_wire == 0;
        if (pure_ack && c->state[peer] == CONN_ESTABLISHED)
            become(c, side, CONN_ESTABLISHED);
        else if (!(pure_ack && side != orig && c->state[peer] == CONN_SYN_SENT))
            become(c, side, CONN_PARTIAL);
    }
}

static bool established(const conn *c, int side)
{
    return c->state[side] == CONN_ESTABLISHED || (c->state[side] == CONN_CLOSED && c->before[side] == CONN_ESTABLISHED);
}

void conn_gap(conn *c, int side)
{
    if (established(c, 0) && established(c, 1)) scaled(c, side, COUNT_G, 'g');
}

void conn_free(conn *c)
{
    free(c->more);
    c->more = NULL;
    c->history_n = 0;
}

/* ^\^?S[^HAFGIQ]*R, upper case being the originator's */
static bool only_syn_and_reset(const char *history)
{
    if (*history == '^') history++;
    if (*history++ != 'S') return false;
    for (; *history != '\0' && strchr("HAFGIQ", *history) == NULL; history++)
        if (*history == 'R') return true;
    return false;
}

const char *conn_state(const conn *c, int orig, bool has_bytes)
{
    int os = c->state[orig], rs = c->state[!orig];
    bool os_inactive = os == CONN_INACTIVE || os == CONN_PARTIAL, rs_inactive = rs == CONN_INACTIVE || rs == CONN_PARTIAL;
    if (rs == CONN_RESET) {
        if (os == CONN_SYN_SENT || os == CONN_SYN_ACK_SENT || (os == CONN_RESET && !has_bytes)) return "REJ";
        return os_inactive ? "RSTRH" : "RSTR";
    }
    if (os == CONN_RESET) {
        char history[CONN_HISTORY_MAX + 2];
        if (!rs_inactive) return "RSTO";
        return only_syn_and_reset(conn_history(c, orig, history)) ? "RSTOS0" : "OTH";
    }
    if (os == CONN_CLOSED && rs == CONN_CLOSED) return "SF";
    if (os == CONN_CLOSED) return rs_inactive ? "SH" : "S2";
    if (rs == CONN_CLOSED) return os_inactive ? "SHR" : "S3";
    if (os == CONN_SYN_SENT && rs == CONN_INACTIVE) return "S0";
    if (os == CONN_ESTABLISHED && rs == CONN_ESTABLISHED) return "S1";
    return "OTH";
}

char *conn_history(const conn *c, int orig, char *out)
{
    const char *text = conn_letters(c);
    size_t n = 0;
    if (orig != 0) out[n++] = '^';
    for (size_t i = 0; i < c->history_n; i++) {
        unsigned char letter = (unsigned char)text[i];
        if (orig != 0) letter = (unsigned char)(isupper(letter) ? tolower(letter) : toupper(letter));
        out[n++] = (char)letter;
    }
    out[n] = '\0';
    return out;
}
