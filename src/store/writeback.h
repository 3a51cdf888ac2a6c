/*
** writeback.h - the database's file on its way to the disk while its transaction still goes on, so that the sync of the commit finds little
** left to do.  A hint to the kernel and nothing more: what is durable is SQLite's business alone.  Only this folder includes it.
*/
#ifndef TL_STORE_WRITEBACK_H
#define TL_STORE_WRITEBACK_H

typedef struct writeback writeback;

/* NULL: no memory or no file; then it is done without. */
writeback *writeback_start(const char *path);
/* The file may have grown.  Returns at once.  NULL is fine. */
void writeback_look(writeback *w);
/* Only after SQLite closed the file.  NULL is fine. */
void writeback_stop(writeback *w);

#endif
