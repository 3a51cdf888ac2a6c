/*
** ingest_main.c - tcpledger-ingest: captures into a database.
**
**     options → look at the captures → open the database → rows of the run and its captures, committed as 'interrupted'
**     → pipeline → what the captures turned out to be, in the last transaction → summary
**
** The clock is read here and nowhere else: for ingest.started_ns and finished_ns, and for the seconds of the summary.
*/
#include "app/ingest.h"

#include "app/ingest_progress.h"

#include "app/pipeline_sandbox.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* One line on stderr.  A file name may hold what a terminal would obey. */
static void put_line(char *line)
{
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
    fprintf(stderr, "%s\n", line);
}

void complain(const char *fmt, ...)
{
    char line[1200] = "tcpledger-ingest: ";
    size_t n = strlen(line);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - n, fmt, ap);
    va_end(ap);
    put_line(line);
}

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

typedef struct run {
    options o;
    input *in;
    int n;
    tl_store *store;
    tl_text json, sandbox;
    tl_ingest_facts facts;
    progress progress;
    int64_t began_ns; /* monotonic */
    bool damaged;     /* a capture is */
} run;

/* Rows of the run and of all captures: whoever looks later sees what was begun. */
static tl_rc begin(run *r)
{
    options_json(&r->o, r->sandbox.p, &r->json);
    if (r->json.failed) return TL_ENOMEM;
    r->facts = (tl_ingest_facts){.started_ns = clock_ns(CLOCK_REALTIME), .tool_version = TL_VERSION, .options = r->json.p};
    tl_rc rc = tl_store_ingest_begin(r->store, &r->facts);
    for (int i = 0; rc == TL_OK && i < r->n; i++) {
        input *in = &r->in[i];
        if (in->skip) continue;
        in->result.facts = (tl_capture_facts){.path = in->shown.p, .format = "", .bytes = in->bytes};
        rc = tl_store_capture_begin(r->store, &in->result.facts, &in->capture_id);
    }
    return rc == TL_OK ? tl_store_commit(r->store) : rc;
}

static tl_rc one_capture(run *r, tl_pipeline *p, input *in, tl_error *err)
{
    if (in->source == NULL) in->source = input_source(in->path, &r->o, err);
    if (in->source == NULL) { /* it was there before */
        progress_erase(&r->progress);
        complain("%s", err->text);
        in->result.error = *err;
        in->result.facts = (tl_capture_facts){
            .path = in->shown.p, .format = "", .linktype = -1, .drops = -1, .state = "failed", .error = in->result.error.text};
        r->damaged = true;
        return TL_OK;
    }
    in->source = progress_watch(&r->progress, in->source);
    tl_rc rc = tl_pipeline_run(p, in->source, in->capture_id, &in->result);
    tl_text_bytes(&in->positions, in->source->facts.positions.p, in->source->facts.positions.n);
    in->result.facts.positions = tl_span_of(in->positions.p, in->positions.n);
    if (r->o.interface != NULL) signal(SIGINT, SIG_DFL), signal(SIGTERM, SIG_DFL); /* a second one means it */
    tl_source_close(in->source);
    in->source = NULL;
    if (rc == TL_ETRUNCATED || rc == TL_EIO || rc == TL_EUSAGE) {
        progress_erase(&r->progress);
        complain("%s; everything before that is indexed", in->result.error.text);
        r->damaged = true;
        return TL_OK;
    }
    return in->positions.failed ? tl_fail(err, TL_ENOMEM, "out of memory") : rc;
}

/* 0: nobody knows how much a pipe or a device will give. */
static uint64_t bytes_to_read(const run *r)
{
    uint64_t sum = 0;
    for (int i = 0; i < r->n; i++) {
        if (r->in[i].skip) continue;
        if (r->in[i].bytes == 0) return 0;
        sum += r->in[i].bytes;
    }
    return sum;
}

static tl_rc index_all(run *r, tl_error *err)
{
    tl_pipeline *p = tl_pipeline_new(r->store, &r->o.pipeline, err);
    if (p == NULL) return err->rc;
    tl_rc rc = TL_OK;
    progress_begin(&r->progress, p, bytes_to_read(r), !r->o.quiet);
    for (int i = 0; rc == TL_OK && i < r->n; i++)
        if (!r->in[i].skip) rc = one_capture(r, p, &r->in[i], err);
    progress_finishing(&r->progress);
    if (rc == TL_OK) rc = tl_pipeline_finish(p);
    progress_erase(&r->progress);
    if (rc != TL_OK) *err = *tl_pipeline_error(p);
    tl_pipeline_free(p);
    return rc;
}

/* The last transaction.  After a failure of the pipeline the captures stay 'interrupted'. */
static tl_rc end(run *r, bool good, tl_error *err)
{
    tl_rc rc = TL_OK;
    for (int i = 0; good && rc == TL_OK && i < r->n; i++)
        if (!r->in[i].skip) rc = tl_store_capture_end(r->store, r->in[i].capture_id, &r->in[i].result.facts);
    r->facts.finished_ns = clock_ns(CLOCK_REALTIME);
    r->facts.state = good ? "complete" : "failed";
    if (rc == TL_OK) rc = tl_store_ingest_end(r->store, &r->facts);
    if (rc != TL_OK) *err = *tl_store_error(r->store);
    return rc;
}

static void plural(char *out, size_t room, uint64_t n, const char *what)
{
    snprintf(out, room, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

static void summary(const run *r)
{
    char frames[64], sessions[64], bytes[64], messages[64], gaps[64], missing[64];
    tl_store_totals t;
    uint64_t n = 0;
    for (int i = 0; i < r->n; i++)
        if (!r->in[i].skip) n += r->in[i].result.facts.frames;
    tl_store_totals_look(r->store, &t);
    plural(frames, sizeof frames, n, "frame");
    plural(sessions, sizeof sessions, t.sessions, "session");
    plural(bytes, sizeof bytes, t.stored_bytes, "payload byte");
    plural(messages, sizeof messages, t.messages, "message");
    plural(gaps, sizeof gaps, t.gaps, "gap");
    plural(missing, sizeof missing, t.gap_bytes, "byte");
    double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - r->began_ns) / 1e9;
    char line[1200], scans[160] = "";
    if (t.scans > 0) {
        char half_open[64], rows[64];
        plural(half_open, sizeof half_open, t.scan_sessions, "unanswered one");
        plural(rows, sizeof rows, t.scans, "row");
        snprintf(scans, sizeof scans, " and %s in %s of scan", half_open, rows);
    }
    snprintf(line, sizeof line, "%.600s: %s, %s%s, %s, %s, %s (%s missing), %.2f s", r->o.db, frames, sessions, scans, bytes, messages,
             gaps, missing, seconds);
    put_line(line);
}

/* Live capture ends by a signal, as if the packets had ended. */
static tl_source *live;

static void interrupted(int signal_number)
{
    (void)signal_number;
    tl_source_interrupt(live);
}

static void catch_signals(tl_source *source)
{
    struct sigaction a = {.sa_handler = interrupted};
    live = source;
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

/* The run, with a database open.  What goes wrong is printed once. */
static int index_into(run *r)
{
    tl_error err = {0};
    int left = 0;
    tl_rc rc = inputs_again(r->in, r->n, r->store, r->o.quiet, &err);
    if (rc == TL_OK) rc = inputs_skip(r->in, r->n, r->store, r->o.quiet, &err);
    for (int i = 0; i < r->n; i++) left += !r->in[i].skip;
    if (rc == TL_OK && left == 0) return EXIT_GOOD;
    if (rc == TL_OK && (rc = begin(r)) != TL_OK) err = *tl_store_error(r->store);
    if (rc == TL_OK) {
        rc = index_all(r, &err);
        tl_error later;
        tl_rc ended = end(r, rc == TL_OK, &later);
        if (rc == TL_OK && ended != TL_OK) {
            rc = ended;
            err = later;
        }
    }
    if (rc != TL_OK) {
        complain("%s", err.text[0] != '\0' ? err.text : "out of memory");
        return EXIT_BAD;
    }
    if (!r->o.quiet) summary(r);
    return r->damaged ? EXIT_BAD : EXIT_GOOD;
}

/* No database, but the same rights given up. */
static int trace(run *r)
{
    tl_sandbox granted = {0};
    if (r->o.interface != NULL) catch_signals(r->in[0].source);
    if (!r->o.no_sandbox) tl_sandbox_enter(r->o.db, r->o.paths, r->o.n, &granted);
    return trace_session(r->in, &r->o);
}

static int ingest(run *r)
{
    tl_error err = {0};
    r->n = r->o.interface != NULL ? 1 : r->o.n;
    r->in = calloc((size_t)r->n, sizeof *r->in);
    if (r->in == NULL) {
        complain("out of memory");
        return EXIT_BAD;
    }
    if (inputs_open(r->in, &r->o, &err) != TL_OK) {
        complain("%s", err.text);
        return EXIT_BAD;
    }
    if (r->o.trace != 0) return trace(r);
    if (r->o.interface != NULL) catch_signals(r->in[0].source);
    r->store = tl_store_open(r->o.db, &(tl_store_options){.commit_bytes = r->o.commit_bytes}, &err);
    if (r->store == NULL) {
        complain("%s", err.text);
        return EXIT_BAD;
    }
    tl_sandbox granted = {0};
    if (!r->o.no_sandbox) tl_sandbox_enter(r->o.db, r->o.paths, r->o.n, &granted);
    tl_sandbox_text(&granted, &r->sandbox);
    int status = index_into(r);
    if (tl_store_close(r->store, &err) != TL_OK && status != EXIT_BAD) {
        complain("%s", err.text);
        status = EXIT_BAD;
    }
    return status;
}

int main(int argc, char **argv)
{
    run r = {.began_ns = clock_ns(CLOCK_MONOTONIC)};
    int status = EXIT_BAD;
    if (!options_read(&r.o, argc, argv, &status)) return status;
    uint8_t *key = r.o.pipeline.limits.hash_key;
    if (getrandom(key, 16, 0) != 16) complain("no random numbers: the session table uses a fixed key");
    status = ingest(&r);
    if (r.in != NULL) inputs_close(r.in, r.n);
    free(r.in);
    tl_text_free(&r.json);
    tl_text_free(&r.sandbox);
    options_free(&r.o);
    return status;
}
