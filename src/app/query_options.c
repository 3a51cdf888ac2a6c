/*
** query_options.c - the table of options; argv into a tl_query.
*/
#include "app/query_cmd.h"
#include "query/timeline.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_S = 600, OPTIONS_MOST = 64 };

const tl_option tl_options[] = {
    {"host", "ADDRESS", OPT_HOST, "one of the two ends"},
    {"port", "N", OPT_PORT, "likewise"},
    {"since", "TIME", OPT_SINCE, "2024-05-13T10:17:07.5Z, a date, or seconds since 1970; UTC"},
    {"until", "TIME", OPT_UNTIL, "likewise"},
    {"protocol", "NAME", OPT_PROTOCOL, "http, tls, turn, ..."},
    {"lossy", NULL, OPT_LOSSY, "only sessions with missing bytes"},
    {"where", "EXPRESSION", OPT_WHERE, "an SQL expression over the columns"},
    {"limit", "N", OPT_LIMIT, "at most so many rows"},
    {"dir", "client|server", OPT_DIR, "whose bytes"},
    {"message", "N", OPT_MESSAGE, "only that message of the session"},
    {"body", NULL, OPT_BODY, "without the message's head"},
    {"gaps", "zero|skip", OPT_GAPS, "missing bytes as zeros, or not at all (the default)"},
    {"output", "FILE", OPT_OUTPUT, "where to; without it standard output, or where that cannot be, an error"},
    {"regex", NULL, OPT_REGEX, "the pattern is a regular expression (PCRE2, on bytes)"},
    {"fixed", NULL, OPT_FIXED, "the pattern is bytes, with \\xNN for any of them (the default)"},
    {"ignore-case", NULL, OPT_IGNORE_CASE, "a letter is the same as its capital (ASCII)"},
    {"context", "N|Nl", OPT_CONTEXT, "so many bytes, or lines, on both sides of a hit (32)"},
    {"decoded", NULL, OPT_DECODED, "in bodies, dechunked and decompressed, instead of the streams"},
    {"export", "FOLDER", OPT_EXPORT, "into files in this folder, with a manifest"},
    {"by", "WHAT", OPT_BY, "only one part: capture, host, session, second or reason"},
    {"as", "FORM", OPT_AS, "text (the default), hex, raw or yaml"},
    {"interval", "TIME", OPT_INTERVAL, "500ms, 1s, 5m, 12h, 7d, ...; else one that makes some dozens of rows"},
    {"quick", NULL, OPT_QUICK, "do not read all payload"},
    {"format", "FORMAT", OPT_FORMAT, "table, csv, json or jsonl"},
    {"timeout", "SECONDS", OPT_TIMEOUT, "give up after so long (600; 0: never)"},
    {"color", "WHEN", OPT_COLOR, "auto, always or never"},
    {"no-pager", NULL, OPT_NO_PAGER, "straight to the terminal"},
    {"capture-dir", "DIR", OPT_CAPTURE_DIR, "where the capture files are now"},
    {"capture", "ID=FILE", OPT_CAPTURE, "where one of them is, by capture_id (see info); may be given again"},
    {"no-hash", NULL, OPT_NO_HASH, "believe that a capture is the same by its size alone"},
    {"framings", "FILE", OPT_FRAMINGS, "protocols of your own, declared in a text file"},
    {"detector", "FILE.so", OPT_DETECTOR, "a compiled detector of your own; may be given again"},
    {"help", NULL, OPT_HELP, "this text"},
    {"version", NULL, OPT_VERSION, "the program's version"},
    {0},
};

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

/* "40" bytes, "3l" lines. */
static int set_context(tl_query_options *o, const char *name, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    o->context_lines = digits > 0 && strcmp(text + digits, "l") == 0;
    if ((text[digits] != '\0' && !o->context_lines) || digits == 0 || digits > 5)
        return refuse(name, text, "bytes, or lines with an l behind: 40, 3l");
    o->context = strtoll(text, NULL, 10);
    return STATUS_OK;
}

static const char no_time[] = "not a time such as 2024-05-13T10:17:07.5Z, 2024-05-13 or 1715595427";

static int set_option(tl_query_options *o, int option, const char *name, const char *text)
{
    static const char *const dirs[] = {"client", "server", NULL}, *const formats[] = {"table", "csv", "json", "jsonl", NULL},
                             *const whens[] = {"auto", "always", "never", NULL}, *const forms[] = {"text", "hex", "raw", "yaml", NULL};
    int64_t n = 0;
    int status = STATUS_OK, i;
    switch (option) {
    case OPT_HOST: return tl_filter_host(&o->filter, text) ? STATUS_OK : refuse(name, text, "not an IPv4 or IPv6 address");
    case OPT_PORT:
        status = set_number(name, text, 0, 65535, &n);
        o->filter.port = (int)n;
        return status;
    case OPT_SINCE: return tl_filter_time(text, &o->filter.since_ns) ? STATUS_OK : refuse(name, text, no_time);
    case OPT_UNTIL: return tl_filter_time(text, &o->filter.until_ns) ? STATUS_OK : refuse(name, text, no_time);
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
    case OPT_AS:
        i = word(text, forms);
        o->as = i < 0 ? TL_FOLLOW_TEXT : (tl_follow_as)i;
        return i >= 0 ? STATUS_OK : refuse(name, text, "text, hex, raw or yaml");
    case OPT_INTERVAL:
        return tl_interval(text, &o->interval_ns) ? STATUS_OK : refuse(name, text, "not a time such as 500ms, 1s, 5m, 12h or 7d");
    case OPT_FORMAT:
        i = word(text, formats);
        o->format = i < 0 ? TL_TABLE : (tl_format)i;
        return i >= 0 ? STATUS_OK : refuse(name, text, "table, csv, json or jsonl");
    case OPT_TIMEOUT:
        status = set_number(name, text, 0, 1000000, &n);
        o->timeout_s = (unsigned)n;
        return status;
    case OPT_COLOR:
        i = word(text, whens);
        o->color = i < 0 ? TL_AUTO : (tl_when)i;
        return i >= 0 ? STATUS_OK : refuse(name, text, "auto, always or never");
    case OPT_REGEX: o->regex = true; break;
    case OPT_FIXED: o->regex = false; break;
    case OPT_IGNORE_CASE: o->ignore_case = true; break;
    case OPT_CONTEXT: return set_context(o, name, text);
    case OPT_DECODED: o->decoded = true; break;
    case OPT_EXPORT: o->folder = text; break;
    case OPT_FRAMINGS: o->files.framings = text; break;
    case OPT_DETECTOR:
        if (o->files.objects == TL_OBJECTS_MAX) return refuse(name, text, "too many");
        o->files.object[o->files.objects++] = text;
        break;
    case OPT_NO_PAGER: o->no_pager = true; break;
    case OPT_CAPTURE_DIR: o->capture_dir = text; break;
    case OPT_CAPTURE:
        i = (int)strspn(text, "0123456789");
        if (i == 0 || i > 9 || text[i] != '=' || text[i + 1] == '\0') return refuse(name, text, "ID=FILE");
        if (o->moved_count == MOVED_MOST) return refuse(name, text, "too many: gather them in one folder, and say --capture-dir");
        o->moved[o->moved_count++] = text;
        break;
    case OPT_NO_HASH: o->no_hash = true; break;
    default: break;
    }
    return status;
}

/* An option that the command has no use for would be ignored in silence: refused instead.  How things look is the user's habit, and
** may stand in an alias. */
static int check_options(const tl_command *c, uint64_t given)
{
    const uint64_t habits = TAKES(OPT_COLOR) | TAKES(OPT_NO_PAGER);
    for (const tl_option *o = tl_options; o->name != NULL; o++)
        if ((given & ~habits & ~c->takes & TAKES(o->id)) != 0) return tl_complain(STATUS_USAGE, "%s takes no --%s", c->name, o->name);
    return STATUS_OK;
}

/* The word is no command: what may have been meant? */
static int no_command(const tl_command *commands, const char *path, const char *name)
{
    const char *near = tl_command_near(commands, name);
    if (tl_command_find(commands, path) != NULL)
        return tl_complain(STATUS_USAGE, "the database comes first: tcpledger-query %s %s", name, path);
    if (near != NULL) return tl_complain(STATUS_USAGE, "no command '%s': did you mean '%s'?", name, near);
    return tl_complain(STATUS_USAGE, "no command '%s' (see --help)", name);
}

static int wrong_count(const tl_query *q, const tl_command *c)
{
    bool one = strcmp(c->name, "sessions") == 0 && q->argument_count == 1;
    if (one) return tl_complain(STATUS_USAGE, "sessions are chosen by options: did you mean 'session %s'?", q->argument);
    return tl_complain(STATUS_USAGE, "usage: tcpledger-query DB %s%s%s", c->name, c->usage[0] != '\0' ? " " : "", c->usage);
}

static int set_arguments(int n, char **argument, const tl_command *commands, tl_query *q, const tl_command **command)
{
    if (n == 1 && tl_command_find(commands, argument[0]) != NULL)
        return tl_complain(STATUS_USAGE, "say which database: tcpledger-query DB %s", argument[0]);
    if (n < 2) return tl_complain(STATUS_USAGE, "say which database and what to ask of it: tcpledger-query DB COMMAND (see --help)");
    q->path = argument[0];
    q->command = argument[1];
    q->arguments = argument + 2;
    q->argument_count = n - 2;
    q->argument = n > 2 ? argument[2] : NULL;
    const tl_command *c = tl_command_find(commands, q->command);
    if (c == NULL) return no_command(commands, q->path, q->command);
    if (q->argument_count < c->least || (c->most >= 0 && q->argument_count > c->most)) return wrong_count(q, c);
    *command = c;
    return check_options(c, q->o.given);
}

/* Help on the command that is named, in its place or (a DB being beside the point) first. */
static int help(int n, char **argument, const tl_command *commands)
{
    const tl_command *c = NULL;
    for (int i = 0; i < n && i < 3 && (i == 0 || c == NULL); i++) c = tl_command_find(commands, argument[i]);
    tl_query_help(commands, c);
    return STATUS_OK;
}

static void options_for_getopt(struct option *longs)
{
    const tl_option *o = tl_options;
    for (; o->name != NULL; o++)
        *longs++ = (struct option){.name = o->name, .has_arg = o->value == NULL ? no_argument : required_argument, .val = o->id};
    *longs = (struct option){0};
}

/* What getopt_long found wrong with `word`. */
static int bad_option(const char *word, bool no_value)
{
    if (no_value) return tl_complain(STATUS_USAGE, "%s needs a value (see --help)", word);
    const char *near = strncmp(word, "--", 2) == 0 ? tl_option_near(word + 2) : NULL;
    if (near != NULL) return tl_complain(STATUS_USAGE, "no option %s: did you mean --%s?", word, near);
    return tl_complain(STATUS_USAGE, "no option %s (see --help)", word);
}

static const struct {
    char letter;
    int id;
} letters[] = {{'o', OPT_OUTPUT}, {'e', OPT_REGEX}, {'F', OPT_FIXED}, {'i', OPT_IGNORE_CASE}, {'C', OPT_CONTEXT}};

char tl_option_letter(int id)
{
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (letters[i].id == id) return letters[i].letter;
    return '\0';
}

/* The long option that a short one stands for. */
static int long_of(int got)
{
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (letters[i].letter == got) return letters[i].id;
    return got;
}

static const char *option_name(int option)
{
    const tl_option *o = tl_options;
    while (o->id != option) o++;
    return o->name;
}

int tl_query_parse(int argc, char **argv, const tl_command *commands, tl_query *q, const tl_command **command)
{
    struct option longs[OPTIONS_MOST];
    bool help_wanted = false;
    options_for_getopt(longs);
    q->argv = calloc((size_t)argc + 1, sizeof *q->argv); /* getopt sorts its own */
    if (q->argv == NULL) return tl_complain(STATUS_FAILED, "no memory");
    memcpy(q->argv, argv, (size_t)argc * sizeof *argv);
    q->argc = argc;
    q->o = (tl_query_options){.filter = tl_filter_all, .direction = -1, .context = -1, .timeout_s = TIMEOUT_S};
    opterr = 0;
    for (int got; (got = getopt_long(argc, argv, ":o:eFiC:", longs, NULL)) != -1;) {
        if (got == '?' || got == ':') return bad_option(argv[optind - 1], got == ':');
        if (got == OPT_VERSION) {
            printf("tcpledger-query %s\n", TL_VERSION);
            return STATUS_OK;
        }
        int option = long_of(got);
        int status = set_option(&q->o, option, option_name(option), optarg);
        if (status != STATUS_OK) return status;
        if (option == OPT_HELP) help_wanted = true;
        q->o.given |= TAKES(option);
    }
    /* `help` is no command, but a word that people try. */
    for (int i = optind; i < argc && i < optind + 2; i++) help_wanted = help_wanted || strcmp(argv[i], "help") == 0;
    if (help_wanted) return help(argc - optind, argv + optind, commands);
    return set_arguments(argc - optind, argv + optind, commands, q, command);
}
