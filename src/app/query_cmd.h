/*
** query_cmd.h - the commands of tcpledger-query, and what they share.
*/
#ifndef TL_QUERY_CMD_H
#define TL_QUERY_CMD_H

#include "query/sections.h"
#include "query/where.h"

/* Exit status. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* Which options were given; a command says which it takes. */
enum {
    OPT_HOST = 1 << 0,
    OPT_PORT = 1 << 1,
    OPT_SINCE = 1 << 2,
    OPT_UNTIL = 1 << 3,
    OPT_PROTOCOL = 1 << 4,
    OPT_LOSSY = 1 << 5,
    OPT_WHERE = 1 << 6,
    OPT_LIMIT = 1 << 7,
    OPT_DIR = 1 << 8,
    OPT_OUTPUT = 1 << 9,
    OPT_GAPS = 1 << 10,
    OPT_MESSAGE = 1 << 11,
    OPT_BODY = 1 << 12,
    OPT_BY = 1 << 13,
    OPT_QUICK = 1 << 14,
    OPT_FORMAT = 1 << 15,
    OPT_TIMEOUT = 1 << 16,
    OPT_FILTERS = OPT_HOST | OPT_PORT | OPT_SINCE | OPT_UNTIL | OPT_PROTOCOL | OPT_LOSSY | OPT_WHERE | OPT_LIMIT,
    OPT_ROWS = OPT_FORMAT | OPT_TIMEOUT
};

typedef struct tl_query_options {
    unsigned given;
    tl_filter filter;
    int direction;      /* -1: not said */
    const char *output; /* NULL: standard output */
    bool gaps_zero, body, quick;
    int64_t message; /* 0: all of the stream */
    const char *by;
    unsigned timeout_s;
    tl_format format;
} tl_query_options;

typedef struct tl_query {
    const char *path, *command;
    const char *argument; /* NULL: none */
    tl_query_options o;
    tl_reader *reader;
    tl_output out; /* standard output */
} tl_query;

typedef struct tl_command {
    const char *name, *usage, *help;
    int arguments; /* 0: none, 1: one, -1: none or one */
    unsigned takes;
    int (*run)(tl_query *q); /* exit status */
} tl_command;

int tl_cmd_sessions(tl_query *q);
int tl_cmd_session(tl_query *q);
int tl_cmd_messages(tl_query *q);
int tl_cmd_payload(tl_query *q);
int tl_cmd_loss(tl_query *q);
int tl_cmd_verify(tl_query *q);
int tl_cmd_info(tl_query *q);
int tl_cmd_sql(tl_query *q);
int tl_cmd_queries(tl_query *q);
int tl_cmd_run(tl_query *q);

/* Options and positional arguments of argv into *q.  STATUS_OK, or the status to leave with: the message was printed.
** *command is the row of commands[] (ended by {NULL}). */
int tl_query_parse(int argc, char **argv, const tl_command *commands, tl_query *q, const tl_command **command);
void tl_query_help(const tl_command *commands);

/* "tcpledger-query: ..." on stderr; returns status. */
int tl_complain(int status, const char *fmt, ...) TL_PRINTF(2, 3);
/* What a failed (or finished: OK, END) call on the reader means as an exit status; prints the reader's error. */
int tl_query_status(tl_query *q, tl_rc rc);
/* A positive number, all of text.  false: not one. */
bool tl_parse_number(const char *text, int64_t *out);
/* The argument as a session that exists: STATUS_OK, or the status to leave with. */
int tl_query_session(tl_query *q, int64_t *session);

/* Runs the sections that are named `only` (NULL: all) one below the other; as JSON: one object with a member for each. */
int tl_run_sections(tl_query *q, const tl_section *sections, const char *only, const tl_param *params, size_t n);

/* tl_write_fn for a FILE.  END: nobody reads any more (EPIPE). */
tl_rc tl_write_file(void *file, tl_span bytes);
/* Columns of the terminal behind stdout; 0: it is none. */
size_t tl_terminal_width(void);

#endif
