/*
** query_help.c - help, and guesses at what a mistyped word meant; all of it from the tables of commands and options.
*/
#include "app/query_cmd.h"
#include <stdio.h>
#include <string.h>

enum { WORD_MOST = 32, NAMES = 24, OPTIONS = 26 /* columns before the explanation */ };

static void line(const char *name, const char *value, int column, const char *help)
{
    int n = printf("  %s%s%s", name, value[0] != '\0' ? " " : "", value);
    printf("%*s%s\n", n < column ? column - n : 2, "", help);
}

static void option_line(const tl_option *o)
{
    char name[WORD_MOST];
    const char letter[] = {tl_option_letter(o->id), '\0'};
    snprintf(name, sizeof name, "%s%s%s--%s", letter[0] != '\0' ? "-" : "", letter, letter[0] != '\0' ? ", " : "", o->name);
    line(name, o->value == NULL ? "" : o->value, OPTIONS, o->help);
}

static void about_program(const tl_command *commands)
{
    printf("Usage: tcpledger-query DB COMMAND [options]\n\nAsks a tcpledger database; only reindex changes it.\n\n");
    for (const tl_command *c = commands; c->name != NULL; c++) line(c->name, c->usage, NAMES, c->help);
    printf("\n"
           "tcpledger-query COMMAND --help lists a command's options, with an example.\n"
           "On a terminal tables are coloured (not where NO_COLOR is set), cut to its width, and shown through $PAGER (less -FRX).\n"
           "The names of columns are those of the database's views; times are UTC.\n"
           "\n"
           "Exit status: 0 done (verify: sound), 1 failed (verify: not sound), 2 wrong use.\n");
}

void tl_query_help(const tl_command *commands, const tl_command *c)
{
    if (c == NULL) {
        about_program(commands);
        return;
    }
    printf("Usage: tcpledger-query DB %s%s%s%s\n\n%s\n", c->name, c->usage[0] != '\0' ? " " : "", c->usage,
           c->takes != 0 ? " [options]" : "", c->help);
    if (c->more != NULL) printf("%s", c->more);
    if (c->takes != 0) printf("\nOptions:\n");
    for (const tl_option *o = tl_options; o->name != NULL; o++)
        if ((c->takes & TAKES(o->id)) != 0) option_line(o);
    printf("\nExample:\n  tcpledger-query page.db %s\n", c->example);
}

const tl_command *tl_command_find(const tl_command *commands, const char *name)
{
    for (const tl_command *c = commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

/* Letters to insert, drop, change or swap with their neighbour until a is b (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), rows[3][WORD_MOST + 1];
    if (n > WORD_MOST || m > WORD_MOST) return WORD_MOST;
    size_t *before = rows[0], *above = rows[1], *here = rows[2];
    for (size_t j = 0; j <= m; j++) above[j] = j;
    for (size_t i = 1; i <= n; i++) {
        here[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (here[j - 1] + 1 < best) best = here[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            here[j] = best;
        }
        size_t *oldest = before;
        before = above;
        above = here;
        here = oldest;
    }
    return above[m];
}

/* The nearer of *best and `name`.  Near is: it begins with the word, or one letter in three is wrong. */
static void consider(const char *word, const char *name, const char **best, size_t *least)
{
    size_t n = strlen(word), d = n >= 2 && strncmp(name, word, n) == 0 ? 0 : distance(word, name);
    if (d * 3 > (n > strlen(name) ? n : strlen(name)) || d >= *least) return;
    *least = d;
    *best = name;
}

const char *tl_command_near(const tl_command *commands, const char *word)
{
    const char *best = NULL;
    size_t least = WORD_MOST;
    for (const tl_command *c = commands; c->name != NULL; c++) consider(word, c->name, &best, &least);
    return best;
}

const char *tl_query_near(const char *word)
{
    const char *best = NULL;
    size_t least = WORD_MOST;
    for (size_t i = 0; tl_query_at(i) != NULL; i++) consider(word, tl_query_at(i)->name, &best, &least);
    return best;
}

const char *tl_option_near(const char *word)
{
    const char *best = NULL;
    size_t least = WORD_MOST;
    for (const tl_option *o = tl_options; o->name != NULL; o++) consider(word, o->name, &best, &least);
    return best;
}
