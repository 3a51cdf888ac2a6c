/*
** fingerprints_test.c - JA3 and JA4 of hellos whose fingerprints others have computed and published, made again from what they published of
** them: the lists that are hashed.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct hello {
    uint8_t bytes[1024];
    size_t n;
} hello;

static void put(hello *h, uint64_t v, unsigned width)
{
    for (; width > 0; width--) h->bytes[h->n++] = (uint8_t)(v >> 8 * (width - 1));
}

/* A length of so many bytes, known when `end` is called with what this says. */
static size_t begin(hello *h, unsigned width)
{
    h->n += width;
    return h->n;
}

static void end(hello *h, size_t from, unsigned width)
{
    size_t n = h->n;
    h->n = from - width;
    put(h, n - from, width);
    h->n = n;
}

/* Numbers with anything between them, as two bytes each. */
static void put_numbers(hello *h, const char *list, int base)
{
    for (const char *at = list; *at != '\0';) {
        char *next;
        put(h, strtoul(at, &next, base), 2);
        at = *next != '\0' ? next + 1 : next;
    }
}

typedef struct wanted {
    const char *from; /* where it was published */
    const char *ciphers, *extensions, *groups, *signatures, *versions, *alpn;
    int base; /* of ciphers, extensions and groups */
    const char *ja3, *ja4;
} wanted;

static void put_extension(hello *h, const wanted *w, unsigned type)
{
    put(h, type, 2);
    size_t body = begin(h, 2), list;
    switch (type) {
    case 0:
        list = begin(h, 2);
        put(h, 0, 1);
        put(h, 9, 2);
        memcpy(h->bytes + h->n, "a.example", 9);
        h->n += 9;
        end(h, list, 2);
        break;
    case 10:
        list = begin(h, 2);
        put_numbers(h, w->groups, w->base);
        end(h, list, 2);
        break;
    case 11: put(h, 0x0100, 2); break;
    case 13:
        list = begin(h, 2);
        put_numbers(h, w->signatures, 16);
        end(h, list, 2);
        break;
    case 16: {
        size_t name, n = strlen(w->alpn);
        list = begin(h, 2);
        name = begin(h, 1);
        memcpy(h->bytes + h->n, w->alpn, n);
        h->n += n;
        end(h, name, 1);
        end(h, list, 2);
        break;
    }
    case 43:
        list = begin(h, 1);
        put_numbers(h, w->versions, 16);
        end(h, list, 1);
        break;
    default: break;
    }
    end(h, body, 2);
}

static tl_script say(const wanted *w)
{
    hello h = {0};
    tl_script s = {.port = 443};
    put(&h, 0x160301, 3);
    size_t record = begin(&h, 2);
    put(&h, 1, 1);
    size_t message = begin(&h, 3);
    put(&h, 0x0303, 2);
    h.n += 32;
    put(&h, 0, 1);
    size_t list = begin(&h, 2);
    put_numbers(&h, w->ciphers, w->base);
    end(&h, list, 2);
    put(&h, 0x0100, 2);
    list = begin(&h, 2);
    for (const char *at = w->extensions; *at != '\0';) {
        char *next;
        put_extension(&h, w, (unsigned)strtoul(at, &next, w->base));
        at = *next != '\0' ? next + 1 : next;
    }
    end(&h, list, 2);
    end(&h, message, 3);
    end(&h, record, 2);
    tl_say_bytes(&s, TL_C2S, h.bytes, h.n);
    return s;
}

#define FOXIO                                                                                                                              \
    "github.com/FoxIO-LLC/ja4, python/test/testdata/sigalg-grease.pcapng.json; 0a0a and 8a8a stand for the GREASE it lists nowhere"
#define LEAKS "browserleaks.com of Chrome 143, in github.com/service0427/v2_cp_app, tls.md; in the order of its ja3_text"
#define SMITH "the samples of the JA4 test of github.com/astibal/smithproxy"

static const wanted published[] = {
    {FOXIO, "8a8a,002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9",
     "0a0a,0000,0010,0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,44cd,ca34,fe0d,ff01,1a1a", "001d",
     "8a8a,0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601", "8a8a,0304,0303", "h2", 16, NULL,
     "t13d1517h2_8daaf6152771_cb7bf5808d99"},
    {LEAKS, "43690-4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53",
     "19018-45-51-16-65037-23-17613-0-11-10-43-65281-35-18-5-13-27-27242", "14906-4588-29-23-24", "0403,0804,0401,0503,0805,0501,0806,0601",
     "6a6a,0304,0303", "h2", 10, "98487aa16281980e7d1120d399efb6a4", "t13d1516h2_8daaf6152771_d8a2da3f94cd"},
    {LEAKS " (ja3n)", "4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53",
     "0-5-10-11-13-16-18-23-27-35-43-45-51-17613-65037-65281", "4588-29-23-24", "0403,0804,0401,0503,0805,0501,0806,0601", "0304,0303",
     "h2", 10, "8e19337e7524d2573be54efb2b0784c9", "t13d1516h2_8daaf6152771_d8a2da3f94cd"},
    {SMITH, "1301,1303,1302,c02b,c02f,cca9,cca8,c02c,c030,c00a,c009,c013,c014,009c,009d,002f,0035",
     "0000,0017,ff01,000a,000b,0023,0010,0005,0022,0033,002b,000d,002d,001c,fe0d", "001d",
     "0403,0503,0603,0804,0805,0806,0401,0501,0601,0203,0201", "0304,0303", "h2", 16, NULL, "t13d1715h2_5b57614c22b0_5c2c66f702b0"},
    {SMITH, "1301,1303,1302,c02b,c02f,cca9,cca8,c02c,c030,c00a,c009,c013,c014,009c,009d,002f,0035",
     "0000,0017,ff01,000a,000b,0010,0005,0022,0033,002b,000d,002d,001c,001b,fe0d,0029", "001d",
     "0403,0503,0603,0804,0805,0806,0401,0501,0601,0203,0201", "0304,0303", "h2", 16, NULL, "t13d1716h2_5b57614c22b0_bdfeeec9ffef"},
    {SMITH,
     "1302,1303,1301,c02c,c030,009f,cca9,cca8,ccaa,c02b,c02f,009e,c024,c028,006b,c023,c027,0067,c00a,c014,0039,c009,c013,0033,009d,009c,"
     "003d,003c,0035,002f,00ff",
     "0000,000b,000a,0023,0016,0017,0031,000d,002b,002d,0033,0015", "001d",
     "0403,0503,0603,0807,0808,0809,080a,080b,0804,0805,0806,0401,0501,0601,0303,0301,0302,0402,0502,0602", "0304,0303", "", 16, NULL,
     "t13d311200_e8f1e7e78f70_d339722ba4af"},
};

static bool says(const wanted *w, const char *name, const char *value)
{
    char want[128];
    tl_script s = say(w);
    char *detail = tl_detail(&s, &tl_tls, 1);
    snprintf(want, sizeof want, "\"%s\":\"%s\"", name, value);
    bool does = strstr(detail, want) != NULL;
    if (!does) printf("\n%s\nof %s\nlacks %s\n", detail, w->from, want);
    free(detail);
    tl_script_free(&s);
    return does;
}

static void as_published(void)
{
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        if (published[i].ja3 != NULL) CU_ASSERT(says(&published[i], "ja3", published[i].ja3));
        CU_ASSERT(says(&published[i], "ja4", published[i].ja4));
    }
}

/* JA4.md: a name that does not begin and end with a letter or digit is taken in hexadecimal; its own examples. */
static void names_of_alpn(void)
{
    static const struct {
        const char *name, *shown;
    } cases[] = {{"h2", "h2"}, {"http/1.1", "h1"}, {"x", "xx"},     {"\xab", "ab"},       {"\xab\xcd", "ad"},
                 {" ", "20"},  {" a", "21"},       {"0\xab", "3b"}, {"01\xab\xcd", "3d"}, {"0\xab\xcd\x31", "01"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[64];
        wanted w = published[3];
        w.alpn = cases[i].name;
        snprintf(want, sizeof want, "t13d1715%s_5b57614c22b0_5c2c66f702b0", cases[i].shown);
        CU_ASSERT(says(&w, "ja4", want));
    }
}

/* No extensions, and no signature algorithms; the sums are sha256sum's: of "1301,c02f", and of "000a,0017". */
static void little_to_say(void)
{
    wanted w = {
        .from = "JA4.md", .ciphers = "c02f,1301", .extensions = "", .groups = "", .signatures = "", .versions = "", .alpn = "", .base = 16};
    CU_ASSERT(says(&w, "ja4", "t12i020000_c1929292aa6b_000000000000"));
    w.extensions = "0017,000a";
    CU_ASSERT(says(&w, "ja4", "t12i020200_c1929292aa6b_c5fbb8d9fc5a"));
}

int main(void)
{
    return tl_run_cases(
        "fingerprints",
        (const tl_case[]){{"as published", as_published}, {"names of ALPN", names_of_alpn}, {"little to say", little_to_say}, {0}});
}
