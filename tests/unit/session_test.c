/*
** session_test.c - the stream rules of DESIGN.md, each as an exchange and what the session says of it.
*/
#include <stdio.h>
#include <string.h>

#include "support/check.h"
#include "support/script.h"

#define SHAKE "> syn 1000 | < syn 5000 ack | > ack\n"

typedef struct rule {
    const char *name, *script, *said;
} rule;

static const rule rules[] = {
    {"in order", SHAKE "> 0 'abc' ack | < 0 'xyz' ack | > 3 'def' ack",
     "> 0+3 bytes 'abc'\n< 0+3 bytes 'xyz'\n> 3+3 bytes 'def'\n> 6+0 close end\n< 3+0 close end\n"},
    {"out of order waits and is told in order", SHAKE "> 3 'def' | > 0 'abc'",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 6+0 close end\n< 0+0 close end\n"},
    {"an acknowledged hole becomes a gap after the grace",
     SHAKE "> 0 'abc' | > 6 'ghi' | < ack 9 | wait 100ms | > 9 'j' | wait 150ms | > 10 'k'",
     "> 0+3 bytes 'abc'\n> 3+3 gap acked\n> 6+3 bytes 'ghi'\n> 9+1 bytes 'j'\n> 10+1 bytes 'k'\n> 11+0 close end\n< 0+0 close end\n"},
    {"a hole that nobody acknowledged waits for the end", SHAKE "> 0 'abc' | > 6 'ghi' | wait 20s | < ack 3",
     "> 0+3 bytes 'abc'\n> 3+3 gap end\n> 6+3 bytes 'ghi'\n> 9+0 close end\n< 0+0 close end\n"},
    {"a hole that is half acknowledged is told in two parts", SHAKE "> 0 'abc' | > 9 'jkl' | < ack 5",
     "> 0+3 bytes 'abc'\n> 3+2 gap acked\n> 5+4 gap end\n> 9+3 bytes 'jkl'\n> 12+0 close end\n< 0+0 close end\n"},
    {"late data within the grace fills the hole", SHAKE "> 0 'abc' | > 6 'ghi' | < ack 9 | wait 150ms | > 3 'def'",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 6+3 bytes 'ghi'\n> 9+0 close end\n< 0+0 close end\n"},
    {"later data is handed on as a copy, which heals", SHAKE "> 0 'abc' | > 6 'ghi' | < ack 9 | wait 1s | > 3 'def'",
     "> 0+3 bytes 'abc'\n> 3+3 gap acked\n> 6+3 bytes 'ghi'\n> 3+3 copy 'def'\n> 9+0 close end\n< 0+0 close end\n"},
    {"a retransmission is a copy", SHAKE "> 0 'abc' | > 0 'abc'",
     "> 0+3 bytes 'abc'\n> 0+3 copy 'abc'\n> 3+0 close end\n< 0+0 close end\n"},
    {"an overlap brings what is new", SHAKE "> 0 'abc' | > 1 'xyde'",
     "> 0+3 bytes 'abc'\n> 1+2 copy 'xy'\n> 3+2 bytes 'de'\n> 5+0 close end\n< 0+0 close end\n"},
    {"the first copy wins while both wait", SHAKE "> 4 'ef' | > 2 'cdXY' | > 0 'ab'",
     "> 4+2 copy 'XY'\n> 0+2 bytes 'ab'\n> 2+2 bytes 'cd'\n> 4+2 bytes 'ef'\n> 6+0 close end\n< 0+0 close end\n"},
    {"a tail that only the ACK proves", SHAKE "> 0 'abc' | < ack 10",
     "> 0+3 bytes 'abc'\n> 3+7 gap acked\n> 10+0 close end\n< 0+0 close end\n"},
    {"a tail that only the FIN proves", SHAKE "> 0 'abc' | > 10 fin",
     "> 0+3 bytes 'abc'\n> 3+7 gap fin\n> 10+0 close end\n< 0+0 close end\n"},
    {"an ACK of the FIN is not a byte", SHAKE "> 0 'abc' fin | < fin ack 4 | > ack 1",
     "> 0+3 bytes 'abc'\n> 3+0 close fin\n< 0+0 close fin\n"},
    {"the ACK of a FIN may come before the FIN", SHAKE "> 0 'abc' | < fin ack 4 | > ack 1 | > 3 fin | wait 6s",
     "> 0+3 bytes 'abc'\n> 3+0 close fin\n< 0+0 close fin\n"},
    {"the FIN ends nothing: half-closed data goes on", SHAKE "> 0 'abc' fin | < ack 4 | wait 60s | < 0 'xyz' | < 3 fin | > ack 4 | wait 6s",
     "> 0+3 bytes 'abc'\n< 0+3 bytes 'xyz'\n> 3+0 close fin\n< 3+0 close fin\n"},
    {"a RST acknowledges nothing, its payload is a cause", SHAKE "> 0 'abc' | < rst ack 9 'why' | wait 6s",
     "> 0+3 bytes 'abc'\n< 0+3 stray rst 'why'\n> 3+0 close rst\n< 0+0 close rst\n"},
    {"data after a RST still belongs to the session", SHAKE "> 0 'abc' | < rst | wait 1s | > 3 'def' | wait 6s",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 6+0 close rst\n< 0+0 close rst\n"},
    {"a session that is whole closes after the grace",
     SHAKE "> 0 'abc' fin | < fin ack 4 | > 4 ack 1 | wait 1s | > 0 'abc' | wait 1s | > 0 'abc' | wait 6s",
     "> 0+3 bytes 'abc'\n> 3+0 close fin\n< 0+0 close fin\n> 0+3 copy 'abc'\n> 0+3 copy 'abc'\n> 3+0 close fin\n< 0+0 close fin\n"},
    {"one that misses bytes waits for them", SHAKE "> 3 'def' fin | < fin ack 7 | > 7 ack 1 | wait 1s | > 0 'abc' | wait 6s",
     "> 0+3 gap acked\n> 3+3 bytes 'def'\n> 0+3 copy 'abc'\n> 6+0 close fin\n< 0+0 close fin\n"},
    {"a late segment opens a closed session again", SHAKE "> 0 'abc' | < rst | wait 6s | > 3 'def' | wait 6s",
     "> 0+3 bytes 'abc'\n> 3+0 close rst\n< 0+0 close rst\n> 3+3 bytes 'def'\n> 6+0 close rst\n< 0+0 close rst\n"},
    {"silence ends a session", SHAKE "> 0 'abc' | wait 4000s", "> 0+3 bytes 'abc'\n> 3+0 close idle\n< 0+0 close idle\n"},
    {"a SYN with another ISN begins another session", SHAKE "> 0 'abc' | > syn 900000 | > 0 'new'",
     "> 0+3 bytes 'abc'\nsession 2\nsession 1\n> 3+0 close reused\n< 0+0 close reused\nsession 2\n> 0+3 bytes 'new'\n> 3+0 close end\n< "
     "0+0 close end\n"},
    {"a SYN with the same ISN does not", SHAKE "> 0 'abc' | > syn 1000 | > 0 'abcd'",
     "> 0+3 bytes 'abc'\n> 0+3 copy 'abc'\n> 3+1 bytes 'd'\n> 4+0 close end\n< 0+0 close end\n"},
    {"refused and tried again with one ISN", "> syn 1000 | < 0 rst ack 0 | > syn 1000 | < syn 5000 ack | > 0 'abc'",
     "> 0+3 bytes 'abc'\n> 3+0 close rst\n< 0+0 close rst\n"},
    {"fast-open payload is at offset 0", "> syn 1000 'abc' | < syn 5000 ack 3 | > 3 'def'",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 6+0 close end\n< 0+0 close end\n"},
    {"the snaplen's cut is a gap at once", SHAKE "> 0 'abcdef' cut 2 | > 6 'ghi'",
     "> 0+2 bytes 'ab'\n> 2+4 gap snaplen\n> 6+3 bytes 'ghi'\n> 9+0 close end\n< 0+0 close end\n"},
    {"a whole copy of a cut segment heals", SHAKE "> 0 'abcdef' cut 2 | > 0 'abcdef'",
     "> 0+2 bytes 'ab'\n> 2+4 gap snaplen\n> 0+6 copy 'abcdef'\n> 6+0 close end\n< 0+0 close end\n"},
    {"data goes over a cut that waits", SHAKE "> 3 'defghi' cut 1 | > 5 'fg' | > 0 'abc'",
     "> 0+3 bytes 'abc'\n> 3+1 bytes 'd'\n> 4+1 gap snaplen\n> 5+2 bytes 'fg'\n> 7+2 gap snaplen\n> 9+0 close end\n< 0+0 close end\n"},
    {"midway: offset 0 is the lowest within the grace",
     "isn > 1000 | isn < 5000 | > 103 'def' ack 7 | > 100 'abc' ack 7 | wait 1s | > 106 'g' ack 7",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 6+1 bytes 'g'\n> 7+0 close end\n< 0+0 close end\n"},
    {"midway: both directions are told in the order of their frames",
     "isn > 1000 | isn < 5000 | > 10 'ab' ack 20 | < 20 'xy' ack 12 | > 12 'cd' ack 22 | wait 1s",
     "> 0+2 bytes 'ab'\n< 0+2 bytes 'xy'\n> 2+2 bytes 'cd'\n> 4+0 close end\n< 2+0 close end\n"},
    {"midway: what answers waits with what it answers",
     "> syn 1000 | isn < 5000 | > ack 0 | < 0 'hello' ack 0 | > 0 'hi' ack 5 | wait 1s | < 5 'x'",
     "< 0+5 bytes 'hello'\n> 0+2 bytes 'hi'\n< 5+1 bytes 'x'\n> 2+0 close end\n< 6+0 close end\n"},
    {"midway: a lower number later moves offset 0, once, at the end",
     "isn > 1000 | > 10 'cd' | wait 1s | > 12 'ef' | > 4 'ab' | wait 1s | > 8 'X'",
     "> 0+2 bytes 'cd'\n> 2+2 bytes 'ef'\n> 0+6 rebase\n> 0+2 front bytes 'ab'\n> 2+2 front gap end\n> 4+1 front bytes 'X'\n> 5+1 front "
     "gap end\n> 10+0 close end\n< 0+0 close end\n"},
    {"midway: the SYN-ACK's number is the start", "isn > 1000 | < syn 5000 ack 0 | > 5 'fg'",
     "> 0+5 gap end\n> 5+2 bytes 'fg'\n> 7+0 close end\n< 0+0 close end\n"},
    {"the SYN comes late, as its time tells", "isn > 1000 | > 5 'fg' | wait 1s | > 7 'h' | time -2s | > syn 1000 | > 7 'h'",
     "> 0+2 bytes 'fg'\n> 2+1 bytes 'h'\n> 2+1 copy 'h'\n> 0+5 rebase\n> 0+5 front gap end\n> 8+0 close end\n< 0+0 close end\n"},
    {"the SYN comes a moment late", "isn > 1000 | > 5 'fg' | > syn 1000 | > 7 'h'",
     "> 0+5 gap end\n> 5+2 bytes 'fg'\n> 7+1 bytes 'h'\n> 8+0 close end\n< 0+0 close end\n"},
    {"a SYN just below, long after the start, begins another session", "isn > 1000 | > 5 'fg' | wait 1s | > syn 1000 | > 0 'new'",
     "> 0+2 bytes 'fg'\nsession 2\nsession 1\n> 2+0 close reused\n< 0+0 close reused\nsession 2\n> 0+3 bytes 'new'\n> 3+0 close end\n< "
     "0+0 close end\n"},
    {"and so does one after the end", "isn > 1000 | > 5 'fg' | < rst | > syn 1000 | > 0 'new'",
     "session 2\nsession 1\n> 0+2 bytes 'fg'\n> 2+0 close rst\n< 0+0 close rst\nsession 2\n> 0+3 bytes 'new'\n> 3+0 close end\n< "
     "0+0 close end\n"},
    {"a keep-alive is no data", SHAKE "> 0 'abc' | < ack 3 | wait 60s | > 2 '.' | < ack 3 | > 3 'def'",
     "> 0+3 bytes 'abc'\n> 2+1 copy '.'\n> 3+3 bytes 'def'\n> 6+0 close end\n< 0+0 close end\n"},
    {"a keep-alive before any data is none either", SHAKE "wait 60s | < -1 '.' ack | > ack | > 0 'abc'",
     "< -1+1 stray keep_alive '.'\n> 0+3 bytes 'abc'\n> 3+0 close end\n< 0+0 close end\n"},
    {"one side only: holes are decided later", "> syn 1000 | > 0 'abc' | > 6 'ghi' | wait 1s | > 9 'j' | wait 1500ms | > 10 'k'",
     "> 0+3 bytes 'abc'\n> 3+3 gap one_sided\n> 6+3 bytes 'ghi'\n> 9+1 bytes 'j'\n> 10+1 bytes 'k'\n> 11+0 close end\n< 0+0 close end\n"},
    {"a direction of which only ACKs tell", "isn > 1000 | isn < 5000 | > 0 'a' ack 0 | > 1 ack 500",
     "> 0+1 bytes 'a'\n> 1+0 close end\n< 0+500 gap acked\n< 500+0 close end\n"},
    {"sequence numbers wrap", "> syn 4294967290 | < syn 5000 ack | > 0 'abcdef' | > 9 'jkl' | < ack 12 | wait 1s | > 12 'm'",
     "> 0+6 bytes 'abcdef'\n> 6+3 gap acked\n> 9+3 bytes 'jkl'\n> 12+1 bytes 'm'\n> 13+0 close end\n< 0+0 close end\n"},
    {"one forged segment makes no gap", SHAKE "> 0 'abc' | > 1000000000 'evil' | > 3 'def'",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 1000000000+4 stray out_of_window 'evil'\n> 6+0 close end\n< 0+0 close end\n"},
    {"three that continue each other are believed",
     SHAKE "> 0 'abc' | > 1000000000 'def' | > 1000000003 'ghi' | > 1000000006 'jkl' | > 1000000009 'm'",
     "> 0+3 bytes 'abc'\n> 3+999999997 gap end\n> 1000000000+3 bytes 'def'\n> 1000000003+3 bytes 'ghi'\n> 1000000006+3 bytes 'jkl'\n"
     "> 1000000009+1 bytes 'm'\n> 1000000010+0 close end\n< 0+0 close end\n"},
    {"one with an ACK to support it is believed", SHAKE "> 0 'abc' | > 1000000000 'def' | < ack 1000000003 | wait 1s | > 1000000003 'g'",
     "> 0+3 bytes 'abc'\n> 3+999999997 gap acked\n> 1000000000+3 bytes 'def'\n> 1000000003+1 bytes 'g'\n> 1000000004+0 close end\n< 0+0 "
     "close end\n"},
    {"an ACK with data to support it is believed",
     SHAKE "> 0 'abc' | < ack 1000000003 | > 1000000000 'def' | < ack 1000000003 | wait 1s | > 1000000003 'g'",
     "> 0+3 bytes 'abc'\n> 3+999999997 gap acked\n> 1000000000+3 bytes 'def'\n> 1000000003+1 bytes 'g'\n> 1000000004+0 close end\n< 0+0 "
     "close end\n"},
    {"a FIN that is believed later is no byte either", SHAKE "> 0 'abc' | > 1000000000 'def' fin | < ack 1000000004 fin | > ack 1",
     "> 0+3 bytes 'abc'\n> 3+999999997 gap acked\n> 1000000000+3 bytes 'def'\n> 1000000003+0 close fin\n< 0+0 close fin\n"},
    {"one forged ACK proves nothing", SHAKE "> 0 'abc' | < ack 1000000003 | > 3 'def' | < ack 6",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 6+0 close end\n< 0+0 close end\n"},
    {"after the end, numbers far away are another session", SHAKE "> 0 'abc' | < rst | > 1000000000 'new'",
     "> 0+3 bytes 'abc'\nsession 2\nsession 1\n> 3+0 close rst\n< 0+0 close rst\nsession 2\n> 0+3 bytes 'new'\n> 3+0 close end\n< 0+0 "
     "close end\n"},
    {"the copy of another tap is compared, not counted",
     "> syn 1000 | > syn 1000 vlan 7 | < syn 5000 ack | > 0 'abc' ack | > 0 'abc' ack vlan 7 | > 3 'def' ack",
     "other channel\n> 0+3 bytes 'abc'\nother channel\n> 0+3 copy 'abc'\n> 3+3 bytes 'def'\n> 6+0 close end\n< 0+0 close end\n"},
    {"the other tap heals what the first one lost", SHAKE "> 0 'abc' | > 0 'abc' vlan 7 | > 3 'def' vlan 7 | > 6 'ghi' | > 6 'ghi' vlan 7",
     "> 0+3 bytes 'abc'\nother channel\n> 0+3 copy 'abc'\n> 3+3 bytes 'def'\n> 6+3 bytes 'ghi'\nother channel\n> 6+3 copy 'ghi'\n> 9+0 "
     "close end\n"
     "< 0+0 close end\n"},
    {"a SACK proves the holes inside its block", SHAKE "> 0 'abc' | > 6 'ghi' | > 12 'm' | < ack 3 sack 6 13 | wait 1s | > 3 'def' ",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 6+3 bytes 'ghi'\n> 9+3 gap acked\n> 12+1 bytes 'm'\n> 13+0 close end\n< 0+0 close end\n"},
    {"a SACK proves a tail", SHAKE "> 0 'abc' | < ack 3 sack 6 9",
     "> 0+3 bytes 'abc'\n> 3+3 gap end\n> 6+3 gap acked\n> 9+0 close end\n< 0+0 close end\n"},
    {"a SACK that covers the FIN proves no byte more", SHAKE "> 0 'abc' | > 6 'ghi' fin | < ack 3 sack 6 10 | wait 6s",
     "> 0+3 bytes 'abc'\n> 3+3 gap end\n> 6+3 bytes 'ghi'\n> 9+0 close end\n< 0+0 close end\n"},
    {"nor does one that comes before the FIN", SHAKE "> 0 'abc' | < ack 3 sack 6 10 | > 6 'ghi' fin",
     "> 0+3 bytes 'abc'\n> 3+3 gap end\n> 6+3 bytes 'ghi'\n> 9+0 close end\n< 0+0 close end\n"},
    {"times may go backwards", SHAKE "> 0 'abc' | > 6 'ghi' | time -3600s | < ack 9 | > 3 'def' | > 9 'j'",
     "> 0+3 bytes 'abc'\n> 3+3 bytes 'def'\n> 6+3 bytes 'ghi'\n> 9+1 bytes 'j'\n> 10+0 close end\n< 0+0 close end\n"},
};

static tape the_tape;
static tl_session_info info;

static void each_rule(void)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        script_run(rules[i].script, NULL, &the_tape, &info);
        if (strcmp(the_tape.log, rules[i].said) != 0 || the_tape.fault[0] != '\0') {
            fprintf(stderr, "%s: %s\nexpected\n%s\ngot\n%s\n", rules[i].name, the_tape.fault, rules[i].said, the_tape.log);
            CU_FAIL("a rule is broken");
        }
    }
}

static void roles(void)
{
    script_run("< syn 5000 ack 0 | > ack", NULL, &the_tape, &info);
    CU_ASSERT_EQUAL(info.roles, TL_ROLES_SYN_ACK);
    CU_ASSERT_EQUAL(info.client.port, 40000);
    script_run("isn < 7 | < 0 'x' | > 0 'y'", NULL, &the_tape, &info);
    CU_ASSERT_EQUAL(info.roles, TL_ROLES_PORT);
    CU_ASSERT_EQUAL(info.client.port, 40000);
    CU_ASSERT_TRUE(info.midstream);
    script_run("< 0 'x' | > syn 1000", NULL, &the_tape, &info); /* nothing was told yet */
    CU_ASSERT_EQUAL(info.roles, TL_ROLES_SYN);
    CU_ASSERT_FALSE(info.midstream);
}

/* Zeek's words; see conn.h. */
static void conn_states(void)
{
    static const struct {
        const char *script, *state, *history;
    } cases[] = {
        {"> syn 1000", "S0", "S"},
        {"> syn 1000 | < rst 0", "REJ", "Sr"},
        {SHAKE "> 0 'ab' ack | < 0 'xy' ack | > fin ack | < fin ack | > ack", "SF", "ShADdFf"},
        {SHAKE "> 0 'ab' ack | < ack", "S1", "ShADa"},
        {SHAKE "> 0 'ab' ack | < 0 rst", "RSTR", "ShADr"},
        {SHAKE "> 0 'ab' ack | > rst", "RSTO", "ShADR"},
        {"> syn 1000 | > rst 0", "RSTOS0", "SR"},
        {"> syn 1000 | > fin", "SH", "SF"},
        {SHAKE "> 0 'ab' ack | < ack 9 | > fin ack | < fin ack", "SF", "ShADaGFf"},
        {"isn > 1000 | > 0 'abc' ack 4 | < 4 ack 3", "OTH", "Da"},
        {"< syn 5000 ack 0 | > ack | > 0 'ab' ack", "S1", "^hAD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        script_run(cases[i].script, NULL, &the_tape, &info);
        CU_ASSERT_STRING_EQUAL(info.conn_state, cases[i].state);
        CU_ASSERT_STRING_EQUAL(info.history, cases[i].history);
        if (strcmp(info.history, cases[i].history) != 0 || strcmp(info.conn_state, cases[i].state) != 0)
            fprintf(stderr, "%s: %s %s\n", cases[i].script, info.conn_state, info.history);
    }
}

static void counts(void)
{
    script_run(SHAKE "> 0 'abc' | > 6 'ghi' | > 3 'def' | > 0 'abc' | > 9 fin", NULL, &the_tape, &info);
    CU_ASSERT_EQUAL(info.stream[0].segments, 4);
    CU_ASSERT_EQUAL(info.stream[0].out_of_order, 1);
    CU_ASSERT_EQUAL(info.stream[0].retransmitted, 1);
    CU_ASSERT_EQUAL(info.stream[0].packets, 7);
    CU_ASSERT_EQUAL(info.stream[0].captured_bytes, 12);
    CU_ASSERT_EQUAL(info.stream[0].length, 9);
    CU_ASSERT_TRUE(info.stream[0].fin);
    CU_ASSERT_EQUAL(info.stream[0].isn, 1000);
    CU_ASSERT_EQUAL(info.stream[0].base_seq, 1001);
    CU_ASSERT_EQUAL(info.rtt_ns, 2000); /* SYN to ACK: two steps of 1 us */
}

/* Pressure declares holes and evicts sessions; each is told. */
static void limits(void)
{
    tl_limits l = tl_limits_default();
    l.hole_bytes = 300;
    script_run(SHAKE "> 10 'abc' | > 20 'abc' | > 30 'abc' | > 40 'abc' | < ack 0", &l, &the_tape, &info);
    CU_ASSERT_PTR_NOT_NULL(strstr(the_tape.log, "> 0+10 gap limit\n> 10+3 bytes 'abc'\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(the_tape.log, "> 33+7 gap end\n"));
    l = tl_limits_default();
    l.memory_bytes = 1; /* even one session is too many */
    script_run(SHAKE "> 0 'abc'", &l, &the_tape, &info);
    CU_ASSERT_EQUAL(info.closed, TL_WHY_LIMIT);
    CU_ASSERT_STRING_EQUAL(tl_close_name(info.closed), "evicted");
}

/* A hole of 5 GB costs nothing: 1.5 GB jumps, each supported by an ACK. */
static void huge_holes(void)
{
    script_run(SHAKE
               "> 0 'a' | < ack 1500000000 | > 1500000000 'b' | < ack 3000000000 | > 3000000000 'c' | < ack 4294960000 | > 4294960000 'd'",
               NULL, &the_tape, &info);
    CU_ASSERT_EQUAL(info.stream[0].length, 4294960001);
    CU_ASSERT_EQUAL(info.stream[0].captured_bytes, 4);
}

/* What a capture needs does not grow with its length: sessions that are over are forgotten. */
static void closed_sessions_are_forgotten(void)
{
    tl_limits l = tl_limits_default();
    l.memory_bytes = (size_t)8 << 20;
    tl_sessions *t = tl_sessions_new(&l, 1);
    tl_sessions_stats stats;
    tl_event ev;
    tl_session *s;
    for (uint32_t i = 0; i < 20000; i++) {
        tl_segment seg = {.src.port = (uint16_t)(i % 60000 + 1), .dst.port = 80, .flags = TL_SYN, .window_scale = -1};
        seg.src.ip[15] = (uint8_t)(i / 60000);
        for (int k = 0; k < 2; k++) {
            seg.at = (tl_at){.ns = INT64_C(1700000000000000000) + (int64_t)i * 1000000000, .frame = 2 * i + 1, .capture = 1};
            CU_ASSERT_EQUAL_FATAL(tl_sessions_push(t, &seg, &s), TL_OK);
            while (tl_session_pull(s, &ev)) continue;
            while ((s = tl_sessions_due(t, seg.at)) != NULL)
                while (tl_session_pull(s, &ev)) continue;
            seg.flags = TL_RST;
        }
    }
    tl_sessions_look(t, &stats);
    CU_ASSERT_EQUAL(stats.total, 20000);
    CU_ASSERT(stats.live < 10);
    CU_ASSERT(stats.memory_peak < (size_t)1 << 20); /* a sixteenth for the closed ones, and the table */
    tl_sessions_free(t);
}

int main(void)
{
    return tl_run_cases("session", (const tl_case[]){{"each rule", each_rule},
                                                     {"roles", roles},
                                                     {"conn_state and history", conn_states},
                                                     {"counts", counts},
                                                     {"limits", limits},
                                                     {"huge holes", huge_holes},
                                                     {"closed sessions are forgotten", closed_sessions_are_forgotten},
                                                     {0}});
}
