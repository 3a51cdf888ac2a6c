/*
** gen.c - bench-gen: writes a capture of known content.  The same options give the same bytes.
*/
#include "bodies.h"
#include "sessions.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "bench-gen [options] -o FILE         writes a capture (pcap, Ethernet); -o - is standard output\n"
                            "  --load NAME        bulk: 4,000 HTTP sessions of 10 objects of 30 KB, 100 open at a time (1.3 GB)\n"
                            "                     tiny: 300,000 sessions of three messages, 20,000 open at a time (550 MB)\n"
                            "                     lossy: bulk with 1 % of the frames lost and 1 % out of order\n"
                            "  --scale X          so many times as many sessions\n"
                            "  --seed N\n"
                            "  --sessions N       --open N           in all, and at a time\n"
                            "  --protocol P       http, or framed: four bytes of length, then so many more\n"
                            "  --messages N       of a session, requests and responses together\n"
                            "  --object BYTES     mean size of a response's body, or of a framed message\n"
                            "  --text PERCENT     of the bodies compress like web pages, the rest does not\n"
                            "  --ipv6 PERCENT     of the sessions\n"
                            "  --loss PERCENT     of the frames are not in the capture\n"
                            "  --reorder PERCENT  of the frames are a place late\n"
                            "  --retransmit PERCENT  of the frames are there twice\n"
                            "  --truth FILE       a JSON line for each message: where it is in its stream, and what of it is missing\n";

static const struct {
    const char *name;
    load l;
    tap_options tap;
} loads[] = {
    {"bulk",
     {.sessions = 4000, .open = 100, .messages = 20, .object_bytes = 30000, .text_percent = 50, .talk = TALK_HTTP},
     {.frame_us = 10}},
    {"tiny",
     {.sessions = 300000, .open = 20000, .messages = 3, .object_bytes = 330, .text_percent = 50, .talk = TALK_FRAMED},
     {.frame_us = 10}},
    {"lossy",
     {.sessions = 4000, .open = 100, .messages = 20, .object_bytes = 30000, .text_percent = 50, .talk = TALK_HTTP},
     {.frame_us = 10, .loss_percent = 1, .reorder_percent = 1}},
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "bench-gen: %s: %s\n", what, why);
    return 1;
}

static bool number(const char *text, double least, double most, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= least && *out <= most;
}

typedef struct options {
    load l;
    tap_options tap;
    double scale;
    const char *output, *truth;
} options;

/* false: told why */
static bool take_option(options *o, const char *name, const char *value)
{
    static const struct {
        const char *name;
        size_t field;
        bool percent;
    } numbers[] = {
        {"sessions", offsetof(options, l.sessions), false},
        {"open", offsetof(options, l.open), false},
        {"object", offsetof(options, l.object_bytes), false},
        {"text", offsetof(options, l.text_percent), true},
        {"ipv6", offsetof(options, l.ipv6_percent), true},
        {"loss", offsetof(options, tap.loss_percent), true},
        {"reorder", offsetof(options, tap.reorder_percent), true},
        {"retransmit", offsetof(options, tap.retransmit_percent), true},
        {"seed", offsetof(options, l.seed), false},
    };
    double v;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) != 0) continue;
        if (!number(value, 0, numbers[i].percent ? 100 : 1e15, &v)) return fail(name, "not a number that makes sense here"), false;
        char *field = (char *)o + numbers[i].field;
        uint64_t whole = (uint64_t)v;
        if (numbers[i].percent)
            memcpy(field, &v, sizeof v);
        else
            memcpy(field, &whole, sizeof whole);
        return true;
    }
    if (strcmp(name, "load") == 0) {
        for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++)
            if (strcmp(value, loads[i].name) == 0) {
                uint64_t seed = o->l.seed;
                o->l = loads[i].l;
                o->l.seed = seed;
                o->tap = loads[i].tap;
                return true;
            }
        return fail(value, "no such load; bulk, tiny and lossy are there"), false;
    }
    if (strcmp(name, "protocol") == 0) {
        if (strcmp(value, "http") != 0 && strcmp(value, "framed") != 0)
            return fail(value, "no such protocol; http and framed are there"), false;
        o->l.talk = value[0] == 'h' ? TALK_HTTP : TALK_FRAMED;
    } else if (strcmp(name, "messages") == 0) {
        if (!number(value, 0, 1e6, &v)) return fail(name, "not a number that makes sense here"), false;
        o->l.messages = (unsigned)v;
    } else if (strcmp(name, "scale") == 0) {
        if (!number(value, 0, 1e6, &o->scale)) return fail(name, "not a number that makes sense here"), false;
    } else if (strcmp(name, "truth") == 0) {
        o->truth = value;
    }
    return true;
}

static int generate(const options *o, int fd, FILE *truth)
{
    tap *t = tap_new(fd, &o->tap);
    totals sums;
    if (t == NULL || !bodies_make(o->l.seed) || !sessions_play(&o->l, t, truth, &sums)) return fail("generating", "no memory");
    uint64_t frames = tap_frames(t);
    bool good = tap_finish(t);
    bodies_free();
    if (!good) return fail(o->output, strerror(errno));
    if (truth != NULL && (fflush(truth) != 0 || ferror(truth))) return fail(o->truth, strerror(errno));
    fprintf(stderr,
            "%" PRIu64 " frames, %" PRIu64 " sessions, %" PRIu64 " messages (%" PRIu64 " whole), %" PRIu64 " payload bytes, %" PRIu64
            " missing\n",
            frames, sums.sessions, sums.messages, sums.whole, sums.payload_bytes, sums.missing_bytes);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"load", 1, NULL, 0},       {"scale", 1, NULL, 0},    {"seed", 1, NULL, 0},     {"sessions", 1, NULL, 0},
        {"open", 1, NULL, 0},       {"protocol", 1, NULL, 0}, {"messages", 1, NULL, 0}, {"object", 1, NULL, 0},
        {"text", 1, NULL, 0},       {"ipv6", 1, NULL, 0},     {"loss", 1, NULL, 0},     {"reorder", 1, NULL, 0},
        {"retransmit", 1, NULL, 0}, {"truth", 1, NULL, 0},    {"help", 0, NULL, 'h'},   {0}};
    options o = {.l = loads[0].l, .tap = loads[0].tap, .scale = 1};
    int c, at;
    while ((c = getopt_long(argc, argv, "o:h", longs, &at)) != -1) {
        if (c == 'h') return fputs(usage, stdout) < 0;
        if (c == '?') return 2;
        if (c == 'o')
            o.output = optarg;
        else if (!take_option(&o, longs[at].name, optarg))
            return 2;
    }
    if (o.output == NULL || optind < argc) return fputs(usage, stderr), 2;
    o.l.sessions = (uint64_t)llround((double)o.l.sessions * o.scale);
    o.l.seed = o.l.seed * 2 + 1;
    o.tap.seed = o.l.seed + 1;

    int fd = strcmp(o.output, "-") == 0 ? STDOUT_FILENO : open(o.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return fail(o.output, strerror(errno));
    FILE *truth = NULL;
    if (o.truth != NULL && (truth = fopen(o.truth, "we")) == NULL) return fail(o.truth, strerror(errno));
    int status = generate(&o, fd, truth);
    if (truth != NULL) fclose(truth);
    if (close(fd) != 0 && status == 0) status = fail(o.output, strerror(errno));
    return status;
}
