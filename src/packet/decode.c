/*
** decode.c - the loop over layers, and the words for what came out of it.
**
** A frame has one outcome, by this table; "inside IP" means that an IP header was decoded before:
**
**     step says       outside IP      inside IP       inside a tunnel that was only guessed by its UDP port
**     NOT_IP          not_ip          not_tcp         not_tcp
**     LINKTYPE        unknown_link    not_tcp         not_tcp
**     MALFORMED       malformed       malformed       not_tcp
**     anything else   as it is
*/
#include "packet/layer.h"

#include <stdio.h>

/* More than any stack of TL_LAYERS_MAX layers needs: a layer takes three steps at most, IPv6 options one each. */
enum { STEPS_MAX = 64 };

typedef layer (*step)(cursor *c);

static const step steps[LAYERS] = {
    [LAYER_LINK] = tl_link_dispatch,
    [LAYER_ETHERTYPE] = tl_label_ethertype,
    [LAYER_PROTOCOL] = tl_ip_protocol,
    [LAYER_ETHERNET] = tl_link_ethernet,
    [LAYER_LLC] = tl_link_llc,
    [LAYER_VLAN] = tl_label_vlan,
    [LAYER_MPLS] = tl_label_mpls,
    [LAYER_PPPOE] = tl_label_pppoe,
    [LAYER_PPP] = tl_label_ppp,
    [LAYER_IP] = tl_ip_either,
    [LAYER_IPV4] = tl_ip_v4,
    [LAYER_IPV6] = tl_ip_v6,
    [LAYER_IPV6_OPTIONS] = tl_ip_options,
    [LAYER_IPV6_FRAGMENT] = tl_ip_fragment,
    [LAYER_AH] = tl_ip_ah,
    [LAYER_GRE] = tl_tunnel_gre,
    [LAYER_L2TPV3] = tl_tunnel_l2tpv3,
    [LAYER_ETHERIP] = tl_tunnel_etherip,
    [LAYER_UDP] = tl_udp,
    [LAYER_TCP] = tl_tcp,
    [LAYER_RADIOTAP] = tl_wireless_radiotap,
    [LAYER_PRISM] = tl_wireless_prism,
    [LAYER_WLAN] = tl_wireless_frame,
};

void tl_cursor_start(cursor *c, int linktype, tl_span frame, uint32_t wire_len, tl_at at, tl_segment *out)
{
    *out = (tl_segment){.at = at, .window_scale = -1};
    *c = (cursor){
        .p = frame.p,
        .n = frame.n,
        .wire = frame.n > wire_len ? frame.n : wire_len,
        .type = (uint32_t)linktype,
        .out = out,
    };
}

static tl_decoded settle(const cursor *c)
{
    switch (c->how) {
    case TL_SEG_NOT_IP:
    case TL_SEG_LINKTYPE: return c->in_ip ? TL_SEG_NOT_TCP : c->how;
    case TL_SEG_MALFORMED: return c->guessed ? TL_SEG_NOT_TCP : c->how;
    default: return c->how;
    }
}

tl_decoded tl_cursor_run(cursor *c, layer first)
{
    layer next = first;
    while (next != LAYER_STOP) {
        if (c->steps++ == STEPS_MAX) return TL_SEG_TOO_DEEP;
        next = steps[next](c);
    }
    return settle(c);
}

tl_decoded tl_decode(int linktype, tl_span frame, uint32_t wire_len, tl_at at, tl_segment *out)
{
    cursor c;
    tl_cursor_start(&c, linktype, frame, wire_len, at, out);
    return tl_cursor_run(&c, LAYER_LINK);
}

const char *tl_decoded_name(tl_decoded how)
{
    static const char *const names[TL_SEG_OUTCOMES] = {
        [TL_SEG_OK] = "tcp",
        [TL_SEG_LINKTYPE] = "unknown_link",
        [TL_SEG_NOT_IP] = "not_ip",
        [TL_SEG_NOT_TCP] = "not_tcp",
        [TL_SEG_FRAGMENT] = "fragment",
        [TL_SEG_TRUNCATED] = "truncated",
        [TL_SEG_MALFORMED] = "malformed",
        [TL_SEG_TOO_DEEP] = "too_deep",
        [TL_SEG_ENCRYPTED] = "encrypted",
        [TL_SEG_OTHER_CHANNEL] = "other_channel",
        [TL_SEG_FRAGMENT_LOST] = "fragment_lost",
    };
    return (unsigned)how < TL_SEG_OUTCOMES ? names[how] : "unknown";
}

char *tl_layers_vlan_text(const tl_layers *l, char *out)
{
    size_t at = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < l->n; i++)
        if (l->kind[i] == TL_LAYER_VLAN) at += (size_t)snprintf(out + at, TL_LAYERS_TEXT - at, "%s%u", at ? "." : "", (unsigned)l->id[i]);
    return out;
}

char *tl_layers_tunnel_text(const tl_layers *l, char *out)
{
    /* A colon: the id is always told.  A digit follows without one: the outer version.  Else only an id that is not 0. */
    static const char *const names[] = {
        [TL_LAYER_MPLS] = "mpls:",     [TL_LAYER_PPPOE] = "pppoe:", [TL_LAYER_IP] = "ip",          [TL_LAYER_GRE] = "gre",
        [TL_LAYER_ERSPAN] = "erspan:", [TL_LAYER_VXLAN] = "vxlan:", [TL_LAYER_GENEVE] = "geneve:", [TL_LAYER_GTP] = "gtp:",
        [TL_LAYER_TEREDO] = "teredo",  [TL_LAYER_L2TP] = "l2tp:",   [TL_LAYER_AH] = "ah:",         [TL_LAYER_ETHERNET] = "ethernet",
        [TL_LAYER_LISP] = "lisp:",     [TL_LAYER_NSH] = "nsh:",
    };
    size_t at = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < l->n; i++) {
        if (l->kind[i] == TL_LAYER_VLAN) continue;
        const char *name = names[l->kind[i]];
        at += (size_t)snprintf(out + at, TL_LAYERS_TEXT - at, "%s%s", at ? "/" : "", name);
        bool always = out[at - 1] == ':' || l->kind[i] == TL_LAYER_IP;
        if (always || l->id[i] != 0) at += (size_t)snprintf(out + at, TL_LAYERS_TEXT - at, "%s%u", always ? "" : ":", (unsigned)l->id[i]);
    }
    return out;
}
