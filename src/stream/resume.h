/*
** resume.h - sessions that go on in a later run: what one knows, as bytes, and back.
**
** At the end of a run, when every session was pulled dry:
**
**     tl_sessions_choose(table, most);
**     for (s = tl_sessions_next(table, NULL); s != NULL; s = tl_sessions_next(table, s)) ... tl_session_fate(s) ...
**     tl_session_save(s, &bytes, &mark)               before tl_sessions_end() closes it
**
** and in the next one, before the first segment:
**
**     tl_session_restore(table, id, bytes, captures) ..., then tl_sessions_restored(table)
**
** A restored session answers to its key as if the capture had never ended.  It rests until a segment or the clock asks something of it:
** tl_sessions_end() passes over those that still rest.
**
** The bytes are varints, with a version in front; they hold no pointers and depend on no machine.  They come back from a database that
** anybody may have written to: tl_session_restore checks every length, order and range, and refuses what it cannot vouch for.
*/
#ifndef TL_RESUME_H
#define TL_RESUME_H

#include "base/text.h"
#include "stream/session.h"

/* What the rows of a saved session can be held against. */
typedef struct tl_session_mark {
    int64_t clock_ns; /* the table's clock */
    bool closed;      /* its close was told already: nothing of it has to be taken back */
    struct {          /* by tl_dir */
        bool fixed;   /* offset 0 is decided */
        uint32_t base_seq;
        uint64_t length;
    } stream[2];
} tl_session_mark;

/* Appends the session's state.  It was pulled dry; a close that tl_sessions_end() has just begun, and that nothing was told of, does not
** count.  Memory: see out->failed. */
void tl_session_save(const tl_session *s, tl_text *out, tl_session_mark *mark);

/* Puts session `id` back into the table.  Captures are numbered 1 to `captures` in this database.  OK; END: refused, nothing changed: the
** bytes are not what tl_session_save writes, or a session with the same key is there; ENOMEM. */
TL_MUST_USE tl_rc tl_session_restore(tl_sessions *t, uint64_t id, tl_span state, uint32_t captures, tl_session **out);
/* All are restored: puts them into the order of their last segments.  OK or ENOMEM. */
TL_MUST_USE tl_rc tl_sessions_restored(tl_sessions *t);
/* It was restored, in this table. */
bool tl_session_resumed(const tl_session *s);

typedef enum tl_fate {
    TL_FATE_NONE,  /* it has no saved state, and needs none */
    TL_FATE_RESTS, /* what was saved of it is still true */
    TL_FATE_SAVE,
    TL_FATE_FORGET /* a state was saved and is to go */
} tl_fate;

/* Decides what is saved: open sessions that carried payload; of the others, open and closed, the `most` newest. */
void tl_sessions_choose(tl_sessions *t, size_t most);
tl_fate tl_session_fate(const tl_session *s);
/* All sessions of the table, open ones first, each list from the newest on; NULL begins and ends. */
tl_session *tl_sessions_next(const tl_sessions *t, const tl_session *after);

#endif
