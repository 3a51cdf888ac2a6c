/*
** mysql_packet.h - what the inside of one MySQL packet says of itself, without the conversation around it: for mysql.c alone.
**
** A body is what is shown of the `length` bytes behind a packet's header; a shorter one never says BAD to what a longer one is sure of.
*/
#ifndef TL_MYSQL_PACKET_H
#define TL_MYSQL_PACKET_H

#include "message/protocol/binary.h"

enum {
    OK_MIN = 7, /* 0, rows, id, status, warnings */
    COM_QUIT = 1,
    COM_INIT_DB = 2,
    COM_QUERY = 3,
    COM_CREATE_DB = 5,
    COM_DROP_DB = 6,
    COM_PREPARE = 22,
    COM_EXECUTE,
    COM_LONG_DATA,
    COM_CLOSE,
    COM_RESET
};

/* Those that a client may send, by number. */
extern const tl_word tl_mysql_commands[];

typedef enum tl_mysql_sort { BAD, WEAK, STRONG } tl_mysql_sort;

tl_mysql_sort tl_mysql_server_sort(tl_span body, size_t length);
tl_mysql_sort tl_mysql_client_sort(tl_span body, size_t length);
/* The answer to a greeting: capabilities (protocol 4.1 among them), a maximum, a character set, zeros.  As far as the bytes go. */
bool tl_mysql_is_login(tl_span body, size_t length);
/* A length-encoded integer; false: it is not there, or is NULL or an error mark. */
bool tl_mysql_lenenc(tl_span *in, uint64_t *v);

#endif
