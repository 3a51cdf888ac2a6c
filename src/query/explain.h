/*
** explain.h - one gap in plain sentences: what is missing, whether the capture lost it, why we say so, the frames around it, the messages
** that it damages.
**
** Rows of topic (missing, loss, reason, proof, before, after, told, message) and text; as a table the texts alone, a line each.
*/
#ifndef TL_QUERY_EXPLAIN_H
#define TL_QUERY_EXPLAIN_H

#include "query/query.h"

/* END: no such gap.  Else as tl_reader_run. */
TL_MUST_USE tl_rc tl_explain(tl_reader *r, int64_t gap_id, const tl_output *out);

#endif
