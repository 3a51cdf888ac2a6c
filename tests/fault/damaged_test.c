/*
** Databases with some bytes changed, through everything that reads: they may be refused or answer wrongly, but nothing crashes, reads
** outside its memory, or runs on (ctest's time limit).  Seeds are fixed; a failure names its copy.
*/
#include "query/objects.h"
#include "query/search.h"
#include "query/sections.h"
#include "query/where.h"
#include "support/check.h"
#include "support/sample.h"
#include <stdlib.h>
#include <string.h>

static const char sample[] = TL_SOURCE_DIR "/tests/support/sample.sql";
enum { COPIES = 400 };

static tl_rc swallow(void *to, tl_span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) *(unsigned *)to += bytes.p[i];
    return TL_OK;
}

/* Some bytes are wanted of each stream, not five gigabytes of zeros. */
static tl_rc swallow_some(void *to, tl_span bytes)
{
    size_t *left = to;
    if (bytes.n > *left) return TL_END;
    *left -= bytes.n;
    return TL_OK;
}

/* Bytes, an expression, and one in decoded bodies, which goes through all objects. */
static unsigned search_everything(tl_reader *r)
{
    static const tl_search_options options[] = {{.pattern = "0123", .direction = -1, .context = 20},
                                                {.pattern = "[a-z]+ ", .regex = true, .direction = -1, .context = 1, .lines = true},
                                                {.pattern = "o", .decoded = true, .direction = -1}};
    unsigned answered = 0;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        tl_search_hit hit;
        tl_rc rc = TL_ENOMEM;
        tl_search *s = tl_search_open(r, &tl_filter_all, &options[i]);
        while (s != NULL && (rc = tl_search_next(s, &hit)) == TL_OK) {
        }
        tl_search_close(s);
        answered += rc == TL_END;
    }
    return answered;
}

static unsigned ask_everything(tl_reader *r)
{
    unsigned sum = 0, answered = 0;
    const tl_named_query *q;
    tl_output out = {.write = swallow, .to = &sum};
    const tl_param id = {.number = 1};
    tl_filter f = tl_filter_all;
    for (size_t i = 0; (q = tl_query_at(i)) != NULL; i++) {
        out.format = (tl_format)(i % 4);
        out.width = i % 3 == 0 ? 80 : 0;
        answered += tl_reader_run(r, q->sql, NULL, 0, &out, NULL) == TL_OK;
    }
    for (const tl_section *s = tl_sections_session; s->name != NULL; s++) answered += tl_reader_run(r, s->sql, &id, 1, &out, NULL) == TL_OK;
    for (const tl_section *s = tl_sections_loss; s->name != NULL; s++) {
        uint64_t rows;
        answered += tl_reader_run(r, s->sql, NULL, 0, &out, NULL) == TL_OK;
        if (s->run != NULL) answered += s->run(r, s->sql, &out, &rows) == TL_OK;
    }
    for (const tl_section *s = tl_sections_info; s->name != NULL; s++) answered += tl_reader_run(r, s->sql, NULL, 0, &out, NULL) == TL_OK;
    static const char *const views[] = {"SELECT * FROM exchanges",     "SELECT * FROM payloads", "SELECT * FROM unframed",
                                        "SELECT * FROM http_requests", "SELECT * FROM conn_log", "SELECT * FROM stray"};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) answered += tl_reader_run(r, views[i], NULL, 0, &out, NULL) == TL_OK;
    answered += tl_filter_sessions(r, &f, &out, NULL) == TL_OK;
    answered += tl_filter_messages(r, &f, &out, NULL) == TL_OK;
    answered += search_everything(r);
    for (int64_t session = 1; session <= 4; session++)
        for (int direction = 0; direction < 2; direction++) {
            uint64_t written, missing;
            size_t left = 1 << 20;
            answered += tl_reader_payload(r, session, direction, 0, UINT64_MAX, true, swallow_some, &left, &written, &missing) == TL_OK;
        }
    return answered;
}

static void flipped_copies(void)
{
    size_t n = 0;
    unsigned opened = 0, answered = 0;
    char *path = tl_sample_new(sample, NULL);
    unsigned char *good = path == NULL ? NULL : tl_slurp(path, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(good);
    unsigned char *bad = malloc(n);
    for (unsigned copy = 0; copy < COPIES; copy++) {
        unsigned long long seed = 0x9e3779b97f4a7c15ULL + copy;
        memcpy(bad, good, n);
        size_t changes = (size_t)1 << copy % 7; /* 1 ... 64 */
        /* Every second copy: in the first page, where the schema is, or in the heads of pages. */
        for (size_t i = 0; i < changes; i++) {
            size_t at = (size_t)(tl_random(&seed) % n);
            if (copy % 4 == 1) at %= 4096;
            if (copy % 4 == 3) at = at / 4096 * 4096 + at % 32;
            bad[at] = (unsigned char)tl_random(&seed);
        }
        tl_error err = {0};
        CU_ASSERT(tl_spill(path, bad, n));
        tl_reader *r = tl_reader_open(path, &err);
        if (r != NULL) {
            tl_reader_time_limit(r, 5);
            opened++;
            answered += ask_everything(r);
        } else {
            CU_ASSERT(err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
        }
        tl_reader_close(r);
    }
    printf(" (%u of %d opened, %u answers) ", opened, COPIES, answered);
    CU_ASSERT(opened > COPIES / 10 && opened < COPIES && answered > opened);
    free(bad);
    free(good);
    tl_sample_drop(path);
}

static void every_length(void)
{
    size_t n = 0;
    char *path = tl_sample_new(sample, NULL);
    unsigned char *good = path == NULL ? NULL : tl_slurp(path, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(good);
    for (size_t cut = 0; cut < n; cut += cut < 8192 ? 101 : 4001) {
        tl_error err = {0};
        CU_ASSERT(tl_spill(path, good, cut));
        tl_reader *r = tl_reader_open(path, &err);
        if (r != NULL) (void)ask_everything(r);
        tl_reader_close(r);
    }
    free(good);
    tl_sample_drop(path);
}

int main(void)
{
    return tl_run_cases("damaged", (const tl_case[]){{"flipped copies", flipped_copies}, {"every length", every_length}, {0}});
}
