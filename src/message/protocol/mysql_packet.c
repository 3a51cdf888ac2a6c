/*
** mysql_packet.c - see mysql_packet.h (MySQL Internals, "Text Protocol", "Generic Response Packets", "Length-Encoded Integer").
*/
#include "message/protocol/mysql_packet.h"

const tl_word tl_mysql_commands[] = {{1, "quit"},
                                     {2, "init_db"},
                                     {3, "query"},
                                     {4, "field_list"},
                                     {5, "create_db"},
                                     {6, "drop_db"},
                                     {7, "refresh"},
                                     {8, "shutdown"},
                                     {9, "statistics"},
                                     {10, "process_info"},
                                     {12, "process_kill"},
                                     {13, "debug"},
                                     {14, "ping"},
                                     {17, "change_user"},
                                     {18, "binlog_dump"},
                                     {21, "register_slave"},
                                     {22, "stmt_prepare"},
                                     {23, "stmt_execute"},
                                     {24, "stmt_send_long_data"},
                                     {25, "stmt_close"},
                                     {26, "stmt_reset"},
                                     {27, "set_option"},
                                     {28, "stmt_fetch"},
                                     {30, "binlog_dump_gtid"},
                                     {31, "reset_connection"},
                                     {0, NULL}};

/* Their lengths, by number, where they are fixed. */
static const uint8_t command_length[32] = {
    [1] = 1, [7] = 2, [9] = 1, [10] = 1, [12] = 5, [13] = 1, [14] = 1, [25] = 5, [26] = 5, [27] = 3, [28] = 9, [31] = 1};

/* Bytes of a length-encoded integer that begins with this one. */
static size_t lenenc_size(uint64_t first)
{
    return first == 0xfc ? 3 : first == 0xfd ? 4 : first == 0xfe ? 9 : 1;
}

bool tl_mysql_lenenc(tl_span *in, uint64_t *v)
{
    uint64_t first = tl_take_be(in, in->n > 0 ? 1 : 0);
    size_t width = lenenc_size(first) - 1;
    *v = first;
    if (first == 0xfb || first == 0xff || in->n < width) return false;
    if (width > 0) *v = tl_take_le(in, width);
    return true;
}

/* A row in text: strings, each behind its length, or NULL. */
static bool is_text_row(tl_span body, bool whole)
{
    unsigned columns = 0;
    while (body.n > 0) {
        uint64_t n;
        columns++;
        if (body.p[0] == 0xfb) {
            (void)tl_take(&body, 1);
            continue;
        }
        if (body.n < lenenc_size(body.p[0])) return !whole;
        if (!tl_mysql_lenenc(&body, &n)) return false;
        if (n > body.n) return !whole;
        (void)tl_take(&body, (size_t)n);
    }
    return columns > 0;
}

tl_mysql_sort tl_mysql_server_sort(tl_span body, size_t length)
{
    bool whole = body.n == length;
    if (body.n == 0) return length > 0 ? WEAK : BAD;
    switch (body.p[0]) {
    case 0xfe: return length == 5 ? (whole ? STRONG : WEAK) : length >= 7 && length < 64 ? WEAK : BAD;
    case 0xff: return length < 3 || length > 1024 ? BAD : body.n < 4 ? (whole ? BAD : WEAK) : body.p[3] == '#' ? STRONG : BAD;
    case 0x00: return length >= OK_MIN ? WEAK : BAD;
    case 0x03:
        if (body.n >= 5 && memcmp(body.p, "\3def", 4) == 0 && length < 4096) return STRONG;
        break;
    default: break;
    }
    if (length == 1) return body.p[0] < 0xfb ? WEAK : BAD;
    return is_text_row(body, whole) ? WEAK : BAD;
}

tl_mysql_sort tl_mysql_client_sort(tl_span body, size_t length)
{
    if (body.n == 0) return length > 0 ? WEAK : BAD;
    if (tl_word_of(tl_mysql_commands, body.p[0]) == NULL) return BAD;
    size_t fixed = command_length[body.p[0]];
    if (fixed > 0) return length != fixed ? BAD : length == 1 ? STRONG : WEAK;
    switch (body.p[0]) {
    case COM_QUERY:
    case COM_PREPARE:
    case COM_INIT_DB:
    case COM_CREATE_DB:
    case COM_DROP_DB: {
        if (length < 2) return BAD;
        tl_span text = tl_span_of(body.p + 1, body.n - 1 < 8 ? body.n - 1 : 8);
        for (size_t i = 0; i < text.n; i++) /* or a query's attributes, which begin with their count and a set of 1 */
            if (text.p[i] < ' ' && text.p[i] != '\n' && text.p[i] != '\t' && text.p[i] != '\r' && i > 1) return BAD;
        return body.n == length && length >= 8 ? STRONG : WEAK;
    }
    case COM_EXECUTE: return length >= 10 ? WEAK : BAD;
    case COM_LONG_DATA: return length >= 7 ? WEAK : BAD;
    default: return WEAK;
    }
}

bool tl_mysql_is_login(tl_span body, size_t length)
{
    static const uint8_t zeros[19] = {0};
    if (length < 32 || (body.n >= 2 && !(body.p[1] & 2))) return false;
    return body.n <= 9 || memcmp(body.p + 9, zeros, body.n - 9 < sizeof zeros ? body.n - 9 : sizeof zeros) == 0;
}
