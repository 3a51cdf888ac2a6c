-- tcpledger database: the views, for people.  Dropped and made again whenever a program opens the database for writing; the query
-- program uses its own copy, so a database never needs changing for a better view.
--
--   times         ISO 8601, UTC, exact to the nanosecond (rounded down by hand: a capture may claim to be older than 1970)
--   addresses     a.b.c.d:port, [v6]:port
--   sender        'client' or 'server': whose bytes
--   number        of a message within its session (`tcpledger-query DB payload ID --message NUMBER`)
--   capture_loss  bytes that the network delivered but the capture lacks (gaps 'acked' and 'snaplen')
--   unknown_loss  missing bytes of which that is not known (all other reasons): lost in the network, or not captured.  Never add the two.
--
-- All but `unframed` and the loss_by_ views look rows up by key, so a LIMIT or a session_id is quick.  For the messages or exchanges of one
-- session say  message_id BETWEEN (session_id << 32) AND (session_id << 32) + 4294967295.

-- One row a session.
DROP VIEW IF EXISTS sessions;
CREATE VIEW sessions AS
SELECT s.session_id,
       iif(instr(s.client_addr, ':'), '[' || s.client_addr || ']', s.client_addr) || ':' || s.client_port AS client,
       iif(instr(s.server_addr, ':'), '[' || s.server_addr || ']', s.server_addr) || ':' || s.server_port AS server,
       s.protocol,
       coalesce(c.length, 0) AS client_bytes,
       coalesce(v.length, 0) AS server_bytes,
       iif(coalesce(c.gap_bytes, 0) + coalesce(v.gap_bytes, 0) = 0, 0,
           (SELECT coalesce(sum(g.length), 0) FROM gap AS g
             WHERE g.session_id = s.session_id AND g.reason IN ('acked', 'snaplen'))) AS capture_loss,
       iif(coalesce(c.gap_bytes, 0) + coalesce(v.gap_bytes, 0) = 0, 0,
           (SELECT coalesce(sum(g.length), 0) FROM gap AS g
             WHERE g.session_id = s.session_id AND g.reason NOT IN ('acked', 'snaplen'))) AS unknown_loss,
       (SELECT count(*) FROM message AS m
         WHERE m.message_id BETWEEN (s.session_id << 32) AND (s.session_id << 32) + 4294967295) AS messages,
       strftime('%Y-%m-%dT%H:%M:%S', (s.first_ns - 999999999 * (s.first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (s.first_ns % 1000000000 + 1000000000) % 1000000000) AS start,
       round((s.last_ns - s.first_ns) / 1e9, 6) AS seconds,
       s.conn_state,
       s.close_reason,
       trim(iif(s.midstream, 'midstream ', '') || iif(s.healed, 'healed ', '')
            || iif(coalesce(c.stray_bytes, 0) + coalesce(v.stray_bytes, 0) > 0, 'stray ', '')
            || iif(s.roles IN ('port', 'first_speaker'), 'roles-guessed', '')) AS notes,
       s.history,
       round(s.rtt_ns / 1e6, 3) AS rtt_ms,
       coalesce(c.duplicate_bytes, 0) + coalesce(v.duplicate_bytes, 0) AS duplicate_bytes,
       coalesce(c.stray_bytes, 0) + coalesce(v.stray_bytes, 0) AS stray_bytes,
       s.vlan,
       s.tunnel,
       s.community_id,
       s.first_capture_id,
       s.first_frame,
       s.last_capture_id,
       s.last_frame
  FROM session AS s
  LEFT JOIN stream AS c ON c.session_id = s.session_id AND c.direction = 0
  LEFT JOIN stream AS v ON v.session_id = s.session_id AND v.direction = 1;

-- Connections that were only asked for, summed up (tcpledger-ingest --scan-aggregate): not among `sessions`.  client, server and port are
-- those of all its sessions; where they differ, NULL.
DROP VIEW IF EXISTS scans;
CREATE VIEW scans AS
SELECT scan_id,
       grouped_by,
       client_addr AS client,
       server_addr AS server,
       server_port AS port,
       sessions,
       packets,
       wire_bytes,
       strftime('%Y-%m-%dT%H:%M:%S', (first_ns - 999999999 * (first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (first_ns % 1000000000 + 1000000000) % 1000000000) AS first,
       strftime('%Y-%m-%dT%H:%M:%S', (last_ns - 999999999 * (last_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (last_ns % 1000000000 + 1000000000) % 1000000000) AS last,
       round((last_ns - first_ns) / 1e9, 6) AS seconds,
       first_session_id,
       last_session_id,
       first_capture_id,
       first_frame,
       last_capture_id,
       last_frame
  FROM scan;

-- One row a direction that any packet shows.
DROP VIEW IF EXISTS streams;
CREATE VIEW streams AS
SELECT t.session_id,
       iif(t.direction = 0, 'client', 'server') AS sender,
       CASE t.direction
         WHEN 0 THEN iif(instr(s.client_addr, ':'), '[' || s.client_addr || ']', s.client_addr) || ':' || s.client_port
         ELSE iif(instr(s.server_addr, ':'), '[' || s.server_addr || ']', s.server_addr) || ':' || s.server_port
       END AS address,
       t.length,
       t.stored_bytes,
       iif(t.gap_bytes = 0, 0,
           (SELECT coalesce(sum(g.length), 0) FROM gap AS g
             WHERE g.session_id = t.session_id AND g.direction = t.direction AND g.reason IN ('acked', 'snaplen'))) AS capture_loss,
       iif(t.gap_bytes = 0, 0,
           (SELECT coalesce(sum(g.length), 0) FROM gap AS g
             WHERE g.session_id = t.session_id AND g.direction = t.direction AND g.reason NOT IN ('acked', 'snaplen'))) AS unknown_loss,
       t.duplicate_bytes,
       t.stray_bytes,
       t.packets,
       t.segments,
       t.out_of_order,
       t.retransmitted,
       t.wire_bytes,
       t.bad_checksums,
       t.urgent,
       t.mss,
       t.window_scale,
       t.isn,
       t.base_seq,
       t.fin,
       t.rst
  FROM stream AS t
  JOIN session AS s ON s.session_id = t.session_id;

-- One row an application message, in the order in which a session's messages began.
DROP VIEW IF EXISTS messages;
CREATE VIEW messages AS
SELECT m.message_id,
       m.session_id,
       m.message_id & 4294967295 AS number,
       strftime('%Y-%m-%dT%H:%M:%S', (m.first_ns - 999999999 * (m.first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (m.first_ns % 1000000000 + 1000000000) % 1000000000) AS time,
       iif(m.direction = 0, 'client', 'server') AS sender,
       m.protocol,
       m.kind,
       m.summary,
       m.length,
       m.missing,
       m.complete,
       m.sync,
       m.pairing,
       m.answers_message_id & 4294967295 AS answers,
       m.stream_offset,
       m.head_length,
       round((m.last_ns - m.first_ns) / 1e9, 6) AS seconds,
       m.first_capture_id,
       m.first_frame,
       m.last_capture_id,
       m.last_frame,
       m.detail
  FROM message AS m;

-- Request beside response.  Requests without a response and responses without a request have NULL on the other side; an interim (1xx)
-- response has a row of its own.  latency_ms: from the last byte of the request to the first of the response.  message_id: of the response,
-- or of the request that has none.
DROP VIEW IF EXISTS exchanges;
CREATE VIEW exchanges AS
SELECT r.session_id,
       q.message_id & 4294967295 AS request,
       r.message_id & 4294967295 AS response,
       strftime('%Y-%m-%dT%H:%M:%S', (coalesce(q.first_ns, r.first_ns) - 999999999 * (coalesce(q.first_ns, r.first_ns) < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (coalesce(q.first_ns, r.first_ns) % 1000000000 + 1000000000) % 1000000000) AS time,
       r.protocol,
       q.summary AS asked,
       r.summary AS answered,
       round((r.first_ns - q.last_ns) / 1e6, 3) AS latency_ms,
       q.length AS request_bytes,
       r.length AS response_bytes,
       coalesce(q.missing, 0) + r.missing AS missing,
       r.pairing,
       r.message_id
  FROM message AS r
  LEFT JOIN message AS q ON q.message_id = r.answers_message_id
 WHERE r.kind = 'response' OR r.answers_message_id IS NOT NULL OR r.pairing = 'unasked'
UNION ALL
SELECT q.session_id, q.message_id & 4294967295, NULL,
       strftime('%Y-%m-%dT%H:%M:%S', (q.first_ns - 999999999 * (q.first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (q.first_ns % 1000000000 + 1000000000) % 1000000000),
       q.protocol, q.summary, NULL, NULL, q.length, NULL, q.missing, q.pairing, q.message_id
  FROM message AS q
 WHERE q.pairing = 'unanswered';

-- Missing bytes, the reason, and the frames that prove it.
DROP VIEW IF EXISTS gaps;
CREATE VIEW gaps AS
SELECT g.gap_id,
       g.session_id,
       iif(g.direction = 0, 'client', 'server') AS sender,
       g.stream_offset,
       g.length,
       g.reason,
       iif(g.reason IN ('acked', 'snaplen'), 'capture', 'unknown') AS loss,
       g.proof_capture_id,
       g.proof_frame,
       g.before_capture_id,
       g.before_frame,
       strftime('%Y-%m-%dT%H:%M:%S', (g.before_ns - 999999999 * (g.before_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (g.before_ns % 1000000000 + 1000000000) % 1000000000) AS before,
       g.after_capture_id,
       g.after_frame,
       strftime('%Y-%m-%dT%H:%M:%S', (g.after_ns - 999999999 * (g.after_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (g.after_ns % 1000000000 + 1000000000) % 1000000000) AS after
  FROM gap AS g;

-- The stored bytes, readable.  Needs sqlar_uncompress(): the sqlite3 shell and tcpledger-query have it.
DROP VIEW IF EXISTS payloads;
CREATE VIEW payloads AS
SELECT k.session_id,
       iif(k.direction = 0, 'client', 'server') AS sender,
       k.stream_offset,
       k.raw_size,
       strftime('%Y-%m-%dT%H:%M:%S', (k.first_ns - 999999999 * (k.first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (k.first_ns % 1000000000 + 1000000000) % 1000000000) AS time,
       k.capture_id,
       k.first_frame,
       k.last_frame,
       sqlar_uncompress(k.data, k.raw_size) AS payload
  FROM chunk AS k;

DROP VIEW IF EXISTS captures;
CREATE VIEW captures AS
SELECT c.capture_id,
       c.path,
       c.format,
       c.state,
       c.frames,
       (SELECT f.frames FROM frame_count AS f WHERE f.capture_id = c.capture_id AND f.outcome = 'tcp') AS tcp_frames,
       strftime('%Y-%m-%dT%H:%M:%S', (c.first_ns - 999999999 * (c.first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (c.first_ns % 1000000000 + 1000000000) % 1000000000) AS first,
       strftime('%Y-%m-%dT%H:%M:%S', (c.last_ns - 999999999 * (c.last_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (c.last_ns % 1000000000 + 1000000000) % 1000000000) AS last,
       round((c.last_ns - c.first_ns) / 1e9, 6) AS seconds,
       c.drops_reported,
       c.bytes,
       c.link_type,
       c.snaplen,
       c.error,
       c.sha256,
       c.ingest_id
  FROM capture AS c;

-- Sessions that miss bytes.
DROP VIEW IF EXISTS loss_by_session;
CREATE VIEW loss_by_session AS
SELECT s.session_id,
       iif(instr(s.client_addr, ':'), '[' || s.client_addr || ']', s.client_addr) || ':' || s.client_port AS client,
       iif(instr(s.server_addr, ':'), '[' || s.server_addr || ']', s.server_addr) || ':' || s.server_port AS server,
       s.protocol,
       (SELECT sum(t.length) FROM stream AS t WHERE t.session_id = s.session_id) AS bytes,
       l.gaps,
       l.capture_loss,
       l.unknown_loss
  FROM (SELECT session_id,
               count(*) AS gaps,
               sum(iif(reason IN ('acked', 'snaplen'), length, 0)) AS capture_loss,
               sum(iif(reason IN ('acked', 'snaplen'), 0, length)) AS unknown_loss
          FROM gap GROUP BY session_id) AS l
  JOIN session AS s ON s.session_id = l.session_id;

-- By the host that sent the missing bytes.
DROP VIEW IF EXISTS loss_by_host;
CREATE VIEW loss_by_host AS
SELECT iif(t.direction = 0, s.client_addr, s.server_addr) AS host,
       count(DISTINCT t.session_id) AS sessions,
       sum(t.length) AS bytes_sent,
       sum(t.stored_bytes) AS stored_bytes,
       coalesce(sum(l.gaps), 0) AS gaps,
       coalesce(sum(l.capture_loss), 0) AS capture_loss,
       coalesce(sum(l.unknown_loss), 0) AS unknown_loss
  FROM stream AS t
  JOIN session AS s ON s.session_id = t.session_id
  LEFT JOIN (SELECT session_id, direction,
                    count(*) AS gaps,
                    sum(iif(reason IN ('acked', 'snaplen'), length, 0)) AS capture_loss,
                    sum(iif(reason IN ('acked', 'snaplen'), 0, length)) AS unknown_loss
               FROM gap GROUP BY session_id, direction) AS l
    ON l.session_id = t.session_id AND l.direction = t.direction
 GROUP BY 1;

-- By the second of the last captured byte before the hole (of the first after it, where there is none before).
DROP VIEW IF EXISTS loss_by_second;
CREATE VIEW loss_by_second AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', g.seconds, 'unixepoch') AS second,
       count(*) AS gaps,
       count(DISTINCT g.session_id) AS sessions,
       sum(iif(g.reason IN ('acked', 'snaplen'), g.length, 0)) AS capture_loss,
       sum(iif(g.reason IN ('acked', 'snaplen'), 0, g.length)) AS unknown_loss
  FROM (SELECT session_id, length, reason, (ns - 999999999 * (ns < 0)) / 1000000000 AS seconds
          FROM (SELECT session_id, length, reason,
                       coalesce(before_ns, after_ns, (SELECT s.first_ns FROM session AS s WHERE s.session_id = gap.session_id)) AS ns
                  FROM gap)) AS g
 GROUP BY g.seconds;

-- By the capture in which the hole lies (where the bytes before it, else after it, were captured).  tcp_bytes: of whole frames.
DROP VIEW IF EXISTS loss_by_capture;
CREATE VIEW loss_by_capture AS
SELECT c.capture_id,
       c.path,
       c.frames,
       (SELECT f.bytes FROM frame_count AS f WHERE f.capture_id = c.capture_id AND f.outcome = 'tcp') AS tcp_bytes,
       c.drops_reported,
       coalesce(l.gaps, 0) AS gaps,
       coalesce(l.capture_loss, 0) AS capture_loss,
       coalesce(l.unknown_loss, 0) AS unknown_loss
  FROM capture AS c
  LEFT JOIN (SELECT coalesce(g.before_capture_id, g.after_capture_id, g.proof_capture_id,
                             (SELECT s.first_capture_id FROM session AS s WHERE s.session_id = g.session_id)) AS capture_id,
                    count(*) AS gaps,
                    sum(iif(g.reason IN ('acked', 'snaplen'), g.length, 0)) AS capture_loss,
                    sum(iif(g.reason IN ('acked', 'snaplen'), 0, g.length)) AS unknown_loss
               FROM gap AS g
              GROUP BY 1) AS l
    ON l.capture_id = c.capture_id;

-- Stored bytes that are in no message: what neither a message nor a gap covers, up to the stream's length.
DROP VIEW IF EXISTS unframed;
CREATE VIEW unframed AS
SELECT session_id,
       iif(direction = 0, 'client', 'server') AS sender,
       covered AS stream_offset,
       start - covered AS length
  FROM (SELECT session_id, direction, start,
               coalesce(max(stop) OVER (PARTITION BY session_id, direction ORDER BY start, stop
                                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS covered
          FROM (SELECT session_id, direction, stream_offset AS start, stream_offset + length AS stop FROM message
                UNION ALL
                SELECT session_id, direction, stream_offset, stream_offset + length FROM gap
                UNION ALL
                SELECT session_id, direction, length, length FROM stream))
 WHERE start > covered;

-- The identities, one row a stream: length = stored + gap, captured = stored + duplicate + stray.
DROP VIEW IF EXISTS ledger;
CREATE VIEW ledger AS
SELECT t.session_id,
       iif(t.direction = 0, 'client', 'server') AS sender,
       t.length,
       t.stored_bytes,
       t.gap_bytes,
       t.captured_bytes,
       t.duplicate_bytes,
       t.stray_bytes,
       t.length = t.stored_bytes + t.gap_bytes AND t.captured_bytes = t.stored_bytes + t.duplicate_bytes + t.stray_bytes AS balanced
  FROM stream AS t;

-- (json_each() and not json_extract(), because a view that calls the latter is refused where trusted_schema is off.)
DROP VIEW IF EXISTS http_requests;
CREATE VIEW http_requests AS
SELECT m.session_id,
       m.message_id & 4294967295 AS number,
       strftime('%Y-%m-%dT%H:%M:%S', (m.first_ns - 999999999 * (m.first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (m.first_ns % 1000000000 + 1000000000) % 1000000000) AS time,
       iif(instr(s.client_addr, ':'), '[' || s.client_addr || ']', s.client_addr) || ':' || s.client_port AS client,
       iif(instr(s.server_addr, ':'), '[' || s.server_addr || ']', s.server_addr) || ':' || s.server_port AS server,
       (SELECT value FROM json_each(m.detail, '$.method')) AS method,
       (SELECT value FROM json_each(m.detail, '$.host')) AS host,
       (SELECT value FROM json_each(m.detail, '$.target')) AS target,
       (SELECT value FROM json_each(m.detail, '$.version')) AS version,
       (SELECT value FROM json_each(m.detail, '$.user_agent')) AS user_agent,
       (SELECT value FROM json_each(m.detail, '$.referer')) AS referer,
       (SELECT value FROM json_each(m.detail, '$.content_type')) AS content_type,
       m.length - m.head_length AS body_bytes,
       m.missing,
       m.complete,
       m.pairing
  FROM message AS m
  JOIN session AS s ON s.session_id = m.session_id
 WHERE m.protocol = 'http' AND m.kind = 'request';

DROP VIEW IF EXISTS http_responses;
CREATE VIEW http_responses AS
SELECT m.session_id,
       m.message_id & 4294967295 AS number,
       strftime('%Y-%m-%dT%H:%M:%S', (m.first_ns - 999999999 * (m.first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (m.first_ns % 1000000000 + 1000000000) % 1000000000) AS time,
       iif(instr(s.client_addr, ':'), '[' || s.client_addr || ']', s.client_addr) || ':' || s.client_port AS client,
       iif(instr(s.server_addr, ':'), '[' || s.server_addr || ']', s.server_addr) || ':' || s.server_port AS server,
       (SELECT value FROM json_each(m.detail, '$.status')) AS status,
       (SELECT value FROM json_each(m.detail, '$.reason')) AS reason,
       (SELECT value FROM json_each(m.detail, '$.content_type')) AS content_type,
       (SELECT value FROM json_each(m.detail, '$.content_length')) AS content_length,
       (SELECT value FROM json_each(m.detail, '$.content_encoding')) AS content_encoding,
       (SELECT value FROM json_each(m.detail, '$.location')) AS location,
       m.length - m.head_length AS body_bytes,
       m.missing,
       m.complete,
       m.pairing,
       m.answers_message_id & 4294967295 AS answers
  FROM message AS m
  JOIN session AS s ON s.session_id = m.session_id
 WHERE m.protocol = 'http' AND m.kind = 'response';

-- Zeek's conn.log: its names, its order, community_id last.  The numbers are Zeek's too but for these: orig_bytes and resp_bytes come from
-- what the stream proves; missed_bytes counts what is missing for whatever cause; connections that try again after a refusal, with the
-- same numbers, are one row here; tunnel_parents names the layers and not other connections; local_orig and local_resp are not known.
DROP VIEW IF EXISTS conn_log;
CREATE VIEW conn_log AS
SELECT iif(s.first_ns < 0, '-', '') || format('%d.%09d', abs(s.first_ns / 1000000000), abs(s.first_ns % 1000000000)) AS ts,
       'C' || s.session_id AS uid,
       s.client_addr AS "id.orig_h",
       s.client_port AS "id.orig_p",
       s.server_addr AS "id.resp_h",
       s.server_port AS "id.resp_p",
       'tcp' AS proto,
       CASE s.protocol WHEN '' THEN NULL WHEN 'turn' THEN NULL WHEN 'tls' THEN 'ssl' ELSE s.protocol END AS service,
       format('%d.%09d', (s.last_ns - s.first_ns) / 1000000000, (s.last_ns - s.first_ns) % 1000000000) AS duration,
       coalesce(c.length, 0) AS orig_bytes,
       coalesce(v.length, 0) AS resp_bytes,
       s.conn_state,
       NULL AS local_orig,
       NULL AS local_resp,
       coalesce(c.gap_bytes, 0) + coalesce(v.gap_bytes, 0) AS missed_bytes,
       s.history,
       coalesce(c.packets, 0) AS orig_pkts,
       coalesce(c.wire_bytes, 0) AS orig_ip_bytes,
       coalesce(v.packets, 0) AS resp_pkts,
       coalesce(v.wire_bytes, 0) AS resp_ip_bytes,
       nullif(s.tunnel, '') AS tunnel_parents,
       6 AS ip_proto,
       s.community_id
  FROM session AS s
  LEFT JOIN stream AS c ON c.session_id = s.session_id AND c.direction = 0
  LEFT JOIN stream AS v ON v.session_id = s.session_id AND v.direction = 1;

-- Zeek's http.log: its names, its order.  A row for each final response beside its request, for each request without a response, and for
-- each response without a request.  Unlike Zeek's, the body lengths are those of the stream (chunk heads and compression included, missing
-- bytes too), the MIME types are what the header says, and what the program does not look for is NULL.
DROP VIEW IF EXISTS http_log;
CREATE VIEW http_log AS
SELECT iif(x.first_ns < 0, '-', '') || format('%d.%09d', abs(x.first_ns / 1000000000), abs(x.first_ns % 1000000000)) AS ts,
       'C' || x.session_id AS uid,
       s.client_addr AS "id.orig_h",
       s.client_port AS "id.orig_p",
       s.server_addr AS "id.resp_h",
       s.server_port AS "id.resp_p",
       x.trans_depth,
       (SELECT value FROM json_each(x.request, '$.method')) AS method,
       (SELECT value FROM json_each(x.request, '$.host')) AS host,
       (SELECT value FROM json_each(x.request, '$.target')) AS uri,
       (SELECT value FROM json_each(x.request, '$.referer')) AS referrer,
       coalesce((SELECT value FROM json_each(x.response, '$.version')), (SELECT value FROM json_each(x.request, '$.version'))) AS version,
       (SELECT value FROM json_each(x.request, '$.user_agent')) AS user_agent,
       NULL AS origin,
       x.request_body_len,
       x.response_body_len,
       (SELECT value FROM json_each(x.response, '$.status')) AS status_code,
       (SELECT value FROM json_each(x.response, '$.reason')) AS status_msg,
       (SELECT value FROM json_each(x.info, '$.status')) AS info_code,
       (SELECT value FROM json_each(x.info, '$.reason')) AS info_msg,
       NULL AS tags,
       NULL AS username,
       NULL AS password,
       NULL AS proxied,
       NULL AS orig_fuids,
       NULL AS orig_filenames,
       (SELECT value FROM json_each(x.request, '$.content_type')) AS orig_mime_types,
       NULL AS resp_fuids,
       NULL AS resp_filenames,
       (SELECT value FROM json_each(x.response, '$.content_type')) AS resp_mime_types
  FROM (SELECT r.session_id,
               coalesce(q.first_ns, r.first_ns) AS first_ns,
               coalesce(q.ordinal, r.ordinal) AS trans_depth,
               q.detail AS request,
               r.detail AS response,
               coalesce(q.length - q.head_length, 0) AS request_body_len,
               r.length - r.head_length AS response_body_len,
               (SELECT i.detail FROM message AS i
                 WHERE i.message_id > q.message_id AND i.message_id < r.message_id AND i.answers_message_id = q.message_id
                 ORDER BY i.message_id DESC LIMIT 1) AS info
          FROM message AS r
          LEFT JOIN message AS q ON q.message_id = r.answers_message_id
         WHERE r.protocol = 'http' AND r.kind = 'response'
           AND coalesce((SELECT value FROM json_each(r.detail, '$.status')), 200) NOT BETWEEN 100 AND 199
        UNION ALL
        SELECT q.session_id, q.first_ns, q.ordinal, q.detail, NULL, q.length - q.head_length, 0, NULL
          FROM message AS q
         WHERE q.protocol = 'http' AND q.kind = 'request' AND q.pairing = 'unanswered') AS x
  JOIN session AS s ON s.session_id = x.session_id;

-- What `tshark -z conv,tcp` shows, under its words; A is the client.  Bytes are those of the IP datagrams: tshark's are of whole frames,
-- so they are larger by the link layer's head (14 a frame on Ethernet).  Relative Start counts from the first frame of all captures.
DROP VIEW IF EXISTS tshark_conv;
CREATE VIEW tshark_conv AS
SELECT s.client_addr AS "Address A",
       s.client_port AS "Port A",
       s.server_addr AS "Address B",
       s.server_port AS "Port B",
       coalesce(v.packets, 0) AS "<- Frames",
       coalesce(v.wire_bytes, 0) AS "<- Bytes",
       coalesce(c.packets, 0) AS "-> Frames",
       coalesce(c.wire_bytes, 0) AS "-> Bytes",
       coalesce(c.packets, 0) + coalesce(v.packets, 0) AS "Total Frames",
       coalesce(c.wire_bytes, 0) + coalesce(v.wire_bytes, 0) AS "Total Bytes",
       round((s.first_ns - (SELECT min(first_ns) FROM capture)) / 1e9, 9) AS "Relative Start",
       round((s.last_ns - s.first_ns) / 1e9, 4) AS "Duration",
       s.session_id AS "Session"
  FROM session AS s
  LEFT JOIN stream AS c ON c.session_id = s.session_id AND c.direction = 0
  LEFT JOIN stream AS v ON v.session_id = s.session_id AND v.direction = 1;
