/*
** contract_test.c - what a detector may answer besides plain frames (detector.h), shown by a toy protocol:
**
**     Q id / R id     request and response, paired by id         I id   an interim response
**     D ... .         a message that ends at its first dot, whatever its length; a dot right behind a hole is none
**     M n ... !       strong; n bytes, then a mark that must stand there
**     X               the last of its protocol: HTTP follows
**     A               keeps memory behind the state; its role is settled by accept()
*/
#include "message/shape.h"
#include "support/check.h"
#include "support/events.h"
#include "support/watched.h"

#include <stdlib.h>
#include <string.h>

struct toy {
    uint8_t in_dots[2];
    unsigned *kept; /* accept()'s: how many A there were */
};

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_span c = in->head[0], s = in->head[1];
    bool toy = (c.n > 0 && strchr("QDMXA", c.p[0]) != NULL) || (s.n > 0 && strchr("RID", s.p[0]) != NULL);
    return c.n + s.n == 0 ? TL_MAYBE : toy ? TL_LIKELY : TL_NO;
}

static tl_verdict dots(struct toy *t, const tl_head *in, unsigned edge)
{
    size_t from = in->before == TL_UNKNOWN && edge == 0 ? 1 : 0;
    const uint8_t *dot = in->bytes.n > from ? memchr(in->bytes.p + from, '.', in->bytes.n - from) : NULL;
    tl_verdict v = tl_whole(in, dot != NULL ? (size_t)(dot - in->bytes.p) + 1 : in->bytes.n, 1, "dots");
    v.edge = edge | (dot != NULL ? TL_LAST : 0);
    v.elastic = true;
    t->in_dots[in->dir] = dot == NULL;
    return v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct toy *t = state;
    tl_span b = in->bytes;
    if (t->in_dots[in->dir]) return dots(t, in, 0);
    switch (b.p[0]) {
    case 'Q': return b.n < 2 ? tl_more(2) : tl_with_id(tl_as(tl_whole(in, 2, 2, "ask"), TL_REQUEST, 100u + b.p[1]), b.p[1]);
    case 'R': return b.n < 2 ? tl_more(2) : tl_with_id(tl_as(tl_whole(in, 2, 2, "answer"), TL_RESPONSE, 0), b.p[1]);
    case 'I': return b.n < 2 ? tl_more(2) : tl_with_id(tl_as(tl_whole(in, 2, 2, "interim"), TL_INTERIM, 0), b.p[1]);
    case 'D': return dots(t, in, TL_FIRST);
    case 'X': {
        tl_verdict v = tl_whole(in, 1, 1, "switch");
        v.last_of_protocol = true;
        v.next = &tl_http1;
        return v;
    }
    case 'M': {
        if (b.n < 2) return tl_more(2);
        tl_verdict v = tl_whole(in, 3u + b.p[1], 2, "marked");
        v.strong = true;
        return v;
    }
    case 'A': return tl_whole(in, 1, 1, "kept");
    default: return tl_reject(0);
    }
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    const uint8_t *m = memchr(in->bytes.p, 'M', in->bytes.n);
    return m != NULL ? (size_t)(m - in->bytes.p) : in->bytes.n;
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct toy *t = state;
    if (in->bytes.p[0] != 'A' || !(v->edge & TL_FIRST)) return TL_OK;
    if (t->kept == NULL) t->kept = calloc(1, sizeof *t->kept);
    if (t->kept == NULL) return TL_ENOMEM;
    v->role = ++*t->kept == 2 ? TL_REQUEST : TL_ROLE_NONE;
    v->tag = 1;
    return TL_OK;
}

static void release(const tl_detector *d, void *state)
{
    (void)d;
    free(((struct toy *)state)->kept);
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    ((struct toy *)state)->in_dots[dir] = 0;
}

static const tl_detector toy = {.name = "toy",
                                .head_max = 4096,
                                .state_size = sizeof(struct toy),
                                .probe = probe,
                                .measure = measure,
                                .resync = resync,
                                .lost = lost,
                                .accept = accept,
                                .release = release};

typedef struct step {
    char who; /* '>' '<': that side says text; '+' '-': of client or server so many bytes are lost */
    const char *text;
} step;

static void heard(const char *name, const step *steps, const char *expected)
{
    tl_script s = {0};
    for (; steps->text != NULL; steps++) {
        tl_dir dir = steps->who == '>' || steps->who == '+' ? TL_C2S : TL_S2C;
        if (steps->who == '>' || steps->who == '<')
            tl_say(&s, dir, steps->text);
        else
            tl_lose(&s, dir, strlen(steps->text));
    }
    tl_end(&s, TL_WHY_FIN);
    for (size_t split = 0; split < 12; split++) {
        char *text = tl_hear(&s, tl_watch(&toy), split);
        if (strcmp(text, expected) != 0) printf("\n%s, cut into %zu:\n%sexpected:\n%s", name, split, text, expected);
        CU_ASSERT_STRING_EQUAL(text, expected);
        free(text);
    }
    tl_script_free(&s);
}

static void pairs_by_id(void)
{
    heard("answers in any order, an id used again, one that nobody asked for",
          (const step[]){{'>', "Q1Q2Q3"}, {'<', "R3I2R1"}, {'>', "Q1"}, {'<', "R2R1R9"}, {0, NULL}},
          "1 > 0+2 toy ask '' start complete\n2 > 2+2 toy ask '' counted complete\n3 > 4+2 toy ask '' counted complete\n"
          "4 < 0+2 toy answer '' start complete answers 3 by_id\n5 < 2+2 toy interim '' counted complete answers 2 by_id\n"
          "6 < 4+2 toy answer '' counted complete answers 1 by_id\n7 > 6+2 toy ask '' counted complete\n"
          "8 < 6+2 toy answer '' counted complete answers 2 by_id\n9 < 8+2 toy answer '' counted complete answers 7 by_id\n"
          "10 < 10+2 toy answer '' counted complete unasked\n");
    heard("one that is never answered", (const step[]){{'>', "Q1Q2"}, {'<', "R2"}, {0, NULL}},
          "1 > 0+2 toy ask '' start complete unanswered\n2 > 2+2 toy ask '' counted complete\n"
          "3 < 0+2 toy answer '' start complete answers 2 by_id\n");
}

static void spans_holes(void)
{
    heard("a hole before the mark", (const step[]){{'>', "Dabc"}, {'+', "12345"}, {'>', "def.Q1"}, {0, NULL}},
          "1 > 0+13 toy dots '' start missing 5 cut\n2 > 13+2 toy ask '' counted complete unanswered\n");
    heard("two holes", (const step[]){{'>', "Dabc"}, {'+', "12345"}, {'>', "def"}, {'+', "1"}, {'>', "x.M1x!"}, {0, NULL}},
          "1 > 0+15 toy dots '' start missing 6 cut\n2 > 15+4 toy marked '' counted cut\n");
    heard("no mark right behind a hole", (const step[]){{'>', "Dabc"}, {'+', "12"}, {'>', ".d.Q1"}, {0, NULL}},
          "1 > 0+9 toy dots '' start missing 2 cut\n2 > 9+2 toy ask '' counted complete unanswered\n");
    heard("no mark any more", (const step[]){{'>', "Dabc"}, {0, NULL}}, "1 > 0+4 toy dots '' start cut\n");
}

static void switches_to_a_known_one(void)
{
    heard("HTTP follows", (const step[]){{'>', "X"}, {'>', "GET / HTTP/1.1\r\n\r\n"}, {'<', "HTTP/1.1 204 No\r\n\r\n"}, {0, NULL}},
          "1 > 0+1 toy switch '' start complete\n2 > 1+18 http request 'GET /' counted complete\n"
          "3 < 0+19 http response '204 No' start complete answers 2 proved\n");
}

/* A decoy: what looks like a boundary is refused where what follows it is none. */
static void asks_for_what_follows(void)
{
    heard("a chain", (const step[]){{'>', "Q1"}, {'+', "123"}, {'>', "...M\1z!xM\1a!M\1b!"}, {0, NULL}},
          "1 > 0+2 toy ask '' start complete unanswered\n2 > 13+4 toy marked '' resynced complete\n"
          "3 > 17+4 toy marked '' counted complete\n");
    heard("the other side answers what it had received",
          (const step[]){{'>', "Q1"}, {'+', "123"}, {'>', ".M\1z!"}, {'<', "R1"}, {'>', "x"}, {0, NULL}},
          "1 > 0+2 toy ask '' start complete\n2 > 6+4 toy marked '' resynced complete\n"
          "3 < 0+2 toy answer '' start complete answers 1 by_id\n");
    heard("nothing follows: believed", (const step[]){{'>', "Q1"}, {'+', "123"}, {'>', "...M\1z!"}, {0, NULL}},
          "1 > 0+2 toy ask '' start complete unanswered\n2 > 8+4 toy marked '' resynced complete\n");
    heard("a hole follows: believed",
          (const step[]){{'>', "Q1"}, {'+', "123"}, {'>', "...M\5z"}, {'+', "1234567"}, {'>', "M\1a!"}, {0, NULL}},
          "1 > 0+2 toy ask '' start complete unanswered\n2 > 8+8 toy marked '' resynced missing 5 cut\n"
          "3 > 18+4 toy marked '' resynced complete\n");
}

static void keeps_memory(void)
{
    heard("accept() settles the role", (const step[]){{'>', "AAA"}, {0, NULL}},
          "1 > 0+1 toy kept '' start complete\n2 > 1+1 toy kept '' counted complete unanswered\n3 > 2+1 toy kept '' counted complete\n");
}

int main(void)
{
    return tl_run_cases("contract", (const tl_case[]){{"pairs by id", pairs_by_id},
                                                      {"spans holes", spans_holes},
                                                      {"switches to a known one", switches_to_a_known_one},
                                                      {"asks for what follows", asks_for_what_follows},
                                                      {"keeps memory", keeps_memory},
                                                      {0}});
}
