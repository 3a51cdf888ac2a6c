-- tcpledger database, migration 4: a response may be paired with its request by the protocol's own id.  SQLite cannot change a CHECK, so
-- the table is made anew; nothing else of it differs.
CREATE TEMP TABLE message_before AS SELECT * FROM message;
DROP TABLE message;

-- Application messages: ranges of streams.  message_id is session_id * 2^32 + the message's number within its session, so that
-- the messages of a session lie together and a rebuild gives the same numbers.
CREATE TABLE message (
  message_id         INTEGER PRIMARY KEY,
  session_id         INTEGER NOT NULL REFERENCES session CHECK (session_id = message_id >> 32),
  direction          INTEGER NOT NULL CHECK (direction IN (0, 1)),
  ordinal            INTEGER NOT NULL CHECK (ordinal > 0),      -- within the direction
  stream_offset      INTEGER NOT NULL CHECK (stream_offset >= 0),
  length             INTEGER NOT NULL CHECK (length > 0),       -- missing bytes included
  missing            INTEGER NOT NULL CHECK (missing BETWEEN 0 AND length),
  head_length        INTEGER NOT NULL CHECK (head_length BETWEEN 0 AND length),
  protocol           TEXT    NOT NULL,
  kind               TEXT    NOT NULL,
  summary            TEXT    NOT NULL,
  detail             TEXT,                -- a JSON object: what people search for; NULL: nothing to say
  complete           INTEGER NOT NULL CHECK (complete IN (0, 1)),  -- the end is known and nothing is missing
  sync               TEXT    NOT NULL CHECK (sync IN ('start', 'counted', 'resynced', 'guessed')),
  first_ns           INTEGER NOT NULL,
  last_ns            INTEGER NOT NULL,
  first_frame        INTEGER NOT NULL,
  last_frame         INTEGER NOT NULL,
  first_capture_id   INTEGER NOT NULL REFERENCES capture,
  last_capture_id    INTEGER NOT NULL REFERENCES capture,
  peer_acked         INTEGER NOT NULL,    -- bytes of the other direction that the sender had acknowledged when it began
  answers_message_id INTEGER,             -- on a response: its request
  pairing            TEXT    CHECK (pairing IN ('proved', 'by_id', 'ordered', 'unasked', 'unanswered'))
) STRICT;

INSERT INTO message SELECT * FROM message_before;
DROP TABLE message_before;
