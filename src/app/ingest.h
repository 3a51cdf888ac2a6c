/*
** ingest.h - the parts of tcpledger-ingest: what was asked for (ingest_options.c), which captures and in which order (ingest_files.c),
** and the run (ingest_main.c).
*/
#ifndef TL_INGEST_H
#define TL_INGEST_H

#include "app/options_detectors.h"
#include "app/pipeline.h"
#include "base/text.h"

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_USAGE = 2 };

typedef struct options {
    char **paths; /* of argv */
    int n;
    char *db;              /* owned */
    const char *interface; /* live; NULL: files */
    const char *filter;    /* BPF; NULL: all */
    tl_detector_files files;
    tl_detectors *detectors; /* owned */
    tl_pipeline_options pipeline;
    size_t memory_bytes;
    uint64_t commit_bytes; /* 0: as the store likes */
    bool quiet, no_sandbox;
    uint64_t trace; /* the session to be traced instead of writing a database; 0: none */
} options;

/* True: go on.  False: *status is the program's exit status; help, version or what was wrong has been printed. */
bool options_read(options *o, int argc, char **argv, int *status);
void options_free(options *o);
/* What shapes the result, for ingest.options; sandbox: what was granted. */
void options_json(const options *o, const char *sandbox, tl_text *json);

/* One line on stderr, with the program's name before it. */
void complain(const char *fmt, ...) TL_PRINTF(1, 2);

typedef struct input {
    const char *path;
    tl_text shown;     /* the path as the database may hold it: a stock shell prints text columns raw */
    tl_source *source; /* owned; NULL: to be opened when its turn comes */
    uint64_t bytes;
    uint8_t sha256[32];
    bool have_sha256;
    bool skip;
    bool has_frames; /* first_ns is known */
    int64_t first_ns;
    int place; /* on the command line */
    uint32_t capture_id;
    tl_text positions; /* the source's, which is gone by then */
    tl_pipeline_capture result;
} input;

/* The interface, or: opens each file once, and sorts them by the time of their first frames.  EIO, EUSAGE: *err. */
TL_MUST_USE tl_rc inputs_open(input *in, const options *o, tl_error *err);
/* The file again, when its turn comes. */
tl_source *input_source(const char *path, const options *o, tl_error *err);
/* Takes back what interrupted runs stored of these captures, in the open transaction, and says so.  EUSAGE: a run had others, too. */
TL_MUST_USE tl_rc inputs_again(input *in, int n, tl_store *store, bool quiet, tl_error *err);
/* Marks those that the database holds already, and second copies of the same file, to be skipped. */
TL_MUST_USE tl_rc inputs_skip(input *in, int n, tl_store *store, bool quiet, tl_error *err);
/* Prints what became of session o->trace on standard output; writes no database.  The exit status. */
int trace_session(input *in, const options *o);
void inputs_close(input *in, int n);

#endif
