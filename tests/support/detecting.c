#include "support/detecting.h"

#include "support/check.h"
#include "support/watched.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands in hex up to its end, or up to the bracket that closes; returns what comes behind. */
static const char *add_hex(tl_text *out, const char *hex)
{
    while (*hex != '\0' && *hex != ']' && *hex != '>') {
        if (*hex == ' ' || *hex == '\n') {
            hex++;
        } else if (*hex == '\'') {
            const char *end = strchr(++hex, '\'');
            assert(end != NULL);
            tl_text_bytes(out, hex, (size_t)(end - hex));
            hex = end + 1;
        } else if (*hex == '[' || *hex == '<') {
            bool big = *hex == '[';
            char *rest;
            size_t width = strtoul(hex + 1, &rest, 10), more = *rest == '+' ? strtoul(rest + 1, &rest, 10) : 0;
            tl_text inside = {0};
            hex = add_hex(&inside, rest);
            assert(*hex == (big ? ']' : '>') && width > 0 && width <= 8);
            hex++;
            for (size_t i = 0; i < width; i++)
                tl_text_bytes(out, &(uint8_t){(uint8_t)((inside.n + more) >> 8 * (big ? width - 1 - i : i))}, 1);
            tl_text_bytes(out, inside.p, inside.n);
            tl_text_free(&inside);
        } else {
            unsigned v;
            assert(isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1]) && sscanf(hex, "%2x", &v) == 1);
            tl_text_bytes(out, &(uint8_t){(uint8_t)v}, 1);
            hex += 2;
        }
    }
    return hex;
}

void tl_say_hex(tl_script *s, tl_dir dir, const char *hex)
{
    tl_text out = {0};
    hex = add_hex(&out, hex);
    assert(*hex == '\0');
    tl_say_bytes(s, dir, out.p, out.n);
    tl_text_free(&out);
}

static bool heard_as(const tl_script *s, const tl_registry *r, size_t split, const char *expected)
{
    char *heard = tl_hear(s, r, split);
    bool same = strcmp(heard, expected) == 0;
    if (!same) printf("\n%s, cut into %zu:\n%sexpected:\n%s", r->n == 1 ? "alone" : "among all", split, heard, expected);
    CU_ASSERT(same);
    free(heard);
    return same;
}

/* The conversation as an input of tests/fuzz/detector_fuzz.c. */
static void write_seed(const tl_script *s, const tl_detector *d)
{
    static unsigned number;
    const char *folder = getenv("TL_SEEDS");
    if (folder == NULL) return;
    tl_text path = {0};
    tl_text_printf(&path, "%s/%s-%u", folder, d->name, ++number);
    FILE *f = fopen(path.p, "wb");
    assert(f != NULL);
    fprintf(f, "%s\n%c", d->name, 0x0f);
    for (size_t i = 0; i < s->n; i++) {
        const tl_event *ev = &s->events[i];
        if (ev->kind == TL_EV_CLOSE || ev->length > UINT16_MAX) continue;
        const char *letters = ev->kind == TL_EV_BYTES ? "cs" : "CS";
        fprintf(f, "%c%c%c", letters[ev->dir], (int)(ev->length >> 8), (int)(ev->length & 255));
        if (ev->bytes.n > 0) fwrite(ev->bytes.p, 1, ev->bytes.n, f);
    }
    fclose(f);
    tl_text_free(&path);
}

void tl_detects(const tl_script *s, const tl_detector *d, const char *expected)
{
    size_t longest = 0;
    write_seed(s, d);
    for (size_t i = 0; i < s->n; i++)
        if (s->events[i].bytes.n > longest) longest = s->events[i].bytes.n;
    for (size_t split = 0; split <= longest; split += split < 70 ? 1 : 1 + split / 7) {
        if (!heard_as(s, tl_watch(d), split, expected)) return;
        if (!heard_as(s, tl_registry_builtin(), split, expected)) return;
    }
}

static bool holds(const tl_message *m, tl_dir dir, uint64_t at)
{
    return m->dir == dir && m->offset <= at && at < m->offset + m->length;
}

static const tl_message *find(const tl_heard *h, const tl_message *m)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].dir == m->dir && h->items[i].offset == m->offset && h->items[i].length == m->length &&
            strcmp(h->items[i].kind, m->kind) == 0)
            return &h->items[i];
    return NULL;
}

/* What is wrong with what was heard of the script without the byte at `at`; NULL: nothing. */
static const tl_message *wrong(const tl_heard *whole, const tl_heard *cut, tl_dir dir, uint64_t at, unsigned may_miss, const char **why)
{
    unsigned missed = 0;
    const tl_message *damaged = NULL;
    for (size_t i = 0; i < whole->n; i++)
        if (holds(&whole->items[i], dir, at)) damaged = &whole->items[i];
    *why = "not found again";
    for (uint64_t number = 1; number <= whole->n; number++) {
        const tl_message *m = tl_heard_number(whole, number);
        if (m == NULL || m == damaged || find(cut, m) != NULL) continue;
        if (m->dir != dir || m->offset < at || ++missed > may_miss) return m;
    }
    *why = "was never sent";
    for (size_t i = 0; i < cut->n; i++) {
        const tl_message *m = &cut->items[i];
        if (find(whole, m) != NULL) continue;
        if (damaged == NULL || m->dir != dir || m->offset < damaged->offset || m->offset + m->length > damaged->offset + damaged->length)
            return m;
    }
    return NULL;
}

void tl_survives_gaps(const tl_script *s, const tl_detector *d, unsigned may_miss)
{
    tl_heard whole = tl_listen(s, tl_watch(d), 0);
    CU_ASSERT(whole.n >= 3);
    for (int dir = 0; dir < 2; dir++) {
        for (uint64_t at = 0; at < s->length[dir]; at++) {
            const char *why;
            tl_script lossy = tl_script_without(s, (tl_dir)dir, at, at + 1);
            tl_heard cut = tl_listen(&lossy, tl_watch(d), 0);
            bool detected = strcmp(cut.protocol, d->name) == 0;
            const tl_message *m = detected ? wrong(&whole, &cut, (tl_dir)dir, at, may_miss, &why) : NULL;
            if (!detected && at > 64) CU_FAIL("not detected any more");
            if (m != NULL) {
                char *text = tl_heard_text(&cut);
                printf("\n%c %llu+%llu %s (byte %llu of %c lost); heard:\n%s", m->dir == TL_C2S ? '>' : '<', (unsigned long long)m->offset,
                       (unsigned long long)m->length, why, (unsigned long long)at, dir == TL_C2S ? '>' : '<', text);
                CU_FAIL("a message is not what it was");
                free(text);
            }
            tl_heard_free(&cut);
            tl_script_free(&lossy);
            if (m != NULL) {
                tl_heard_free(&whole);
                return;
            }
        }
    }
    tl_heard_free(&whole);
}

char *tl_detail(const tl_script *s, const tl_detector *d, uint64_t number)
{
    tl_heard h = tl_listen(s, tl_watch(d), 0);
    const tl_message *m = tl_heard_number(&h, number);
    char *text = m != NULL ? strndup((const char *)m->detail.p, m->detail.n) : strdup("(no such message)");
    tl_heard_free(&h);
    return text;
}

void tl_says(const tl_script *s, const tl_detector *d, uint64_t number, const char *want)
{
    char *detail = tl_detail(s, d, number);
    if (strcmp(detail, want) != 0) printf("\n%s: %s\ninstead of\n%s\n", d->name, detail, want);
    CU_ASSERT_STRING_EQUAL(detail, want);
    free(detail);
}

/* The first bytes of many protocols, by name: a detector is not tried on its own. */
static const struct {
    const char *protocol, *client, *server;
} others[] = {
    {"http", "GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"smtp", "EHLO client.example\r\n", "220 mail.example ESMTP Postfix\r\n"},
    {"ftp", "USER anonymous\r\n", "220 (vsFTPd 3.0.3)\r\n"},
    {"pop3", "USER bob\r\n", "+OK POP3 ready\r\n"},
    {"imap", "a1 LOGIN bob secret\r\n", "* OK IMAP4rev1 ready\r\n"},
    {"ssh", "SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n"},
    {"redis", "*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
    {"none", "the quick brown fox jumps over the lazy dog, twice and thrice", "and nobody answers but in prose"},
};

static void refuse(const tl_detector *d, uint16_t port, const void *client, size_t client_n, const void *server, size_t server_n)
{
    tl_script s = {.port = port};
    if (client_n > 0) tl_say_bytes(&s, TL_C2S, client, client_n);
    if (server_n > 0) tl_say_bytes(&s, TL_S2C, server, server_n);
    tl_end(&s, TL_WHY_FIN);
    tl_heard h = tl_listen(&s, tl_watch(d), 0);
    bool taken = strcmp(h.protocol, d->name) == 0;
    if (taken)
        printf("\n%s takes '%.*s' / '%.*s' for its own\n", d->name, (int)client_n, (const char *)client, (int)server_n,
               (const char *)server);
    CU_ASSERT(!taken);
    tl_heard_free(&h);
    tl_script_free(&s);
}

void tl_refuses(const tl_detector *d, uint16_t port)
{
    uint8_t bytes[256] = {0};
    unsigned long long seed = 1;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(others[i].protocol, d->name) == 0) continue;
        refuse(d, port, others[i].client, strlen(others[i].client), others[i].server, strlen(others[i].server));
    }
    refuse(d, port, bytes, sizeof bytes, bytes, sizeof bytes);
    memset(bytes, 0xff, sizeof bytes);
    refuse(d, port, bytes, sizeof bytes, bytes, sizeof bytes);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(tl_random(&seed) >> 32);
        refuse(d, port, bytes, sizeof bytes / 2, bytes + sizeof bytes / 2, sizeof bytes / 2);
    }
}
