/*
** cmd_report_page.c - report: one page on the whole database, or its facts for programs.
**
** Nothing is written before all of it is there: a question that fails leaves no half report.
*/
#include "app/query_cmd.h"
#include "query/report.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static tl_rc collect(void *text, tl_span bytes)
{
    tl_text *t = text;
    tl_text_bytes(t, bytes.p, bytes.n);
    return t->failed ? TL_ENOMEM : TL_OK;
}

/* The database's name as a reader should see it: without the folders of this machine. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int write_out(tl_query *q, tl_span bytes)
{
    const char *path = q->o.output;
    if (path == NULL) return tl_query_status(q, q->out.write(q->out.to, bytes));
    if (tl_is_database(q, path)) return tl_complain(STATUS_USAGE, "%s is the database itself", path);
    FILE *file = fopen(path, "we");
    if (file == NULL) return tl_complain(STATUS_FAILED, "%s: %s", path, strerror(errno));
    bool good = fwrite(bytes.p, 1, bytes.n, file) == bytes.n;
    int why = errno;
    if (fclose(file) != 0 && good) {
        good = false;
        why = errno;
    }
    return good ? STATUS_OK : tl_complain(STATUS_FAILED, "%s: %s", path, strerror(why));
}

int tl_cmd_report(tl_query *q)
{
    tl_text text = {0};
    bool page = (q->o.given & TAKES(OPT_FORMAT)) == 0;
    if (page && q->terminal && q->o.output == NULL)
        return tl_complain(STATUS_USAGE, "a page is not for terminals: say -o FILE.html, or --format table for what is in it");
    tl_report *report = tl_report_new(q->reader);
    if (report == NULL) return tl_query_status(q, tl_reader_error(q->reader)->rc);
    tl_output out = q->o.output != NULL ? (tl_output){.format = q->o.format} : q->out;
    out.write = collect;
    out.to = &text;
    tl_rc rc = page ? tl_report_page(report, name_of(q->path), collect, &text) : tl_report_rows(report, &out);
    tl_report_free(report);
    int status = rc == TL_OK ? write_out(q, tl_span_of(text.p, text.n)) : tl_complain(STATUS_FAILED, "no memory");
    tl_text_free(&text);
    return status;
}
