/*
** payload.c - the bytes of a stream, written piece by piece.
*/
#include "query/pieces.h"

#include "query/handle.h"

enum { ZEROS = 65536 };

/* The hole may be as long as a damaged row says: the time limit holds here, too. */
static tl_rc write_zeros(tl_reader *r, uint64_t n, tl_write_fn write, void *to)
{
    static const uint8_t zeros[ZEROS];
    tl_rc rc = TL_OK;
    for (unsigned done = 0; n > 0 && rc == TL_OK; n -= n < ZEROS ? n : ZEROS) {
        if (++done % 256 == 0) rc = tl_reader_look(r);
        if (rc == TL_OK) rc = write(to, tl_span_of(zeros, n < ZEROS ? (size_t)n : ZEROS));
    }
    return rc;
}

tl_rc tl_reader_payload(tl_reader *r, int64_t session, int direction, uint64_t offset, uint64_t length, bool gaps_zero, tl_write_fn write,
                        void *to, uint64_t *written, uint64_t *missing)
{
    tl_stream_piece piece;
    bool left = false;
    *written = *missing = 0;
    tl_reader_start(r);
    tl_pieces *p = tl_pieces_open(r, session, direction, offset, length);
    if (p == NULL) return tl_reader_error(r)->rc;
    tl_rc rc = TL_OK;
    while (rc == TL_OK) {
        rc = tl_pieces_next(p, &piece);
        if (rc != TL_OK) break;
        bool hole = piece.bytes.p == NULL;
        *missing += hole ? piece.length : 0;
        if (hole && !gaps_zero) continue;
        rc = hole ? write_zeros(r, piece.length, write, to) : write(to, piece.bytes);
        if (rc == TL_END) left = true; /* nobody reads any more */
        if (rc == TL_OK) *written += piece.length;
    }
    tl_pieces_close(p);
    return rc == TL_END && !left ? TL_OK : rc;
}
