/*
** ingest_options.c - the command line of tcpledger-ingest.
*/
#include "app/ingest.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tcpledger-ingest [options] CAPTURE... [-o DB]\n"
    "       tcpledger-ingest [options] -i INTERFACE -o DB\n"
    "\n"
    "Indexes packet captures (pcap and pcapng, also gzip-compressed, - for standard input)\n"
    "into one SQLite database: every TCP session, every captured byte, every message, every gap.\n"
    "Several captures are one continuous capture, in the order of their first frames.\n"
    "An existing tcpledger database is added to; captures that it holds already are skipped.\n"
    "\n"
    "  -o, --output DB      the database (default: the first capture's name with .db)\n"
    "  -i, --interface NAME capture live, until interrupted\n"
    "  -f, --filter BPF     only packets that match (as in tcpdump)\n"
    "  -z, --compress N     0 to 9: none, fastest to smallest (default 1)\n"
    "      --threads N      that compress: 1 to 64 (default: one for each processor)\n"
    "      --grace TIME     how long an acknowledged hole may still fill (default 200ms)\n"
    "      --idle TIME      silence that ends a session (default 1h)\n"
    "      --memory SIZE    limit for sessions, held bytes and buffers (default 512M)\n"
    "      --hole-bytes SIZE    held behind the holes of one direction at most (default 128M)\n"
    "      --max-sessions N     open at a time; the idlest is closed (default: as memory allows)\n"
    "      --scan-aggregate     SYNs that nobody answered are summed up by scan or flood, not a session each\n"
    "      --vlan key       the same addresses on another VLAN are another session\n"
    "      --framings FILE  protocols of your own, declared in a text file\n"
    "      --detector FILE.so   a detector of your own, compiled (runs as part of the program)\n"
    "      --batch-bytes SIZE   rows go to the database in batches of this size (default 8M)\n"
    "      --commit-bytes SIZE  payload in a transaction: what a crash may cost (default 244M)\n"
    "      --no-sandbox     keep all rights of the process, for debugging\n"
    "      --trace SESSION  print what became of that session's segments, and write no database\n"
    "  -q, --quiet          no summary\n"
    "  -h, --help           this text\n"
    "  -V, --version        the version\n"
    "\n"
    "TIME: 200ms, 5s, 10m, 1h; SIZE: 64K, 16M, 1G.\n"
    "Exit status: 0 all indexed, 1 something failed or a capture is damaged (what is good of it is indexed), 2 wrong usage.\n";

static const size_t default_memory = (size_t)512 << 20, least_memory = (size_t)4 << 20;
static const size_t default_batch = TL_PIPELINE_BATCH_BYTES, least_batch = 4096;
enum { BATCHES = TL_PIPELINE_BATCHES, THREADS_MOST = 64 };

/* A number, then one of the suffixes; `none` counts where there is no suffix. */
typedef struct unit {
    const char *suffix;
    uint64_t worth;
} unit;

static bool read_number(const char *text, const unit *units, uint64_t *out)
{
    char *end;
    errno = 0;
    if (text[0] < '0' || text[0] > '9') return false;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno != 0) return false;
    for (; units->suffix != NULL; units++)
        if (strcmp(end, units->suffix) == 0) return !__builtin_mul_overflow((uint64_t)v, units->worth, out);
    return false;
}

static bool read_size(const char *text, uint64_t *out)
{
    static const unit units[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}};
    return read_number(text, units, out) && *out < (uint64_t)1 << 46;
}

static bool read_time(const char *text, int64_t *out)
{
    static const unit units[] = {
        {"", 1000000000}, {"ms", 1000000}, {"s", 1000000000}, {"m", UINT64_C(60) * 1000000000}, {"h", UINT64_C(3600) * 1000000000},
        {NULL, 0}};
    uint64_t v;
    if (!read_number(text, units, &v) || v > INT64_MAX / 4) return false;
    *out = (int64_t)v;
    return true;
}

static bool read_count(const char *text, uint64_t *out)
{
    static const unit units[] = {{"", 1}, {NULL, 0}};
    return read_number(text, units, out) && *out < (uint64_t)1 << 40;
}

enum {
    OPT_GRACE = 256,
    OPT_IDLE,
    OPT_MEMORY,
    OPT_HOLE,
    OPT_SESSIONS,
    OPT_VLAN,
    OPT_SCANS,
    OPT_NO_SANDBOX,
    OPT_BATCH,
    OPT_COMMIT,
    OPT_FRAMINGS,
    OPT_DETECTOR,
    OPT_THREADS
};

static bool read_one(options *o, int option, const char *value)
{
    tl_limits *l = &o->pipeline.limits;
    uint64_t v = 0;
    bool good = true;
    switch (option) {
    case 'z':
        good = read_count(value, &v) && v <= 9;
        o->pipeline.level = (int)v;
        break;
    case OPT_THREADS:
        good = read_count(value, &v) && v >= 1 && v <= THREADS_MOST;
        o->pipeline.threads = (unsigned)v;
        break;
    case OPT_GRACE: good = read_time(value, &l->grace_ns); break;
    case OPT_IDLE: good = read_time(value, &l->idle_ns) && l->idle_ns > 0; break;
    case OPT_MEMORY:
        good = read_size(value, &v) && v >= least_memory;
        o->memory_bytes = (size_t)v;
        break;
    case OPT_HOLE:
        good = read_size(value, &v);
        l->hole_bytes = (size_t)v;
        break;
    case OPT_SESSIONS:
        good = read_count(value, &v);
        l->max_sessions = (size_t)v;
        break;
    case 't': good = read_count(value, &o->trace) && o->trace > 0; break;
    case OPT_VLAN:
        good = strcmp(value, "key") == 0;
        l->vlan_key = true;
        break;
    case OPT_BATCH:
        good = read_size(value, &v) && v >= least_batch;
        o->pipeline.batch_bytes = (size_t)v;
        break;
    case OPT_FRAMINGS: o->files.framings = value; break;
    case OPT_DETECTOR:
        good = o->files.objects < TL_OBJECTS_MAX;
        if (good) o->files.object[o->files.objects++] = value;
        break;
    case OPT_COMMIT: good = read_size(value, &o->commit_bytes) && o->commit_bytes > 0; break;
    default: break;
    }
    return good;
}

/* "dir/x.pcap.gz" becomes "dir/x.db".  NULL: no memory. */
static char *default_db(const char *path)
{
    size_t n = strlen(path);
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0) n -= 3;
    for (size_t i = n; i > (size_t)(name - path) + 1; i--)
        if (path[i - 1] == '.') {
            n = i - 1;
            break;
        }
    char *db = malloc(n + 4);
    if (db != NULL) {
        memcpy(db, path, n);
        memcpy(db + n, ".db", 4);
    }
    return db;
}

static bool wrong(int *status)
{
    fputs("usage: tcpledger-ingest [options] CAPTURE... [-o DB]    (--help tells more)\n", stderr);
    *status = EXIT_USAGE;
    return false;
}

/* What follows from the options together. */
static bool settle(options *o, const char *db, int *status)
{
    if (o->trace != 0 && db != NULL) {
        complain("--trace writes no database: leave -o out");
        return wrong(status);
    }
    if (o->trace != 0) db = "";
    if (o->interface != NULL && (o->n > 0 || db == NULL)) {
        complain(o->n > 0 ? "captures and an interface: give one or the other" : "-o DB is needed with -i");
        return wrong(status);
    }
    if (o->n == 0 && o->interface == NULL) {
        complain("no capture given");
        return wrong(status);
    }
    for (int i = 0; i < o->n; i++)
        if (strcmp(o->paths[i], "-") == 0 && (o->n > 1 || db == NULL)) {
            complain(o->n > 1 ? "standard input cannot be ordered among other captures: give it alone"
                              : "-o DB is needed with standard input");
            return wrong(status);
        }
    if (o->pipeline.batch_bytes == 0) {
        size_t share = o->memory_bytes / (4 * (size_t)BATCHES);
        o->pipeline.batch_bytes = share < default_batch ? share : default_batch;
    }
    o->pipeline.batches = BATCHES;
    size_t batches = BATCHES * o->pipeline.batch_bytes;
    o->pipeline.limits.memory_bytes = o->memory_bytes > 2 * batches ? o->memory_bytes - batches : o->memory_bytes / 2;
    size_t half = o->pipeline.limits.memory_bytes / 2; /* of little memory one direction must not have all */
    if (o->pipeline.limits.hole_bytes > half) o->pipeline.limits.hole_bytes = half;
    if (o->files.framings != NULL || o->files.objects > 0) {
        tl_error err;
        o->detectors = tl_detectors_open(&o->files, &err);
        if (o->detectors == NULL) {
            complain("%s", err.text);
            *status = EXIT_BAD;
            return false;
        }
        o->pipeline.registry = tl_detectors_registry(o->detectors);
    }
    o->db = db != NULL ? strdup(db) : default_db(o->paths[0]);
    if (o->db == NULL) {
        complain("out of memory");
        *status = EXIT_BAD;
        return false;
    }
    return true;
}

bool options_read(options *o, int argc, char **argv, int *status)
{
    static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                          {"interface", required_argument, NULL, 'i'},
                                          {"filter", required_argument, NULL, 'f'},
                                          {"compress", required_argument, NULL, 'z'},
                                          {"threads", required_argument, NULL, OPT_THREADS},
                                          {"grace", required_argument, NULL, OPT_GRACE},
                                          {"idle", required_argument, NULL, OPT_IDLE},
                                          {"memory", required_argument, NULL, OPT_MEMORY},
                                          {"hole-bytes", required_argument, NULL, OPT_HOLE},
                                          {"max-sessions", required_argument, NULL, OPT_SESSIONS},
                                          {"scan-aggregate", no_argument, NULL, OPT_SCANS},
                                          {"vlan", required_argument, NULL, OPT_VLAN},
                                          {"batch-bytes", required_argument, NULL, OPT_BATCH},
                                          {"commit-bytes", required_argument, NULL, OPT_COMMIT},
                                          {"framings", required_argument, NULL, OPT_FRAMINGS},
                                          {"detector", required_argument, NULL, OPT_DETECTOR},
                                          {"no-sandbox", no_argument, NULL, OPT_NO_SANDBOX},
                                          {"trace", required_argument, NULL, 't'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},
                                          {NULL, 0, NULL, 0}};
    const char *db = NULL;
    *o = (options){.memory_bytes = default_memory, .pipeline = {.limits = tl_limits_default(), .level = 1}};
    for (int option, at = 0; (option = getopt_long(argc, argv, "o:i:f:z:qhV", longs, &at)) != -1;) switch (option) {
        case 'o': db = optarg; break;
        case 'i': o->interface = optarg; break;
        case 'f': o->filter = optarg; break;
        case 'q': o->quiet = true; break;
        case OPT_SCANS: o->pipeline.scan_aggregate = true; break;
        case OPT_NO_SANDBOX: o->no_sandbox = true; break;
        case 'h':
            fputs(usage, stdout);
            *status = EXIT_GOOD;
            return false;
        case 'V':
            puts("tcpledger " TL_VERSION);
            *status = EXIT_GOOD;
            return false;
        case '?': return wrong(status); /* getopt has said what */
        default:
            if (!read_one(o, option, optarg)) {
                complain("not a value for --%s: %s", option == 'z' ? "compress" : longs[at].name, optarg);
                return wrong(status);
            }
        }
    o->paths = argv + optind;
    o->n = argc - optind;
    return settle(o, db, status);
}

void options_free(options *o)
{
    free(o->db);
    o->db = NULL;
    tl_detectors_close(o->detectors);
    o->detectors = NULL;
}

void options_json(const options *o, const char *sandbox, tl_text *json)
{
    const tl_limits *l = &o->pipeline.limits;
    tl_json_open(json);
    tl_json_number(json, "compress", o->pipeline.level);
    tl_json_number(json, "grace_ns", l->grace_ns);
    tl_json_number(json, "idle_ns", l->idle_ns);
    tl_json_number(json, "memory_bytes", (int64_t)o->memory_bytes);
    tl_json_number(json, "hole_bytes", (int64_t)l->hole_bytes);
    tl_json_number(json, "max_sessions", (int64_t)l->max_sessions);
    tl_json_number(json, "vlan_key", l->vlan_key);
    if (o->pipeline.scan_aggregate) tl_json_number(json, "scan_aggregate", 1);
    tl_json_number(json, "batch_bytes", (int64_t)o->pipeline.batch_bytes);
    tl_json_field(json, "sandbox", tl_span_of(sandbox, strlen(sandbox)), 100);
    if (o->files.framings != NULL) tl_json_field(json, "framings", tl_span_of(o->files.framings, strlen(o->files.framings)), 4096);
    if (o->files.objects > 0) {
        tl_text all = {0};
        for (unsigned i = 0; i < o->files.objects; i++) tl_text_printf(&all, "%s%s", i > 0 ? ", " : "", o->files.object[i]);
        tl_json_field(json, "detectors", tl_span_of(all.p, all.n), 4096);
        json->failed |= all.failed;
        tl_text_free(&all);
    }
    if (o->filter != NULL) tl_json_field(json, "filter", tl_span_of(o->filter, strlen(o->filter)), 4096);
    tl_json_close(json);
}
