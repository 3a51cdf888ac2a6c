/*
** base.c - errors and addresses as text.
*/
#include "base/base.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Copies raw to out, which holds room bytes, so that nothing in it steers a terminal; cut between characters. */
static void copy_readable(char *out, size_t room, const char *raw)
{
    static const char hex[] = "0123456789abcdef";
    tl_span in = tl_span_of(raw, strlen(raw));
    size_t n = 0;
    while (in.n > 0) {
        size_t take = tl_text_readable(in), put = take ? take : 4;
        if (n + put >= room) break;
        if (take) {
            memcpy(out + n, in.p, take);
        } else {
            out[n] = '\\';
            out[n + 1] = 'x';
            out[n + 2] = hex[in.p[0] >> 4];
            out[n + 3] = hex[in.p[0] & 15];
            take = 1;
        }
        n += put;
        in = tl_span_of(in.p + take, in.n - take);
    }
    out[n] = '\0';
}

tl_rc tl_fail(tl_error *err, tl_rc rc, const char *fmt, ...)
{
    assert(rc != TL_OK);
    if (err == NULL) return rc;
    char raw[sizeof err->text]; /* err->text itself may be among the arguments */
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(raw, sizeof raw, fmt, args) < 0) raw[0] = '\0';
    va_end(args);
    err->rc = rc;
    copy_readable(err->text, sizeof err->text, raw);
    return rc;
}

/* As inet_ntop(3) does it, but without printf: a scan is millions of addresses. */
static char *ipv4_text(const uint8_t *ip, char *out)
{
    char *at = out;
    for (int i = 0; i < 4; i++) {
        unsigned v = ip[i];
        if (i > 0) *at++ = '.';
        if (v >= 100) *at++ = (char)('0' + v / 100);
        if (v >= 10) *at++ = (char)('0' + v / 10 % 10);
        *at++ = (char)('0' + v % 10);
    }
    *at = '\0';
    return out;
}

char *tl_addr_text(const tl_addr *a, char *out)
{
    return tl_addr_is_ipv4(a) ? ipv4_text(a->ip + 12, out) : tl_addr_text_ipv6(a, out);
}

char *tl_addr_text_ipv6(const tl_addr *a, char *out)
{
    const char *text = inet_ntop(AF_INET6, a->ip, out, TL_ADDR_TEXT);
    assert(text != NULL);
    return out;
}

bool tl_addr_parse(const char *text, tl_addr *out)
{
    memcpy(out->ip, mapped_prefix, sizeof mapped_prefix);
    return inet_pton(AF_INET, text, out->ip + 12) == 1 || inet_pton(AF_INET6, text, out->ip) == 1;
}
