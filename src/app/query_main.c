/*
** query_main.c - tcpledger-query DB COMMAND: the table of commands.
*/
#include "app/query_cmd.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const tl_command commands[] = {
    {"sessions", "", "sessions, filtered by --host --port --since --until --protocol --lossy --where", 0, OPT_FILTERS | OPT_ROWS,
     tl_cmd_sessions},
    {"session", "ID", "all about one: both streams, messages, gaps and strays in the order of time", 1, OPT_ROWS, tl_cmd_session},
    {"messages", "[ID]", "application messages, of one session or filtered as sessions are", -1, OPT_FILTERS | OPT_ROWS, tl_cmd_messages},
    {"payload", "ID", "the captured bytes of a stream or a message (--dir --message --body --gaps -o)", 1,
     OPT_DIR | OPT_OUTPUT | OPT_GAPS | OPT_MESSAGE | OPT_BODY, tl_cmd_payload},
    {"loss", "", "what is missing: capture loss apart from unknown loss (--by)", 0, OPT_BY | OPT_ROWS, tl_cmd_loss},
    {"verify", "", "asks the database whether it balances; silent when it does (--quick)", 0, OPT_QUICK | OPT_ROWS, tl_cmd_verify},
    {"info", "", "captures, ingests, totals, what became of the frames", 0, OPT_ROWS, tl_cmd_info},
    {"sql", "'SELECT ...'", "one SELECT on the tables and views", 1, OPT_ROWS, tl_cmd_sql},
    {"queries", "", "the queries that come with the program", 0, OPT_ROWS, tl_cmd_queries},
    {"run", "NAME", "one of them", 1, OPT_ROWS, tl_cmd_run},
    {0},
};

int main(int argc, char **argv)
{
    tl_query q = {0};
    tl_error err = {0};
    const tl_command *command = NULL;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        tl_query_help(commands);
        return STATUS_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("tcpledger-query %s\n", TL_VERSION);
        return STATUS_OK;
    }
    int status = tl_query_parse(argc, argv, commands, &q, &command);
    if (status != STATUS_OK) return status;
    signal(SIGPIPE, SIG_IGN);
    q.reader = tl_reader_open(q.path, &err);
    if (q.reader == NULL) return tl_complain(STATUS_FAILED, "%s", err.text);
    tl_reader_time_limit(q.reader, q.o.timeout_s);
    q.out = (tl_output){.format = q.o.format, .width = tl_terminal_width(), .write = tl_write_file, .to = stdout};
    status = command->run(&q);
    tl_reader_close(q.reader);
    if (fflush(stdout) != 0 && errno != EPIPE) status = tl_complain(STATUS_FAILED, "standard output: %s", strerror(errno));
    return status;
}
