/*
** declared.h - framings that a person declares: a binary protocol by its magic and length field, or a text protocol by its terminator.
**
** tl_declared is the declaration as a struct (framings.h reads it from text); tl_declared_detector makes a detector of it.
*/
#ifndef TL_DECLARED_H
#define TL_DECLARED_H

#include "message/detector.h"

enum {
    TL_DECLARED_BYTES = 16, /* of a magic, trailer or terminator */
    TL_DECLARED_PORTS = 8,
    TL_DECLARED_CHECKS = 16,
    TL_DECLARED_TYPES = 64,
    TL_DECLARED_AT_MAX = 1024,           /* largest offset of a field */
    TL_DECLARED_FRAME_MAX = 1 << 30,     /* largest frame that can be declared */
    TL_DECLARED_KEPT_MAX = (1 << 20) - 1 /* largest frame that has to be seen whole: with a trailer or a terminator */
};

typedef struct tl_declared_field {
    uint16_t at;
    uint8_t size; /* 1 to 8; 0: there is none */
    bool little;  /* endian */
} tl_declared_field;

typedef struct tl_declared_bytes {
    uint8_t p[TL_DECLARED_BYTES];
    uint8_t n; /* 0: there are none */
} tl_declared_bytes;

typedef struct tl_declared_type {
    uint64_t value;
    char name[32];
    tl_role role; /* NONE, REQUEST or RESPONSE */
} tl_declared_type;

typedef struct tl_declared {
    char name[32]; /* the protocol's, in message.protocol */
    struct {
        uint16_t from, to; /* inclusive */
    } port[TL_DECLARED_PORTS];
    unsigned ports; /* 0: any port, if the bytes alone are proof enough */
    tl_declared_bytes magic;
    uint16_t magic_at;
    tl_declared_field length; /* size 0: the terminator ends the message */
    uint32_t length_unit;     /* the frame's bytes are length * length_unit + length_adds */
    int64_t length_adds;
    uint64_t frame_min, frame_max; /* other lengths are refused: lost sync, or a lie */
    struct {
        uint16_t at;
        uint8_t from, to; /* the byte there, inclusive */
    } check[TL_DECLARED_CHECKS];
    unsigned checks;
    tl_declared_bytes trailer; /* the frame's last bytes */
    tl_declared_bytes terminator;
    tl_declared_field id, type;
    tl_declared_type types[TL_DECLARED_TYPES];
    unsigned types_n;
    bool server_answers; /* messages of the server answer those of the client, where the types do not say */
} tl_declared;

/* Makes *out a detector of *in, which it borrows.  EUSAGE: the declaration contradicts itself; *err says what. */
TL_MUST_USE tl_rc tl_declared_detector(const tl_declared *in, tl_detector *out, tl_error *err);

#endif
