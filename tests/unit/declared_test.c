/*
** declared_test.c - framings that a person declares: what the text may say, what is wrong with it, and what is framed by it.
*/
#include "message/framings.h"
#include "support/check.h"
#include "support/detecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sensor[] = "# two protocols\n"
                             "[sensor]\n"
                             "ports = 7000, 0x1b60-7020\n"
                             "magic = 53 \"EN\"\n"
                             "length_at = 4\n"
                             "length_size = 2\n"
                             "length_adds = 8\n"
                             "check = 3: 01..02\n"
                             "frame_max = 4096\n"
                             "id_at = 6\n"
                             "id_size = 2\n"
                             "id_order = little\n"
                             "type_at = 3\n"
                             "type_size = 1\n"
                             "type = 1: ask request\n"
                             "type = 2: tell response\n"
                             "\n"
                             "[bare]\n"
                             "ports = 7500\n"
                             "length_at = 0 ; no magic\n"
                             "length_size = 4\n"
                             "length_adds = 4\n"
                             "frame_min = 5\n"
                             "frame_max = 2000\n"
                             "answers = server\n"
                             "[rows]\n"
                             "ports = 7600\n"
                             "terminator = \"|\" 0a\n"
                             "frame_max = 100\n"
                             "[card]\n"
                             "ports = 7700\n"
                             "length_at = 1\n"
                             "length_size = 1\n"
                             "length_unit = 2\n"
                             "length_adds = 3\n"
                             "magic = 02\n"
                             "trailer = 03\n"
                             "frame_max = 300\n";

static tl_framings *framings;

static const tl_detector *declared(const char *name)
{
    const tl_registry *r = tl_framings_registry(framings, tl_registry_builtin());
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->items[i]->name, name) == 0) return r->items[i];
    return NULL;
}

static void reads(void)
{
    tl_error err = {0};
    framings = tl_framings_read(sensor, "sensor.ini", &err);
    if (framings == NULL) printf("\n%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(framings);
    CU_ASSERT_PTR_NOT_NULL_FATAL(declared("sensor"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(declared("card"));
    CU_ASSERT_PTR_NOT_NULL(declared("http"));
}

static void heard(const char *name, const tl_script *s, const char *expected)
{
    tl_registry one = {(const tl_detector *const[]){declared(name)}, 1, NULL};
    for (size_t split = 0; split < 40; split++) {
        char *text = tl_hear(s, &one, split);
        if (strcmp(text, expected) != 0) printf("\n%s, cut into %zu:\n%s", name, split, text);
        bool same = strcmp(text, expected) == 0;
        CU_ASSERT(same);
        free(text);
        if (!same) return;
    }
}

static void with_a_magic(void)
{
    tl_script s = {.port = 7010};
    tl_say_hex(&s, TL_C2S, "'SEN' 01 0003 0700 'abc' 'SEN' 01 0000 0800");
    tl_say_hex(&s, TL_S2C, "'SEN' 02 0001 0800 'x' 'SEN' 02 0000 0700");
    tl_lose(&s, TL_S2C, 5);
    tl_say_hex(&s, TL_S2C, "'xxSExSENxxSEN' 02 0002 0900 'yy'");
    tl_end(&s, TL_WHY_FIN);
    heard("sensor", &s,
          "1 > 0+11 sensor ask '' start complete\n2 > 11+8 sensor ask '' counted complete\n"
          "3 < 0+9 sensor tell '' start complete answers 2 by_id\n4 < 9+8 sensor tell '' counted complete answers 1 by_id\n"
          "5 < 32+10 sensor tell '' resynced complete unasked\n");
    char *detail = tl_detail(&s, declared("sensor"), 2);
    CU_ASSERT_STRING_EQUAL(detail, "{\"id\":8,\"type\":1,\"type_name\":\"ask\"}");
    free(detail);
    tl_survives_gaps(&s, declared("sensor"), 0);
    tl_script_free(&s);
}

/* Four bytes of length and nothing else: after a hole two boundaries have to follow each other, or the other side answers. */
static void without_a_magic(void)
{
    tl_script s = {.port = 7500};
    tl_say_hex(&s, TL_C2S, "00000003 'abc'");
    tl_say_hex(&s, TL_S2C, "00000004 'defg'");
    tl_lose(&s, TL_C2S, 6);
    tl_say_hex(&s, TL_C2S, "'rest' 00000002 'hi'");
    tl_say_hex(&s, TL_S2C, "00000001 'j'");
    tl_say_hex(&s, TL_C2S, "00000002 'kl'");
    tl_end(&s, TL_WHY_FIN);
    heard("bare", &s,
          "1 > 0+7 bare message '' start complete\n2 < 0+8 bare message '' start complete answers 1 proved\n"
          "3 > 17+6 bare message '' resynced complete unanswered\n4 < 8+5 bare message '' counted complete unasked\n"
          "5 > 23+6 bare message '' counted complete unanswered\n");
    tl_script_free(&s);
}

static void by_terminator(void)
{
    tl_script s = {.port = 7600};
    tl_say(&s, TL_C2S, "one|\ntwo|x|\n");
    tl_lose(&s, TL_C2S, 3);
    tl_say(&s, TL_C2S, "tail|\nthree|\nfour|\n");
    tl_end(&s, TL_WHY_FIN);
    heard("rows", &s,
          "1 > 0+5 rows line 'one' start complete\n2 > 5+7 rows line 'two|x' counted complete\n"
          "3 > 21+7 rows line 'three' resynced complete\n4 > 28+6 rows line 'four' counted complete\n");
    tl_script_free(&s);
}

static void with_a_trailer(void)
{
    tl_script s = {.port = 7700};
    tl_say_hex(&s, TL_C2S, "02 01 'ab' 03 02 02 'cdef' 03 02 01 'gh' ff 02 00 03");
    tl_end(&s, TL_WHY_FIN);
    heard("card", &s,
          "1 > 0+5 card message '' start complete\n2 > 5+7 card message '' counted complete\n"
          "3 > 17+3 card message '' guessed complete\n");
    tl_script_free(&s);
}

static void elsewhere(void)
{
    tl_script s = {.port = 80};
    tl_say_hex(&s, TL_C2S, "'SEN' 01 0003 0700 'abc'");
    tl_end(&s, TL_WHY_FIN);
    heard("sensor", &s, "1 > 0+11 sensor ask '' start complete unanswered\n"); /* its magic is proof enough on any port */
    tl_script_free(&s);
    s = (tl_script){.port = 80};
    tl_say_hex(&s, TL_C2S, "00000003 'abc'");
    tl_end(&s, TL_WHY_FIN);
    heard("bare", &s, "1 > 0+7 turn turn '\\x00\\x00\\x00\\x03abc' start complete\n");
    tl_script_free(&s);
    s = (tl_script){.port = 7500}; /* picked up midway */
    tl_say_hex(&s, TL_C2S, "'rest of something' 00000003 'abc' 00000003 'def'");
    tl_end(&s, TL_WHY_FIN);
    heard("bare", &s, "1 > 17+7 bare message '' resynced complete unanswered\n2 > 24+7 bare message '' counted complete unanswered\n");
    tl_script_free(&s);
}

static void says_what_is_wrong(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "f.ini:0: no protocol"},
        {"ports = 1\n", "f.ini:1: a [protocol] has to come first"},
        {"[a b]\nports = 1\n", "f.ini:2: a protocol's name"},
        {"[a]\nport = 1\n", "f.ini:2: no such word: port"},
        {"[a]\n\nports = 70000\n", "f.ini:3: not a value for it: ports"},
        {"[a]\nports = 5-1\n", "f.ini:2: not a value"},
        {"[a]\nmagic = 4\n", "f.ini:2: not a value"},
        {"[a]\nmagic = \"open\n", "f.ini:2: not a value"},
        {"[a]\nmagic = 00112233445566778899aabbccddeeff00\n", "f.ini:2: not a value"},
        {"[a]\nlength_size = 9\n", "f.ini:2: not a value"},
        {"[a]\nlength_order = middle\n", "f.ini:2: not a value"},
        {"[a]\nid_where = 1\n", "f.ini:2: no such word: id_where"},
        {"[a]\ncheck = 1: 5..4\n", "f.ini:2: not a value"},
        {"[a]\ntype = 1: \n", "f.ini:2: not a value"},
        {"[a]\ntype = 1: x both\n", "f.ini:2: not a value"},
        {"[a]\nports = 1\n", "f.ini:2: nothing says where a message ends"},
        {"[a]\nterminator = 0a\nlength_size = 1\n", "f.ini:2: a length field and a terminator"},
        {"[a]\nterminator = 0a\n", "f.ini:2: any bytes would do"},
        {"[a]\nports = 1\nlength_size = 4\nframe_max = 3\n", "f.ini:2: frame_max is less than"},
        {"[a]\nports = 1\nlength_size = 4\nframe_min = 2\n", "f.ini:2: frame_min is less than"},
        {"[a]\nports = 1\nterminator = 0a\nframe_max = 9000000\n", "f.ini:2: frame_max: 1048575 at most"},
        {"[a]\nports = 1\nlength_size = 4\n[b]\nports = 2\nlength_size = 1\n[a]\nports = 3\n", "f.ini:8: declared twice: a"},
        {"[a]\nnonsense\n", "f.ini:2: not a [protocol]"},
        {"[a\nports = 1\n", "f.ini:1: not a [protocol]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_error err = {0};
        tl_framings *f = tl_framings_read(cases[i].text, "f.ini", &err);
        CU_ASSERT_PTR_NULL(f);
        if (strstr(err.text, cases[i].says) != err.text) printf("\n'%s'\nsays: %s\n", cases[i].text, err.text);
        CU_ASSERT_PTR_EQUAL(strstr(err.text, cases[i].says), err.text);
        CU_ASSERT_EQUAL(err.rc, TL_EUSAGE);
        tl_framings_free(f);
    }
    tl_text longer = {0};
    tl_error err = {0};
    tl_text_add(&longer, "[a]\nmagic = ");
    for (int i = 0; i < 300; i++) tl_text_add(&longer, "0");
    CU_ASSERT_PTR_NULL(tl_framings_read(longer.p, "f.ini", &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "f.ini:2: the line is too long"));
    tl_text_free(&longer);
}

static void done(void)
{
    tl_framings_free(framings);
    framings = NULL;
}

int main(void)
{
    return tl_run_cases("declared", (const tl_case[]){{"reads", reads},
                                                      {"with a magic", with_a_magic},
                                                      {"without a magic", without_a_magic},
                                                      {"by terminator", by_terminator},
                                                      {"with a trailer", with_a_trailer},
                                                      {"elsewhere", elsewhere},
                                                      {"says what is wrong", says_what_is_wrong},
                                                      {"done", done},
                                                      {0}});
}
