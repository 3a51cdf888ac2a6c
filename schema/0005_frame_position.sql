-- tcpledger database, migration 5: where frames lie in their capture files.

-- So that the packets of a session can be read back without reading the whole capture: every so-many-th frame's place in the file.  Only of
-- files that can be sought in (not of gzip, standard input, interfaces).  Anybody may delete its rows: captures are then read from the front.
CREATE TABLE frame_position (
  capture_id INTEGER PRIMARY KEY REFERENCES capture,
  positions  BLOB NOT NULL      -- varints, see src/capture/positions.h
) STRICT;
