/*
** tls_test.c - TLS records: every split, a hole at every byte, what is refused, and what a hello says.
*/
#include "support/check.h"
#include "support/detecting.h"
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
        "1.2\",\"ciphers\":2,\"server_name\":\"a.example\",\"alpn\":\"h2,http/1.1\",\"ja3\":\"e96a55348bae92038226450f74c807bb\","
        "\"ja4\":\"t12d0204h2_c1929292aa6b_c5fbb8d9fc5a\"}",
        "{\"record_version\":\"TLS 1.2\",\"handshake\":\"server_hello\",\"version\":\"TLS "
        "1.2\",\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"selected_version\":\"TLS 1.3\","
        "\"ja3s\":\"cce84e7a8b742462e40afb585a3e3ccc\"}",
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

#define RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define CLIENT "160303[2 01[3 0303" RANDOM "[1] [2 1301c02f] [1 00] [2 0000[2[2 00[2'a.example']]]]]]"

static bool says(const tl_script *s, uint64_t number, const char *want)
{
    char *detail = tl_detail(s, &tl_tls, number);
    bool does = strstr(detail, want) != NULL;
    if (!does) printf("\n%s\nlacks %s\n", detail, want);
    free(detail);
    return does;
}

/* JA3 and JA4: the examples that those who defined them give (github.com/salesforce/ja3, README.md; github.com/FoxIO-LLC/ja4, JA4.md);
** JA3S: as Wireshark 4.0 has it of such a hello in a real capture. */
static void fingerprints(void)
{
    tl_script s = {.port = 443};
    tl_say_hex(&s, TL_C2S,
               "160301[2 01[3 0301" RANDOM "[1] [2 002f00350005000ac009c00ac013c01400320038001300 04] [1 00]"
               "[2 0000[2[2 00[2'a.example']]] 000a[2[2 001700180019]] 000b[2[1 00]]]]]");
    tl_say_hex(&s, TL_S2C, "160303[2 02[3 0303" RANDOM "[1] c014 00 [2 ff01[2 00]]]]");
    CU_ASSERT(says(&s, 1, "\"ja3\":\"ada70206e40642a3e4461f35503241d5\""));
    CU_ASSERT(says(&s, 2, "\"ja3s\":\"8529fd8de0d7f73186ef5ea8b4531a76\""));
    tl_script_free(&s);

    tl_script chrome = {.port = 443};
    tl_say_hex(
        &chrome, TL_C2S,
        "160301[2 01[3 0303" RANDOM "[1] [2 8a8a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035] [1 00]"
        "[2 2a2a[2] 001b[2] 0000[2[2 00[2'a.example']]] 0033[2] 0010[2[2[1'h2'][1'http/1.1']]] 4469[2] 0017[2] 002d[2] 0005[2] 0023[2]"
        "0012[2] 002b[2[1 8a8a 0304 0303]] ff01[2] 000b[2[1 00]] 000a[2[2 4a4a 001d]]"
        "000d[2[2 0403 0804 0401 0503 0805 0501 0806 0601]] 0015[2] 1a1a[2 00]]]]");
    CU_ASSERT(says(&chrome, 1, "\"ja4\":\"t13d1516h2_8daaf6152771_e5627efa2ab1\""));
    CU_ASSERT(says(&chrome, 1, "\"supported_versions\":\"TLS 1.3,TLS 1.2\""));
    tl_script_free(&chrome);

    tl_script cut = {.port = 443};
    tl_say_hex(&cut, TL_C2S, "1603010100 010000fc 0303" RANDOM "[1] [2 1301c02f] [1 00]");
    tl_lose(&cut, TL_C2S, 40);
    tl_end(&cut, TL_WHY_FIN);
    char *detail = tl_detail(&cut, &tl_tls, 1);
    CU_ASSERT(strstr(detail, "\"ciphers\":2") != NULL && strstr(detail, "ja") == NULL);
    free(detail);
    tl_script_free(&cut);
}

/* Common name b.example of Example Ltd, from Example CA, for b.example and www.b.example. */
#define NAME(o, cn) "30[1 31[1 30[1 06[1 55040a] 0c[1'" o "']]] 31[1 30[1 06[1 550403] 0c[1'" cn "']]]]"
#define ISSUER      NAME("Example", "Example CA")
#define SUBJECT     NAME("Example Ltd", "b.example")
#define VALIDITY    "30[1 17[1'250102030405Z'] 18[1'20510102030405Z']]"
#define NAMES       "30[1 82[1'b.example'] 87[1 01020304] 82[1'www.b.example']]"
#define EXTENSIONS  "a3[1 30[1 30[1 06[1 551d13] 04[1 30[1]]] 30[1 06[1 551d11] 01[1 ff] 04[1 " NAMES "]]]]"
#define CERTIFICATE "3082[2 3082[2 a0[1 02[1 02]] 02[1 11] 30[1 06[1 2a]]" ISSUER VALIDITY SUBJECT "30[1 03[1 00]]" EXTENSIONS "]]"

static tl_script twelve(void)
{
    tl_script s = {.port = 443};
    tl_say_hex(&s, TL_C2S, CLIENT);
    tl_say_hex(&s, TL_S2C,
               "160303[2 02[3 0303" RANDOM "[1] c02f 00 [2 0010[2[2[1'h2']]]]] 0b[3[3[3 " CERTIFICATE "]]]]"
               "160303[2 0c[3 030017] 0e[3]]");
    tl_say_hex(&s, TL_C2S, "160303[2 10[3 [1 'key']]] 140303[2 01] 160303[2 0000000000000000 1111111111111111 2222]");
    tl_say_hex(&s, TL_S2C, "140303[2 01] 160303[2 0b00000000000000 1111111111111111 2222]");
    tl_say_hex(&s, TL_C2S, "170303[2 0102030405060708090a]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void handshake_messages(void)
{
    tl_script s = twelve();
    tl_detects(&s, &tl_tls,
               "1 > 0+72 tls handshake 'a.example' start complete\n2 < 0+274 tls handshake 'b.example' start complete\n"
               "3 < 274+16 tls handshake '' counted complete\n4 > 72+13 tls handshake '' counted complete\n"
               "5 > 85+6 tls change_cipher_spec '' counted complete\n6 > 91+23 tls handshake '' counted complete\n"
               "7 < 290+6 tls change_cipher_spec '' counted complete\n8 < 296+23 tls handshake '' counted complete\n"
               "9 > 114+15 tls application_data '' counted complete\n");
    CU_ASSERT(says(&s, 2,
                   "\"handshake\":\"server_hello,certificate\",\"version\":\"TLS 1.2\","
                   "\"cipher\":\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\",\"alpn\":\"h2\""));
    CU_ASSERT(says(&s, 2,
                   "\"subject\":\"b.example\",\"subject_organization\":\"Example Ltd\",\"issuer\":\"Example CA\","
                   "\"issuer_organization\":\"Example\",\"not_before\":\"2025-01-02T03:04:05Z\","
                   "\"not_after\":\"2051-01-02T03:04:05Z\",\"names\":\"b.example,www.b.example\"}"));
    CU_ASSERT(says(&s, 3, "\"handshake\":\"server_key_exchange,server_hello_done\""));
    CU_ASSERT(says(&s, 4, "\"handshake\":\"client_key_exchange\""));
    /* Encrypted: what looks like a message is none. */
    CU_ASSERT(says(&s, 6, "{\"record_version\":\"TLS 1.2\"}"));
    CU_ASSERT(says(&s, 8, "{\"record_version\":\"TLS 1.2\"}"));
    tl_survives_gaps(&s, &tl_tls, 1); /* only a hello is strong: a record whose neighbours are lost is not believed */
    tl_refuses(&tl_tls, 443);
    tl_script_free(&s);
}

/* A message that goes on in the next record, whose first bytes look like another one. */
static void over_two_records(void)
{
    tl_script s = {.port = 443};
    tl_say_hex(&s, TL_S2C,
               "160303[2 02[3 0303" RANDOM "[1] 1234 00]] 160303[2 0b00000c 0000 0000] 160303[2 0100000403030303 0e[3]]"
               "150303[2 0228] 150303[2 01ff]");
    tl_end(&s, TL_WHY_FIN);
    CU_ASSERT(says(&s, 1, "\"cipher\":\"0x1234\""));
    CU_ASSERT(says(&s, 2, "\"handshake\":\"certificate\""));
    CU_ASSERT(says(&s, 3, "\"handshake\":\"server_hello_done\""));
    CU_ASSERT(says(&s, 4, "\"alert_level\":\"fatal\",\"alert\":\"handshake_failure\""));
    CU_ASSERT(says(&s, 5, "\"alert_level\":\"warning\",\"alert\":255"));
    tl_script_free(&s);
}

/* After a hole, or picked up midway, messages are named only where they fill their record. */
static void midway(void)
{
    tl_script s = {.port = 443};
    tl_say_hex(&s, TL_S2C, "160303[2 0c[3 030017] 0e[3]] 160303[2 0c00000000000000 33] 160303[2 0c00000100 0000]");
    tl_end(&s, TL_WHY_FIN);
    CU_ASSERT(says(&s, 1, "\"handshake\":\"server_key_exchange,server_hello_done\""));
    CU_ASSERT(says(&s, 2, "{\"record_version\":\"TLS 1.2\"}"));
    CU_ASSERT(says(&s, 3, "{\"record_version\":\"TLS 1.2\"}"));
    tl_script_free(&s);
}

/* DER whose lengths lie, cut at each byte: nothing beyond the bytes is read (the blocks are exact). */
static void certificates_that_lie(void)
{
    tl_script s = twelve();
    const uint8_t *record = s.events[1].bytes.p;
    size_t at = 0, n = 5 + (size_t)tl_be16(record + 3);
    while (memcmp(record + at, "\x0b\x00", 2) != 0) at++;
    for (size_t cut = at + 4; cut < n; cut++) {
        for (int lie = 0; lie < 256; lie += 51) {
            uint8_t *bytes = tl_exact(record, n);
            bytes[cut] = (uint8_t)lie;
            tl_script t = {.port = 443};
            tl_say_bytes(&t, TL_S2C, bytes, n);
            tl_say_bytes(&t, TL_C2S, bytes, cut);
            tl_end(&t, TL_WHY_FIN);
            CU_ASSERT(says(&t, 1, "\"handshake\":\"server_hello,certificate"));
            tl_script_free(&t);
            free(bytes);
        }
    }
    tl_script_free(&s);
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
        {"\x16\x03\x01\x00\x31\x05\x00\x00\x2d\x03\x03", 11, 80, TL_MAYBE},
        {"\x17\x03\x03\x00\x31\x05", 6, 80, TL_MAYBE},
        {"\x17\x03\x03\x20\x31\x05", 6, 80, TL_LIKELY},
        {"\x17\x03\x03\x00\x31\x05", 6, 443, TL_LIKELY},
        {"\x17\x03\x03\x00\x01xx", 7, 443, TL_LIKELY},
        {"\x17\x03\x03\x00\x01xx", 7, 80, TL_NO},
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
                                   {"fingerprints", fingerprints},
                                   {"handshake messages", handshake_messages},
                                   {"over two records", over_two_records},
                                   {"midway", midway},
                                   {"certificates that lie", certificates_that_lie},
                                   {"not TLS", not_tls},
                                   {NULL, NULL},
                               });
}
