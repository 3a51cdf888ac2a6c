#include "support/ledger.h"

#include "query/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES_MAX = 16 };

static tl_rc run_all(tl_store *s, tl_source **sources, size_t n, const uint32_t *ids, const tl_ledger_options *o, tl_error *err)
{
    static const tl_limits none;
    tl_pipeline_options po = {.limits = o->limits,
                              .level = o->level,
                              .threads = o->threads,
                              .batch_bytes = o->batch_bytes,
                              .batches = o->batches,
                              .scan_aggregate = o->scan_aggregate};
    if (memcmp(&po.limits, &none, sizeof none) == 0) po.limits = tl_limits_default();
    tl_pipeline_capture results[SOURCES_MAX] = {0};
    tl_pipeline *p = tl_pipeline_new(s, &po, err);
    if (p == NULL) return err->rc;
    tl_rc rc = TL_OK;
    for (size_t i = 0; rc == TL_OK && i < n; i++) {
        rc = tl_pipeline_run(p, sources[i], ids[i], &results[i]);
        if (rc == TL_ETRUNCATED) rc = TL_OK;
    }
    if (rc == TL_OK) rc = tl_pipeline_finish(p);
    if (rc != TL_OK) *err = *tl_pipeline_error(p);
    tl_pipeline_free(p);
    for (size_t i = 0; rc == TL_OK && i < n; i++)
        if ((rc = tl_store_capture_end(s, ids[i], &results[i].facts)) != TL_OK) *err = *tl_store_error(s);
    return rc;
}

tl_rc tl_ledger_make(const char *db, tl_source **sources, size_t n, const tl_ledger_options *o, tl_error *err)
{
    uint32_t ids[SOURCES_MAX];
    if (n > SOURCES_MAX) abort();
    tl_ingest_facts facts = {.started_ns = 1, .finished_ns = 2, .tool_version = "test", .options = "{}", .state = "complete"};
    tl_store *s = tl_store_open(db, &(tl_store_options){.commit_bytes = o->commit_bytes, .checks = true}, err);
    tl_rc rc = s == NULL ? err->rc : tl_store_ingest_begin(s, &facts);
    for (size_t i = 0; rc == TL_OK && i < n; i++) {
        tl_capture_facts c = {.path = "memory", .format = ""};
        rc = tl_store_capture_begin(s, &c, &ids[i]);
    }
    if (s != NULL && rc != TL_OK) *err = *tl_store_error(s);
    if (rc == TL_OK) rc = run_all(s, sources, n, ids, o, err);
    if (rc == TL_OK && (rc = tl_store_ingest_end(s, &facts)) != TL_OK) *err = *tl_store_error(s);
    tl_error later = {0};
    tl_rc closed = tl_store_close(s, &later);
    if (rc == TL_OK && closed != TL_OK) {
        rc = closed;
        *err = later;
    }
    for (size_t i = 0; i < n; i++) tl_source_close(sources[i]);
    return rc;
}

static tl_rc keep(void *to, tl_span bytes)
{
    tl_text_bytes(to, bytes.p, bytes.n);
    return TL_OK;
}

const char *tl_ledger_check(const char *db, char **rows)
{
    tl_error err = {0};
    tl_text text = {0};
    const char *bad = NULL;
    tl_output out = {.format = TL_CSV, .write = keep, .to = &text};
    tl_reader *r = tl_reader_open(db, &err);
    if (r == NULL) {
        *rows = strdup(err.text);
        return "open";
    }
    unsigned checks = 0;
    const tl_named_query *q;
    for (size_t i = 0; bad == NULL && (q = tl_query_at(i)) != NULL; i++) {
        uint64_t n = 0;
        if (strncmp(q->name, "check_", 6) != 0) continue;
        checks++;
        tl_text_reset(&text);
        if (tl_reader_run(r, q->sql, NULL, 0, &out, &n) != TL_OK) {
            tl_text_printf(&text, "%s", tl_reader_error(r)->text);
            bad = q->name;
        } else if (n > 0) {
            bad = q->name;
        }
    }
    if (checks == 0) bad = "no checks at all";
    tl_reader_close(r);
    *rows = NULL;
    if (bad != NULL) *rows = text.p;
    if (bad == NULL) tl_text_free(&text);
    return bad;
}
