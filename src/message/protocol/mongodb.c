/*
** mongodb.c - MongoDB's wire protocol: OP_MSG, OP_COMPRESSED, and the older OP_QUERY, OP_REPLY and their like (MongoDB Wire Protocol;
** bsonspec.org 1.1).
**
** A message says how long it is, its own number and the one that it answers: that is its id for pairing.  An OP_MSG with moreToCome gets no
** answer; one that is itself an answer is followed by others, each of which answers the one before: those answer nothing here.
** The command is the first element of the first document.  Compressed messages are not opened.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HEADER = 16,
    BEGIN = HEADER + 9, /* with the first words of the body */
    LENGTH_MAX = 48000000 + 16384,
    SHOWN = 2048,
    OP_REPLY = 1,
    OP_UPDATE = 2001,
    OP_INSERT = 2002,
    OP_QUERY = 2004,
    OP_GET_MORE = 2005,
    OP_DELETE = 2006,
    OP_KILL_CURSORS = 2007,
    OP_COMPRESSED = 2012,
    OP_MSG = 2013,
    CHECKSUM = 1,
    MORE_TO_COME = 2,
    EXHAUST_ALLOWED = 1 << 16
};

struct mongodb {
    bool goes_on[2];  /* the last answer of this direction said that more is to come */
    uint32_t last[2]; /* its number */
    tl_label label;
};

static const tl_word opcodes[] = {{OP_REPLY, "reply"},
                                  {OP_UPDATE, "update"},
                                  {OP_INSERT, "insert"},
                                  {OP_QUERY, "query"},
                                  {OP_GET_MORE, "get_more"},
                                  {OP_DELETE, "delete"},
                                  {OP_KILL_CURSORS, "kill_cursors"},
                                  {OP_COMPRESSED, "compressed"},
                                  {OP_MSG, "msg"},
                                  {0, NULL}};
static const tl_word compressors[] = {{0, "noop"}, {1, "snappy"}, {2, "zlib"}, {3, "zstd"}, {0, NULL}};

struct header {
    uint32_t length, number, answers, opcode;
};

/* May a message begin with these bytes, as far as they go? */
static bool parse_header(tl_span b, struct header *h)
{
    memset(h, 0, sizeof *h);
    if (b.n >= 4) {
        h->length = tl_le32(b.p);
        if (h->length < HEADER + 5 || h->length > LENGTH_MAX) return false;
    }
    if (b.n < HEADER) return true;
    h->number = tl_le32(b.p + 4);
    h->answers = tl_le32(b.p + 8);
    h->opcode = tl_le32(b.p + 12);
    if (tl_word_of(opcodes, h->opcode) == NULL) return false;
    if (b.n < HEADER + 4) return true;
    uint32_t word = tl_le32(b.p + HEADER), rest = h->length - HEADER;
    switch (h->opcode) {
    case OP_REPLY: return h->answers != 0 && word <= 15 && h->length >= HEADER + 20;
    case OP_QUERY: return h->answers == 0 && word <= 255;
    case OP_COMPRESSED:
        if (word == OP_COMPRESSED || tl_word_of(opcodes, word) == NULL) return false;
        return b.n < HEADER + 9 || (tl_le32(b.p + HEADER + 4) <= LENGTH_MAX && b.p[HEADER + 8] <= 3);
    case OP_MSG:
        if (word & ~(uint32_t)(CHECKSUM | MORE_TO_COME | EXHAUST_ALLOWED)) return false;
        if (b.n < BEGIN || b.p[HEADER + 4] > 1) return b.n < HEADER + 5 || b.p[HEADER + 4] <= 1;
        return tl_le32(b.p + HEADER + 5) >= 5 && tl_le32(b.p + HEADER + 5) <= rest - 5;
    default: return h->answers == 0 && word <= 255;
    }
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    struct header h;
    if (!parse_header(b, &h)) return TL_NO;
    if (b.n < BEGIN) return TL_MAYBE;
    if (h.opcode == OP_MSG || h.opcode == OP_COMPRESSED) return TL_YES;
    if (h.opcode == OP_QUERY) { /* a name with a dot in it */
        tl_span name = tl_span_of(b.p + HEADER + 4, 4);
        return tl_is_text(name) ? TL_YES : TL_NO;
    }
    return h.opcode == OP_REPLY || usual ? TL_LIKELY : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- BSON ---- */

struct element {
    uint8_t type;
    tl_span name, value;
};

/* The next element of a document whose length was taken; false: its end, or the end of what is shown. */
static bool next_element(tl_span *doc, struct element *e)
{
    static const uint8_t sizes[] = {0, 8, 0, 0, 0, 0, 0, 12, 1, 8, 0, 0, 0, 0, 0, 0, 4, 8, 8, 16};
    if (doc->n < 2 || doc->p[0] == 0) return false;
    e->type = (uint8_t)tl_take_be(doc, 1);
    e->name = tl_take_string(doc);
    size_t n = e->type < sizeof sizes ? sizes[e->type] : 0;
    switch (e->type) {
    case 2:
    case 13:
    case 14:
    case 5: /* a length, then so many bytes (and the subtype of binary data) */
        if (doc->n < 4) return false;
        n = tl_le32(doc->p);
        (void)tl_take(doc, 4);
        if (e->type == 5) n++;
        break;
    case 3:
    case 4:
    case 15: /* a length that counts itself */
        if (doc->n < 4) return false;
        n = tl_le32(doc->p);
        break;
    case 11:
        (void)tl_take_string(doc);
        e->value = tl_take_string(doc);
        return true;
    case 12: return false;
    default: break;
    }
    e->value = tl_take(doc, n);
    if ((e->type == 2 || e->type == 13) && e->value.n > 0) e->value.n--; /* its NUL */
    return true;
}

/* The document that names the command; what is there of it.  body: behind the header. */
static tl_span first_document(uint32_t opcode, tl_span body, tl_span *collection)
{
    *collection = tl_span_of(body.p, 0);
    (void)tl_take(&body, 4); /* flags, or zero */
    switch (opcode) {
    case OP_MSG:
        while (body.n >= 5 && body.p[0] == 1) {
            uint32_t n = tl_le32(body.p + 1);
            (void)tl_take(&body, n < SHOWN ? n + 1 : SHOWN);
        }
        (void)tl_take(&body, 1);
        break;
    case OP_QUERY:
        *collection = tl_take_string(&body);
        (void)tl_take(&body, 8);
        break;
    case OP_REPLY: (void)tl_take(&body, 16); break;
    case OP_INSERT:
    case OP_UPDATE:
    case OP_GET_MORE:
    case OP_DELETE: *collection = tl_take_string(&body); return tl_span_of(body.p, 0);
    default: return tl_span_of(body.p, 0);
    }
    if (body.n < 4) return tl_span_of(body.p, 0);
    (void)tl_take(&body, 4);
    return body;
}

/* ---- measure ---- */

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct mongodb *s = state;
    struct header h;
    if (in->bytes.n < HEADER) return tl_more(HEADER);
    if (!parse_header(tl_span_of(in->bytes.p, HEADER), &h)) return tl_reject(0);
    size_t want = tl_wanted(in, h.length, SHOWN);
    if (want > 0 && in->bytes.n < BEGIN) return tl_more(want < BEGIN ? want : BEGIN);
    if (!parse_header(in->bytes, &h)) return tl_reject(0);
    if (want > 0) return tl_more(want);
    tl_verdict v = tl_whole(in, h.length, SHOWN, tl_word_of(opcodes, h.opcode));
    v.strong = h.opcode != OP_REPLY || in->bytes.n >= BEGIN;
    bool more = h.opcode == OP_MSG && in->bytes.n >= HEADER + 4 && (tl_le32(in->bytes.p + HEADER) & MORE_TO_COME);
    uint32_t inside = h.opcode == OP_COMPRESSED && in->bytes.n >= HEADER + 4 ? tl_le32(in->bytes.p + HEADER) : h.opcode;
    if (h.answers == 0) {
        bool asks = inside == OP_MSG || inside == OP_QUERY || inside == OP_GET_MORE;
        if (h.opcode == OP_MSG) v.kind = "command";
        return asks && !more ? tl_with_id(tl_as(v, TL_REQUEST, 0), h.number) : v;
    }
    if (h.opcode == OP_MSG) v.kind = "reply";
    bool follows = s->goes_on[in->dir] && s->last[in->dir] == h.answers;
    s->goes_on[in->dir] = more;
    s->last[in->dir] = h.number;
    return follows ? v : tl_with_id(tl_as(v, TL_RESPONSE, 0), h.answers);
}

/* The command and what it is about. */
static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct mongodb *s = state;
    struct header h;
    struct element e;
    s->label.n = 0;
    if (in->bytes.n < HEADER || !parse_header(in->bytes, &h)) return TL_OK;
    tl_span body = tl_shown(in->bytes, h.length, SHOWN), collection;
    (void)tl_take(&body, HEADER);
    tl_span doc = first_document(h.opcode, body, &collection);
    if (h.answers == 0 && next_element(&doc, &e)) {
        tl_label_add(&s->label, e.name);
        if (e.type == 2) tl_label_add(&s->label, e.value);
    }
    tl_label_add(&s->label, collection);
    while (h.answers != 0 && next_element(&doc, &e))
        if (e.type == 2 && e.name.n == 6 && tl_begins(e.name, "errmsg")) tl_label_add(&s->label, e.value);
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static bool plausible(tl_span from)
{
    struct header h;
    return parse_header(from, &h);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

/* ---- describe ---- */

static bool named(const struct element *e, const char *name)
{
    return e->name.n == strlen(name) && memcmp(e->name.p, name, e->name.n) == 0;
}

static void describe_command(tl_span doc, tl_text *json)
{
    struct element e;
    for (unsigned i = 0; next_element(&doc, &e); i++) {
        if (i == 0) tl_json_some(json, "command", e.name, 128);
        if (i == 0 && e.type == 2) tl_json_some(json, "collection", e.value, 256);
        if (e.type == 2 && named(&e, "$db")) tl_json_some(json, "database", e.value, 256);
        if (e.type == 2 && named(&e, "collection")) tl_json_some(json, "collection", e.value, 256);
    }
}

static void describe_reply(tl_span doc, tl_text *json)
{
    struct element e;
    while (next_element(&doc, &e)) {
        if (named(&e, "ok") && e.type == 1 && e.value.n == 8) tl_json_number(json, "ok", e.value.p[7] != 0);
        if (named(&e, "ok") && e.type == 16 && e.value.n == 4) tl_json_number(json, "ok", tl_le32(e.value.p));
        if (named(&e, "n") && e.type == 16 && e.value.n == 4) tl_json_number(json, "n", tl_le32(e.value.p));
        if (named(&e, "code") && e.type == 16 && e.value.n == 4) tl_json_number(json, "code", tl_le32(e.value.p));
        if (named(&e, "errmsg") && e.type == 2) tl_json_some(json, "error", e.value, 1024);
    }
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    struct header h;
    if (in->bytes.n < HEADER || !parse_header(in->bytes, &h)) return;
    tl_span body = tl_shown(in->bytes, h.length, SHOWN), collection;
    (void)tl_take(&body, HEADER);
    tl_json_word(json, "opcode", opcodes, h.opcode);
    tl_json_number(json, "request_id", h.number);
    if (h.answers != 0) tl_json_number(json, "response_to", h.answers);
    if (h.opcode == OP_COMPRESSED && body.n >= 9) {
        tl_json_word(json, "original_opcode", opcodes, tl_le32(body.p));
        tl_json_number(json, "uncompressed_size", tl_le32(body.p + 4));
        tl_json_word(json, "compressor", compressors, body.p[8]);
        return;
    }
    if (h.opcode == OP_REPLY && body.n >= 20) tl_json_number(json, "documents", tl_le32(body.p + 16));
    tl_span doc = first_document(h.opcode, body, &collection);
    tl_json_some(json, "collection", collection, 256);
    if (h.answers != 0)
        describe_reply(doc, json);
    else if (h.opcode == OP_MSG || (collection.n > 5 && memcmp(collection.p + collection.n - 5, ".$cmd", 5) == 0))
        describe_command(doc, json);
}

const tl_detector tl_mongodb = {
    .name = "mongodb",
    .head_max = SHOWN,
    .state_size = sizeof(struct mongodb),
    .ports = {27017, 27018, 27019},
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
