/*
** source_live.c - packets of a network device, by libpcap.
**
** Call order: open (needs the right to capture), next until END, close.  next waits for a packet; interrupt, the only call that another
** thread or a signal handler may make, ends the wait.  facts.drops is the kernel's count of what did not reach us, brought up to date
** now and then and at the end.
*/
#include "capture/source.h"

#include <pcap/pcap.h>
#include <stdlib.h>

enum {
    SNAPLEN = 262144,
    WAKE_MS = 100, /* the kernel hands over a block that is not full after so long */
    RING_BYTES = 32 * 1024 * 1024,
    STATS_EVERY = 4096 /* frames */
};

typedef struct live_source {
    tl_source base;
    pcap_t *pcap; /* owned */
    int64_t fraction_ns;
    int linktype;
    uint64_t frames;
    uint32_t last_drops; /* the kernel's counters have 32 bits and wrap */
    tl_rc ended;
} live_source;

static void count_drops(live_source *l)
{
    struct pcap_stat stat;
    if (pcap_stats(l->pcap, &stat) != 0) return;
    uint32_t drops = stat.ps_drop + stat.ps_ifdrop;
    if (l->base.facts.drops < 0) l->base.facts.drops = 0;
    l->base.facts.drops += drops - l->last_drops;
    l->last_drops = drops;
}

static tl_rc live_next(tl_source *s, tl_frame *out)
{
    live_source *l = (live_source *)s;
    if (l->ended != TL_OK) return l->ended;
    struct pcap_pkthdr *h;
    const u_char *data;
    int got;
    do {
        got = pcap_next_ex(l->pcap, &h, &data);
    } while (got == 0); /* the wait timed out */
    if (got != 1) {
        count_drops(l);
        if (got == PCAP_ERROR_BREAK) return l->ended = TL_END;
        return l->ended =
                   tl_fail(&s->error, TL_EIO, "capturing failed after frame %llu: %s", (unsigned long long)l->frames, pcap_geterr(l->pcap));
    }
    *out = (tl_frame){
        .at = {.ns = (int64_t)h->ts.tv_sec * 1000000000 + (int64_t)h->ts.tv_usec * l->fraction_ns, .frame = ++l->frames},
        .linktype = l->linktype,
        .wire_len = h->len > h->caplen ? h->len : h->caplen,
        .bytes = tl_span_of(data, h->caplen),
    };
    s->facts.bytes_read += h->caplen;
    if (l->frames % STATS_EVERY == 0) count_drops(l);
    return TL_OK;
}

static void live_close(tl_source *s)
{
    live_source *l = (live_source *)s;
    pcap_close(l->pcap);
    free(l);
}

static const tl_source_ops live_ops = {live_next, live_close};

/* OK, or *err is set. */
static tl_rc set_filter(pcap_t *p, const char *filter, tl_error *err)
{
    struct bpf_program program;
    if (filter == NULL) return TL_OK;
    if (pcap_compile(p, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return tl_fail(err, TL_EUSAGE, "the filter '%.100s' cannot be used here: %s", filter, pcap_geterr(p));
    int set = pcap_setfilter(p, &program);
    pcap_freecode(&program);
    if (set != 0) return tl_fail(err, TL_EIO, "the filter cannot be set: %s", pcap_geterr(p));
    return TL_OK;
}

/* Activates with what the device can do; warnings (no promiscuous mode, say) are no reason to fail. */
static tl_rc activate(pcap_t *p, const char *device, tl_error *err)
{
    /* Each of these fails only on an active handle, but for the precision, which the device may not have. */
    pcap_set_snaplen(p, SNAPLEN);
    pcap_set_promisc(p, 1);
    pcap_set_timeout(p, WAKE_MS);
    pcap_set_buffer_size(p, RING_BYTES);
    pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
    int rc = pcap_activate(p);
    if (rc >= 0) return TL_OK;
    const char *why = pcap_geterr(p);
    const char *advice = rc == PCAP_ERROR_PERM_DENIED ? " (capturing needs root, or the CAP_NET_RAW capability)" : "";
    return tl_fail(err, TL_EIO, "%.100s: cannot capture%s: %s%s%s", device, advice, pcap_statustostr(rc), why[0] ? ": " : "", why);
}

tl_source *tl_source_open_live(const char *device, const char *filter, tl_error *err)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    live_source *l = calloc(1, sizeof *l);
    if (l == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "no memory to capture");
        return NULL;
    }
    l->pcap = pcap_create(device, text);
    if (l->pcap == NULL) {
        (void)tl_fail(err, TL_EIO, "%.100s: cannot capture: %s", device, text);
        free(l);
        return NULL;
    }
    l->base.ops = &live_ops;
    if (activate(l->pcap, device, err) != TL_OK || set_filter(l->pcap, filter, err) != TL_OK) {
        live_close(&l->base);
        return NULL;
    }
    l->linktype = pcap_datalink(l->pcap);
    l->fraction_ns = pcap_get_tstamp_precision(l->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    l->base.facts = (tl_source_facts){.format = "live", .linktype = l->linktype, .snaplen = SNAPLEN, .drops = -1};
    count_drops(l);
    return &l->base;
}

void tl_source_interrupt(tl_source *live)
{
    pcap_breakloop(((live_source *)live)->pcap);
}
