/*
** tls_certificate.c - who a certificate says it is for and from: a reader of DER (X.690) that knows no more than it needs.
**
** Only the first certificate of the list is read: the peer's own (RFC 5246 section 7.4.2).  Nothing is verified.  Values whose
** length is not whole within the bytes at hand read as empty; elements of indefinite length are not DER.
*/
#include "message/protocol/tls_parts.h"

enum { SEQUENCE = 0x30, SET = 0x31, OID = 0x06, OCTETS = 0x04, DNS_NAME = 0x82, NAMES_SHOWN = 1024, NAME_SHOWN = 256 };

/* The next element: its tag, or 0 at the end.  cut_ok: what is there of its value counts. */
static unsigned element(tl_span *in, tl_span *value, bool cut_ok)
{
    unsigned tag = (unsigned)tl_take_be(in, 1);
    *value = tl_span_of(in->p, 0);
    if (in->n == 0) return 0;
    size_t n = (size_t)tl_take_be(in, 1);
    if (n > 0x80 + 3 || n == 0x80) {
        in->n = 0;
        return 0;
    }
    if (n > 0x80) {
        if (in->n < n - 0x80) {
            in->n = 0;
            return 0;
        }
        n = (size_t)tl_take_be(in, n - 0x80);
    }
    if (n > in->n && cut_ok) n = in->n;
    if (n > in->n) {
        in->n = 0;
        return 0;
    }
    *value = tl_take(in, n);
    return tag;
}

/* The value of the attribute 2.5.4.x of a Name: the last one, the most specific. */
static tl_span attribute(tl_span name, uint8_t which)
{
    tl_span found = tl_span_of(name.p, 0), set, pair, oid, value;
    while (element(&name, &set, false) == SET) {
        while (element(&set, &pair, false) == SEQUENCE) {
            bool wanted = element(&pair, &oid, false) == OID && oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 4 && oid.p[2] == which;
            if (wanted && element(&pair, &value, false) != 0) found = value;
        }
    }
    return found;
}
enum { COMMON_NAME = 3, ORGANIZATION = 10 };

struct certificate {
    tl_span issuer, subject, not_before, not_after, extensions;
};

/* Certificate message → first certificate → its TBSCertificate (RFC 5280 section 4.1). */
static struct certificate read_certificate(tl_span body)
{
    tl_span none = tl_span_of(body.p, 0);
    struct certificate c = {none, none, none, none, none};
    tl_span outer, tbs, skipped, validity;
    (void)tl_take_be(&body, 3); /* of the list */
    size_t n = (size_t)tl_take_be(&body, 3);
    tl_span der = tl_take(&body, n < body.n ? n : body.n);
    if (element(&der, &outer, true) != SEQUENCE || element(&outer, &tbs, true) != SEQUENCE) return c;
    if (tbs.n > 0 && tbs.p[0] == 0xa0) element(&tbs, &skipped, false); /* version */
    element(&tbs, &skipped, false);                                    /* serial number */
    element(&tbs, &skipped, false);                                    /* signature algorithm */
    if (element(&tbs, &c.issuer, false) != SEQUENCE || element(&tbs, &validity, false) != SEQUENCE) return c;
    element(&validity, &c.not_before, false);
    element(&validity, &c.not_after, false);
    if (element(&tbs, &c.subject, false) != SEQUENCE) return c;
    element(&tbs, &skipped, false); /* public key */
    for (unsigned tag; (tag = element(&tbs, &skipped, true)) != 0;)
        if (tag == 0xa3) c.extensions = skipped;
    return c;
}

/* subjectAltName's dNSNames (RFC 5280 section 4.2.1.6), with commas between them. */
static void add_names(tl_span extensions, tl_text *out)
{
    tl_span list, one, oid, value, names, name;
    if (element(&extensions, &list, true) != SEQUENCE) return;
    while (element(&list, &one, false) == SEQUENCE) {
        if (element(&one, &oid, false) != OID || oid.n != 3 || memcmp(oid.p, "\x55\x1d\x11", 3) != 0) continue;
        unsigned tag = element(&one, &value, false);
        if (tag == 1) tag = element(&one, &value, false); /* critical */
        if (tag != OCTETS || element(&value, &names, false) != SEQUENCE) continue;
        while ((tag = element(&names, &name, false)) != 0 && out->n < NAMES_SHOWN) {
            if (tag != DNS_NAME) continue;
            if (out->n > 0) tl_text_add(out, ",");
            tl_text_bytes(out, name.p, name.n);
        }
    }
}

tl_span tl_tls_subject(tl_span body)
{
    struct certificate c = read_certificate(body);
    tl_span name = attribute(c.subject, COMMON_NAME);
    return name.n > 0 ? name : attribute(c.subject, ORGANIZATION);
}

static void field(tl_text *json, const char *name, tl_span value)
{
    if (value.n > 0) tl_json_field(json, name, value, NAME_SHOWN);
}

/* UTCTime or GeneralizedTime, as "2031-02-03T04:05:06Z"; RFC 5280 section 4.1.2.5: with seconds, and in UTC. */
static void time_field(tl_text *json, const char *name, tl_span t)
{
    tl_text out = {0};
    if ((t.n != 13 && t.n != 15) || !tl_is_text(t) || t.p[t.n - 1] != 'Z') return;
    if (t.n == 13) tl_text_add(&out, t.p[0] >= '5' ? "19" : "20");
    size_t year = t.n - 11;
    tl_text_bytes(&out, t.p, year);
    static const char before[][2] = {"-", "-", "T", ":", ":"};
    for (size_t i = 0; i < 5; i++) {
        tl_text_add(&out, before[i]);
        tl_text_bytes(&out, t.p + year + 2 * i, 2);
    }
    tl_text_add(&out, "Z");
    if (out.failed) json->failed = true;
    field(json, name, tl_span_of(out.p, out.n));
    tl_text_free(&out);
}

void tl_tls_describe_certificate(tl_span body, tl_text *json)
{
    struct certificate c = read_certificate(body);
    tl_text names = {0};
    field(json, "subject", attribute(c.subject, COMMON_NAME));
    field(json, "subject_organization", attribute(c.subject, ORGANIZATION));
    field(json, "issuer", attribute(c.issuer, COMMON_NAME));
    field(json, "issuer_organization", attribute(c.issuer, ORGANIZATION));
    time_field(json, "not_before", c.not_before);
    time_field(json, "not_after", c.not_after);
    add_names(c.extensions, &names);
    if (names.failed) json->failed = true;
    if (names.n > 0) tl_json_field(json, "names", tl_span_of(names.p, names.n), NAMES_SHOWN);
    tl_text_free(&names);
}
