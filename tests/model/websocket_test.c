/*
** websocket_test.c - how often WebSocket's probe takes other bytes for a session without a 101, and frames of a client for one: random
** bytes of alphabets in which starts of frames are rare, and everywhere.
**
** Of 200,000 starts, the first frame of both sides fitting, it took 0 to 3, and 145 of the alphabet of two bytes.  When it asked for four
** frames whatever the bytes were, it took 60,000 of 80 to 82.
*/
#include "message/registry.h"
#include "support/check.h"

#include <stdio.h>
#include <string.h>

enum { TRIALS = 20000, BYTES = 2048 };

static uint64_t seed = 1;

static unsigned any(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* The bytes of a text, with which it was written; more of one means more often. */
typedef struct alphabet {
    const char *name;
    const char *letters;
    size_t n;         /* 0: all bytes */
    unsigned allowed; /* of TRIALS */
} alphabet;

#define OF(bytes) bytes, sizeof(bytes) - 1
static const alphabet alphabets[] = {
    {"all bytes", NULL, 0, 2},
    {"80 to 8f", OF("\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f"), 2},
    {"80 to 82", OF("\x80\x81\x82"), 2},
    {"81 and 85", OF("\x81\x85"), 40},
    {"81 to 8f, c1 to cf", OF("\x81\x82\x88\x8a\x8f\xc1\xc2\xc8\xcf"), 2},
    {"EBCDIC",
     OF("\x40\x40\x40\x81\x81\x82\x83\x84\x85\x85\x85\x86\x87\x88\x89\x91\x92\x93\x94\x95\x95\x96\x97\x99\xa2\xa3\xa3\xa4\xa5\xc1\xc2"
        "\xd3\xf0\xf1\x4b\x6b\x15\x25"),
     2},
    {"Shift-JIS", OF("\x82\x82\x82\x82\x83\x83\x81\x81\x8e\x93\x96\xa0\xa2\xaa\xb5\xbd\xc6\xcd\xf0\xf1\x41\x42\x5b\x58\x89\x8a"), 2},
    {"Windows-1251", OF("\x20\x20\xe0\xe0\xe5\xe5\xe8\xe8\xed\xee\xee\xf0\xf1\xf2\xeb\xea\xec\xef\xc0\xcd"), 2},
    {"silence in A-law, mu-law and PCM", OF("\xd5\x55\xd5\x54\xff\x7f\xfe\x7e\x80\x81\x80\x7f\x82\x00\x01"), 2},
    {"zeros and 81", OF("\x00\x00\x00\x00\x00\x00\x81\x82\x80\x01"), 2},
};

static void fill(const alphabet *a, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = a->n == 0 ? (uint8_t)any(256) : (uint8_t)a->letters[any((unsigned)a->n)];
}

static bool taken(const uint8_t *client, size_t n, const uint8_t *server, size_t m)
{
    tl_probe p = {.server_port = 9000};
    p.head[TL_C2S] = tl_span_of(client, n);
    p.head[TL_S2C] = tl_span_of(server, m);
    return tl_websocket.probe(&tl_websocket, &p) == TL_LIKELY;
}

/* The client's first frame fits, and so does the server's, or it is silent. */
static void other_bytes(void)
{
    for (size_t i = 0; i < sizeof alphabets / sizeof *alphabets; i++) {
        unsigned n = 0;
        static uint8_t client[BYTES], server[BYTES];
        for (int k = 0; k < TRIALS; k++) {
            fill(&alphabets[i], client, BYTES);
            fill(&alphabets[i], server, BYTES);
            client[0] = (uint8_t) "\x81\x82\x82\x89"[any(4)];
            client[1] |= 0x80;
            server[0] = 0x82;
            server[1] &= 0x7f;
            n += taken(client, BYTES, server, any(2) == 0 ? 0 : BYTES);
        }
        if (n > alphabets[i].allowed) printf("\n  %s: %u of %d", alphabets[i].name, n, TRIALS);
        CU_ASSERT(n <= alphabets[i].allowed);
    }
}

static size_t say(uint8_t *to, unsigned first, const void *payload, size_t n)
{
    size_t at = 0;
    uint8_t key[4] = {(uint8_t)any(256), (uint8_t)any(256), (uint8_t)any(256), (uint8_t)any(256)};
    to[at++] = (uint8_t)first;
    to[at++] = (uint8_t)(0x80 | (n < 126 ? n : 126));
    if (n >= 126) {
        to[at++] = (uint8_t)(n >> 8);
        to[at++] = (uint8_t)n;
    }
    for (int i = 0; i < 4; i++) to[at++] = key[i];
    for (size_t i = 0; i < n; i++) to[at++] = ((const uint8_t *)payload)[i] ^ key[i % 4];
    return at;
}

/* Two or three frames of text are enough, five or six of anything. */
static void frames(void)
{
    unsigned text[7] = {0}, binary[7] = {0}, pings[7] = {0};
    enum { RUNS = 2000 };
    for (int k = 0; k < RUNS; k++) {
        uint8_t b[BYTES];
        for (int kind = 0; kind < 3; kind++) {
            size_t n = 0;
            for (int frame = 1; frame <= 6; frame++) {
                uint8_t payload[200];
                size_t size = kind == 0 ? 8 + any(150) : kind == 1 ? any(150) : any(3);
                for (size_t i = 0; i < size; i++) payload[i] = (uint8_t)(kind == 0 ? ' ' + any(95) : any(256));
                n += say(b + n, kind == 0 ? 0x81 : kind == 1 ? 0x82 : 0x89, payload, size);
                if (n > BYTES - 300) break;
                unsigned *count = kind == 0 ? text : kind == 1 ? binary : pings;
                count[frame] += taken(b, n, NULL, 0);
            }
        }
    }
    CU_ASSERT(text[2] > RUNS * 9 / 10 && text[3] == RUNS);
    CU_ASSERT(binary[4] > RUNS / 2 && binary[5] > RUNS * 99 / 100 && binary[6] == RUNS);
    CU_ASSERT(pings[4] > RUNS / 2 && pings[5] > RUNS * 98 / 100 && pings[6] > RUNS * 99 / 100);
}

int main(void)
{
    return tl_run_cases("websocket model", (const tl_case[]){{"other bytes", other_bytes}, {"frames", frames}, {0}});
}
