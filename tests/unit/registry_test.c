/*
** registry_test.c - which protocol the first bytes are; every built-in detector against the others' first bytes.
*/
#include "message/registry.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct first {
    const char *client, *server;
    size_t client_n, server_n; /* 0: strlen */
    const char *protocol;      /* NULL: none */
    bool waits;                /* none yet: text of one side may be lines, when the other side says some, too */
};

static const char zeros[300];

static const struct first firsts[] = {
    {"GET / HTTP/1.1\r\n", "", 0, 0, "http", false},
    {"", "HTTP/1.1 200 OK\r\n", 0, 0, "http", false},
    {"garbage", "HTTP/1.0 404 Not Found\r\n", 0, 0, "http", false},
    {"PROPFIND /dav HTTP/1.1\r\n", "", 0, 0, "http", false},
    {"M-SEARCH * HTTP/1.1\r\n", "", 0, 0, "http", false},
    {"CONNECT h:443 HTTP/1.1\r\n", "", 0, 0, "http", false},
    {"\r\nGET / HTTP/1.0\r\n", "", 0, 0, "http", false},
    {"GET /a/very/long/path/that/goes/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on", "", 0, 0, "http", false},
    {"get key\r\n", "END\r\n", 0, 0, "memcached", false},
    {"GET key\r\n", "", 0, 0, NULL, true},
    {"OPTIONS rtsp://h/ RTSP/1.0\r\n", "", 0, 0, "rtsp", false},
    {"OPTIONS sip:a@b SIP/2.0\r\n", "", 0, 0, "sip", false},
    {"GET / HTTP/2.0\r\n", "", 0, 0, NULL, true},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", 0, 0, "http2", false},
    {"", "220 mail ESMTP\r\n", 0, 0, "smtp", false},
    {"", "220 files\r\n", 0, 0, NULL, true},
    {"NICK a\r\n", ":h 001\r\n", 0, 0, "lines", false},
    {"", "HTTP/1.1 2x0", 0, 0, NULL, true},
    {zeros, "", sizeof zeros, 0, NULL, false},
};
enum { FIRSTS = sizeof firsts / sizeof *firsts };

static const char *pick(const struct first *f, size_t client, size_t server, bool *wait)
{
    uint8_t *c = tl_exact(f->client, client), *s = tl_exact(f->server, server);
    tl_probe p = {80, {tl_span_of(c, client), tl_span_of(s, server)}};
    const tl_detector *likely, *d = tl_registry_pick(tl_registry_builtin(), &p, wait, &likely);
    if (d == NULL && !*wait) d = likely;
    free(c);
    free(s);
    return d != NULL ? d->name : NULL;
}

static void protocols(void)
{
    for (size_t i = 0; i < FIRSTS; i++) {
        const struct first *f = &firsts[i];
        bool wait;
        size_t c = f->client_n ? f->client_n : strlen(f->client), s = f->server_n ? f->server_n : strlen(f->server);
        const char *name = pick(f, c, s, &wait);
        bool right = name == NULL ? f->protocol == NULL && wait == f->waits : f->protocol != NULL && strcmp(name, f->protocol) == 0;
        if (!right) printf("\n'%s' '%s': %s%s\n", f->client, f->server, name != NULL ? name : "none", wait ? ", waits" : "");
        CU_ASSERT(right);
    }
}

/* With fewer bytes the answer is the same or "wait", never another protocol, and never a no that is taken back. */
static void fewer_bytes_wait(void)
{
    for (size_t i = 0; i < FIRSTS; i++) {
        const struct first *f = &firsts[i];
        size_t c = f->client_n ? f->client_n : strlen(f->client), s = f->server_n ? f->server_n : strlen(f->server);
        for (size_t n = 1; n < c + s; n++) {
            bool wait;
            const char *name = pick(f, n < c ? n : c, n < c ? 0 : n - c, &wait);
            if (f->protocol == NULL || name != NULL) {
                CU_ASSERT(name == NULL || (f->protocol != NULL && strcmp(name, f->protocol) == 0));
            } else {
                CU_ASSERT(wait || n <= c); /* the client's garbage alone is a no; the server's first bytes may change it */
                if (s == 0) CU_ASSERT(wait);
            }
        }
    }
}

static void every_detector_is_whole(void)
{
    const tl_registry *r = tl_registry_builtin();
    for (size_t i = 0; i < r->n; i++) {
        const tl_detector *d = r->items[i];
        CU_ASSERT(d->name != NULL && d->probe != NULL && d->measure != NULL);
        CU_ASSERT(d->state_size <= TL_STATE_MAX && d->head_max > 0 && d->head_max <= 1 << 20);
        for (size_t k = 0; k < i; k++) CU_ASSERT_STRING_NOT_EQUAL(d->name, r->items[k]->name);
    }
}

int main(void)
{
    return tl_run_cases("registry", (const tl_case[]){
                                        {"protocols", protocols},
                                        {"fewer bytes wait", fewer_bytes_wait},
                                        {"every detector is whole", every_detector_is_whole},
                                        {NULL, NULL},
                                    });
}
