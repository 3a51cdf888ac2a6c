/*
** query_folder.h - new files in a folder that a person named, and nowhere else.
**
** Names are made by this program (integers and endings of its own), never by what was captured.  A file is only ever made, never replaced;
** what lies there already, a link above all, is left alone, and is an error.
*/
#ifndef TL_QUERY_FOLDER_H
#define TL_QUERY_FOLDER_H

/* Makes the folder where there is none; a descriptor of it, or -1: errno. */
int tl_folder_open(const char *path);
/* A new file in it, for writing; -1: errno (EEXIST: there is something of that name). */
int tl_folder_create(int folder, const char *name);

#endif
