/*
** tls_test.c - TLS records: every split, a hole at every byte, what is refused, and what a hello says.
*/
#include "support/check.h"
#include "support/events.h"
#include "support/watched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client hello of TLS 1.2 for "a.example", offering h2 and then http/1.1; and a server's answer that selects TLS 1.3. */
static const uint8_t random32[32] = {1, 2, 3};

static size_t put_record(uint8_t *out, uint8_t type, const void *body, size_t n)
{
    const uint8_t head[] = {type, 3, 3, (uint8_t)(n >> 8), (uint8_t)n};
    memcpy(out, head, 5);
    memcpy(out + 5, body, n);
    return n + 5;
}

static size_t put_hello(uint8_t *out, bool client)
{
    static const uint8_t suites[] = {0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0}, suite[] = {0x13, 0x01, 0};
    static const uint8_t client_extensions[] = {0,   45,  0,   0,   0,   14,  0, 12, 0, 0,  9, 'a', '.', 'e', 'x', 'a',
                                                'm', 'p', 'l', 'e', 0,   16,  0, 14, 0, 12, 2, 'h', '2', 8,   'h', 't',
                                                't', 'p', '/', '1', '.', '1', 0, 23, 0, 0,  0, 10,  0,   1,   0};
    static const uint8_t server_extensions[] = {0, 6, 0, 43, 0, 2, 3, 4};
    uint8_t m[200] = {client ? 1 : 2, 0, 0, 0, 3, 3};
    size_t n = 6;
    memcpy(m + n, random32, 32);
    n += 32;
    m[n++] = 2; /* session id */
    m[n++] = 7;
    m[n++] = 7;
    memcpy(m + n, client ? suites : suite, client ? sizeof suites : sizeof suite);
    n += client ? sizeof suites : sizeof suite;
    memcpy(m + n, client ? client_extensions : server_extensions, client ? sizeof client_extensions : sizeof server_extensions);
    n += client ? sizeof client_extensions : sizeof server_extensions;
    m[3] = (uint8_t)(n - 4);
    return put_record(out, 22, m, n);
}

/* Both hellos, a change of cipher, then records of application data of odd sizes. */
static tl_script session(size_t *client_hello)
{
    tl_script s = {0};
    uint8_t buffer[2000], data[600];
    size_t n = put_hello(buffer, true);
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 37 + 11); /* never 20 to 24 followed by 3 */
    *client_hello = n;
    tl_say_bytes(&s, TL_C2S, buffer, n);
    n = put_hello(buffer, false);
    n += put_record(buffer + n, 20, "\1", 1);
    tl_say_bytes(&s, TL_S2C, buffer, n);
    n = put_record(buffer, 20, "\1", 1);
    n += put_record(buffer + n, 23, data, 100);
    n += put_record(buffer + n, 23, data, 17);
    n += put_record(buffer + n, 23, data, 40);
    tl_say_bytes(&s, TL_C2S, buffer, n);
    n = put_record(buffer, 23, data, 600);
    n += put_record(buffer + n, 21, data, 26);
    tl_say_bytes(&s, TL_S2C, buffer, n);
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    size_t hello;
    tl_script s = session(&hello);
    for (size_t split = 0; split < 300; split++) {
        char *heard = tl_hear(&s, split % 2 ? tl_registry_builtin() : tl_watch(&tl_tls), split);
        CU_ASSERT_STRING_EQUAL(heard, "1 > 0+101 tls handshake 'a.example' start complete\n"
                                      "2 < 0+57 tls handshake '' start complete\n"
                                      "3 < 57+6 tls change_cipher_spec '' counted complete\n"
                                      "4 > 101+6 tls change_cipher_spec '' counted complete\n"
                                      "5 > 107+105 tls application_data '' counted complete\n"
                                      "6 > 212+22 tls application_data '' counted complete\n"
                                      "7 > 234+45 tls application_data '' counted complete\n"
                                      "8 < 63+605 tls application_data '' counted complete\n"
                                      "9 < 668+31 tls alert '' counted complete\n");
        if (CU_get_number_of_failures() > 0) printf("\nsplit %zu\n%s", split, heard);
        free(heard);
        if (CU_get_number_of_failures() > 0) break;
    }
    tl_script_free(&s);
}

static void what_a_hello_says(void)
{
    size_t hello;
    tl_script s = session(&hello);
    tl_heard h = tl_listen(&s, tl_registry_builtin(), 7);
    CU_ASSERT_FATAL(h.n == 9);
    static const char *const want[] = {
        "{\"record_version\":\"TLS 1.2\",\"handshake\":\"client_hello\",\"version\":\"TLS "
        "1.2\",\"ciphers\":2,\"server_name\":\"a.example\",\"alpn\":\"h2\"}",
        "{\"record_version\":\"TLS 1.2\",\"handshake\":\"server_hello\",\"version\":\"TLS "
        "1.2\",\"cipher\":\"0x1301\",\"selected_version\":\"TLS 1.3\"}",
    };
    for (size_t i = 0; i < 2; i++) {
        bool same = h.items[i].detail.n == strlen(want[i]) && memcmp(h.items[i].detail.p, want[i], strlen(want[i])) == 0;
        if (!same) printf("\n%.*s\n", (int)h.items[i].detail.n, (const char *)h.items[i].detail.p);
        CU_ASSERT(same);
    }
    tl_heard_free(&h);
    tl_script_free(&s);
}

/* A hole at every byte: nothing is heard that was not there; a record is found again when another follows it. */
static void a_hole_at_every_byte(void)
{
    size_t hello;
    unsigned before = CU_get_number_of_failures();
    tl_script s = session(&hello);
    tl_heard whole = tl_listen(&s, tl_watch(&tl_tls), 0);
    for (int dir = 0; dir < 2; dir++) {
        for (uint64_t from = 0; from < s.length[dir]; from++) {
            tl_script cut = tl_script_without(&s, (tl_dir)dir, from, from + 1 + from % 13);
            tl_heard h = tl_listen(&cut, tl_watch(&tl_tls), from % 4);
            uint64_t to = from + 1 + from % 13;
            for (size_t i = 0; i < h.n; i++) {
                bool known = strcmp(h.items[i].protocol, "turn") == 0 && from < hello; /* nobody could tell yet */
                for (size_t k = 0; k < whole.n; k++)
                    known |= whole.items[k].dir == h.items[i].dir && whole.items[k].offset == h.items[i].offset;
                CU_ASSERT(known);
            }
            for (size_t k = 0; k < whole.n; k++) {
                const tl_message *m = &whole.items[k], *found = NULL;
                for (size_t i = 0; i < h.n; i++)
                    if (h.items[i].dir == m->dir && h.items[i].offset == m->offset && h.items[i].length == m->length) found = &h.items[i];
                bool touched = m->dir == (tl_dir)dir && from < m->offset + m->length && to > m->offset;
                bool head = touched && from < m->offset + 5;
                if (!touched) CU_ASSERT(found != NULL && found->complete);
                if (touched && !head && !(m->kind[0] == 'h')) CU_ASSERT(found != NULL && found->missing > 0);
            }
            if (CU_get_number_of_failures() > before) {
                char *text = tl_heard_text(&h);
                printf("\ndirection %d without [%d, %d)\n%s", dir, (int)from, (int)to, text);
                free(text);
                return;
            }
            tl_heard_free(&h);
            tl_script_free(&cut);
        }
    }
    tl_heard_free(&whole);
    tl_script_free(&s);
}

static void decoys(void)
{
    /* Lost in the middle: a header whose record is not followed by another is none. */
    tl_script s = {0};
    size_t hello;
    tl_script good = session(&hello);
    tl_say_bytes(&s, TL_C2S, good.events[0].bytes.p, hello);
    tl_lose(&s, TL_C2S, 10);
    tl_say(&s, TL_C2S, "\x17\x03\x03xxx\x17\x03\x03\x7f\xff....");
    tl_say_bytes(&s, TL_C2S, "noise\x17\x03\x03\x00\x04good\x17\x03\x03\x00\x03too", 22);
    tl_end(&s, TL_WHY_FIN);
    for (size_t split = 0; split < 5; split++) {
        char *heard = tl_hear(&s, tl_watch(&tl_tls), split);
        CU_ASSERT_STRING_EQUAL(heard, "1 > 0+101 tls handshake 'a.example' start complete\n"
                                      "2 > 131+9 tls application_data '' resynced complete\n"
                                      "3 > 140+8 tls application_data '' counted complete\n");
        free(heard);
    }
    tl_script_free(&s);
    tl_script_free(&good);
}

static void not_tls(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        uint16_t port;
        tl_match want;
    } cases[] = {
        {"\x16\x03\x01\x00", 4, 80, TL_MAYBE},
        {"\x16\x02\x01\x00\x05\x01", 6, 443, TL_NO},
        {"\x16\x03\x01\x00\x31\x01\x00\x00\x2d\x03\x03", 11, 80, TL_YES},
        {"\x16\x03\x01\x00\x31\x05\x00\x00\x2d\x03\x03", 11, 80, TL_NO},
        {"\x17\x03\x03\x00\x31\x05", 6, 80, TL_NO},
        {"\x17\x03\x03\x00\x31\x05", 6, 443, TL_YES},
        {"\x17\x03\x03\x00\x01x\x17\x03\x03\x00\x01", 11, 80, TL_YES},
        {"\x14\x03\x03\x00\x02", 5, 443, TL_NO},
        {"GET / HTTP/1.1\r\n", 16, 443, TL_NO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *p = tl_exact(cases[i].bytes, cases[i].n);
        tl_probe probe = {cases[i].port, {tl_span_of(p, cases[i].n), {NULL, 0}}};
        CU_ASSERT_EQUAL(tl_tls.probe(&tl_tls, &probe), cases[i].want);
        free(p);
    }
}

int main(void)
{
    return tl_run_cases("tls", (const tl_case[]){
                                   {"at every split", at_every_split},
                                   {"what a hello says", what_a_hello_says},
                                   {"a hole at every byte", a_hole_at_every_byte},
                                   {"decoys", decoys},
                                   {"not TLS", not_tls},
                                   {NULL, NULL},
                               });
}
