/*
** detector_first_test.c - every detector against the first bytes that it declares (tl_detector.first), and the registry that asks only
** those whose declaration fits.
**
** What a detector says of a byte outside its set is looked for, not derived: random tails, tails of few values, and the first bytes of
** many protocols behind the wrong first byte.
*/
#include "message/registry.h"
#include "support/check.h"

#include <stdio.h>
#include <string.h>

enum { TAIL_MOST = 96, TRIES = 60 };

/* What follows a first byte; of each the first byte is replaced. */
static const struct tail {
    const char *text;
    size_t n;
} tails[] = {
#define TAIL(text)                                                                                                                         \
    {                                                                                                                                      \
        text, sizeof(text) - 1                                                                                                             \
    }
    TAIL("GET / HTTP/1.1\r\n\r\n"),
    TAIL("\r\nGET / HTTP/1.1\r\n\r\n"),
    TAIL("HTTP/1.1 200 OK\r\n"),
    TAIL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    TAIL("\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64"),
    TAIL("\x16\x03\x01\0\x04\x01\0\0\0"),
    TAIL("\0\0\0\x1d\0\x12\0\0\0\0\0\x01\0\x04test"),
    TAIL("\0\0\0\x08\0\x03\0\0user"),
    TAIL("\0\0\0\x45\xfeSMB\x40\0\0\0"),
    TAIL("\0\0\x01\x0c\x0a\x14"
         "0123456789"),
    TAIL("\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01w\x01x\0\0\x01\0\x01"),
    TAIL("\0\x01\0\0\0\x06\x01\x03\0\0\0\x01"),
    TAIL("\x4a\0\0\0\x0a"
         "8.0.30\0\x08\0\0\0abcdefgh\0"),
    TAIL("\xff\xff\xff\xff\0\x01\0\0\0\x01\x01\0\x02\0"),
    TAIL("220 mail ESMTP\r\n"),
    TAIL("EHLO host\r\n"),
    TAIL("USER me\r\n"),
    TAIL("+OK ready\r\n"),
    TAIL("* OK IMAP4rev1 ready\r\n"),
    TAIL("a1 LOGIN x y\r\n"),
    TAIL("*1\r\n$4\r\nPING\r\n"),
    TAIL("get key\r\n"),
    TAIL("0032git-upload-pack /a\0host=h\0"),
    TAIL("8=FIX.4.2\x01"
         "9=5\x01"
         "35=0\x01"),
    TAIL("PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\n"),
    TAIL("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\0"),
    TAIL("SSH-2.0-x\r\n"),
    TAIL("\x81\x05hello"),
    TAIL("HELF\x20\0\0\0\0\0\0\0"),
    TAIL("\x10\x0c\0\x04MQTT\x04\0\0\0\0\0"),
    TAIL("AMQP\0\0\x09\x01"),
    TAIL("\x03\0\0\x07\x02\xf0\x80"),
    TAIL("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"),
    TAIL("\x68\x04\x07\0\0\0"),
    TAIL("\x05\x64\x05\xc0\x01\0\0\x04\xe9\x21"),
    TAIL("\x0bMSH|^~\\&|"),
    TAIL("\x13"
         "BitTorrent protocol"),
    TAIL("\0\0\0\x0d\x06\0\0\0\0\0\0\0\0\0\0\x40\0"),
    TAIL("\xff\xfd\x18\xff\xfb\x01"),
    TAIL("OPTIONS sip:a@b SIP/2.0\r\n"),
#undef TAIL
};
enum { TAILS = sizeof tails / sizeof *tails };

static bool declared(const tl_detector *d, unsigned byte)
{
    for (size_t i = 0; i + 1 < d->first.n; i += 2)
        if (byte >= d->first.p[i] && byte <= d->first.p[i + 1]) return true;
    return d->first.n == 0;
}

/* A head that begins with the byte; returns its length. */
static size_t make_head(uint8_t *out, unsigned byte, unsigned try, unsigned long long *random)
{
    size_t n = 1 + (size_t)(tl_random(random) % TAIL_MOST);
    if (try < TAILS) {
        n = tails[try].n;
        memcpy(out, tails[try].text, n);
    } else {
        uint8_t mask = try % 4 == 0 ? 0xff : try % 4 == 1 ? 3 : try % 4 == 2 ? 0x7f : 0;
        for (size_t i = 0; i < n; i++) out[i] = (uint8_t)tl_random(random) & mask;
    }
    out[0] = (uint8_t)byte;
    return try % 3 == 0 && n > 1 ? 1 + (size_t)(tl_random(random) % n) : n;
}

static uint16_t unusual_port(const tl_detector *d, unsigned long long *random)
{
    uint16_t port = (uint16_t)tl_random(random);
    while (tl_usual_port(d, port)) port++;
    return port;
}

static unsigned outside(const tl_detector *d, unsigned long long *random)
{
    unsigned byte = (unsigned)(tl_random(random) & 0xff);
    while (declared(d, byte)) byte = (byte + 1) & 0xff;
    return byte;
}

/* How often the detector says more than NO to what its declaration rules out. */
static unsigned breaches(const tl_detector *d)
{
    unsigned found = 0;
    unsigned long long random = 1;
    uint8_t head[2][TAIL_MOST + 1];
    if (d->first.n == 0) return 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        if (declared(d, byte)) continue;
        for (unsigned try = 0; try < 3 * TRIES; try++) {
            int dir = (int)(try / TRIES); /* 2: both directions have bytes */
            size_t n = make_head(head[dir & 1], byte, try % TRIES, &random), other = 0;
            if (dir == 2) other = make_head(head[1], outside(d, &random), (unsigned)(tl_random(&random) % TRIES), &random);
            tl_probe p = {unusual_port(d, &random), {{NULL, 0}, {NULL, 0}}};
            p.head[dir & 1] = tl_span_of(head[dir & 1], n);
            if (dir == 2) p.head[1] = tl_span_of(head[1], other);
            tl_match says = d->probe(d, &p);
            if (says == TL_NO) continue;
            if (found++ == 0) printf("\n%s says %d to first byte %02x, try %u\n", d->name, (int)says, byte, try);
        }
    }
    return found;
}

static void declarations_hold(void)
{
    const tl_registry *r = tl_registry_builtin();
    for (size_t i = 0; i < r->n; i++) {
        const tl_detector *d = r->items[i];
        CU_ASSERT(d->first.n % 2 == 0);
        for (size_t k = 0; k + 1 < d->first.n; k += 2) CU_ASSERT(d->first.p[k] <= d->first.p[k + 1]);
        CU_ASSERT_EQUAL(breaches(d), 0);
    }
}

/* The test above can fail: each declaration with one range taken away is found out, for most detectors and each of these. */
static void a_false_declaration_is_found(void)
{
    static const char *const surely[] = {"http", "tls", "smtp", "ssh", "redis", "kafka", "dicom", "lines"};
    const tl_registry *r = tl_registry_builtin();
    unsigned sure = 0;
    printf("\n(what follows is what it has to find)");
    for (size_t i = 0; i < r->n; i++) {
        static const uint8_t wrong[] = {0x7f, 0x7f};
        tl_detector d = *r->items[i];
        d.first = tl_span_of(wrong, sizeof wrong);
        for (size_t k = 0; k < sizeof surely / sizeof *surely; k++)
            if (strcmp(d.name, surely[k]) == 0 && breaches(&d) > 0) sure++;
    }
    CU_ASSERT_EQUAL(sure, sizeof surely / sizeof *surely);
}

static bool same_pick(const tl_registry *a, const tl_registry *b, const tl_probe *p)
{
    bool wait_a, wait_b;
    const tl_detector *likely_a, *likely_b;
    const tl_detector *of_a = tl_registry_pick(a, p, &wait_a, &likely_a), *of_b = tl_registry_pick(b, p, &wait_b, &likely_b);
    return of_a == of_b && wait_a == wait_b && likely_a == likely_b;
}

/* With and without an index, and with so many detectors that some have no bit in it. */
static void index_changes_nothing(void)
{
    const tl_registry *builtin = tl_registry_builtin();
    static const tl_detector *many[200];
    static tl_registry_index index;
    unsigned long long random = 2;
    uint8_t head[2][TAIL_MOST + 1];
    size_t n = builtin->n + 100;
    CU_ASSERT_FATAL(n <= sizeof many / sizeof *many);
    for (size_t i = 0; i < n; i++) many[i] = builtin->items[(i + n - builtin->n) % builtin->n];
    const tl_registry bare = {builtin->items, builtin->n, NULL}, crowd_bare = {many, n, NULL}, crowd = tl_registry_of(many, n, &index);
    unsigned wrong = 0, picked = 0;
    for (unsigned i = 0; i < 40000; i++) {
        bool wait;
        const tl_detector *likely;
        const tl_detector *some = builtin->items[tl_random(&random) % builtin->n];
        tl_probe p = {i % 4 == 0 && some->ports[0] > 0 ? some->ports[0] : (uint16_t)tl_random(&random), {{NULL, 0}, {NULL, 0}}};
        for (int dir = 0; dir < 2; dir++) {
            if (i % 3 == (unsigned)dir) continue;
            unsigned try = (unsigned)(tl_random(&random) % TRIES), byte = (unsigned)(tl_random(&random) & 0xff);
            if (try < TAILS && i % 8 != 0) byte = (uint8_t)tails[try].text[0];
            p.head[dir] = tl_span_of(head[dir], make_head(head[dir], byte, try, &random));
        }
        wrong += !same_pick(builtin, &bare, &p) || !same_pick(&crowd, &crowd_bare, &p);
        picked += tl_registry_pick(builtin, &p, &wait, &likely) != NULL || likely != NULL;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(picked > 5000); /* it is not all noise */
}

/* A detector that is not asked says nothing: the index is what keeps it from that. */
static unsigned asked;
static tl_match counting_probe(const tl_detector *d, const tl_probe *in)
{
    (void)d, (void)in;
    asked++;
    return TL_NO;
}

static void only_what_fits_is_asked(void)
{
    const tl_detector counting = {.name = "counting", .ports = {7000, 443}, .first = TL_FIRST("ad\xff\xff"), .probe = counting_probe};
    const tl_detector *items[70];
    tl_registry_index index;
    bool wait;
    const tl_detector *likely;
    for (size_t i = 0; i < 70; i++) items[i] = &counting;
    const struct {
        uint16_t port;
        const char *client, *server;
        unsigned asked;
    } cases[] = {{80, "a", "", 70},    {80, "d", "x", 70}, {80, "", "\xff", 70}, {80, "e", "", 6},
                 {80, "e", "\xfe", 6}, {443, "e", "", 70}, {7000, "", "x", 70}};
    tl_registry r = tl_registry_of(items, 70, &index), few = tl_registry_of(items, 3, &index);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_probe p = {cases[i].port,
                      {tl_span_of((const uint8_t *)cases[i].client, strlen(cases[i].client)),
                       tl_span_of((const uint8_t *)cases[i].server, strlen(cases[i].server))}};
        r = tl_registry_of(items, 70, &index);
        asked = 0;
        CU_ASSERT_PTR_NULL(tl_registry_pick(&r, &p, &wait, &likely));
        CU_ASSERT_EQUAL(asked, cases[i].asked);
        few = tl_registry_of(items, 3, &index);
        asked = 0;
        CU_ASSERT_PTR_NULL(tl_registry_pick(&few, &p, &wait, &likely));
        CU_ASSERT_EQUAL(asked, cases[i].asked == 70 ? 3 : 0);
    }
}

int main(void)
{
    return tl_run_cases("detector_first", (const tl_case[]){{"declarations hold", declarations_hold},
                                                            {"a false declaration is found", a_false_declaration_is_found},
                                                            {"the index changes nothing", index_changes_nothing},
                                                            {"only what fits is asked", only_what_fits_is_asked},
                                                            {NULL, NULL}});
}
