/*
** registry.h - the detectors there are, in order of preference.
*/
#ifndef TL_REGISTRY_H
#define TL_REGISTRY_H

#include "message/detector.h"

/* Which detectors are worth asking, as bits of their places: most need only the first byte to say NO.  For places up to 63; what lies
** behind them is always asked. */
typedef struct tl_registry_index {
    uint64_t by_first[256]; /* those that may begin with the byte */
    uint64_t by_port[256];  /* those that are usual on a port with that low byte: they are asked whatever the first bytes are */
} tl_registry_index;

typedef struct tl_registry { /* borrowed by every framer */
    const tl_detector *const *items;
    size_t n;
    const tl_registry_index *index; /* borrowed; NULL: all are asked, which comes to the same */
} tl_registry;

/* Of n detectors; fills the index in, which is borrowed as the detectors are. */
tl_registry tl_registry_of(const tl_detector *const *items, size_t n, tl_registry_index *index);

/* All built-in detectors. */
const tl_registry *tl_registry_builtin(void);

/* The detector for these first bytes: the first that says YES; NULL: none (yet).  *wait is set when one said MAYBE and more bytes may
** settle it; *likely is the first that says LIKELY, to be taken when there is no more to wait for; NULL: none. */
const tl_detector *tl_registry_pick(const tl_registry *r, const tl_probe *in, bool *wait, const tl_detector **likely);

/* The built-in detectors in order of preference: the most frequent first (each session asks them in turn), what looks like many things
 * last. */
#define TL_DETECTORS(X)                                                                                                                    \
    X(tl_http1)                                                                                                                            \
    X(tl_tls)                                                                                                                              \
    X(tl_amqp)                                                                                                                             \
    X(tl_bgp)                                                                                                                              \
    X(tl_bittorrent)                                                                                                                       \
    X(tl_cassandra)                                                                                                                        \
    X(tl_cotp)                                                                                                                             \
    X(tl_diameter)                                                                                                                         \
    X(tl_dicom)                                                                                                                            \
    X(tl_dnp3)                                                                                                                             \
    X(tl_dns)                                                                                                                              \
    X(tl_doip)                                                                                                                             \
    X(tl_enip)                                                                                                                             \
    X(tl_fix)                                                                                                                              \
    X(tl_ftp)                                                                                                                              \
    X(tl_git)                                                                                                                              \
    X(tl_http2)                                                                                                                            \
    X(tl_iec104)                                                                                                                           \
    X(tl_imap)                                                                                                                             \
    X(tl_kafka)                                                                                                                            \
    X(tl_ldap)                                                                                                                             \
    X(tl_memcached)                                                                                                                        \
    X(tl_memcached_binary)                                                                                                                 \
    X(tl_mllp)                                                                                                                             \
    X(tl_modbus)                                                                                                                           \
    X(tl_mongodb)                                                                                                                          \
    X(tl_mqtt)                                                                                                                             \
    X(tl_mysql)                                                                                                                            \
    X(tl_opcua)                                                                                                                            \
    X(tl_pop3)                                                                                                                             \
    X(tl_postgresql)                                                                                                                       \
    X(tl_proxy)                                                                                                                            \
    X(tl_rdp)                                                                                                                              \
    X(tl_redis)                                                                                                                            \
    X(tl_rtmp)                                                                                                                             \
    X(tl_rtsp)                                                                                                                             \
    X(tl_s7comm)                                                                                                                           \
    X(tl_sip)                                                                                                                              \
    X(tl_smb)                                                                                                                              \
    X(tl_smtp)                                                                                                                             \
    X(tl_someip)                                                                                                                           \
    X(tl_ssh)                                                                                                                              \
    X(tl_telnet)                                                                                                                           \
    X(tl_websocket)                                                                                                                        \
    X(tl_lines)

#define X(name) extern const tl_detector name;
TL_DETECTORS(X)
#undef X

#endif
