/*
** cmd_merge.c - diff and merge: a second database beside the first.
*/
#include "app/query_cmd.h"
#include "query/diff.h"
#include "store/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int tl_cmd_diff(tl_query *q)
{
    tl_error err = {0};
    uint64_t rows = 0;
    tl_reader *other = tl_reader_open(q->argument, &err);
    if (other == NULL) return tl_complain(STATUS_TROUBLE, "%s", err.text);
    tl_reader_time_limit(other, q->o.timeout_s);
    q->out.silent = true; /* as diff(1) is */
    tl_rc rc = tl_reader_diff(q->reader, other, q->o.quick, &q->out, &rows, &err);
    tl_reader_close(other);
    if (rc == TL_EIO) return tl_complain(STATUS_TROUBLE, "cannot write: %s", strerror(errno));
    if (rc != TL_OK && rc != TL_END) return tl_complain(STATUS_TROUBLE, "%s", err.text);
    return rows > 0 ? STATUS_DIFFERENT : STATUS_OK;
}

/* Looks at the schema, which merging trusts. */
static int check_other(const char *path)
{
    tl_error err = {0};
    tl_reader *r = tl_reader_open(path, &err);
    if (r == NULL) return tl_complain(STATUS_FAILED, "%s", err.text);
    tl_reader_close(r);
    return STATUS_OK;
}

static tl_rc merge_all(tl_query *q, tl_store *s)
{
    tl_rc rc = tl_store_merge(s, q->path);
    for (int i = 0; rc == TL_OK && i < q->argument_count; i++) rc = tl_store_merge(s, q->arguments[i]);
    return rc == TL_OK ? tl_store_merged(s) : rc;
}

int tl_cmd_merge(tl_query *q)
{
    tl_error err = {0};
    int status = STATUS_OK;
    if (q->o.output == NULL) return tl_complain(STATUS_USAGE, "say which new database: -o FILE");
    for (int i = 0; i < q->argument_count && status == STATUS_OK; i++) status = check_other(q->arguments[i]);
    if (status != STATUS_OK) return status;
    /* The new file is ours from here on: nothing that exists is written over, and no link is followed. */
    int fd = open(q->o.output, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) return tl_complain(STATUS_FAILED, "%s: %s", q->o.output, strerror(errno));
    close(fd);
    tl_store *s = tl_store_open(q->o.output, &(tl_store_options){.checks = true}, &err);
    tl_rc rc = s == NULL ? err.rc : merge_all(q, s);
    if (s != NULL && rc != TL_OK) err = *tl_store_error(s);
    tl_rc closed = tl_store_close(s, rc == TL_OK ? &err : NULL);
    if (rc == TL_OK) rc = closed;
    if (rc == TL_OK) return STATUS_OK;
    unlink(q->o.output);
    return tl_complain(STATUS_FAILED, "%s", err.text[0] != '\0' ? err.text : "no memory");
}
