-- tcpledger database, migration 3: how sessions go on in a later run.

-- What the program knew of a session when a run ended: the next capture of a rotation, given in a later run, continues it from there.
-- Internal: nothing else refers to it, and anybody may delete its rows; later runs then begin new sessions.
-- Rows of the session above chunk_id, gap_id and stray_id were made only because the run ended (held bytes, tails): a run that goes on
-- with the session takes them back.  NULL: the session had closed by itself.
CREATE TABLE session_state (
  session_id INTEGER PRIMARY KEY REFERENCES session,
  ingest_id  INTEGER NOT NULL REFERENCES ingest,  -- the run that wrote the row
  clock_ns   INTEGER NOT NULL,  -- time of the captures then
  chunk_id   INTEGER,
  gap_id     INTEGER,
  stray_id   INTEGER,
  base_0     INTEGER,           -- by direction: raw sequence number of offset 0; NULL: not decided
  base_1     INTEGER,
  length_0   INTEGER NOT NULL,  -- and the stream's length
  length_1   INTEGER NOT NULL,
  unframed   INTEGER NOT NULL CHECK (unframed IN (0, 1)),  -- a run took rows back and has not framed its messages again yet
  state      BLOB               -- see src/stream/state.h; NULL: cannot be continued
) STRICT;
