/*
** embedded.h - text files of the tree that were compiled in (cmake/embed.cmake), each table ended by {NULL, NULL}.
*/
#ifndef TL_EMBEDDED_H
#define TL_EMBEDDED_H

typedef struct tl_embedded {
    const char *name; /* file name without folder and ending: "0001_facts", "loss" */
    const char *text;
} tl_embedded;

extern const tl_embedded tl_schema[];       /* schema/, sorted by name */
extern const tl_embedded tl_queries[];      /* queries/, likewise */
extern const tl_embedded tl_report_sql[];   /* report/, its .sql files, likewise: "01_summary" */
extern const tl_embedded tl_report_files[]; /* report/: "style", "tables" */

#endif
