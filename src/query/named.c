/*
** named.c - the files of queries/, found by name.
*/
#include "base/embedded.h"
#include "query/query.h"
#include <string.h>

enum { QUERIES_MOST = 100, TITLE_MOST = 120 };

/* The titles are cut out of the first lines ("-- title: ...") once; the texts live as long as the program. */
static const tl_named_query *all(void)
{
    static _Thread_local tl_named_query list[QUERIES_MOST + 1];
    static _Thread_local char titles[QUERIES_MOST][TITLE_MOST];
    if (list[0].name != NULL) return list;
    static const char mark[] = "-- title: ";
    for (size_t i = 0; i < QUERIES_MOST && tl_queries[i].name != NULL; i++) {
        const char *text = tl_queries[i].text;
        const char *from = strncmp(text, mark, sizeof mark - 1) == 0 ? text + sizeof mark - 1 : "";
        size_t n = strcspn(from, "\n");
        if (n >= TITLE_MOST) n = TITLE_MOST - 1;
        memcpy(titles[i], from, n);
        list[i] = (tl_named_query){tl_queries[i].name, titles[i], text};
    }
    return list;
}

const tl_named_query *tl_query_at(size_t i)
{
    const tl_named_query *list = all();
    return i < QUERIES_MOST && list[i].name != NULL ? &list[i] : NULL;
}

const tl_named_query *tl_query_find(const char *name)
{
    const tl_named_query *q;
    for (size_t i = 0; (q = tl_query_at(i)) != NULL; i++)
        if (strcmp(q->name, name) == 0) return q;
    return NULL;
}
