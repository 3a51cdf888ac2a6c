/*
** sections.h - what the commands with several tables ask: session, loss, info.
*/
#ifndef TL_QUERY_SECTIONS_H
#define TL_QUERY_SECTIONS_H

#include "query/query.h"

typedef struct tl_section {
    const char *name, *title, *sql;
    bool record; /* as tl_output.record */
    /* NULL, or what gives the rows of sql sooner; without parameters. */
    tl_rc (*run)(tl_reader *r, const char *sql, const tl_output *out, uint64_t *rows);
} tl_section;

/* Each ends with {NULL}.  session: ?1 is the session_id.  The others have no parameters. */
extern const tl_section tl_sections_session[], tl_sections_loss[], tl_sections_info[];

#endif
