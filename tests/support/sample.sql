-- A small database that is sound, made by hand: run after schema/.  What each session proves:
--   1  HTTP: two requests, two answers; 100 bytes of the first body are a gap that was acknowledged (capture loss); the server's first
--      chunk is compressed; a forged copy of five bytes is a stray
--   2  unknown protocol over IPv6, midstream, the client's stream begins with a hole of 5 GB that nobody acknowledged (unknown loss)
--   3  a SYN that was never answered
--   4  a request without a response, and bytes in no message behind it; text columns as a liar would fill them
PRAGMA application_id = 0x54434C47;
BEGIN;
INSERT INTO ingest VALUES (1, 1715595437123456789, 1715595447123456789, '0.1.0', '{}', 'complete');
INSERT INTO capture VALUES
  (1, 1, 'sample.pcap', 9000, NULL, 'pcap', 1, 65535, 1715595427123456789, 1715595436123456789, 30, NULL, 'complete', NULL),
  (2, 1, 'second.pcapng', 800, NULL, 'pcapng', 1, 96, 1715595436123456789, 1715595437123456789, 4, 7, 'truncated', 'the file ends in the middle of a packet');
INSERT INTO frame_count VALUES (1, 'tcp', 28, 8000), (1, 'not_tcp', 2, 120), (2, 'tcp', 4, 300);

INSERT INTO session VALUES (1, '10.0.0.1', 40000, '192.0.2.80', 80, '', '', 1715595427123456789, 1715595428123456789, 'SF', 'ShADadFf', 'fin', 'syn', 0, 0, 1500000, 'http', '1:x1', 1, 1, 1, 6);
INSERT INTO stream VALUES (1, 0, 1000, 1001, 97, 97, 0, 150, 53, 0, 3, 0, 1, 5, 297, 0, 0, 1460, 7, 1, 0);
INSERT INTO stream VALUES (1, 1, 1000, 1001, 689, 589, 100, 594, 0, 5, 4, 0, 0, 5, 789, 0, 0, 1460, 7, 1, 0);
INSERT INTO session VALUES (2, '2001:db8::1', 50000, '2001:db8::2', 9999, '', '', 1715595429123456789, 1715595430123456789, 'OTH', 'Dd', 'end', 'port', 1, 0, NULL, 'turn', '1:x2', 1, 2, 1, 7);
INSERT INTO stream VALUES (2, 0, 1000, 1001, 5000000004, 4, 5000000000, 4, 0, 0, 1, 0, 0, 5, 204, 0, 0, 1460, 7, 0, 0);
INSERT INTO stream VALUES (2, 1, 1000, 1001, 3, 3, 0, 3, 0, 0, 1, 0, 0, 5, 203, 0, 0, 1460, 7, 0, 0);
INSERT INTO session VALUES (3, '10.0.0.9', 1234, '192.0.2.80', 443, '', '', 1715595431123456789, 1715595431123456789, 'S0', 'S', 'idle', 'syn', 0, 0, NULL, '', '1:x3', 1, 3, 1, 8);
INSERT INTO stream VALUES (3, 0, 1000, 1001, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 40, 0, 0, 1460, 7, 0, 0);
INSERT INTO stream VALUES (3, 1, 1000, 1001, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1460, 7, 0, 0);
INSERT INTO session VALUES (4, '10.0.0.1', 40001, '192.0.2.80', 80, '', '', 1715595436123456789, 1715595437123456789, 'S1', 'ShADa', NULL, 'syn', 0, 0, 900000, 'http', '1:x4', 2, 4, 2, 9);
INSERT INTO stream VALUES (4, 0, 1000, 1001, 54, 54, 0, 54, 0, 0, 2, 0, 0, 5, 254, 0, 0, 1460, 7, 0, 0);
INSERT INTO stream VALUES (4, 1, 1000, 1001, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 200, 0, 0, 1460, 7, 0, 0);
INSERT INTO chunk (session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame, arrivals, data)
  VALUES (1, 0, 0, 97, 1, 1715595427124456789, 1715595427124457789, 4, 10, X'350000002c0cd00fe20a', X'474554202f6120485454502f312e310d0a486f73743a206578616d706c652e6f72670d0a557365722d4167656e743a20740d0a0d0a474554202f6d697373696e6720485454502f312e310d0a486f73743a206578616d706c652e6f72670d0a0d0a');
INSERT INTO chunk (session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame, arrivals, data)
  VALUES (1, 1, 0, 340, 1, 1715595427126456789, 1715595427126457789, 5, 7, X'c80100006a8c0104d00f00', X'789cf3080909d037d4335430323050f0f7e6e572cecf2b49cd2bd1f549cd4b2fc9b052303330e0e5e2e53230343236313533b7b01c6511620100bdec4791');
INSERT INTO chunk (session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame, arrivals, data)
  VALUES (1, 1, 440, 249, 1, 1715595427128456789, 1715595427128457789, 9, 12, X'c80100006a3106d00f58', X'3031323334353637383930313233343536373839303132333435363738393031323334353637383930313233343536373839303132333435363738393031323334353637383930313233343536373839303132333435363738393031323334353637383930313233343536373839303132333435363738393031323334353637383930313233343536373839303132333435363738393031323334353637383930313233343536373839303132333435363738393031323334353637383930313233343536373839485454502f312e3120343034204e6f7420466f756e640d0a436f6e74656e742d4c656e6774683a20340d0a0d0a6e6f6e65');
INSERT INTO chunk (session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame, arrivals, data)
  VALUES (2, 0, 5000000000, 4, 1, 1715595429123456789, 1715595429123457789, 20, 20, X'04000000', X'001b5b6d');
INSERT INTO chunk (session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame, arrivals, data)
  VALUES (2, 1, 0, 3, 1, 1715595429123456794, 1715595429123457794, 21, 21, X'03000008', X'6f6b0a');
INSERT INTO chunk (session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame, arrivals, data)
  VALUES (4, 0, 0, 54, 2, 1715595436123456789, 1715595436123457789, 1, 2, X'2c0000000a02d00f00', X'474554202f6d697373696e6720485454502f312e310d0a486f73743a206578616d706c652e6f72670d0a0d0affffffffffffffffffff');
INSERT INTO gap VALUES
  (1, 1, 1, 340, 100, 'acked', 1, 8, 1, 7, 1, 9, 1715595427127456789, 1715595427128456789, 1, 9),
  (2, 2, 0, 0, 5000000000, 'one_sided', 1, 20, NULL, NULL, 1, 20, NULL, 1715595429123456789, 1, 22);
INSERT INTO stray VALUES (1, 1, 1, 10, 5, 'conflict', 1, 11, 1715595427129456789, X'4556494C21');
INSERT INTO message VALUES (4294967297, 1, 0, 1, 0, 53, 0, 53, 'http', 'request', 'GET /a', '{"method":"GET","target":"/a","host":"example.org","version":"1.1","user_agent":"t"}', 1, 'start', 1715595427124456789, 1715595427126456789, 4, 5, 1, 1, 0, NULL, NULL);
INSERT INTO message VALUES (4294967298, 1, 1, 1, 0, 640, 100, 40, 'http', 'response', '200 OK', '{"status":200,"reason":"OK","content_length":600}', 0, 'start', 1715595427128456789, 1715595427130456789, 5, 6, 1, 1, 53, 4294967297, 'proved');
INSERT INTO message VALUES (4294967299, 1, 0, 2, 53, 44, 0, 44, 'http', 'request', 'GET /missing', '{"method":"GET","target":"/missing","host":"example.org","version":"1.1"}', 1, 'counted', 1715595427130456789, 1715595427132456789, 10, 11, 1, 1, 640, NULL, NULL);
INSERT INTO message VALUES (4294967300, 1, 1, 2, 640, 49, 0, 45, 'http', 'response', '404 Not Found', '{"status":404,"reason":"Not Found","content_length":4}', 1, 'counted', 1715595427143456789, 1715595427145456789, 12, 13, 1, 1, 97, 4294967299, 'proved');
INSERT INTO message VALUES (8589934593, 2, 0, 1, 5000000000, 4, 0, 0, 'turn', 'turn', '', NULL, 1, 'guessed', 1715595429123456789, 1715595429125456789, 20, 21, 1, 1, 0, NULL, NULL);
INSERT INTO message VALUES (8589934594, 2, 1, 1, 0, 3, 0, 0, 'turn', 'turn', 'ok', NULL, 1, 'start', 1715595429123456794, 1715595429125456794, 21, 22, 1, 1, 4, NULL, NULL);
INSERT INTO message VALUES (17179869185, 4, 0, 1, 0, 44, 0, 44, 'http', 'request', 'GET /'||char(27)||'[31m'||char(155)||','||char(34)||'\\x41'||char(8238)||'', '{"method":"GET","target":"/missing","host":"example.org"}', 1, 'start', 1715595436123456789, 1715595436125456789, 1, 2, 1, 1, 0, NULL, 'unanswered');
COMMIT;
