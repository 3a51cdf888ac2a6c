/*
** source_filter.c - frames that a BPF expression matches, of any source.
**
** An expression means other instructions on another link type, and a pcapng has several: one program for each that turns up, compiled
** when it does.  A link type on which the expression has no meaning ends the source with EUSAGE: leaving its frames out in silence
** would look as if they had been examined.  Frames of no known link type match nothing.
*/
#include "capture/source.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

enum { SNAPLEN = 262144, PROGRAMS_MOST = 256 };

typedef struct program {
    struct program *next;
    int linktype;
    struct bpf_program bpf;
} program;

typedef struct filter_source {
    tl_source base;
    tl_source *inner;  /* owned */
    char *expression;  /* owned */
    program *programs; /* owned; the one used last is in front */
    unsigned count;
} filter_source;

/* The expression for a link type; NULL: *err says why. */
static program *compile(const char *expression, int linktype, tl_error *err)
{
    program *p = calloc(1, sizeof *p);
    pcap_t *dead = pcap_open_dead(linktype, SNAPLEN);
    if (p == NULL || dead == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "no memory for a filter");
        free(p);
        p = NULL;
    } else if (pcap_compile(dead, &p->bpf, expression, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        const char *name = pcap_datalink_val_to_name(linktype);
        (void)tl_fail(err, TL_EUSAGE, "the filter '%.100s' cannot be used on link type %d (%s): %s", expression, linktype,
                      name ? name : "unknown", pcap_geterr(dead));
        free(p);
        p = NULL;
    } else {
        p->linktype = linktype;
    }
    if (dead != NULL) pcap_close(dead);
    return p;
}

static tl_rc program_for(filter_source *f, int linktype, const program **out)
{
    program **at = &f->programs;
    while (*at != NULL && (*at)->linktype != linktype) at = &(*at)->next;
    program *p = *at;
    if (p != NULL) {
        *at = p->next;
    } else {
        if (f->count == PROGRAMS_MOST) return tl_fail(&f->base.error, TL_EUSAGE, "a filter on more than %d link types", PROGRAMS_MOST);
        p = compile(f->expression, linktype, &f->base.error);
        if (p == NULL) return f->base.error.rc;
        f->count++;
    }
    p->next = f->programs;
    f->programs = p;
    *out = p;
    return TL_OK;
}

static tl_rc filter_next(tl_source *s, tl_frame *out)
{
    filter_source *f = (filter_source *)s;
    for (;;) {
        tl_rc rc = tl_source_next(f->inner, out);
        s->facts = f->inner->facts;
        if (rc != TL_OK) {
            s->error = f->inner->error;
            return rc;
        }
        if (out->linktype < 0) continue;
        const program *p = f->programs;
        if (p == NULL || p->linktype != out->linktype) {
            rc = program_for(f, out->linktype, &p);
            if (rc != TL_OK) return rc;
        }
        const struct pcap_pkthdr h = {.caplen = (bpf_u_int32)out->bytes.n, .len = out->wire_len};
        if (pcap_offline_filter(&p->bpf, &h, out->bytes.p) != 0) return TL_OK;
    }
}

static void filter_close(tl_source *s)
{
    filter_source *f = (filter_source *)s;
    while (f->programs != NULL) {
        program *next = f->programs->next;
        pcap_freecode(&f->programs->bpf);
        free(f->programs);
        f->programs = next;
    }
    tl_source_close(f->inner);
    free(f->expression);
    free(f);
}

static const tl_source_ops filter_ops = {filter_next, filter_close};

tl_source *tl_source_open_filter(tl_source *inner, const char *expression, tl_error *err)
{
    filter_source *f = calloc(1, sizeof *f);
    if (f == NULL) {
        tl_source_close(inner);
        (void)tl_fail(err, TL_ENOMEM, "no memory for a filter");
        return NULL;
    }
    f->base.ops = &filter_ops;
    f->base.facts = inner->facts;
    f->inner = inner;
    f->expression = strdup(expression);
    if (f->expression == NULL) {
        filter_close(&f->base);
        (void)tl_fail(err, TL_ENOMEM, "no memory for a filter");
        return NULL;
    }
    /* A typing error is told before the first frame; where the link type is not known yet, Ethernet stands in. */
    const program *first;
    tl_rc rc = program_for(f, inner->facts.linktype >= 0 ? inner->facts.linktype : DLT_EN10MB, &first);
    if (rc != TL_OK) {
        if (err != NULL) *err = f->base.error;
        filter_close(&f->base);
        return NULL;
    }
    return &f->base;
}
