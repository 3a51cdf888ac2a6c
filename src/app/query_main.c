/*
** query_main.c - tcpledger-query DB COMMAND: the table of commands.
*/
#include "app/query_cmd.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of help.  page.db of the examples: tcpledger-ingest fixtures/http-lossy.pcap -o page.db */
static const tl_command commands[] = {
    {.name = "sessions",
     .usage = "",
     .help = "TCP sessions: who, how much, what is missing",
     .more = "--where is about the columns of the view 'sessions'.\n",
     .example = "sessions --lossy --limit 10",
     .takes = TAKES_FILTERS | TAKES_ROWS,
     .run = tl_cmd_sessions},
    {.name = "session",
     .usage = "ID",
     .help = "all about one: both streams, messages, gaps and strays in the order of time",
     .example = "session 1",
     .least = 1,
     .most = 1,
     .takes = TAKES_ROWS,
     .run = tl_cmd_session},
    {.name = "messages",
     .usage = "[ID]",
     .help = "application messages, of one session or filtered",
     .more = "Protocol and time are the message's own; --where is about the columns of the view 'messages'.\n",
     .example = "messages --where \"detail->>'status' >= 400\"",
     .most = 1,
     .takes = TAKES_FILTERS | TAKES_ROWS,
     .run = tl_cmd_messages},
    {.name = "exchanges",
     .usage = "[ID]",
     .help = "requests beside their responses, with the latency",
     .more = "latency_ms runs from the last byte of the request to the first of the response.  A request without a response,\n"
             "or a response without a request, has nothing on the other side.  --where is about the columns of the view\n"
             "'exchanges'.\n",
     .example = "exchanges --where \"latency_ms > 100\"",
     .most = 1,
     .takes = TAKES_FILTERS | TAKES_ROWS,
     .run = tl_cmd_exchanges},
    {.name = "hosts",
     .usage = "",
     .help = "who talked to whom: sessions, bytes each way, what is missing",
     .more = "A row for each pair of client and server; first and last are the starts of their first and last session.\n"
             "--where chooses the sessions: it is about the columns of the view 'sessions'.\n",
     .example = "hosts --since 2024-07-15 --limit 20",
     .takes = TAKES_FILTERS | TAKES_ROWS,
     .run = tl_cmd_hosts},
    {.name = "timeline",
     .usage = "",
     .help = "sessions, bytes and losses over time",
     .more = "sessions: those that started in the interval; bytes: those captured in it and stored; gaps: where the bytes\n"
             "before the hole end.  --where chooses the sessions: it is about the columns of the view 'sessions'.\n",
     .example = "timeline --interval 10ms",
     .takes = (TAKES_FILTERS & ~TAKES(OPT_LIMIT)) | TAKES(OPT_INTERVAL) | TAKES_ROWS,
     .run = tl_cmd_timeline},
    {.name = "payload",
     .usage = "ID",
     .help = "the captured bytes of a stream or a message",
     .more = "To a file or a pipe the bytes alone (what is missing is told on stderr), to a terminal escaped.\n",
     .example = "payload 3 --message 2 --body -o img2.png",
     .least = 1,
     .most = 1,
     .takes = TAKES(OPT_DIR) | TAKES(OPT_OUTPUT) | TAKES(OPT_GAPS) | TAKES(OPT_MESSAGE) | TAKES(OPT_BODY) | TAKES(OPT_TIMEOUT) |
              TAKES(OPT_NO_PAGER),
     .run = tl_cmd_payload},
    {.name = "follow",
     .usage = "ID",
     .help = "both directions of a session as a dialogue",
     .more = "--as text: the client's lines begin with \"> \", the server's with \"< \", what cannot be read is \\xNN; hex, raw\n"
             "and yaml: as tshark's follow, offsets being those of the stream.  Missing bytes are lines that begin with \"! \",\n"
             "in yaml items with the key `missing`; with raw they are told on stderr.  With --format there is a row for what\n"
             "each frame brought, and for each gap (time: that of the frame before it; frame: the one that proves it).  The\n"
             "column data is then escaped: \\xNN for what cannot be read, and a backslash doubled; with --as hex or raw\n"
             "hexadecimal digits.\n",
     .example = "follow 1 --dir server --as hex",
     .least = 1,
     .most = 1,
     .takes = TAKES(OPT_AS) | TAKES(OPT_DIR) | TAKES_ROWS,
     .run = tl_cmd_follow},
    {.name = "frames",
     .usage = "ID",
     .help = "which frame of which capture brought which bytes of a session",
     .more = "In the order of time.  Frames that only repeated bytes, or brought strays, are not among them.\n",
     .example = "frames 1 --dir server --limit 10",
     .least = 1,
     .most = 1,
     .takes = TAKES(OPT_DIR) | TAKES(OPT_LIMIT) | TAKES_ROWS,
     .run = tl_cmd_frames},
    {.name = "explain",
     .usage = "GAP-ID",
     .help = "a gap in plain sentences: what is missing, why we say so, what it damages",
     .more = "The number is the gap_id of the view 'gaps'; `session ID` tells it too.\n",
     .example = "explain 1",
     .least = 1,
     .most = 1,
     .takes = TAKES_ROWS,
     .run = tl_cmd_explain},
    {.name = "grep",
     .usage = "PATTERN",
     .help = "where bytes or a regular expression occur in the payload",
     .more = "Bytes with the escapes \\xNN \\n \\r \\t \\0 \\\\; with -e (--regex) a PCRE2 regular expression: ^ and $ at lines.\n"
             "Each direction by itself, over the borders of packets, never over a gap.  At the end it says how much could be searched.\n"
             "--where chooses the sessions: it is about the columns of the view 'sessions'.\n",
     .example = "grep --dir server -e '^Content-Type: image/\\w+'",
     .least = 1,
     .most = 1,
     .takes = TAKES_FILTERS | TAKES_ROWS | TAKES(OPT_DIR) | TAKES(OPT_REGEX) | TAKES(OPT_FIXED) | TAKES(OPT_IGNORE_CASE) |
              TAKES(OPT_CONTEXT) | TAKES(OPT_DECODED),
     .run = tl_cmd_grep},
    {.name = "objects",
     .usage = "[ID]",
     .help = "what messages carry (bodies, mails, files), decoded, with sizes and hashes",
     .more = "size and sha256 are of the decoded bytes that were captured; a state other than 'whole' says why that is not all.\n"
             "Files get names made of numbers (s12-m3.html); manifest.jsonl says where holes are; nothing is overwritten.\n"
             "--where chooses the sessions: it is about the columns of the view 'sessions'.\n",
     .example = "objects --dir server --export files",
     .most = 1,
     .takes = TAKES_FILTERS | TAKES_ROWS | TAKES(OPT_DIR) | TAKES(OPT_EXPORT),
     .run = tl_cmd_objects},
    {.name = "pcap",
     .usage = "ID...",
     .help = "the original packets of sessions, out of the captures, as pcapng",
     .more = "Reads the capture files where they were indexed (--capture-dir, --capture: where they are now), and refuses one\n"
             "that changed.  Status 1 when packets that the database counts are not found.\n",
     .example = "pcap 1 3 -o two.pcapng",
     .least = 1,
     .most = -1,
     .takes = TAKES(OPT_OUTPUT) | TAKES(OPT_CAPTURE_DIR) | TAKES(OPT_CAPTURE) | TAKES(OPT_NO_HASH) | TAKES(OPT_TIMEOUT),
     .run = tl_cmd_pcap},
    {.name = "export",
     .usage = "[ID...]",
     .help = "the payload of many sessions into a folder, a .zip or an .sqlar, with a manifest",
     .more = "-o names a folder, FILE.zip or FILE.sqlar.  One file a direction (s12-client.bin), and manifest.json: hashes, missing\n"
             "ranges, captures, versions, the command line.  Nothing that exists is written over.\n"
             "--where chooses the sessions: it is about the columns of the view 'sessions'.\n",
     .example = "export --lossy -o lossy.zip",
     .most = -1,
     .takes = TAKES_FILTERS | TAKES(OPT_OUTPUT) | TAKES(OPT_GAPS) | TAKES(OPT_TIMEOUT),
     .run = tl_cmd_export},
    {.name = "loss",
     .usage = "",
     .help = "what is missing: capture loss apart from unknown loss",
     .example = "loss --by host",
     .takes = TAKES(OPT_BY) | TAKES_ROWS,
     .run = tl_cmd_loss},
    {.name = "verify",
     .usage = "",
     .help = "asks the database whether it balances; silent when it does",
     .example = "verify --quick",
     .takes = TAKES(OPT_QUICK) | TAKES_ROWS,
     .run = tl_cmd_verify},
    {.name = "info",
     .usage = "",
     .help = "captures, ingests, totals, what became of the frames",
     .example = "info",
     .takes = TAKES_ROWS,
     .run = tl_cmd_info},
    {.name = "diff",
     .usage = "OTHER.db",
     .help = "what another database says differently: sessions, bytes, gaps, messages, scans",
     .more = "Sessions are the same when both ends, the time of the first segment and the initial sequence numbers are.\n"
             "Status 0: no difference, 1: some, 2: trouble, or wrong use.\n",
     .example = "diff other.db --quick",
     .least = 1,
     .most = 1,
     .takes = TAKES(OPT_QUICK) | TAKES_ROWS,
     .trouble = STATUS_TROUBLE,
     .run = tl_cmd_diff},
    {.name = "reindex",
     .usage = "[ID]",
     .help = "messages framed anew from the stored bytes, without the captures",
     .more = "For a newer version's detectors, or protocols of your own.  One transaction: all, or nothing is changed.\n",
     .example = "reindex --framings mine.ini",
     .most = 1,
     .takes = TAKES(OPT_FRAMINGS) | TAKES(OPT_DETECTOR),
     .run = tl_cmd_reindex},
    {.name = "merge",
     .usage = "OTHER.db...",
     .help = "all of this database and others in a new one (-o)",
     .more = "Numbers of captures and sessions are given anew, those of the first database stay.  A capture that is in two of them\n"
             "is refused.\n",
     .example = "merge other.db -o both.db",
     .least = 1,
     .most = -1,
     .takes = TAKES(OPT_OUTPUT),
     .run = tl_cmd_merge},
    {.name = "sql",
     .usage = "'SELECT ...'",
     .help = "one SELECT on the tables and views",
     .example = "sql \"SELECT protocol, count(*) AS sessions FROM sessions GROUP BY 1\"",
     .least = 1,
     .most = 1,
     .takes = TAKES_ROWS,
     .run = tl_cmd_sql},
    {.name = "shell",
     .usage = "",
     .help = "the sqlite3 shell on the database, read-only, with payload(), payload_search() and more",
     .more = "Functions: payload(session, direction [, offset, length]), inflate(data, raw_size), hexdump(blob), printable(blob),\n"
             "in_cidr(addr, net); tables: segments(session, direction), payload_search(pattern [, regex]).\n"
             "direction: 'client' or 'server'.\n",
     .example = "shell",
     .run = tl_cmd_shell},
    {.name = "queries",
     .usage = "",
     .help = "the queries that come with the program",
     .example = "queries",
     .takes = TAKES_ROWS,
     .run = tl_cmd_queries},
    {.name = "run",
     .usage = "NAME",
     .help = "one of those queries",
     .more = "`queries` lists them.  They run in the sqlite3 shell, too: sqlite3 DB < queries/NAME.sql\n",
     .example = "run largest_losses",
     .least = 1,
     .most = 1,
     .takes = TAKES_ROWS,
     .run = tl_cmd_run},
    {.name = "report",
     .usage = "",
     .help = "one HTML page on the whole database, to hand over",
     .more = "With --format the facts of the page instead, for programs.\n",
     .example = "report -o report.html",
     .takes = TAKES(OPT_OUTPUT) | TAKES_ROWS,
     .run = tl_cmd_report},
    {0},
};

static int run(tl_query *q, const tl_command *command)
{
    tl_error err = {0};
    signal(SIGPIPE, SIG_IGN);
    q->reader = tl_reader_open(q->path, &err);
    if (q->reader == NULL) return tl_complain(command->trouble != 0 ? command->trouble : STATUS_FAILED, "%s", err.text);
    tl_reader_time_limit(q->reader, q->o.timeout_s);
    tl_query_output(q);
    if ((command->takes & TAKES(OPT_NO_PAGER)) != 0 && !q->o.no_pager && q->o.output == NULL) tl_pager_start();
    int status = command->run(q);
    tl_reader_close(q->reader);
    if (fflush(stdout) != 0 && errno != EPIPE) status = tl_complain(STATUS_FAILED, "standard output: %s", strerror(errno));
    tl_pager_wait();
    return status;
}

int main(int argc, char **argv)
{
    tl_query q = {0};
    const tl_command *command = NULL;
    int status = tl_query_parse(argc, argv, commands, &q, &command);
    if (status == STATUS_OK && command != NULL) status = run(&q, command);
    free(q.argv);
    return status;
}
