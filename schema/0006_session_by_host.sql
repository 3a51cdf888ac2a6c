-- tcpledger database, migration 6: the sessions of a host.

-- For questions about one host.  A run that adds more sessions than there were drops these two and makes them again when it is done, sorted;
-- where it was interrupted they are missing, questions are only slower, and the next run makes them.
CREATE INDEX session_by_client ON session (client_addr);
CREATE INDEX session_by_server ON session (server_addr);
