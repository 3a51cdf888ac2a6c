#include "support/dump.h"

#include "support/stage.h"

#define FACTS                                                                                                                              \
    "SELECT 'session', session_id, client_addr, client_port, server_addr, server_port, vlan, tunnel, first_ns, last_ns, conn_state, "      \
    "history,"                                                                                                                             \
    " close_reason, roles, midstream, rtt_ns, protocol, community_id FROM session ORDER BY session_id;"                                    \
    "SELECT 'stream', * FROM stream ORDER BY session_id, direction;"                                                                       \
    "SELECT 'bytes', session_id, direction, group_concat(h, '') FROM (SELECT session_id, direction,"                                       \
    " hex(sqlar_uncompress(data, raw_size)) AS h FROM chunk ORDER BY session_id, direction, stream_offset) GROUP BY 2, 3;"                 \
    "SELECT 'gap', session_id, direction, stream_offset, length, reason, before_ns, after_ns FROM gap ORDER BY session_id, direction, "    \
    "stream_offset;"                                                                                                                       \
    "SELECT 'stray', session_id, direction, stream_offset, length, reason, ns, hex(data) FROM stray"                                       \
    " ORDER BY session_id, direction, stream_offset, ns, data;"                                                                            \
    "SELECT 'message', message_id, direction, ordinal, stream_offset, length, missing, head_length, protocol, kind, summary, detail, "     \
    "complete,"                                                                                                                            \
    " sync, first_ns, last_ns, peer_acked, answers_message_id, pairing FROM message ORDER BY message_id"

#define PLACES                                                                                                                             \
    "SELECT 'place', session_id, first_capture_id, first_frame, last_capture_id, last_frame FROM session ORDER BY session_id;"             \
    "SELECT 'arrivals', session_id, direction, stream_offset, capture_id, first_frame, last_frame, hex(arrivals) FROM chunk"               \
    " ORDER BY session_id, direction, stream_offset;"                                                                                      \
    "SELECT 'outcome', capture_id, outcome, frames, bytes FROM frame_count ORDER BY 2, 3;"                                                 \
    "SELECT 'scan', * FROM scan ORDER BY scan_id;"                                                                                         \
    "SELECT 'gap place', session_id, direction, stream_offset, proof_frame, before_frame, after_frame, told_frame FROM gap ORDER BY 2, "   \
    "3, 4"

char *tl_ledger_dump(const char *db, bool frames)
{
    return tl_rows(db, frames ? FACTS ";" PLACES : FACTS);
}
