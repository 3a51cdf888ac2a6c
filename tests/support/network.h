/*
** network.h - frames in memory for whole-pipeline tests: a few lines make a connection.
**
**     tl_network n = {0};
**     tl_network_say(&n, 40000, 0, TL_SYN, "");          client port, direction, flags, payload
**     tl_network_say(&n, 40000, 1, TL_SYN | TL_ACK, "");
**     tl_network_say(&n, 40000, 0, TL_ACK, "GET / HTTP/1.0\r\n\r\n");
**
** Sequence numbers and acknowledgements follow what was said; each frame comes a millisecond after the one before.
*/
#ifndef TL_NETWORK_H
#define TL_NETWORK_H

#include "capture/source.h"

enum { TL_NETWORK_FRAMES = 4096, TL_NETWORK_PORTS = 64 };

typedef struct tl_network {
    tl_frame frames[TL_NETWORK_FRAMES]; /* their bytes are owned */
    size_t n;
    struct {
        uint16_t client;
        uint32_t next[2];
        bool used;
    } ports[TL_NETWORK_PORTS];
} tl_network;

void tl_network_free(tl_network *n);
/* One segment in Ethernet and IPv4, 10.0.0.1:client and 10.0.0.2:80. */
void tl_network_say(tl_network *n, uint16_t client, int dir, uint8_t flags, const char *payload);
void tl_network_bytes(tl_network *n, uint16_t client, int dir, uint8_t flags, const void *payload, size_t size);
/* Handshake; one exchange of HTTP with a body of so many bytes, in segments of 1,000; both FINs. */
void tl_network_open(tl_network *n, uint16_t client);
void tl_network_http(tl_network *n, uint16_t client, unsigned object, size_t body);
void tl_network_close(tl_network *n, uint16_t client);
/* The last frame again, without its last `cut` bytes as by a snaplen (0: a retransmission). */
void tl_network_again(tl_network *n, size_t cut);

#endif
