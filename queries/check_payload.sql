-- title: Chunks whose bytes cannot be read back
-- Reads everything that is stored.  `tcpledger-query DB verify --quick` leaves it out.
SELECT chunk_id, session_id, direction, stream_offset, raw_size
  FROM chunk
 WHERE length(sqlar_uncompress(data, raw_size)) IS NOT raw_size;
