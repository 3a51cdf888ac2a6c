/*
** kafka_names.h - the topic and the group that a Kafka request names first (Kafka protocol guide; KIP-482 for the compact forms).
**
** Everything here is inline and holds no state.
*/
#ifndef TL_KAFKA_NAMES_H
#define TL_KAFKA_NAMES_H

#include "message/protocol/binary.h"

typedef struct tl_kafka_names {
    tl_span topic, group; /* empty: none is named there */
} tl_kafka_names;

/* Unsigned LEB128 of up to five bytes. */
static inline uint32_t tl_kafka_varint(tl_span *in)
{
    uint32_t v = 0;
    for (unsigned shift = 0; shift < 35 && in->n > 0; shift += 7) {
        unsigned byte = (unsigned)tl_take_be(in, 1);
        v |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return v;
}

/* A string, which may be null. */
static inline tl_span tl_kafka_string(tl_span *in, bool compact)
{
    size_t n = compact ? tl_kafka_varint(in) : (size_t)tl_take_be(in, 2);
    if (compact ? n == 0 : n == UINT16_MAX) return tl_span_of(in->p, 0);
    return tl_take(in, compact ? n - 1 : n);
}

/* The start of an array: is there a first element? */
static inline bool tl_kafka_array(tl_span *in, bool compact)
{
    uint32_t n = compact ? tl_kafka_varint(in) : (uint32_t)tl_take_be(in, 4);
    return compact ? n > 1 : n > 0 && n != UINT32_MAX;
}

static inline void tl_kafka_tags(tl_span *in)
{
    for (uint32_t n = tl_kafka_varint(in); n > 0 && in->n > 0; n--) {
        (void)tl_kafka_varint(in);
        uint32_t size = tl_kafka_varint(in);
        (void)tl_take(in, size);
    }
}

/* rest: behind the client's name. */
static inline tl_kafka_names tl_kafka_first_names(unsigned api, unsigned version, tl_span rest)
{
    enum {
        PRODUCE = 0,
        FETCH,
        LIST_OFFSETS,
        METADATA,
        OFFSET_COMMIT = 8,
        OFFSET_FETCH,
        FIND_COORDINATOR,
        JOIN_GROUP,
        HEARTBEAT,
        LEAVE_GROUP,
        SYNC_GROUP,
        CREATE_TOPICS = 19,
        DELETE_TOPICS
    };
    /* The versions from which on the forms are compact. */
    static const uint8_t compact_from[DELETE_TOPICS + 1] = {
        [PRODUCE] = 9,      [FETCH] = 12,           [LIST_OFFSETS] = 6, [METADATA] = 9,  [OFFSET_COMMIT] = 8,
        [OFFSET_FETCH] = 6, [FIND_COORDINATOR] = 3, [JOIN_GROUP] = 6,   [HEARTBEAT] = 4, [LEAVE_GROUP] = 4,
        [SYNC_GROUP] = 4,   [CREATE_TOPICS] = 5,    [DELETE_TOPICS] = 4};
    tl_kafka_names names = {{rest.p, 0}, {rest.p, 0}};
    if (api > DELETE_TOPICS || compact_from[api] == 0) return names;
    bool compact = version >= compact_from[api];
    if (compact) tl_kafka_tags(&rest);
    switch (api) {
    case PRODUCE:
        if (version >= 3) (void)tl_kafka_string(&rest, compact);
        (void)tl_take(&rest, 6);
        if (version >= 13) return names; /* topics have ids only */
        break;
    case FETCH:
        (void)tl_take(&rest,
                      (version < 15 ? 4u : 0u) + 8u + (version >= 3 ? 4u : 0u) + (version >= 4 ? 1u : 0u) + (version >= 7 ? 8u : 0u));
        if (version >= 13) return names;
        break;
    case LIST_OFFSETS: (void)tl_take(&rest, version >= 2 ? 5 : 4); break;
    case OFFSET_COMMIT:
        names.group = tl_kafka_string(&rest, compact);
        if (version >= 1) {
            (void)tl_take(&rest, 4);
            (void)tl_kafka_string(&rest, compact);
        }
        if (version >= 7) (void)tl_kafka_string(&rest, compact);
        if (version >= 2 && version <= 4) (void)tl_take(&rest, 8);
        break;
    case OFFSET_FETCH:
        if (version >= 8 && !tl_kafka_array(&rest, compact)) return names;
        names.group = tl_kafka_string(&rest, compact);
        if (version >= 9) return names;
        break;
    case FIND_COORDINATOR:
        if (version >= 4) {
            (void)tl_take(&rest, 1);
            if (!tl_kafka_array(&rest, compact)) return names;
        }
        names.group = tl_kafka_string(&rest, compact);
        return names;
    case JOIN_GROUP:
    case HEARTBEAT:
    case LEAVE_GROUP:
    case SYNC_GROUP: names.group = tl_kafka_string(&rest, compact); return names;
    default: break;
    }
    if (!tl_kafka_array(&rest, compact)) return names;
    if (api == METADATA && version >= 10) (void)tl_take(&rest, 16);
    names.topic = tl_kafka_string(&rest, compact);
    return names;
}

#endif
