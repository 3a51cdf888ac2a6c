#include "support/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

typedef struct stage {
    tl_sessions *table;
    tape *tape;
    tl_session_info *info;
    uint32_t isn[2], sent[2];
    tl_at at;
    int64_t skew;
    uint64_t last_id;
    const tl_limits *limits;
    tl_text *state; /* NULL: not saved and restored */
} stage;

static void bad(const char *line)
{
    fprintf(stderr, "script: cannot read '%s'\n", line);
    abort();
}

static void drain(stage *g, tl_session *s)
{
    tl_session_info info;
    tl_session_look(s, &info);
    if (info.id != g->last_id && g->last_id != 0) {
        g->tape->log_n += (size_t)snprintf(g->tape->log + g->tape->log_n, 64, "session %llu\n", (unsigned long long)info.id);
        char log[sizeof g->tape->log]; /* another session: a tape of its own, but one log */
        size_t n = g->tape->log_n;
        memcpy(log, g->tape->log, sizeof log);
        memset(g->tape, 0, sizeof *g->tape);
        memcpy(g->tape->log, log, sizeof log);
        g->tape->log_n = n;
    }
    g->last_id = info.id;
    tape_drain(g->tape, s);
    tl_session_look(s, g->info);
    /* what info borrows from the table must not be looked at later */
    static char history[300];
    snprintf(history, sizeof history, "%s", g->info->history);
    g->info->history = history;
    g->info->layers = NULL;
}

static void pass(stage *g)
{
    tl_session *s;
    while ((s = tl_sessions_due(g->table, g->at)) != NULL) drain(g, s);
}

static void segment(stage *g, char *line)
{
    int d = line[0] == '<';
    char text[256] = "";
    tl_segment seg = {.window = 8192, .window_scale = -1, .seq = g->isn[d] + 1 + g->sent[d]};
    seg.src.port = d == 0 ? 40000 : 80;
    seg.dst.port = d == 0 ? 80 : 40000;
    size_t n = 0;
    bool syn = false;
    unsigned value;
    char *p = line + 1, *word;
    uint32_t cut = UINT32_MAX;
    while (*(p += strspn(p, " ")) != '\0') {
        if (*p == '\'') {
            char *end = strchr(p + 1, '\'');
            if (end == NULL || (size_t)(end - p) > sizeof text) bad(line);
            n = (size_t)(end - p) - 1;
            memcpy(text, p + 1, n);
            p = end + 1;
            continue;
        }
        word = p;
        size_t len = strcspn(p, " ");
        p += len;
        bool more = sscanf(p, " %u", &value) == 1;
        bool takes = false;
        if (len == 3 && strncmp(word, "syn", 3) == 0 && more) {
            g->isn[d] = value;
            syn = takes = true;
            g->sent[d] = 0;
            seg.seq = value;
            seg.flags |= TL_SYN;
        } else if (len == 3 && strncmp(word, "ack", 3) == 0) {
            takes = more;
            seg.ack = g->isn[!d] + 1 + (more ? value : g->sent[!d]);
            seg.flags |= TL_ACK;
        } else if (len == 3 && strncmp(word, "fin", 3) == 0) {
            seg.flags |= TL_FIN;
        } else if (len == 3 && strncmp(word, "rst", 3) == 0) {
            seg.flags |= TL_RST;
        } else if (len == 3 && strncmp(word, "cut", 3) == 0 && more) {
            cut = value;
            takes = true;
        } else if (len == 4 && strncmp(word, "sack", 4) == 0 && more) {
            unsigned to;
            if (sscanf(p, " %*u %u", &to) != 1) bad(line);
            seg.sack[seg.sack_n][0] = g->isn[!d] + 1 + value;
            seg.sack[seg.sack_n++][1] = g->isn[!d] + 1 + to;
            p += strspn(p, " ");
            p += strspn(p, "0123456789");
            takes = true;
        } else if (len == 4 && strncmp(word, "vlan", 4) == 0 && more) {
            seg.layers = (tl_layers){.n = 1, .kind = {TL_LAYER_VLAN}, .id = {value}};
            takes = true;
        } else if (sscanf(word, "%u", &value) == 1) {
            seg.seq = g->isn[d] + 1 + value;
        } else if (sscanf(word, "-%u", &value) == 1) {
            seg.seq = g->isn[d] + 1 - value;
        } else {
            bad(line);
        }
        if (takes) {
            p += strspn(p, " ");
            p += strspn(p, "0123456789");
        }
    }
    if (cut > n) cut = (uint32_t)n;
    uint8_t *exact = tl_exact(text, cut);
    uint32_t end = (syn ? 0 : seg.seq - g->isn[d] - 1) + (uint32_t)n + !!(seg.flags & TL_FIN);
    if ((int32_t)end > (int32_t)g->sent[d]) g->sent[d] = end;
    g->at.frame++;
    g->at.ns += 1000;
    seg.payload = (tl_span){exact, cut};
    seg.payload_wire = (uint32_t)n;
    seg.wire_bytes = 40 + (uint32_t)n;
    seg.at = g->at;
    seg.at.ns += g->skew;
    tl_session *s = NULL;
    CU_ASSERT_EQUAL_FATAL(tl_sessions_push(g->table, &seg, &s), TL_OK);
    if (tl_sessions_other_channel(g->table)) g->tape->log_n += (size_t)snprintf(g->tape->log + g->tape->log_n, 64, "other channel\n");
    drain(g, s);
    free(exact);
    pass(g);
}

static int64_t duration(const char *line, const char *text)
{
    long long n;
    char unit[3];
    if (sscanf(text, " %lld%2s", &n, unit) != 2) bad(line);
    return n * (strcmp(unit, "s") == 0 ? 1000000000 : 1000000);
}

void script_run(const char *script, const tl_limits *limits, tape *t, tl_session_info *info)
{
    script_run_reborn(script, limits, t, info, NULL);
}

void script_run_reborn(const char *script, const tl_limits *limits, tape *t, tl_session_info *info, tl_text *state)
{
    stage g = {.tape = t, .info = info, .at = {.ns = INT64_C(1700000000) * 1000000000, .capture = 1}, .state = state};
    tl_limits defaults = tl_limits_default();
    memset(t, 0, sizeof *t);
    memset(info, 0, sizeof *info);
    g.limits = limits != NULL ? limits : &defaults;
    g.table = tl_sessions_new(g.limits, 1);
    char *copy = strdup(script), *save = NULL;
    for (char *line = strtok_r(copy, "|\n", &save); line != NULL; line = strtok_r(NULL, "|\n", &save)) {
        char dir;
        unsigned value;
        line += strspn(line, " ");
        for (size_t n = strlen(line); n > 0 && line[n - 1] == ' ';) line[--n] = '\0';
        if (*line == '\0') continue;
        if (*line == '<' || *line == '>') {
            segment(&g, line);
        } else if (sscanf(line, "isn %c %u", &dir, &value) == 2) {
            g.isn[dir == '<'] = value;
        } else if (strncmp(line, "wait", 4) == 0) {
            g.at.ns += duration(line, line + 4);
            pass(&g);
        } else if (strncmp(line, "time", 4) == 0) {
            g.skew = duration(line, line + 4);
        } else if (strcmp(line, "end") != 0) {
            bad(line);
        }
        if (g.state != NULL) tl_reborn(&g.table, g.limits, g.state);
    }
    for (tl_session *s; (s = tl_sessions_end(g.table)) != NULL;) drain(&g, s);
    tl_sessions_free(g.table);
    free(copy);
}
