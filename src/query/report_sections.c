/*
** report_sections.c - the page below its summary: time, hosts, sessions, protocols, messages, strays, captures, limits.
*/
#include "query/report_parts.h"
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void open_section(html *h, const char *id, const char *title)
{
    html_lit(h, "<section id=\"");
    html_text(h, id);
    html_lit(h, "\" aria-labelledby=\"");
    html_text(h, id);
    html_lit(h, "-h\"><h2 id=\"");
    html_text(h, id);
    html_lit(h, "-h\">");
    html_text(h, title);
    html_lit(h, "</h2>\n");
}

static void paragraph(html *h, const char *text)
{
    html_lit(h, "<p>");
    html_text(h, text);
    html_lit(h, "</p>\n");
}

static void none(html *h, const char *text)
{
    html_lit(h, "<p class=\"none\">");
    html_text(h, text);
    html_lit(h, "</p>\n");
}

static void close_section(html *h)
{
    html_lit(h, "</section>\n");
}

static void loss_over_time(html *h, const tl_report *p)
{
    static const column columns[] = {
        {"start", "Start (UTC)", COL_TIME, NULL},
        {"sessions_begun", "Sessions begun", COL_COUNT, NULL},
        {"stored_bytes", "Captured bytes", COL_COUNT, NULL},
        {"gaps", "Gaps", COL_COUNT, NULL},
        {"capture_loss", "Capture loss", COL_COUNT, NULL},
        {"unknown_loss", "Unknown loss", COL_COUNT, NULL},
    };
    const facts *f = facts_of(p, "timeline");
    open_section(h, "time", "Loss over time");
    if (f->n == 0) {
        none(h, "No session, so nothing to draw.");
    } else {
        tl_cell seconds = facts_cell(f, 0, "seconds");
        html_lit(h, "<p>Each interval is ");
        html_duration(h, seconds.kind == TL_CELL_REAL ? seconds.real : (double)seconds.integer);
        html_lit(h, " long. A gap counts where the last captured byte before it lies. Times are UTC.</p>");
        chart_timeline(h, f);
        html_lit(h, "<details><summary>The figures as a table</summary>");
        table_write(h, f, columns, COUNT(columns), f->title, true);
        html_lit(h, "</details>");
    }
    close_section(h);
}

static void loss_by_host(html *h, const tl_report *p)
{
    static const column columns[] = {
        {"host", "Sending host", COL_CODE, NULL},          {"sessions", "Sessions", COL_COUNT, NULL},
        {"bytes_sent", "Bytes sent", COL_COUNT, NULL},     {"gaps", "Gaps", COL_COUNT, NULL},
        {"capture_loss", "Capture loss", COL_COUNT, NULL}, {"capture_loss", "of its bytes", COL_SHARE, "bytes_sent"},
        {"unknown_loss", "Unknown loss", COL_COUNT, NULL}, {"unknown_loss", "of its bytes", COL_SHARE, "bytes_sent"},
    };
    const facts *f = facts_of(p, "hosts");
    size_t shown = 0;
    open_section(h, "hosts", "Loss by host");
    if (f->n == 0) {
        none(h, "No hosts.");
        close_section(h);
        return;
    }
    paragraph(h, "By the host that sent the bytes which are missing here.");
    for (size_t i = 0; i < f->n; i++) shown += facts_number(f, i, "capture_loss") + facts_number(f, i, "unknown_loss") > 0;
    if (shown > 0) html_lit(h, "<ol class=\"bars\">");
    for (size_t i = 0; i < f->n && shown > 0; i++) {
        int64_t capture = facts_number(f, i, "capture_loss"), unknown = facts_number(f, i, "unknown_loss");
        const share shares[] = {{"stored", "captured", facts_number(f, i, "stored_bytes")},
                                {"lost", "capture loss", capture},
                                {"unknown", "unknown loss", unknown}};
        if (capture == 0 && unknown == 0) continue;
        html_lit(h, "<li><p><b class=\"c\">");
        html_cell(h, facts_cell(f, i, "host"));
        html_lit(h, "</b> <span>");
        html_share(h, shares[0].n, facts_number(f, i, "bytes_sent"));
        html_lit(h, " of ");
        html_size(h, facts_number(f, i, "bytes_sent"));
        html_lit(h, " captured</span></p>");
        chart_shares(h, "Bytes that this host sent", "byte", shares, COUNT(shares));
        html_lit(h, "</li>\n");
    }
    if (shown > 0) html_lit(h, "</ol>");
    if (shown > 0) chart_legend(h, false);
    table_write(h, f, columns, COUNT(columns), "Hosts, those with most loss first", true);
    close_section(h);
}

static void reasons(html *h, const tl_report *p)
{
    static const column columns[] = {
        {"reason", "Reason", COL_CODE, NULL}, {"loss", "Kind", COL_TEXT, NULL},          {"gaps", "Gaps", COL_COUNT, NULL},
        {"bytes", "Bytes", COL_COUNT, NULL},  {"sessions", "Sessions", COL_COUNT, NULL}, {"means", "What it means", COL_PROSE, NULL},
    };
    const facts *f = facts_of(p, "reasons");
    open_section(h, "why", "Why bytes are missing");
    if (f->n == 0)
        none(h, "No gap was found in any stream.");
    else
        table_write(h, f, columns, COUNT(columns), "Reasons, with the evidence for each", false);
    close_section(h);
}

static void session_card(html *h, const facts *f, const facts *map, size_t i)
{
    int64_t id = facts_number(f, i, "session_id");
    html_lit(h, "<article><h3>Session ");
    html_cell(h, facts_cell(f, i, "session_id"));
    html_lit(h, " <span class=\"c\">");
    html_cell(h, facts_cell(f, i, "client"));
    html_lit(h, " → ");
    html_cell(h, facts_cell(f, i, "server"));
    html_lit(h, "</span></h3><p class=\"facts\">");
    html_cell(h, facts_cell(f, i, "protocol"));
    html_lit(h, " · ");
    html_time(h, facts_cell(f, i, "start"));
    html_lit(h, " · ");
    tl_cell seconds = facts_cell(f, i, "seconds");
    html_number(h, seconds.kind == TL_CELL_REAL ? seconds.real : (double)seconds.integer);
    html_lit(h, " s · ");
    html_cell(h, facts_cell(f, i, "conn_state"));
    html_lit(h, " · ");
    html_of(h, facts_number(f, i, "messages"), "message");
    html_lit(h, ", ");
    html_count(h, facts_number(f, i, "messages_incomplete"));
    html_lit(h, " incomplete");
    tl_cell notes = facts_cell(f, i, "notes");
    if (notes.bytes.n > 0) {
        html_lit(h, " · ");
        html_cell(h, notes);
    }
    html_lit(h, "</p>");
    (void)chart_gap_map(h, map, id, "client");
    (void)chart_gap_map(h, map, id, "server");
    html_lit(h, "</article>\n");
}

static void worst_sessions(html *h, const tl_report *p)
{
    const facts *f = facts_of(p, "sessions"), *map = facts_of(p, "gap_map");
    open_section(h, "sessions", "The sessions that lost most");
    if (f->n == 0) {
        none(h, "No session lacks a byte that anything proves.");
    } else {
        html_lit(h, "<p>");
        html_count(h, (int64_t)f->n);
        html_lit(h, " of ");
        html_of(h, facts_number(f, 0, "sessions_with_loss"), "session");
        html_lit(h, " with loss: those with most capture loss first. Each bar is one direction of the connection from its first byte to "
                    "its last; <code>tcpledger-query DB session ID</code> tells all about one.</p>");
        chart_legend(h, true);
    }
    for (size_t i = 0; i < f->n; i++) session_card(h, f, map, i);
    close_section(h);
}

static void protocols(html *h, const tl_report *p)
{
    static const column columns[] = {
        {"protocol", "Protocol", COL_TEXT, NULL},
        {"sessions", "Sessions", COL_COUNT, NULL},
        {"sessions_with_loss", "with loss", COL_COUNT, NULL},
        {"bytes", "Bytes", COL_COUNT, NULL},
        {"missing_bytes", "Missing bytes", COL_COUNT, NULL},
        {"messages", "Messages", COL_COUNT, NULL},
        {"complete", "complete", COL_COUNT, NULL},
        {"complete", "in percent", COL_SHARE, "messages"},
    };
    const facts *f = facts_of(p, "protocols");
    open_section(h, "protocols", "Protocols");
    if (f->n == 0)
        none(h, "No sessions.");
    else
        table_write(h, f, columns, COUNT(columns), "Sessions by protocol", true);
    close_section(h);
}

static void messages(html *h, const tl_report *p)
{
    static const column columns[] = {
        {"session_id", "Session", COL_ID, NULL}, {"number", "Message", COL_ID, NULL},      {"time", "Time (UTC)", COL_TIME, NULL},
        {"sender", "Sender", COL_TEXT, NULL},    {"protocol", "Protocol", COL_TEXT, NULL}, {"summary", "Summary", COL_WIDE, NULL},
        {"length", "Length", COL_COUNT, NULL},   {"missing", "Missing", COL_COUNT, NULL},  {"lacks", "Lacks", COL_TEXT, NULL},
    };
    const facts *f = facts_of(p, "messages");
    open_section(h, "messages", "Incomplete messages");
    if (f->n == 0)
        none(h, "Every message that was found is complete.");
    else
        table_write(h, f, columns, COUNT(columns), "Messages that miss bytes or their end", true);
    close_section(h);
}

static void strays(html *h, const tl_report *p)
{
    static const column kinds[] = {
        {"reason", "Reason", COL_CODE, NULL},      {"strays", "Segments", COL_COUNT, NULL},     {"bytes", "Bytes", COL_COUNT, NULL},
        {"sessions", "Sessions", COL_COUNT, NULL}, {"means", "What it means", COL_PROSE, NULL},
    };
    static const column copies[] = {
        {"session_id", "Session", COL_ID, NULL},
        {"sender", "Sender", COL_TEXT, NULL},
        {"stream_offset", "Offset", COL_COUNT, NULL},
        {"length", "Bytes", COL_COUNT, NULL},
        {"frame", "Frame", COL_ID, NULL},
        {"time", "Time (UTC)", COL_TIME, NULL},
        {"first_copy", "First copy, kept", COL_CODE, NULL},
        {"other_copy", "Other copy", COL_CODE, NULL},
    };
    const facts *f = facts_of(p, "strays"), *c = facts_of(p, "conflicts");
    open_section(h, "strays", "Strays and conflicting copies");
    if (f->n == 0) {
        none(h, "All captured payload belongs to its stream, and no two copies of a byte differ.");
    } else {
        table_write(h, f, kinds, COUNT(kinds), "Captured payload that is not in its stream", false);
        if (c->n > 0) {
            paragraph(h, "Two copies of the same bytes that differ are a sign of injection, or of a device that rewrites traffic. The copy "
                         "that came first is kept; at most 32 bytes of both are shown.");
            table_write(h, c, copies, COUNT(copies), "Conflicting copies", true);
        }
    }
    close_section(h);
}

static void captures(html *h, const tl_report *p)
{
    static const column files[] = {
        {"path", "File and its SHA-256", COL_WIDE, "sha256"},
        {"first", "First frame (UTC)", COL_TIME, NULL},
        {"last", "Last frame (UTC)", COL_TIME, NULL},
        {"frames", "Frames", COL_COUNT, NULL},
        {"bytes", "Bytes", COL_COUNT, NULL},
        {"drops_reported", "Drops", COL_COUNT, NULL},
        {"state", "State", COL_TEXT, NULL},
    };
    static const column outcomes[] = {
        {"outcome", "Outcome", COL_CODE, NULL},
        {"frames", "Frames", COL_COUNT, NULL},
        {"bytes", "Bytes", COL_COUNT, NULL},
        {"means", "What it means", COL_PROSE, NULL},
    };
    static const column runs[] = {
        {"started", "Started (UTC)", COL_TIME, NULL},
        {"tool_version", "tcpledger", COL_TEXT, NULL},
        {"state", "State", COL_TEXT, NULL},
        {"options", "Options", COL_HASH, NULL},
    };
    const facts *f = facts_of(p, "captures"), *o = facts_of(p, "frames"), *r = facts_of(p, "runs");
    open_section(h, "captures", "What was captured");
    if (f->n == 0) none(h, "No capture file.");
    if (f->n > 0) table_write(h, f, files, COUNT(files), f->title, true);
    for (size_t i = 0; i < f->n; i++) {
        tl_cell error = facts_cell(f, i, "error");
        if (error.kind == TL_CELL_NULL) continue;
        html_lit(h, "<p class=\"warn c\">");
        html_cell(h, error);
        html_lit(h, "</p>");
    }
    if (o->n > 0) table_write(h, o, outcomes, COUNT(outcomes), o->title, false);
    if (r->n > 0) table_write(h, r, runs, COUNT(runs), r->title, false);
    close_section(h);
}

static void limits(html *h, const tl_report *p)
{
    const facts *f = facts_of(p, "limits");
    open_section(h, "limits", "What this report cannot know");
    html_lit(h, "<dl class=\"limits\">");
    for (size_t i = 0; i < f->n; i++) {
        html_lit(h, "<div><dt>");
        html_cell(h, facts_cell(f, i, "topic"));
        html_lit(h, "</dt><dd>");
        if (facts_cell(f, i, "found").kind == TL_CELL_INTEGER) {
            html_lit(h, "<b>");
            html_count(h, facts_number(f, i, "found"));
            html_lit(h, " ");
            html_cell(h, facts_cell(f, i, "noun"));
            if (facts_number(f, i, "found") != 1) html_lit(h, "s");
            html_lit(h, ".</b> ");
        }
        html_cell(h, facts_cell(f, i, "text"));
        html_lit(h, "</dd></div>\n");
    }
    html_lit(h, "</dl>");
    close_section(h);
}

void report_sections(html *h, const tl_report *p)
{
    loss_over_time(h, p);
    loss_by_host(h, p);
    reasons(h, p);
    worst_sessions(h, p);
    protocols(h, p);
    messages(h, p);
    strays(h, p);
    captures(h, p);
    limits(h, p);
}
