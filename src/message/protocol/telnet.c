/*
** telnet.c - Telnet (RFC 854, 855): commands behind IAC, and lines of text between them.
**
** A message is one negotiation (IAC WILL, WONT, DO or DONT and an option), a subnegotiation (IAC SB ... IAC SE), another command, or a
** line: what ends in LF, CR NUL, before an IAC, or (in more than LINE_MOST bytes) nowhere yet.  A line that has not ended waits: a
** prompt is told with what is written behind it.  IAC IAC is a byte 255 of text.
** Nothing answers anything here: an option's answer is told by its option, but either side may have begun.
** A name or password that a client types is a line like any other; the client's lines are not shown.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240, OPTION_MOST = 49, LINE_MOST = 512, SUB_MOST = 4096 };

static const char *const commands[] = {"se",
                                       "nop",
                                       "data_mark",
                                       "break",
                                       "interrupt_process",
                                       "abort_output",
                                       "are_you_there",
                                       "erase_character",
                                       "erase_line",
                                       "go_ahead",
                                       "sb",
                                       "will",
                                       "wont",
                                       "do",
                                       "dont"};

static const struct {
    uint8_t code;
    const char *name;
} options[] = {{0, "binary"},
               {1, "echo"},
               {3, "suppress_go_ahead"},
               {5, "status"},
               {6, "timing_mark"},
               {18, "logout"},
               {23, "send_location"},
               {24, "terminal_type"},
               {25, "end_of_record"},
               {31, "window_size"},
               {32, "terminal_speed"},
               {33, "flow_control"},
               {34, "linemode"},
               {35, "x_display_location"},
               {36, "environment"},
               {37, "authentication"},
               {38, "encryption"},
               {39, "new_environment"},
               {40, "tn3270e"},
               {42, "charset"},
               {44, "com_port"},
               {46, "start_tls"}};

static bool negotiates(tl_span b)
{
    return (b.n < 1 || b.p[0] == IAC) && (b.n < 2 || (b.p[1] >= SB && b.p[1] <= DONT)) && (b.n < 3 || b.p[2] <= OPTION_MOST);
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    tl_match best = TL_NO;
    for (int dir = 0; dir < 2; dir++) {
        tl_span b = in->head[dir];
        if (b.n == 0 || !negotiates(b)) continue;
        /* Two in a row, or one on the port. */
        bool usual = tl_usual_port(d, in->server_port);
        if (b.n >= 3 && usual) return TL_YES;
        if (b.n >= 6 && b.p[1] != SB && negotiates(tl_span_of(b.p + 3, b.n - 3))) return TL_YES;
        if (b.n < 6 || b.p[1] == SB) best = b.n >= 3 && b.p[1] == SB ? TL_LIKELY : TL_MAYBE;
    }
    return best;
}

/* The end of a subnegotiation: behind IAC SE; 0: not there. */
static size_t find_end(tl_span b)
{
    for (size_t i = 2; i + 1 < b.n; i++) {
        if (b.p[i] != IAC) continue;
        if (b.p[i + 1] == SE) return i + 2;
        i++;
    }
    return 0;
}

static tl_verdict measure_command(const tl_head *in)
{
    tl_span b = in->bytes;
    if (b.n < 2) return tl_more(2);
    if (b.p[1] < SE) return tl_reject(0);
    if (b.p[1] >= WILL && b.p[1] <= DONT) {
        if (b.n < 3) return tl_more(3);
        return tl_whole(in, 3, 3, "negotiation");
    }
    if (b.p[1] != SB) return tl_whole(in, 2, 2, "command");
    size_t end = find_end(b);
    if (end == 0 && b.n >= SUB_MOST) return tl_reject(0);
    if (end == 0)
        return in->ended && b.n >= 3
                   ? (tl_verdict){.answer = TL_FRAME, .length = b.n, .edge = TL_FIRST, .head_length = 3, .kind = "subnegotiation"}
                   : tl_more(b.n + 1);
    return tl_whole(in, end, 3, "subnegotiation");
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    bool escaped = b.n > 1 && b.p[0] == IAC && b.p[1] == IAC;
    if (b.p[0] == IAC && !escaped) return measure_command(in);
    size_t at = in->seen <= b.n ? in->seen : 0, end = 0;
    for (; end == 0 && at < b.n && at < LINE_MOST; at++) {
        uint8_t c = b.p[at];
        if (c == IAC && at + 1 == b.n) {
            if (in->ended) end = at;
            break;
        }
        if (c == IAC && b.p[at + 1] != IAC) end = at;
        if (c == IAC && b.p[at + 1] == IAC) at++;
        if (c == '\n') end = at + 1;
        if (c == '\r' && at + 1 == b.n) break;
        if (c == '\r' && b.p[at + 1] == 0) end = at + 2;
    }
    if (end == 0 && at < LINE_MOST && !in->ended) {
        tl_verdict m = tl_more(b.n + 1);
        m.seen = at;
        return m;
    }
    bool cut = end == 0 && at < LINE_MOST;
    if (end == 0) end = cut ? b.n : at;
    tl_verdict v = tl_whole(in, end, 0, "line");
    if (cut) v.edge = TL_FIRST;
    if (in->dir == TL_C2S) return v;
    v.head_length = (uint32_t)end;
    while (end > 0 && (b.p[end - 1] == '\n' || b.p[end - 1] == '\r' || b.p[end - 1] == 0)) end--;
    v.summary = tl_span_of(b.p, end);
    return v;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    size_t line = in->before == '\n' ? 0 : tl_next_line(b);
    for (size_t at = 0; at < line; at++)
        if (b.p[at] == IAC && (at + 1 == b.n || (b.p[at + 1] >= SE && b.p[at + 1] != IAC))) return at;
    return line;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (b.n < 2 || b.p[0] != IAC || b.p[1] < SE || b.p[1] == IAC) return;
    const char *name = commands[b.p[1] - SE], *option = NULL;
    tl_json_field(json, "command", tl_span_of(name, strlen(name)), 32);
    if (b.p[1] < SB || b.n < 3) return;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].code == b.p[2]) option = options[i].name;
    if (option != NULL)
        tl_json_field(json, "option", tl_span_of(option, strlen(option)), 32);
    else
        tl_json_number(json, "option", b.p[2]);
}

const tl_detector tl_telnet = {
    .name = "telnet",
    .head_max = SUB_MOST,
    .ports = {23, 2323},
    .first = TL_FIRST("\xff\xff"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
