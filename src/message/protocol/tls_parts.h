/*
** tls_parts.h - the inside of TLS records, shared by tls.c and tls_*.c.
**
** Pure functions; everything points into the bytes given, and each reads only what is there.
*/
#ifndef TL_TLS_PARTS_H
#define TL_TLS_PARTS_H

#include "base/text.h"
#include "message/shape.h"

enum {
    TL_TLS_RECORD = 5, /* bytes of a record's header */
    TL_TLS_CLIENT_HELLO = 1,
    TL_TLS_SERVER_HELLO = 2,
    TL_TLS_CERTIFICATE = 11
};

/* ---- names; NULL: not known ---- */

const char *tl_tls_version_name(unsigned version); /* 0x0303: "TLS 1.2" */
const char *tl_tls_cipher_name(unsigned cipher);   /* as IANA registers it */
const char *tl_tls_message_name(unsigned type);    /* of a handshake message: "client_hello" */
const char *tl_tls_alert_name(unsigned description);

/* ---- hellos (RFC 8446 section 4.1, RFC 5246 section 7.4.1) ---- */

typedef struct tl_tls_hello {
    unsigned version;   /* the field of that name, not what extensions say */
    tl_span ciphers;    /* two bytes each; of a server one */
    tl_span extensions; /* as far as they are there */
    bool retry;         /* a server hello that is a HelloRetryRequest */
    bool whole;         /* all of it is there and fits together */
} tl_tls_hello;

/* body: of the handshake message, behind its type and length, as far as it is there; length: what its header says. */
tl_tls_hello tl_tls_hello_read(tl_span body, size_t length, bool client);
/* Takes the next extension from the front of *list; false: there is none that is whole. */
bool tl_tls_extension(tl_span *list, unsigned *type, tl_span *body);
/* The host name of a server_name extension (RFC 6066 section 3); empty: none. */
tl_span tl_tls_server_name(tl_span body);
/* GREASE (RFC 8701): values that mean nothing. */
bool tl_tls_is_grease(unsigned value);

/* Adds the members of a hello. */
void tl_tls_describe_hello(const tl_tls_hello *h, bool client, tl_text *json);
/* JA3 (client), JA3S (server) and JA4 (client), for a hello that is whole. */
void tl_tls_describe_fingerprints(const tl_tls_hello *h, bool client, tl_text *json);

/* ---- certificates (RFC 5246 section 7.4.2, RFC 5280) ---- */

/* Of the first certificate of a Certificate message of TLS 1.2 or earlier: the common name of its subject; empty: none is there. */
tl_span tl_tls_subject(tl_span body);
void tl_tls_describe_certificate(tl_span body, tl_text *json);

#endif
