/*
** community_id.c - the Community ID flow hash, version 1, seed 0 (github.com/corelight/community-id-spec).
**
** "1:" and the base64 of SHA-1 over seed, the smaller endpoint's address, the other's, protocol, a zero, and the two ports in that order.
** Not a session key: sessions on reused ports share it.
*/
/* The plain SHA1_ calls, deprecated as they are: they allocate nothing (capture/raw.c says why that matters). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/statements.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

char *store_community_id(const tl_addr *a, const tl_addr *b, char out[COMMUNITY_ID_TEXT])
{
    size_t from = tl_addr_is_ipv4(a) && tl_addr_is_ipv4(b) ? 12 : 0, n = 16 - from;
    int order = memcmp(a->ip, b->ip, sizeof a->ip);
    if (order > 0 || (order == 0 && a->port > b->port)) {
        const tl_addr *t = a;
        a = b;
        b = t;
    }
    uint8_t in[2 + 32 + 2 + 4] = {0}; /* the seed, 16 bits, is 0 */
    size_t at = 2;
    memcpy(in + at, a->ip + from, n);
    memcpy(in + at + n, b->ip + from, n);
    at += 2 * n;
    in[at] = 6; /* IPPROTO_TCP */
    const uint16_t ports[2] = {a->port, b->port};
    for (size_t i = 0; i < 2; i++) {
        in[at + 2 + 2 * i] = (uint8_t)(ports[i] >> 8);
        in[at + 3 + 2 * i] = (uint8_t)ports[i];
    }
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA_CTX sha1;
    SHA1_Init(&sha1);
    SHA1_Update(&sha1, in, at + 6);
    SHA1_Final(digest, &sha1);
    memcpy(out, "1:", 2);
    EVP_EncodeBlock((unsigned char *)out + 2, digest, sizeof digest);
    return out;
}
