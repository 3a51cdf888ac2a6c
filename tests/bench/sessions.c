/*
** sessions.c - each open session is a small state machine; a random one takes the next turn.
**
** States: OPENING -> TALKING (message after message) -> CLOSING -> gone, and a new session takes the place.
** A turn is a handshake, a burst of segments of one message with the peer's acknowledgements, or a close; every segment acknowledges
** all that its sender has received, so that a response proves which request it answers.
*/
#include "sessions.h"
#include "bodies.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_MOST = 400, BURST = 8, ACK_EVERY = 2 };

typedef struct session {
    enum { OPENING, TALKING, CLOSING } state;
    bool ipv6;
    uint64_t number;
    endpoint ends[2];
    uint32_t isn[2];
    uint64_t sent[2]; /* payload bytes of each direction so far */
    /* the message under way */
    unsigned message;
    uint64_t offset, missing;
    size_t head_n, head_at, body_n, body_at;
    const uint8_t *body;
    char head[HEAD_MOST];
} session;

typedef struct player {
    const load *l;
    tap *t;
    FILE *truth;
    totals *out;
    uint64_t random;
} player;

static unsigned direction_of(const session *s)
{
    return s->message % 2;
}

static void make_ends(session *s, uint64_t number)
{
    static const uint8_t client6[16] = {0x20, 0x01, 0x0d, 0xb8}, server6[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff};
    endpoint *client = &s->ends[0], *server = &s->ends[1];
    if (s->ipv6) {
        memcpy(client->ip, client6, 16);
        memcpy(server->ip, server6, 16);
    } else {
        memcpy(client->ip, "\x0a\0\0\0", 4);     /* 10.0.0.0/8 */
        memcpy(server->ip, "\xc6\x33\x64\0", 4); /* 198.51.100.0/24 */
    }
    uint8_t *tail = client->ip + (s->ipv6 ? 13 : 1);
    tail[0] = (uint8_t)(number >> 16);
    tail[1] = (uint8_t)(number >> 8);
    tail[2] = (uint8_t)number;
    server->ip[s->ipv6 ? 15 : 3] = (uint8_t)(1 + number % 50);
    client->port = (uint16_t)(20000 + (number + (number >> 24)) % 40000);
}

static void start_session(player *p, session *s, uint64_t number)
{
    *s = (session){.state = OPENING, .number = number, .ipv6 = random_percent(&p->random, p->l->ipv6_percent)};
    make_ends(s, number);
    s->ends[1].port = p->l->talk == TALK_HTTP ? 80 : 7000;
    for (int d = 0; d < 2; d++) s->isn[d] = (uint32_t)random_bits(&p->random);
}

/* One segment of a direction, with payload from the message under way; returns whether the tap saw it. */
static bool send_segment(player *p, session *s, unsigned d, unsigned flags, size_t head, size_t body)
{
    uint32_t syn = s->state != OPENING || (flags & TCP_SYN) == 0; /* the SYN takes the number before the first byte */
    segment g = {
        .from = &s->ends[d],
        .to = &s->ends[!d],
        .ipv6 = s->ipv6,
        .seq = s->isn[d] + syn + (uint32_t)s->sent[d],
        .ack = flags & TCP_ACK ? s->isn[!d] + 1 + (uint32_t)s->sent[!d] : 0,
        .flags = (uint8_t)flags,
        .parts = {(const uint8_t *)s->head + s->head_at, s->body + s->body_at},
        .part_n = {head, body},
    };
    return tap_send(p->t, &g);
}

static void open_session(player *p, session *s)
{
    send_segment(p, s, 0, TCP_SYN, 0, 0);
    send_segment(p, s, 1, TCP_SYN | TCP_ACK, 0, 0);
    send_segment(p, s, 0, TCP_ACK, 0, 0);
    s->state = TALKING;
}

/* FIN and its acknowledgement both ways; a FIN takes a number, which `sent` counts here: no payload follows. */
static void close_session(player *p, session *s)
{
    for (unsigned d = 0; d < 2; d++) {
        send_segment(p, s, d, TCP_FIN | TCP_ACK, 0, 0);
        s->sent[d]++;
        send_segment(p, s, !d, TCP_ACK, 0, 0);
    }
    p->out->sessions++;
}

static void start_message(player *p, session *s)
{
    const load *l = p->l;
    bool text = random_percent(&p->random, l->text_percent);
    uint64_t size = l->object_bytes / 2 + random_below(&p->random, l->object_bytes + 1);
    if (size > BODY_MOST) size = BODY_MOST;
    int n;
    if (l->talk == TALK_FRAMED) {
        s->head[0] = (char)(size >> 24);
        s->head[1] = (char)(size >> 16);
        s->head[2] = (char)(size >> 8);
        s->head[3] = (char)size;
        n = 4;
    } else if (direction_of(s) == 0) {
        n = snprintf(
            s->head, sizeof s->head,
            "GET /objects/%" PRIu64 "/%u.%s HTTP/1.1\r\nHost: server%" PRIu64 ".example\r\nUser-Agent: bench-gen/1.0 (reproducible)\r\n"
            "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en\r\nConnection: %s\r\n\r\n",
            s->number, s->message / 2, text ? "html" : "bin", s->number % 50, s->message + 2 < l->messages ? "keep-alive" : "close");
        size = 0;
    } else {
        n = snprintf(s->head, sizeof s->head,
                     "HTTP/1.1 200 OK\r\nServer: bench-gen\r\nContent-Type: %s\r\nContent-Length: %" PRIu64
                     "\r\nCache-Control: max-age=600\r\n\r\n",
                     text ? "text/html; charset=utf-8" : "application/octet-stream", size);
    }
    s->head_n = (size_t)n;
    s->body_n = (size_t)size;
    s->head_at = s->body_at = 0;
    s->body = body_of(text, s->body_n, random_bits(&p->random));
    s->offset = s->sent[direction_of(s)];
    s->missing = 0;
}

static void end_message(player *p, session *s)
{
    unsigned d = direction_of(s);
    uint64_t length = s->head_n + s->body_n;
    p->out->messages++;
    p->out->whole += s->missing == 0;
    p->out->payload_bytes += length;
    p->out->missing_bytes += s->missing;
    if (p->truth != NULL) {
        const uint8_t *ip = s->ends[0].ip;
        fprintf(p->truth, "{\"session\":%" PRIu64 ",\"client\":\"", s->number);
        if (s->ipv6)
            fprintf(p->truth, "[2001:db8::%x:%x]", ip[13], (unsigned)ip[14] << 8 | ip[15]);
        else
            fprintf(p->truth, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
        fprintf(p->truth,
                ":%u\",\"direction\":%u,\"base\":%" PRIu32 ",\"ordinal\":%u,\"offset\":%" PRIu64 ",\"length\":%" PRIu64
                ",\"head\":%zu,\"missing\":%" PRIu64 ",\"whole\":%s",
                s->ends[0].port, d, s->isn[d] + 1, s->message / 2 + 1, s->offset, length, s->head_n, s->missing,
                s->missing ? "false" : "true");
        if (p->l->talk == TALK_HTTP && d == 1) fprintf(p->truth, ",\"answers\":%u", s->message / 2 + 1);
        fputs("}\n", p->truth);
    }
    s->message++;
    s->head_n = s->body_n = 0;
    if (s->message == p->l->messages) s->state = CLOSING;
}

/* A few segments of the message under way, acknowledged by the peer as they come. */
static void talk_on(player *p, session *s)
{
    if (s->head_n == 0) start_message(p, s);
    unsigned d = direction_of(s);
    size_t left = s->head_n - s->head_at + s->body_n - s->body_at;
    for (int i = 1; i <= BURST && left > 0; i++) {
        size_t n = left < PAYLOAD_MOST ? left : PAYLOAD_MOST;
        size_t head = s->head_n - s->head_at < n ? s->head_n - s->head_at : n, body = n - head;
        left -= n;
        if (!send_segment(p, s, d, TCP_ACK | (left == 0 ? TCP_PSH : 0U), head, body)) s->missing += n;
        s->head_at += head;
        s->body_at += body;
        s->sent[d] += n;
        if (i % ACK_EVERY == 0 || (left == 0 && s->message + 1 == p->l->messages)) send_segment(p, s, !d, TCP_ACK, 0, 0);
    }
    if (left == 0) end_message(p, s);
}

bool sessions_play(const load *l, tap *t, FILE *truth, totals *out)
{
    uint64_t open = l->open < l->sessions ? l->open : l->sessions, started = 0;
    session *sessions = calloc(open ? open : 1, sizeof *sessions);
    if (sessions == NULL) return false;
    player p = {l, t, truth, out, l->seed};
    *out = (totals){0};
    while (started < open) {
        start_session(&p, &sessions[started], started + 1);
        started++;
    }
    while (open > 0) {
        session *s = &sessions[random_below(&p.random, open)];
        if (s->state == TALKING && s->message == l->messages) s->state = CLOSING; /* no messages at all */
        switch (s->state) {
        case OPENING: open_session(&p, s); break;
        case TALKING: talk_on(&p, s); break;
        case CLOSING:
            close_session(&p, s);
            if (started < l->sessions)
                start_session(&p, s, ++started);
            else
                *s = sessions[--open];
            break;
        }
    }
    free(sessions);
    return true;
}
