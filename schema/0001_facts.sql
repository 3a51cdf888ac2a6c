-- tcpledger database, migration 1: the facts.  What was captured, what was not, and how we know.
--
-- Integers are machine units: nanoseconds since 1970 UTC, byte offsets in a stream, frame numbers counted from 1 as
-- Wireshark does.  Text that came from the wire is escaped.  direction is 0 (client to server) or 1 (server to client).
-- The plural views (views.sql) show the same to people.

-- One run of tcpledger-ingest.  state stays 'interrupted' until the run ends.
CREATE TABLE ingest (
  ingest_id    INTEGER PRIMARY KEY,
  started_ns   INTEGER NOT NULL,
  finished_ns  INTEGER,
  tool_version TEXT    NOT NULL,
  options      TEXT    NOT NULL,      -- JSON
  state        TEXT    NOT NULL CHECK (state IN ('interrupted', 'complete', 'failed'))
) STRICT;

-- One capture file (or standard input, or an interface).
CREATE TABLE capture (
  capture_id     INTEGER PRIMARY KEY,
  ingest_id      INTEGER NOT NULL REFERENCES ingest,
  path           TEXT    NOT NULL,
  bytes          INTEGER,              -- of the file as it lies on disk
  sha256         TEXT    CHECK (length(sha256) = 64),  -- of the same, lower case hex; NULL where it could not be read to its end
  format         TEXT    NOT NULL,     -- pcap, pcap-ns, pcapng, with .gz where compressed; live
  link_type      INTEGER,              -- DLT_* number of the first interface
  snaplen        INTEGER,
  first_ns       INTEGER,              -- smallest and largest time of its frames
  last_ns        INTEGER,
  frames         INTEGER NOT NULL CHECK (frames >= 0),
  drops_reported INTEGER,              -- packets the capturing side says it dropped; NULL: it does not say
  state          TEXT    NOT NULL CHECK (state IN ('complete', 'truncated', 'failed', 'interrupted')),
  error          TEXT
) STRICT;

-- What became of each frame: exactly one outcome.  Sums to capture.frames.
CREATE TABLE frame_count (
  capture_id INTEGER NOT NULL REFERENCES capture,
  outcome    TEXT    NOT NULL,         -- tcp | not_tcp | not_ip | fragment | truncated | malformed | unknown_link | ...
  frames     INTEGER NOT NULL CHECK (frames > 0),
  bytes      INTEGER NOT NULL CHECK (bytes >= 0),  -- captured bytes of these frames
  PRIMARY KEY (capture_id, outcome)
) STRICT, WITHOUT ROWID;

-- A TCP connection, numbered in the order of the first segments.
CREATE TABLE session (
  session_id       INTEGER PRIMARY KEY,
  client_addr      TEXT    NOT NULL,
  client_port      INTEGER NOT NULL CHECK (client_port BETWEEN 0 AND 65535),
  server_addr      TEXT    NOT NULL,
  server_port      INTEGER NOT NULL CHECK (server_port BETWEEN 0 AND 65535),
  vlan             TEXT    NOT NULL,   -- tags of the first segment, outermost first: '100.200'; '' for none
  tunnel           TEXT    NOT NULL,   -- other layers of it: 'gre/vxlan:7'; '' for none
  first_ns         INTEGER NOT NULL,
  last_ns          INTEGER NOT NULL,
  conn_state       TEXT    NOT NULL,   -- as in Zeek's conn.log: S0, SF, REJ, ...
  history          TEXT    NOT NULL,   -- likewise: ShADadFf
  close_reason     TEXT    CHECK (close_reason IN ('fin', 'rst', 'idle', 'evicted', 'reused', 'end')),  -- NULL: still open
  roles            TEXT    NOT NULL CHECK (roles IN ('syn', 'syn_ack', 'port', 'first_speaker')),  -- how we know the client
  midstream        INTEGER NOT NULL CHECK (midstream IN (0, 1)),  -- no SYN was captured
  healed           INTEGER NOT NULL CHECK (healed IN (0, 1)),     -- late data filled gaps, or offset 0 moved
  rtt_ns           INTEGER,            -- SYN to SYN-ACK to ACK
  protocol         TEXT    NOT NULL,   -- of its messages; '' unknown
  community_id     TEXT    NOT NULL,
  first_capture_id INTEGER NOT NULL REFERENCES capture,
  first_frame      INTEGER NOT NULL,
  last_capture_id  INTEGER NOT NULL REFERENCES capture,
  last_frame       INTEGER NOT NULL
) STRICT;

-- The bytes of one direction.  length = stored_bytes + gap_bytes; captured_bytes = stored_bytes + duplicate_bytes + stray_bytes.
-- A direction that no packet shows, and of which the other one acknowledged nothing, has no row.
CREATE TABLE stream (
  session_id      INTEGER NOT NULL REFERENCES session,
  direction       INTEGER NOT NULL CHECK (direction IN (0, 1)),
  isn             INTEGER,             -- initial sequence number; NULL: no SYN was captured
  base_seq        INTEGER,             -- raw sequence number of offset 0; NULL: nothing known
  length          INTEGER NOT NULL CHECK (length >= 0),
  stored_bytes    INTEGER NOT NULL CHECK (stored_bytes >= 0),
  gap_bytes       INTEGER NOT NULL CHECK (gap_bytes >= 0),
  captured_bytes  INTEGER NOT NULL CHECK (captured_bytes >= 0),  -- counted where segments come in, apart from the rest
  duplicate_bytes INTEGER NOT NULL CHECK (duplicate_bytes >= 0), -- further copies, compared and identical
  stray_bytes     INTEGER NOT NULL CHECK (stray_bytes >= 0),     -- captured, but not in the stream: table stray
  segments        INTEGER NOT NULL,    -- with payload
  out_of_order    INTEGER NOT NULL,
  retransmitted   INTEGER NOT NULL,
  packets         INTEGER NOT NULL,
  wire_bytes      INTEGER NOT NULL,    -- of the IP datagrams, headers included
  urgent          INTEGER NOT NULL,    -- segments with URG
  bad_checksums   INTEGER NOT NULL,    -- accepted: in captures nearly all are offload
  mss             INTEGER,
  window_scale    INTEGER,
  fin             INTEGER NOT NULL CHECK (fin IN (0, 1)),
  rst             INTEGER NOT NULL CHECK (rst IN (0, 1)),
  PRIMARY KEY (session_id, direction)
) STRICT, WITHOUT ROWID;

-- Runs of captured stream bytes.  data is zlib (RFC 1950) where that is shorter than raw_size, else raw: SQLite's sqlar rule,
-- so a stock sqlite3 shell reads it with sqlar_uncompress(data, raw_size).
CREATE TABLE chunk (
  chunk_id      INTEGER PRIMARY KEY,
  session_id    INTEGER NOT NULL REFERENCES session,
  direction     INTEGER NOT NULL CHECK (direction IN (0, 1)),
  stream_offset INTEGER NOT NULL CHECK (stream_offset >= 0),
  raw_size      INTEGER NOT NULL CHECK (raw_size > 0),
  capture_id    INTEGER NOT NULL REFERENCES capture,
  first_ns      INTEGER NOT NULL,      -- smallest and largest of its segments
  last_ns       INTEGER NOT NULL,
  first_frame   INTEGER NOT NULL,
  last_frame    INTEGER NOT NULL,
  arrivals      BLOB    NOT NULL,      -- which frame brought which bytes: varints, see DESIGN.md
  data          BLOB    NOT NULL CHECK (length(data) <= raw_size)   -- big: last
) STRICT;
CREATE UNIQUE INDEX chunk_by_offset ON chunk (session_id, direction, stream_offset);

-- Bytes of a stream that the capture does not hold, and the proof of it.
CREATE TABLE gap (
  gap_id            INTEGER PRIMARY KEY,
  session_id        INTEGER NOT NULL REFERENCES session,
  direction         INTEGER NOT NULL CHECK (direction IN (0, 1)),
  stream_offset     INTEGER NOT NULL CHECK (stream_offset >= 0),
  length            INTEGER NOT NULL CHECK (length > 0),
  reason            TEXT    NOT NULL CHECK (reason IN ('acked', 'snaplen', 'one_sided', 'limit', 'fin', 'rst', 'idle', 'reused', 'end')),
  proof_capture_id  INTEGER REFERENCES capture,  -- the frame that proves it: the ACK, the cut frame, the FIN, the later data
  proof_frame       INTEGER,
  before_capture_id INTEGER REFERENCES capture,  -- the frames that carried the bytes on both sides; NULL: none
  before_frame      INTEGER,
  after_capture_id  INTEGER REFERENCES capture,
  after_frame       INTEGER,
  before_ns         INTEGER,
  after_ns          INTEGER,
  told_capture_id   INTEGER REFERENCES capture,  -- where in the captures the decision fell
  told_frame        INTEGER
) STRICT;
CREATE UNIQUE INDEX gap_by_offset ON gap (session_id, direction, stream_offset);

-- Captured payload that is not in the stream.
CREATE TABLE stray (
  stray_id      INTEGER PRIMARY KEY,
  session_id    INTEGER NOT NULL REFERENCES session,
  direction     INTEGER NOT NULL CHECK (direction IN (0, 1)),
  stream_offset INTEGER NOT NULL,      -- where its sequence number puts it; may be negative
  length        INTEGER NOT NULL CHECK (length > 0),
  reason        TEXT    NOT NULL CHECK (reason IN ('conflict', 'out_of_window', 'rst', 'keep_alive', 'before_start')),
  capture_id    INTEGER NOT NULL REFERENCES capture,
  frame         INTEGER NOT NULL,
  ns            INTEGER NOT NULL,
  data          BLOB    NOT NULL CHECK (length(data) = length)
) STRICT;
CREATE INDEX stray_by_session ON stray (session_id);
