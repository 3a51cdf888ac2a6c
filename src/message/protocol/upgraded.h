/*
** upgraded.h - what HTTP/1 has to know of the protocols that its 101 switches to, where the 101 itself is lost: what they begin with.
*/
#ifndef TL_UPGRADED_H
#define TL_UPGRADED_H

#include "message/detector.h"

/* HTTP/2's client begins with its preface. */
tl_match tl_http2_client_begins(tl_span b);
/* Its server, before the client's preface has reached it, sends frames of no stream or of stream 1. */
tl_match tl_http2_server_begins(tl_span b);
/* WebSocket's client sends masked frames: two bytes tell them from any request. */
tl_match tl_websocket_client_begins(tl_span b);

#endif
