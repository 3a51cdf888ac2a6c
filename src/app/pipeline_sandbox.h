/*
** pipeline_sandbox.h - after its files are open, ingest gives up what it does not need, before the first packet is parsed.
**
** no new privileges, no core dumps; Landlock: files may be read where the captures are, and written in the database's folder, nowhere
** else; seccomp: no new sockets, no exec, no ptrace and no other system call that only an attacker would make here.  Both hold for the
** calling thread and the threads it starts afterwards.
*/
#ifndef TL_PIPELINE_SANDBOX_H
#define TL_PIPELINE_SANDBOX_H

#include "base/text.h"

typedef struct tl_sandbox {
    bool no_new_privs, landlock, seccomp, no_core; /* what the kernel granted */
} tl_sandbox;

/* Enters it.  db: the database, whose folder stays writable (SQLite's temporary files go there too); inputs[n]: the captures, which
** stay readable; "-" is passed over.  What the kernel lacks is left false in *out: that is no failure. */
void tl_sandbox_enter(const char *db, char *const *inputs, int n, tl_sandbox *out);
/* "no_new_privs landlock seccomp no_core", or less; "none". */
void tl_sandbox_text(const tl_sandbox *s, tl_text *out);

#endif
