/*
** events.h - conversations made by hand, and what the framer hears in them.
**
**     tl_script s = {0};
**     tl_say(&s, TL_C2S, "GET / HTTP/1.1\r\n\r\n");
**     tl_lose(&s, TL_S2C, 100);
**     tl_end(&s, TL_WHY_FIN);
**     char *heard = tl_hear(&s, tl_registry_builtin(), 0);   "1 > 0+18 http request 'GET /' start complete unanswered\n"
**
** Each thing said is one event of one frame, in the order of the script; its sender has acknowledged all that the other side said
** before (change the event in s.events where the test wants something else).
*/
#ifndef TL_EVENTS_H
#define TL_EVENTS_H

#include "message/framer.h"

typedef struct tl_script {
    tl_event *events; /* bytes are owned by the script */
    size_t n, room;
    uint64_t length[2];
    uint16_t port; /* of the server; 0: 80 */
} tl_script;

void tl_say(tl_script *s, tl_dir dir, const char *text);
void tl_say_bytes(tl_script *s, tl_dir dir, const void *p, size_t n);
void tl_lose(tl_script *s, tl_dir dir, uint64_t n);
void tl_end(tl_script *s, tl_why why); /* both directions */
void tl_end_one(tl_script *s, tl_dir dir, tl_why why);
/* The events again, with the bytes [from, to) of the stream dir lost; frames, times and acknowledgements stay. */
tl_script tl_script_without(const tl_script *s, tl_dir dir, uint64_t from, uint64_t to);
void tl_script_free(tl_script *s);

/* Messages with texts of their own; what an update says is put into its request. */
typedef struct tl_heard {
    tl_message *items; /* in the order in which they ended */
    size_t n, room;
    size_t memory; /* the most that the framer said it had */
    const char *protocol;
    bool gave_up; /* more had to wait than may */
} tl_heard;

/* Pushes the events, BYTES cut into pieces of `split` bytes (0: not cut) that are each an exact heap block. */
tl_heard tl_listen(const tl_script *s, const tl_registry *r, size_t split);
void tl_heard_free(tl_heard *h);
const tl_message *tl_heard_number(const tl_heard *h, uint64_t number); /* NULL: none */
/* One line a message, in order of number; free() it. */
char *tl_heard_text(const tl_heard *h);
/* tl_listen and tl_heard_text in one. */
char *tl_hear(const tl_script *s, const tl_registry *r, size_t split);

#endif
