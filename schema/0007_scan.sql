-- tcpledger database, migration 7: sessions that were only asked for, summed up.

-- What tcpledger-ingest --scan-aggregate writes instead of rows of session and stream for connections that were nothing but SYNs without
-- payload that nobody answered (conn_state S0): scans and floods.  Each such session is in exactly one row, so the sums are exact.  Its
-- number is used up: session has none of that number.
CREATE TABLE scan (
  scan_id          INTEGER PRIMARY KEY,
  ingest_id        INTEGER NOT NULL REFERENCES ingest,
  grouped_by       TEXT    NOT NULL CHECK (grouped_by IN ('client', 'endpoint', 'rest')),  -- what its sessions were brought together by
  client_addr      TEXT,               -- of all its sessions; NULL: they differ
  server_addr      TEXT,               -- likewise
  server_port      INTEGER CHECK (server_port BETWEEN 0 AND 65535),  -- likewise
  sessions         INTEGER NOT NULL CHECK (sessions > 0),
  packets          INTEGER NOT NULL CHECK (packets >= sessions),
  wire_bytes       INTEGER NOT NULL CHECK (wire_bytes >= 0),         -- of the IP datagrams, headers included
  first_ns         INTEGER NOT NULL,   -- smallest and largest time of their segments
  last_ns          INTEGER NOT NULL,
  first_session_id INTEGER NOT NULL CHECK (first_session_id > 0),    -- smallest and largest of their numbers; others lie between
  last_session_id  INTEGER NOT NULL CHECK (last_session_id - first_session_id >= sessions - 1),
  first_capture_id INTEGER NOT NULL REFERENCES capture,
  first_frame      INTEGER NOT NULL,
  last_capture_id  INTEGER NOT NULL REFERENCES capture,
  last_frame       INTEGER NOT NULL
) STRICT;
