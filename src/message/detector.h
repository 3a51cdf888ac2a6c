/*
** detector.h - where messages begin and end.  One const struct per protocol, one file each (protocol/).
**
** A detector answers one question about the bytes at a message boundary: how long is what begins here?  It never buffers, never sees
** packets.  The framer (framer.h) does the waiting, the counting, the holes and the pairing.
**
** CONTRACT of measure(): a pure function of (state, in); it changes state only when it answers FRAME; a longer head never
** takes back what a shorter one settled; length > 0; need > head.n and need <= head_max.  It is never called with fewer bytes than it
** asked for, so a head is scanned once, unless `in->ended` says that no more will come.
** A head that `ended` cut may be answered with a FIRST frame of all its bytes, not strong: the message then ends there, incomplete.
** The framer also tries measure() on copies of the state that it throws away: state is plain bytes, and only accept() may put a pointer
** into it, which measure() may read through, but never change what it points at.
*/
#ifndef TL_DETECTOR_H
#define TL_DETECTOR_H

#include "base/base.h"
#include "base/text.h"

typedef enum tl_match { /* may these be the first bytes of a session (or what follows a switch of protocols)? */
                        TL_NO,
                        TL_MAYBE,  /* too few bytes to tell: more may settle it */
                        TL_LIKELY, /* nothing contradicts, but others could look like that: taken when nobody says YES or MAYBE */
                        TL_YES     /* taken at once: the first in the order of the registry */
} tl_match;
typedef enum tl_answer { TL_MORE, TL_FRAME, TL_REJECT } tl_answer;
enum { TL_FIRST = 1, TL_LAST = 2, TL_WHOLE = 3 };
enum { TL_UNKNOWN = -1 };
#define TL_TO_CLOSE UINT64_MAX /* length: up to the end of the stream */
#define TL_AT_END   SIZE_MAX   /* resync(): a boundary lies right behind the bytes: what comes next begins there */

typedef enum tl_role {
    TL_ROLE_NONE, /* answers nothing and is not answered */
    TL_REQUEST,
    TL_RESPONSE,      /* the final answer to a request */
    TL_INTERIM,       /* an answer that leaves the request open: HTTP 1xx */
    TL_MAYBE_RESPONSE /* a response, or the rest of one that a hole cut: what it may answer is neither answered nor unanswered */
} tl_role;

/* What measure(), resync() and describe() look at. */
typedef struct tl_head {
    tl_dir dir;
    tl_span bytes;               /* from the boundary on, contiguous, as many as are there (at least what MORE asked for) */
    bool ended;                  /* the stream ends, or a hole begins, right after them: no more will come */
    int before;                  /* the byte right before them; TL_UNKNOWN: a hole, or the start of the stream */
    uint32_t asked;              /* tag of the request that a message beginning here would answer, by order; 0: none known */
    bool awaited;                /* requests wait that it could answer, by order, even where it is not clear which of them it would */
    const struct tl_pairs *asks; /* for tl_asked(); NULL: none */
    bool again;  /* resync(): it has named this place before, seeing what lies before it: may it still, now that more bytes are there? */
    size_t seen; /* what the last MORE about this boundary left in tl_verdict.seen; 0 at first.  The answer may not depend on it */
} tl_head;

typedef struct tl_verdict {
    tl_answer answer;
    size_t need;          /* MORE: do not ask again with fewer bytes than this */
    size_t seen;          /* MORE: handed back in tl_head.seen, so that a head that comes byte by byte is scanned once */
    size_t skip;          /* REJECT: no message begins in that many bytes from the boundary on either; 0 means 1.  With `next`: what begins
                             here is that protocol's, to which both directions go over; the latest open request whose tag has one of
                             the bits of `tag` is taken along under next_id, where that is not 0 */
    uint64_t length;      /* FRAME: from the boundary to the frame's end; may exceed bytes.n; TL_TO_CLOSE */
    unsigned edge;        /* FRAME: TL_FIRST and/or TL_LAST frame of its message, or 0: in the middle */
    uint32_t head_length; /* FRAME with FIRST: bytes that describe() needs, <= bytes.n */
    tl_role role;         /* FRAME with FIRST */
    uint32_t tag;         /* FRAME with FIRST, request: handed back as tl_head.asked of the response; not 0 */
    bool has_id;          /* FRAME with FIRST, request or response: paired by id, not by order */
    uint64_t id;          /* a response answers the latest request of the other direction that had its id and is open */
    bool strong;          /* FRAME: the bytes are beyond doubt this protocol's: believed after a hole unless what follows says no */
    bool elastic;         /* FRAME without LAST: the message ends where a mark stands (SMTP's DATA): a hole before its LAST frame is counted
                             as missing, and the bytes behind it are measured as if they followed */
    bool last_of_protocol;          /* FRAME: what follows this message (both directions) is another protocol: CONNECT, Upgrade, STARTTLS */
    const struct tl_detector *next; /* with last_of_protocol: that one; NULL: it is detected anew.  With REJECT: see skip */
    uint64_t next_id;               /* with next, of an INTERIM: what it answers stays open, and has this id there; 0: it does not */
    const char *kind;               /* FRAME with FIRST: static: "request", "response", "record" */
    tl_span summary;                /* FRAME with FIRST: for people, within bytes; shown escaped */
} tl_verdict;

typedef struct tl_probe {
    uint16_t server_port;
    tl_span head[2]; /* the first bytes of each direction, by tl_dir; may be empty */
} tl_probe;

typedef struct tl_detector tl_detector;
struct tl_detector {
    const char *name;
    size_t head_max;   /* the most bytes that measure() may ask for */
    size_t state_size; /* per session, both directions; all zero is the start; <= TL_STATE_MAX */
    uint16_t ports[8]; /* server ports it is usual on, for people and for TL_LIKELY; 0 ends them */
    /* What probe() need not be asked about: pairs of first and last byte of a range.  Where server_port is none of `ports`, it says NO
    ** whenever no direction begins with a byte of these, whatever follows.  Empty: any byte may be the first. */
    tl_span first;
    tl_match (*probe)(const tl_detector *d, const tl_probe *in);
    tl_verdict (*measure)(const tl_detector *d, void *state, const tl_head *in);
    /* Offset of the next plausible boundary in in->bytes, TL_AT_END, or bytes.n where there is none.  A boundary that is cut by the
    ** end counts as plausible.  Called with the state of a lost direction; NULL: cannot. */
    size_t (*resync)(const tl_detector *d, const void *state, const tl_head *in);
    /* After a hole: forget what the state knows about this direction (chunked body, ...).  NULL: nothing to forget. */
    void (*lost)(const tl_detector *d, void *state, tl_dir dir);
    /* Adds the members of a JSON object (tl_json_field) to an object that is already open.  in->bytes holds head_length bytes
    ** of the message.  NULL: nothing to say. */
    void (*describe)(const tl_detector *d, const void *state, const tl_head *in, tl_text *json);
    /* Called once for every FRAME that the framer takes (not for trials), before describe() and pairing, with the state after measure():
    ** may keep memory behind the state (HPACK's table), and settle role, tag, id and summary of a FIRST frame from it.  The summary may
    ** point into that memory, until the next call.  OK or ENOMEM.  NULL: nothing to do. */
    tl_rc (*accept)(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v);
    /* Gives back what accept() kept.  NULL: nothing. */
    void (*release)(const tl_detector *d, void *state);
    const void *config; /* declared framings; NULL for built-ins */
};
enum { TL_STATE_MAX = 256 };

/* A detector in a shared object (tcpledger-ingest --detector FILE.so): say TL_DETECTOR_EXPORT(name_of_the_struct) once.  The number counts
** up when this header, base.h or text.h change so that an older object would do wrong; the programs refuse others. */
enum { TL_DETECTOR_ABI = 3 };
#define TL_DETECTOR_EXPORT(detector)                                                                                                       \
    extern const unsigned tl_detector_abi;                                                                                                 \
    extern const tl_detector *const tl_detector_main;                                                                                      \
    const unsigned tl_detector_abi = TL_DETECTOR_ABI;                                                                                      \
    const tl_detector *const tl_detector_main = &(detector)

/* For tl_detector.first: TL_FIRST("AZaz"). */
#define TL_FIRST(pairs)                                                                                                                    \
    {                                                                                                                                      \
        (const uint8_t *)(pairs), sizeof(pairs) - 1                                                                                        \
    }

/* The tag of the open request with that id in the other direction than `in`; 0: none is known. */
uint32_t tl_asked(const tl_head *in, uint64_t id);
/* True where port is one of d->ports.  Inline: most detectors have one or two, and ask for each session. */
inline bool tl_usual_port(const tl_detector *d, uint16_t port)
{
    for (size_t i = 0; i < sizeof d->ports / sizeof *d->ports && d->ports[i] != 0; i++)
        if (d->ports[i] == port) return true;
    return false;
}

#endif
