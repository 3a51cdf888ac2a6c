#include "support/network.h"

#include "packet/segment.h"
#include "support/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tl_network_free(tl_network *n)
{
    for (size_t i = 0; i < n->n; i++) free((void *)(uintptr_t)n->frames[i].bytes.p);
    n->n = 0;
}

static void add(tl_network *n, tl_span bytes, uint32_t wire_len)
{
    uint8_t *copy = malloc(bytes.n);
    if (copy == NULL || n->n == TL_NETWORK_FRAMES) abort();
    memcpy(copy, bytes.p, bytes.n);
    tl_frame f = {.linktype = 1, .wire_len = wire_len, .bytes = tl_span_of(copy, bytes.n)};
    f.at.ns = INT64_C(1700000000000000000) + (int64_t)n->n * 1000000;
    n->frames[n->n++] = f;
}

void tl_network_bytes(tl_network *n, uint16_t client, int dir, uint8_t flags, const void *payload, size_t size)
{
    static tl_build b;
    size_t i = 0;
    while (i < TL_NETWORK_PORTS && n->ports[i].used && n->ports[i].client != client) i++;
    if (i == TL_NETWORK_PORTS) abort();
    if (!n->ports[i].used) {
        n->ports[i].used = true;
        n->ports[i].client = client;
        n->ports[i].next[0] = 1000U * client;
        n->ports[i].next[1] = 4294960000U + client; /* wraps soon */
    }
    uint32_t *next = n->ports[i].next;
    tl_tcp_fields f = {.src = dir ? "10.0.0.2" : "10.0.0.1",
                       .dst = dir ? "10.0.0.1" : "10.0.0.2",
                       .sport = dir ? 80 : client,
                       .dport = dir ? client : 80,
                       .seq = next[dir],
                       .ack = flags & TL_ACK ? next[!dir] : 0,
                       .flags = flags};
    tl_span frame = tl_build_frame(&b, &f, payload, size);
    next[dir] += (uint32_t)size + !!(flags & TL_SYN) + !!(flags & TL_FIN);
    add(n, frame, (uint32_t)frame.n);
}

void tl_network_say(tl_network *n, uint16_t client, int dir, uint8_t flags, const char *payload)
{
    tl_network_bytes(n, client, dir, flags, payload, strlen(payload));
}

void tl_network_open(tl_network *n, uint16_t client)
{
    tl_network_say(n, client, 0, TL_SYN, "");
    tl_network_say(n, client, 1, TL_SYN | TL_ACK, "");
    tl_network_say(n, client, 0, TL_ACK, "");
}

void tl_network_http(tl_network *n, uint16_t client, unsigned object, size_t body)
{
    char head[200];
    uint8_t bytes[1000];
    snprintf(head, sizeof head, "GET /object/%u HTTP/1.1\r\nHost: example\r\n\r\n", object);
    tl_network_say(n, client, 0, TL_ACK | TL_PSH, head);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nContent-Type: application/octet-stream\r\n\r\n", body);
    tl_network_say(n, client, 1, TL_ACK, head);
    for (size_t at = 0; at < body; at += sizeof bytes) {
        size_t size = body - at < sizeof bytes ? body - at : sizeof bytes;
        for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)((at + i) * 131 + object);
        tl_network_bytes(n, client, 1, TL_ACK, bytes, size);
        if ((at / sizeof bytes) % 2 == 1) tl_network_say(n, client, 0, TL_ACK, "");
    }
    tl_network_say(n, client, 0, TL_ACK, "");
}

void tl_network_close(tl_network *n, uint16_t client)
{
    tl_network_say(n, client, 0, TL_ACK | TL_FIN, "");
    tl_network_say(n, client, 1, TL_ACK | TL_FIN, "");
    tl_network_say(n, client, 0, TL_ACK, "");
}

void tl_network_again(tl_network *n, size_t cut)
{
    tl_span last = n->frames[n->n - 1].bytes;
    if (cut == 0) {
        add(n, last, (uint32_t)last.n);
    } else {
        n->frames[n->n - 1].bytes.n -= cut;
    }
}
