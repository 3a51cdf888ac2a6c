/*
** diff.h - what two databases say differently.
**
** Sessions are the same when both ends, the time of the first segment and both ISNs are.  Of such a pair these are compared: the counts of
** both streams, the bytes that are stored (their SHA-256; `quick`: not), gaps (place, length, reason), messages (by number); and of
** both databases what was summed up (table scan).  Frame numbers, session numbers and what the databases know of their captures are not.
**
** Rows: session_a, session_b, client, server, what, a, b.  what: "session" (in one only), "client length" and the like, "client bytes",
** "client gap", "message 3", "scan" (of no session).
*/
#ifndef TL_QUERY_DIFF_H
#define TL_QUERY_DIFF_H

#include "query/query.h"

/* Writes a row for each difference, *rows of them.  As tl_reader_run; the text of a failure is in *err. */
TL_MUST_USE tl_rc tl_reader_diff(tl_reader *a, tl_reader *b, bool quick, const tl_output *out, uint64_t *rows, tl_error *err);

#endif
