/*
** query_cmd.h - the commands of tcpledger-query, and what they share.
**
** A command is a row of the table in query_main.c and a function in a cmd_*.c; an option is a row of tl_options[] and a case in
** query_options.c.  Help, usage lines and suggestions are made from the two tables.
*/
#ifndef TL_QUERY_CMD_H
#define TL_QUERY_CMD_H

#include "app/options_detectors.h"
#include "query/follow.h"
#include "query/sections.h"
#include "query/where.h"

/* Exit status; of diff as of diff(1). */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_DIFFERENT = 1, STATUS_TROUBLE = 2 };

/* The options, at most 63: sets of them are bits of 64. */
enum {
    OPT_HOST = 1,
    OPT_PORT,
    OPT_SINCE,
    OPT_UNTIL,
    OPT_PROTOCOL,
    OPT_LOSSY,
    OPT_WHERE,
    OPT_LIMIT,
    OPT_DIR,
    OPT_OUTPUT,
    OPT_GAPS,
    OPT_MESSAGE,
    OPT_BODY,
    OPT_BY,
    OPT_QUICK,
    OPT_FORMAT,
    OPT_TIMEOUT,
    OPT_INTERVAL,
    OPT_AS,
    OPT_COLOR,
    OPT_NO_PAGER,
    OPT_CAPTURE_DIR,
    OPT_CAPTURE,
    OPT_NO_HASH,
    OPT_FRAMINGS,
    OPT_DETECTOR,
    OPT_HELP,
    OPT_VERSION,
    OPT_REGEX,
    OPT_FIXED,
    OPT_IGNORE_CASE,
    OPT_CONTEXT,
    OPT_DECODED,
    OPT_EXPORT,
};

#define TAKES(option) (UINT64_C(1) << (option))
/* A command that takes OPT_NO_PAGER is shown through a pager. */
#define TAKES_ROWS (TAKES(OPT_FORMAT) | TAKES(OPT_TIMEOUT) | TAKES(OPT_COLOR) | TAKES(OPT_NO_PAGER))
#define TAKES_SESSIONS                                                                                                                     \
    (TAKES(OPT_HOST) | TAKES(OPT_PORT) | TAKES(OPT_SINCE) | TAKES(OPT_UNTIL) | TAKES(OPT_PROTOCOL) | TAKES(OPT_LOSSY) | TAKES(OPT_LIMIT))
#define TAKES_FILTERS (TAKES_SESSIONS | TAKES(OPT_WHERE))

typedef struct tl_option {
    const char *name, *value; /* value: what stands behind it in help; NULL: a switch */
    int id;
    const char *help;
} tl_option;

extern const tl_option tl_options[]; /* in the order of help; ended by {NULL} */
/* The short option that stands for a long one; '\0': none. */
char tl_option_letter(int id);

typedef enum tl_when { TL_AUTO, TL_ALWAYS, TL_NEVER } tl_when;

enum { MOVED_MOST = 64 };

typedef struct tl_query_options {
    uint64_t given; /* TAKES() bits */
    tl_filter filter;
    int direction;      /* -1: not said */
    const char *output; /* NULL: standard output */
    bool gaps_zero, body, quick, no_pager;
    int64_t message; /* 0: all of the stream */
    const char *by;
    int64_t interval_ns; /* 0: not said */
    unsigned timeout_s;
    tl_format format;
    tl_follow_as as;
    tl_when color;
    bool regex, ignore_case, decoded, context_lines;
    int64_t context;               /* -1: not said */
    const char *folder;            /* --export; NULL: none */
    const char *capture_dir;       /* NULL: captures are where the database says */
    const char *moved[MOVED_MOST]; /* "ID=FILE" */
    size_t moved_count;
    bool no_hash;
    tl_detector_files files; /* --framings, --detector */
} tl_query_options;

typedef struct tl_query {
    const char *path, *command;
    const char *argument; /* the first; NULL: none */
    char **arguments;     /* all of them */
    int argument_count;
    char **argv; /* the command line as it was typed; owned */
    int argc;
    tl_query_options o;
    tl_reader *reader;
    tl_output out; /* standard output */
    bool terminal; /* what goes to standard output is read on a terminal, by a pager or not: nothing raw may go there */
} tl_query;

typedef struct tl_command {
    const char *name, *usage; /* usage: the arguments, "" for none */
    const char *help;         /* one line */
    const char *more;         /* further lines for its own help; NULL: none */
    const char *example;      /* what follows "tcpledger-query page.db " */
    int least, most;          /* arguments; most -1: any number */
    uint64_t takes;
    int trouble;             /* status when the database cannot be opened; 0: STATUS_FAILED */
    int (*run)(tl_query *q); /* exit status */
} tl_command;

int tl_cmd_sessions(tl_query *q);
int tl_cmd_session(tl_query *q);
int tl_cmd_messages(tl_query *q);
int tl_cmd_exchanges(tl_query *q);
int tl_cmd_hosts(tl_query *q);
int tl_cmd_timeline(tl_query *q);
int tl_cmd_follow(tl_query *q);
int tl_cmd_frames(tl_query *q);
int tl_cmd_explain(tl_query *q);
int tl_cmd_payload(tl_query *q);
int tl_cmd_loss(tl_query *q);
int tl_cmd_verify(tl_query *q);
int tl_cmd_info(tl_query *q);
int tl_cmd_sql(tl_query *q);
int tl_cmd_queries(tl_query *q);
int tl_cmd_run(tl_query *q);
int tl_cmd_grep(tl_query *q);
int tl_cmd_objects(tl_query *q);
int tl_cmd_shell(tl_query *q);
int tl_cmd_pcap(tl_query *q);
int tl_cmd_export(tl_query *q);
int tl_cmd_diff(tl_query *q);
int tl_cmd_merge(tl_query *q);
int tl_cmd_reindex(tl_query *q);
int tl_cmd_report(tl_query *q);

/* Options and positional arguments of argv into *q.  STATUS_OK, or the status to leave with: the message was printed.
** *command is the row of commands[] (ended by {NULL}); NULL with STATUS_OK: help or the version was asked for, and printed. */
int tl_query_parse(int argc, char **argv, const tl_command *commands, tl_query *q, const tl_command **command);

/* The row of that name; NULL: none. */
const tl_command *tl_command_find(const tl_command *commands, const char *name);
/* What a person may have meant by `word`: the nearest command or option name, or NULL when none is near. */
const char *tl_command_near(const tl_command *commands, const char *word);
const char *tl_option_near(const char *word);
/* Likewise of the queries that come with the program. */
const char *tl_query_near(const char *word);
/* Help on stdout: about the program (c NULL) or one command. */
void tl_query_help(const tl_command *commands, const tl_command *c);

/* "tcpledger-query: ..." on stderr; returns status. */
int tl_complain(int status, const char *fmt, ...) TL_PRINTF(2, 3);
/* What a failed (or finished: OK, END) call on the reader means as an exit status; prints the reader's error. */
int tl_query_status(tl_query *q, tl_rc rc);
/* A positive number, all of text.  false: not one. */
bool tl_parse_number(const char *text, int64_t *out);
/* The argument as a session that exists: STATUS_OK, or the status to leave with. */
int tl_query_session(tl_query *q, int64_t *session);
/* Any argument likewise. */
int tl_query_session_of(tl_query *q, const char *argument, int64_t *session);

/* Runs the sections that are named `only` (NULL: all) one below the other; as JSON: one object with a member for each. */
int tl_run_sections(tl_query *q, const tl_section *sections, const char *only, const tl_param *params, size_t n);

/* Is the file of that name the database that is being read? */
bool tl_is_database(const tl_query *q, const char *path);
/* tl_write_fn for a FILE.  END: nobody reads any more (EPIPE). */
tl_rc tl_write_file(void *file, tl_span bytes);
/* Sets q->out and q->terminal by what standard output is: before the pager takes its place. */
void tl_query_output(tl_query *q);

/* Where both ends of the program are a terminal: standard output into $PAGER (default: less -FRX), if that can be started. */
void tl_pager_start(void);
/* Ends standard output and waits for the pager to be left.  Nothing to do where there is none. */
void tl_pager_wait(void);

#endif
