/*
** pipeline_resume.h - sessions of earlier runs into the table, before the first segment of this one.
*/
#ifndef TL_PIPELINE_RESUME_H
#define TL_PIPELINE_RESUME_H

#include "store/store.h"

/* Of sessions that carried no payload, or that are closed, so many are saved at the end of a run, the newest: a flood of SYNs must not
** fill the database with states. */
enum { RESUME_SESSIONS_MOST = 65536 };

/* Numbers below next_id, captures 1 to `captures`; first_ns: the time of the first frame.  What was saved more than the idle time after
** that is of a later capture and stays where it is.  States that cannot be continued are forgotten.  OK, ENOMEM, or the store's failure. */
TL_MUST_USE tl_rc resume_sessions(tl_store *store, tl_sessions *t, const tl_limits *limits, uint64_t next_id, uint32_t captures,
                                  int64_t first_ns);

#endif
