/*
** query_options.c - argv into a tl_query.
*/
#include "app/query_cmd.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_S = 600 };

/* val: the OPT_ bit, but for -o and the two that end the program. */
enum { HELP = 1 << 20, VERSION };
static const struct option longs[] = {
    {"host", required_argument, NULL, OPT_HOST},
    {"port", required_argument, NULL, OPT_PORT},
    {"since", required_argument, NULL, OPT_SINCE},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"protocol", required_argument, NULL, OPT_PROTOCOL},
    {"lossy", no_argument, NULL, OPT_LOSSY},
    {"where", required_argument, NULL, OPT_WHERE},
    {"limit", required_argument, NULL, OPT_LIMIT},
    {"dir", required_argument, NULL, OPT_DIR},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"gaps", required_argument, NULL, OPT_GAPS},
    {"message", required_argument, NULL, OPT_MESSAGE},
    {"body", no_argument, NULL, OPT_BODY},
    {"by", required_argument, NULL, OPT_BY},
    {"quick", no_argument, NULL, OPT_QUICK},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {0},
};

static const char options_help[] =
    "Filters (sessions, messages):\n"
    "  --host ADDRESS       one of the two ends        --port N            likewise\n"
    "  --since TIME         --until TIME               2024-05-13T10:17:07.5Z, a date, or seconds since 1970; UTC\n"
    "  --protocol NAME      http, turn, ...            --lossy             only sessions with missing bytes\n"
    "  --where EXPRESSION   an SQL expression over the columns of the view 'sessions' or 'messages'\n"
    "  --limit N\n"
    "payload:\n"
    "  --dir client|server  whose bytes; needed when both sent some     --message N   only that message of the session\n"
    "  --body               without the message's head                  --gaps zero   missing bytes as zeros (default: skip)\n"
    "  -o FILE              (default: standard output; a terminal gets them escaped)\n"
    "loss:    --by capture|host|session|second|reason\n"
    "verify:  --quick             do not read all payload\n"
    "All but payload:\n"
    "  --format table|csv|json|jsonl     --timeout SECONDS (600; 0: none)\n"
    "\n"
    "Exit status: 0 done (verify: sound), 1 failed (verify: not sound), 2 wrong use.\n";

void tl_query_help(const tl_command *commands)
{
    printf("Usage: tcpledger-query DB COMMAND [options]\n\nAsks a tcpledger database; reads only.\n\n");
    for (const tl_command *c = commands; c->name != NULL; c++) {
        int n = printf("  %s %s", c->name, c->usage);
        printf("%*s%s\n", n < 24 ? 24 - n : 1, "", c->help);
    }
    printf("\n%s", options_help);
}

bool tl_parse_number(const char *text, int64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits] != '\0') return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

static int refuse(const char *option, const char *value, const char *wanted)
{
    return tl_complain(STATUS_USAGE, "--%s %s: %s", option, value, wanted);
}

/* One of the words of a NULL-ended list: its index, or -1. */
static int word(const char *text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0) return i;
    return -1;
}

static int set_number(const char *name, const char *text, int64_t least, int64_t most, int64_t *out)
{
    return tl_parse_number(text, out) && *out >= least && *out <= most ? STATUS_OK
                                                                       : refuse(name, text, "not a number that makes sense here");
}

static int set_option(tl_query_options *o, int option, const char *name, const char *text)
{
    static const char *const dirs[] = {"client", "server", NULL}, *const formats[] = {"table", "csv", "json", "jsonl", NULL};
    int64_t n = 0;
    int status = STATUS_OK, i;
    switch (option) {
    case OPT_HOST: return tl_filter_host(&o->filter, text) ? STATUS_OK : refuse(name, text, "not an IPv4 or IPv6 address");
    case OPT_PORT:
        status = set_number(name, text, 0, 65535, &n);
        o->filter.port = (int)n;
        return status;
    case OPT_SINCE: return tl_filter_time(text, &o->filter.since_ns) ? STATUS_OK : refuse(name, text, "not a time");
    case OPT_UNTIL: return tl_filter_time(text, &o->filter.until_ns) ? STATUS_OK : refuse(name, text, "not a time");
    case OPT_PROTOCOL: o->filter.protocol = text; break;
    case OPT_LOSSY: o->filter.lossy = true; break;
    case OPT_WHERE: o->filter.where = text; break;
    case OPT_LIMIT: return set_number(name, text, 0, INT64_MAX, &o->filter.limit);
    case OPT_DIR: o->direction = word(text, dirs); return o->direction >= 0 ? STATUS_OK : refuse(name, text, "client or server");
    case OPT_OUTPUT: o->output = text; break;
    case OPT_GAPS:
        o->gaps_zero = strcmp(text, "zero") == 0;
        return o->gaps_zero || strcmp(text, "skip") == 0 ? STATUS_OK : refuse(name, text, "zero or skip");
    case OPT_MESSAGE: return set_number(name, text, 1, UINT32_MAX, &o->message);
    case OPT_BODY: o->body = true; break;
    case OPT_BY: o->by = text; break;
    case OPT_QUICK: o->quick = true; break;
    case OPT_FORMAT:
        i = word(text, formats);
        o->format = i < 0 ? TL_TABLE : (tl_format)i;
        return i >= 0 ? STATUS_OK : refuse(name, text, "table, csv, json or jsonl");
    case OPT_TIMEOUT:
        status = set_number(name, text, 0, 1000000, &n);
        o->timeout_s = (unsigned)n;
        return status;
    default: break;
    }
    return status;
}

/* An option that the command has no use for would be ignored in silence: refused instead. */
static int check_options(const tl_command *c, unsigned given)
{
    for (const struct option *l = longs; l->name != NULL; l++)
        if (l->val < HELP && (given & (unsigned)l->val) != 0 && (c->takes & (unsigned)l->val) == 0)
            return tl_complain(STATUS_USAGE, "%s takes no --%s", c->name, l->name);
    return STATUS_OK;
}

static int set_arguments(int n, char **argument, const tl_command *commands, tl_query *q, const tl_command **command)
{
    if (n < 2) return tl_complain(STATUS_USAGE, "say which database and what to ask of it: tcpledger-query DB COMMAND (see --help)");
    q->path = argument[0];
    q->command = argument[1];
    q->argument = n > 2 ? argument[2] : NULL;
    const tl_command *c = commands;
    while (c->name != NULL && strcmp(c->name, q->command) != 0) c++;
    if (c->name == NULL) return tl_complain(STATUS_USAGE, "no command '%s' (see --help)", q->command);
    if (n > 2 + (c->arguments != 0) || (c->arguments == 1 && n < 3))
        return tl_complain(STATUS_USAGE, "usage: tcpledger-query DB %s %s", c->name, c->usage);
    *command = c;
    return check_options(c, q->o.given);
}

int tl_query_parse(int argc, char **argv, const tl_command *commands, tl_query *q, const tl_command **command)
{
    q->o = (tl_query_options){.filter = tl_filter_all, .direction = -1, .timeout_s = TIMEOUT_S};
    for (int got, at = 0; (got = getopt_long(argc, argv, "o:", longs, &at)) != -1;) {
        if (got == HELP) {
            tl_query_help(commands);
            exit(STATUS_OK);
        }
        if (got == VERSION) {
            printf("tcpledger-query %s\n", TL_VERSION);
            exit(STATUS_OK);
        }
        if (got == '?') return STATUS_USAGE; /* getopt_long told why */
        int option = got == 'o' ? OPT_OUTPUT : got;
        int status = set_option(&q->o, option, got == 'o' ? "output" : longs[at].name, optarg);
        if (status != STATUS_OK) return status;
        q->o.given |= (unsigned)option;
    }
    return set_arguments(argc - optind, argv + optind, commands, q, command);
}
