/*
** store_test.c - what becomes of a batch in the database: rows, copies, late data, rebases, counts; and which files are opened.
*/
#include "support/check.h"
#include "support/stage.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tl_store *open_new(char **path, unsigned captures)
{
    tl_error err = {0};
    *path = tl_scratch("store.db");
    tl_store *s = tl_store_open(*path, &(tl_store_options){.checks = true}, &err);
    if (s == NULL) printf("\n%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    tl_ingest_facts run = {.started_ns = 1, .tool_version = "test", .options = "{}"};
    CU_ASSERT_EQUAL(tl_store_ingest_begin(s, &run), TL_OK);
    for (uint32_t i = 1, id; i <= captures; i++) {
        tl_capture_facts facts = {.path = "x.pcap", .format = "memory"};
        CU_ASSERT_EQUAL(tl_store_capture_begin(s, &facts, &id), TL_OK);
        CU_ASSERT_EQUAL(id, i);
    }
    return s;
}

static void close_good(tl_store *s)
{
    tl_error err = {0};
    CU_ASSERT_EQUAL(tl_store_close(s, &err), TL_OK);
}

static bool rows_are(const char *name, const char *db, const char *sql, const char *expected)
{
    char *rows = tl_rows(db, sql);
    bool same = strcmp(rows, expected) == 0;
    if (!same) printf("\n%s: %s\n%s\nexpected\n%s\n", name, sql, rows, expected);
    CU_ASSERT(same);
    free(rows);
    return same;
}

/* ---- streams ---- */

/* Chunks and gaps in the order of the stream, then strays. */
static const char layout[] = "SELECT group_concat(t, ' ') FROM (SELECT t FROM ("
                             "SELECT 0 AS k, direction AS d, stream_offset AS o, iif(direction, 's', 'c') || stream_offset || ':' || "
                             "CAST(data AS TEXT) AS t FROM chunk"
                             " UNION ALL SELECT 0, direction, stream_offset, iif(direction, 's', 'c') || stream_offset || '+' || length || "
                             "reason || ifnull(before_frame, '-')"
                             " || '/' || ifnull(after_frame, '-') FROM gap"
                             " UNION ALL SELECT 1, direction, stream_offset, '!' || iif(direction, 's', 'c') || stream_offset || reason || "
                             "':' || CAST(data AS TEXT) FROM stray"
                             ") ORDER BY k, d, o)";
static const char counts[] = "SELECT stored_bytes, gap_bytes, duplicate_bytes, stray_bytes FROM stream WHERE direction = 0";
/* The identities, asked of every database here: chunks and gaps tile [0, length), and the counts are the sums. */
static const char identities[] =
    "SELECT count(*) FROM stream AS t WHERE length <> stored_bytes + gap_bytes OR captured_bytes <> stored_bytes + duplicate_bytes + "
    "stray_bytes"
    " OR stored_bytes <> (SELECT total(raw_size) FROM chunk AS c WHERE c.session_id = t.session_id AND c.direction = t.direction)"
    " OR gap_bytes <> (SELECT total(length) FROM gap AS g WHERE g.session_id = t.session_id AND g.direction = t.direction)"
    " OR stray_bytes <> (SELECT total(length) FROM stray AS r WHERE r.session_id = t.session_id AND r.direction = t.direction)"
    " OR EXISTS (SELECT 1 FROM (SELECT o, lead(o, 1, t.length) OVER (ORDER BY o) AS next, o + n AS end FROM ("
    "SELECT stream_offset AS o, raw_size AS n FROM chunk AS c WHERE c.session_id = t.session_id AND c.direction = t.direction UNION ALL"
    " SELECT stream_offset, length FROM gap AS g WHERE g.session_id = t.session_id AND g.direction = t.direction)) WHERE next <> end)";

typedef struct play {
    const char *name, *script, *layout, *counts;
    int healed;
} play;

static const play plays[] = {
    {"bytes and gaps", "c bytes 0 aa 1; c gap 2 10 acked 5; c bytes 12 bb 4", "c0:aa c2+10acked-/- c12:bb", "4|10|0|0", 0},
    {"counts add up over batches", "c bytes 0 aa 1; hand; c bytes 2 bb 2; hand; c gap 4 3 fin 3; c bytes 7 c 4",
     "c0:aa c2:bb c4+3fin-/- c7:c", "5|3|0|0", 0},
    {"a copy that is the same", "c bytes 0 hello 1; hand; c copy 0 hello 2", "c0:hello", "5|0|5|0", 0},
    {"a copy that differs", "c bytes 0 hello 1; hand; c copy 0 hexxo 2", "c0:hello !c2conflict:xx", "5|0|3|2", 0},
    {"a part of a chunk", "c bytes 0 hello 1; hand; c copy 2 llo 2; c copy 1 eL 3", "c0:hello !c2conflict:L", "5|0|4|1", 0},
    {"over two chunks", "c bytes 0 abc 1; hand; c bytes 3 def 2; hand; c copy 1 bcde 3", "c0:abc c3:def", "6|0|4|0", 0},
    {"one stray over two chunks", "c bytes 0 abc 1; hand; c bytes 3 def 2; hand; c copy 1 bXYe 3", "c0:abc c3:def !c2conflict:XY",
     "6|0|2|2", 0},
    {"a keep-alive byte", "c bytes 0 hello 1; hand; c keep 4 x 3; c keep 4 o 4", "c0:hello !c4keep_alive:x", "5|0|1|1", 0},
    {"the other direction is not meant", "c bytes 0 hello 1; s bytes 0 world 2; hand; s copy 0 world 3", "c0:hello s0:world", "5|0|0|0", 0},

    {"late data fills a gap", "c bytes 0 aa 1; c gap 2 3 acked 5; c bytes 5 bb 4; hand; c copy 2 xyz 9", "c0:aa c2:xyz c5:bb", "7|0|0|0",
     1},
    {"the front of a gap", "c gap 0 5 acked 5; hand; c copy 0 xy 9", "c0:xy c2+3acked9/-", "2|3|0|0", 1},
    {"the end of a gap", "c gap 0 5 acked 5; hand; c copy 3 xy 9", "c0+3acked-/9 c3:xy", "2|3|0|0", 1},
    {"the middle of a gap", "c gap 0 9 acked 5; hand; c copy 4 xy 9", "c0+4acked-/9 c4:xy c6+3acked9/-", "2|7|0|0", 1},
    {"a keep-alive's byte fills no gap", "c bytes 0 aa 1; c gap 2 3 acked 5; hand; c keep 4 . 9", "c0:aa c2+3acked-/- !c4keep_alive:.",
     "2|3|0|1", 0},
    {"a gap bit by bit", "c gap 0 4 acked 5; hand; c copy 2 c 6; c copy 0 a 7; c copy 3 d 8; c copy 1 b 9", "c0:a c1:b c2:c c3:d",
     "4|0|0|0", 1},
    {"late data of the same batch", "c gap 0 4 acked 5; c copy 0 abcd 6; c copy 1 bc 7", "c0:abcd", "4|0|2|0", 1},
    {"over a chunk, a gap and a chunk", "c bytes 0 ab 1; c gap 2 2 acked 5; c bytes 4 ef 4; hand; c copy 0 abcdeF 9",
     "c0:ab c2:cd c4:ef !c5conflict:F", "6|0|3|1", 1},
    {"over two gaps with two reasons", "c gap 0 2 acked 5; c gap 2 2 fin 6; hand; c copy 1 bc 9", "c0+1acked-/9 c1:b c2:c c3+1fin9/-",
     "2|2|0|0", 1},
    {"late data is the oracle for what comes later", "c gap 0 4 acked 5; hand; c copy 0 abcd 6; hand; c copy 0 abXd 7",
     "c0:abcd !c2conflict:X", "4|0|3|1", 1},
    {"beyond what is stored", "c bytes 0 ab 1; hand; c copy 1 bcd 9", "c0:ab !c2out_of_window:cd", "2|0|1|2", 0},
    {"strays", "c bytes 0 ab 1; c stray 2 no rst 2; c stray -4 xx before_start 3", "c0:ab !c-4before_start:xx !c2rst:no", "2|0|0|4", 0},

    {"offset 0 moves", "c bytes 0 cd 1; c gap 2 3 acked 3; c bytes 5 h 4; hand; c rebase 2 5; c bytes 0 ab 6",
     "c0:ab c2:cd c4+3acked-/- c7:h", "5|3|0|0", 1},
    {"offset 0 moves by one", "c bytes 0 bcd 1; hand; c bytes 3 e 2; c rebase 1 5; c bytes 0 a 6", "c0:a c1:bcd c4:e", "5|0|0|0", 1},
    {"offset 0 moves over neighbours", "c bytes 0 b 1:1; c bytes 1 c 2:1; c bytes 2 d 3:1; hand; c rebase 1 5; c gap 0 1 end 6",
     "c0+1end-/- c1:b c2:c c3:d", "3|1|0|0", 1},
    {"strays move along", "c bytes 0 cd 1; c stray -2 x before_start 2; hand; c rebase 2 5; c bytes 0 ab 6",
     "c0:ab c2:cd !c0before_start:x", "4|0|0|1", 1},
    {"only its own direction", "c bytes 0 cd 1; s bytes 0 yes 2; hand; c rebase 2 5; c bytes 0 ab 6", "c0:ab c2:cd s0:yes", "4|0|0|0", 1},
};

static void play_one(const play *p)
{
    char *path;
    tl_stage stage;
    tl_store *s = open_new(&path, 3);
    tl_stage_open(&stage, s, 1);
    tl_stage_play(&stage, p->script);
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    close_good(s);
    rows_are(p->name, path, layout, p->layout);
    rows_are(p->name, path, counts, p->counts);
    rows_are(p->name, path, identities, "0");
    rows_are(p->name, path, "SELECT healed FROM session", p->healed ? "1" : "0");
    rows_are(p->name, path, "SELECT * FROM pragma_foreign_key_check", "");
    tl_stage_close(&stage);
    tl_scratch_done(path);
}

static void plays_scripts(void)
{
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) play_one(&plays[i]);
}

/* Late data and copies hold against packed chunks too, and against each other's cached bytes. */
static void compares_with_packed_chunks(void)
{
    enum { SIZE = 20000 };
    char *path, *bytes = malloc(SIZE);
    tl_stage stage;
    tl_store *s = open_new(&path, 1);
    memset(bytes, 'a', SIZE);
    tl_stage_open(&stage, s, 1);
    stage.level = 1;
    tl_event ev = {.kind = TL_EV_BYTES, .length = SIZE, .bytes = tl_span_of(bytes, SIZE), .at = {.capture = 1, .frame = 1}};
    CU_ASSERT_EQUAL(tl_batch_event(stage.batch, stage.flow, &ev), TL_OK);
    stage.info.stream[0].length = stage.info.stream[0].captured_bytes = SIZE;
    tl_stage_play(&stage, "hand; c copy 100 aaaa 2; c copy 19998 ab 3; c copy 5 aaa 4");
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    close_good(s);
    rows_are("packed", path, "SELECT length(data) < 200, raw_size FROM chunk", "1|20000");
    rows_are("packed", path, "SELECT stream_offset, length, CAST(data AS TEXT) FROM stray", "19999|1|b");
    rows_are("packed", path, counts, "20000|0|8|1");
    tl_stage_close(&stage);
    free(bytes);
    tl_scratch_done(path);
}

/* ---- messages ---- */

static void stores_messages(void)
{
    char *path;
    tl_stage stage;
    tl_store *s = open_new(&path, 1);
    tl_stage_open(&stage, s, 7);
    tl_stage_play(&stage, "c bytes 0 ask 1; s bytes 0 answer 2/3");
    tl_at at = {.ns = 5000, .frame = 1, .capture = 1};
    tl_message ask = {.number = 1,
                      .ordinal = 1,
                      .length = 3,
                      .head_length = 3,
                      .protocol = "http",
                      .kind = "request",
                      .complete = true,
                      .first = at,
                      .last = at};
    ask.summary = tl_span_of("GET /", 5);
    ask.detail = tl_span_of("{\"method\":\"GET\"}", 16);
    tl_message answer = {.number = 2,
                         .ordinal = 1,
                         .dir = TL_S2C,
                         .length = 6,
                         .protocol = "http",
                         .kind = "response",
                         .sync = TL_SYNC_RESYNCED,
                         .first = at,
                         .last = at};
    answer.answers = 1;
    answer.pairing = TL_PAIR_PROVED;
    answer.peer_acked = 3;
    tl_stage_message(&stage, &ask);
    tl_stage_message(&stage, &answer);
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    tl_stage_message(&stage, &(tl_message){.update = true, .number = 1, .pairing = TL_PAIR_UNANSWERED});
    tl_stage_play(&stage, "c rebase 4 9; c bytes 0 abcd 9");
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    tl_store_totals t;
    tl_store_totals_look(s, &t);
    CU_ASSERT(t.messages == 2 && t.sessions == 1 && t.stored_bytes == 13);
    close_good(s);
    rows_are("messages", path,
             "SELECT message_id, session_id, direction, stream_offset, length, protocol, kind, summary, detail, complete, sync, pairing "
             "FROM message",
             "30064771073|7|0|4|3|http|request|GET /|{\"method\":\"GET\"}|1|start|unanswered\n"
             "30064771074|7|1|0|6|http|response||NULL|0|resynced|proved");
    rows_are("messages", path, "SELECT answers_message_id - message_id, peer_acked FROM message WHERE direction", "-1|7");
    /* bytes, zigzag of 0 frames and 0 ns, and of the 3 acknowledged bytes, which have become 7 */
    rows_are("arrivals", path, "SELECT hex(arrivals) FROM chunk WHERE direction", "0600000E");
    tl_stage_close(&stage);
    tl_scratch_done(path);
}

/* ---- sessions ---- */

static void stores_facts_of_a_session(void)
{
    char *path;
    tl_stage stage;
    tl_store *s = open_new(&path, 1);
    tl_stage_open(&stage, s, 1);
    tl_stage_play(&stage, "c bytes 0 ask 1; hand");
    stage.info.closed = TL_WHY_LIMIT;
    stage.info.rtt_ns = 1234;
    stage.info.stream[0] = (tl_stream_info){.has_isn = true,
                                            .isn = UINT32_MAX,
                                            .has_base = true,
                                            .length = 3,
                                            .captured_bytes = 3,
                                            .mss = 1460,
                                            .window_scale = 0,
                                            .fin = true};
    stage.info.stream[1].window_scale = -1;
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    close_good(s);
    rows_are("session", path,
             "SELECT client_addr, client_port, server_addr, server_port, close_reason, roles, rtt_ns, history FROM session",
             "10.0.0.1|40000|10.0.0.2|80|evicted|syn|1234|ShAdDaFf");
    rows_are("stream", path, "SELECT direction, isn, base_seq, length, stored_bytes, mss, window_scale, fin FROM stream",
             "0|4294967295|0|3|3|1460|0|1"); /* no packet shows the other direction */
    tl_stage_close(&stage);
    tl_scratch_done(path);
}

/* The row of a direction comes with its first packet, however late that is. */
static void stores_directions_that_are_shown(void)
{
    char *path;
    tl_stage stage;
    tl_store *s = open_new(&path, 1);
    tl_stage_open(&stage, s, 1);
    stage.info.stream[0].packets = 1;
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    stage.info.stream[1].packets = 2;
    stage.info.closed = TL_WHY_END;
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    tl_stage_close(&stage);
    tl_stage_open(&stage, s, 2);
    stage.info.stream[0].packets = 1;
    stage.info.stream[1].has_base = true; /* something of it was acknowledged */
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    tl_stage_close(&stage);
    tl_stage_open(&stage, s, 3);
    stage.info.stream[1].packets = 1;
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
    tl_stage_close(&stage);
    close_good(s);
    rows_are("stream", path, "SELECT session_id, direction, packets FROM stream", "1|0|1\n1|1|2\n2|0|1\n2|1|0\n3|1|1");
    tl_scratch_done(path);
}

static void set_v4(tl_addr *a, int b0, int b1, int b2, int b3, uint16_t port)
{
    *a = (tl_addr){.ip = {[10] = 0xff, [11] = 0xff, [12] = (uint8_t)b0, [13] = (uint8_t)b1, [14] = (uint8_t)b2, [15] = (uint8_t)b3},
                   .port = port};
}

/* The vectors of the specification. */
static void computes_community_ids(void)
{
    static const tl_addr six[2] = {
        {{0x20, 0x01, 0x04, 0x70, 0xe5, 0xbf, 0xde, 0xad, 0x49, 0x57, 0x21, 0x74, 0xe8, 0x2c, 0x48, 0x87}, 63943},
        {{0x26, 0x07, 0xf8, 0xb0, 0x40, 0x0c, 0x0c, 0x03, 0, 0, 0, 0, 0, 0, 0, 0x1a}, 25}};
    char *path;
    tl_store *s = open_new(&path, 1);
    for (uint64_t i = 0; i < 4; i++) {
        tl_stage stage;
        tl_stage_open(&stage, s, i + 1);
        tl_addr *from = i & 1 ? &stage.info.server : &stage.info.client, *to = i & 1 ? &stage.info.client : &stage.info.server;
        set_v4(from, 128, 232, 110, 120, 34855);
        set_v4(to, 66, 35, 250, 204, 80);
        if (i >= 2) {
            *from = six[0];
            *to = six[1];
        }
        CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_OK);
        tl_stage_close(&stage);
    }
    close_good(s);
    rows_are("community id", path, "SELECT community_id FROM session",
             "1:LQU9qZlK+B5F3KDmev6m5PMibrg=\n1:LQU9qZlK+B5F3KDmev6m5PMibrg=\n"
             "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=\n1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
    tl_scratch_done(path);
}

/* ---- transactions ---- */

/* A row that refers to a capture that is not there: the batch fails whole, what was committed before stays. */
static void fails_whole(void)
{
    char *path;
    tl_stage stage;
    tl_error err = {0};
    tl_store *s = open_new(&path, 1);
    tl_stage_open(&stage, s, 1);
    tl_stage_play(&stage, "c bytes 0 good 1; hand");
    CU_ASSERT_EQUAL(tl_store_commit(s), TL_OK);
    tl_stage_play(&stage, "c bytes 4 fine 2; hand; c bytes 8 bad 99:3");
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_ESQL);
    CU_ASSERT_PTR_NOT_NULL(strstr(tl_store_error(s)->text, "FOREIGN KEY"));
    CU_ASSERT_EQUAL(tl_store_commit(s), TL_ESQL);
    CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), TL_ESQL);
    tl_store_totals t;
    tl_store_totals_look(s, &t);
    CU_ASSERT_EQUAL(t.stored_bytes, 4);
    CU_ASSERT_EQUAL(tl_store_close(s, &err), TL_ESQL);
    CU_ASSERT_EQUAL(err.rc, TL_ESQL);
    rows_are("rolled back", path, layout, "c0:good");
    rows_are("rolled back", path, "SELECT state FROM ingest UNION ALL SELECT state FROM capture", "interrupted\ninterrupted");
    tl_stage_close(&stage);
    tl_scratch_done(path);
}

/* A gap cannot have the reason of a stray: SQLite says so where it is asked to. */
static void checks_where_asked_to(void)
{
    for (int checks = 0; checks < 2; checks++) {
        char *path = tl_scratch("checks.db");
        tl_stage stage;
        tl_error err = {0};
        uint32_t id;
        tl_store *s = tl_store_open(path, &(tl_store_options){.checks = checks}, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        CU_ASSERT_EQUAL(tl_store_ingest_begin(s, &(tl_ingest_facts){.tool_version = "t", .options = "{}"}), TL_OK);
        CU_ASSERT_EQUAL(tl_store_capture_begin(s, &(tl_capture_facts){.path = "x", .format = ""}, &id), TL_OK);
        tl_stage_open(&stage, s, 1);
        stage.info.first.capture = stage.info.last.capture = id;
        tl_stage_play(&stage, "c gap 0 5 conflict 1");
        CU_ASSERT_EQUAL(tl_stage_hand_over(&stage), checks ? TL_ESQL : TL_OK);
        CU_ASSERT_EQUAL(tl_store_close(s, &err), checks ? TL_ESQL : TL_OK);
        rows_are("reason", path, "SELECT reason FROM gap", checks ? "" : "conflict");
        tl_stage_close(&stage);
        tl_scratch_done(path);
    }
}

static void commits_by_payload(void)
{
    char *path = tl_scratch("commit.db");
    tl_stage stage;
    tl_error err = {0};
    tl_store *s = tl_store_open(path, &(tl_store_options){.commit_bytes = 10}, &err);
    uint32_t id;
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(tl_store_ingest_begin(s, &(tl_ingest_facts){.tool_version = "t", .options = "{}"}), TL_OK);
    CU_ASSERT_EQUAL(tl_store_capture_begin(s, &(tl_capture_facts){.path = "x", .format = "memory"}, &id), TL_OK);
    tl_stage_open(&stage, s, 1);
    tl_stage_play(&stage, "c bytes 0 12345 1; hand");
    rows_are("not yet", path, "SELECT count(*) FROM chunk", "0");
    tl_stage_play(&stage, "c bytes 5 67890 2; hand");
    rows_are("committed", path, "SELECT count(*) FROM chunk", "2");
    tl_stage_play(&stage, "c bytes 10 x 2; hand");
    rows_are("not yet", path, "SELECT count(*) FROM chunk", "2");
    close_good(s);
    rows_are("at the close", path, "SELECT count(*) FROM chunk", "3");
    tl_stage_close(&stage);
    tl_scratch_done(path);
}

/* ---- captures ---- */

static void knows_captures_again(void)
{
    char *path;
    uint8_t sha[32], other[32] = {1};
    uint32_t id = 9;
    uint64_t next;
    for (int i = 0; i < 32; i++) sha[i] = (uint8_t)(i * 8 + 1);
    tl_store *s = open_new(&path, 3);
    tl_capture_facts f = {.bytes = 1000,
                          .sha256 = sha,
                          .format = "pcap",
                          .linktype = 1,
                          .snaplen = 65535,
                          .first_ns = 5,
                          .last_ns = 7,
                          .frames = 30,
                          .drops = -1,
                          .state = "complete"};
    f.outcome[TL_SEG_OK] = (tl_outcome_count){20, 2000};
    f.outcome[TL_SEG_NOT_IP] = (tl_outcome_count){10, 600};
    CU_ASSERT_EQUAL(tl_store_find_capture(s, 1000, NULL, &id), TL_OK);
    CU_ASSERT_EQUAL(id, 0); /* the ones there are interrupted */
    CU_ASSERT_EQUAL(tl_store_capture_end(s, 2, &f), TL_OK);
    CU_ASSERT_EQUAL(tl_store_find_capture(s, 1000, NULL, &id), TL_OK);
    CU_ASSERT_EQUAL(id, 2);
    CU_ASSERT_EQUAL(tl_store_find_capture(s, 1000, sha, &id), TL_OK);
    CU_ASSERT_EQUAL(id, 2);
    CU_ASSERT_EQUAL(tl_store_find_capture(s, 1000, other, &id), TL_OK);
    CU_ASSERT_EQUAL(id, 0);
    CU_ASSERT_EQUAL(tl_store_find_capture(s, 999, sha, &id), TL_OK);
    CU_ASSERT_EQUAL(id, 0);
    CU_ASSERT_EQUAL(tl_store_next_ids(s, &next), TL_OK);
    CU_ASSERT_EQUAL(next, 1);
    CU_ASSERT_EQUAL(tl_store_ingest_end(s, &(tl_ingest_facts){.finished_ns = 99, .state = "complete"}), TL_OK);
    close_good(s);
    rows_are("capture", path,
             "SELECT bytes, sha256, format, link_type, snaplen, first_ns, last_ns, frames, drops_reported, state, error FROM capture WHERE "
             "capture_id = 2",
             "1000|0109111921293139414951596169717981899199a1a9b1b9c1c9d1d9e1e9f1f9|pcap|1|65535|5|7|30|NULL|complete|NULL");
    rows_are("frames", path, "SELECT capture_id, outcome, frames, bytes FROM frame_count ORDER BY outcome",
             "2|not_ip|10|600\n2|tcp|20|2000");
    rows_are("run", path, "SELECT finished_ns, state FROM ingest", "99|complete");
    tl_scratch_done(path);
}

static void goes_on_with_the_numbers(void)
{
    char *path;
    tl_stage stage;
    tl_error err = {0};
    uint64_t next = 0;
    tl_store *s = open_new(&path, 1);
    tl_stage_open(&stage, s, 41);
    tl_stage_play(&stage, "c bytes 0 x 1; hand");
    close_good(s);
    s = tl_store_open(path, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(tl_store_next_ids(s, &next), TL_OK);
    CU_ASSERT_EQUAL(next, 42);
    close_good(s);
    tl_stage_close(&stage);
    tl_scratch_done(path);
}

static int indexes_by_host(tl_store *s)
{
    sqlite3_stmt *q = NULL;
    CU_ASSERT_EQUAL(
        sqlite3_prepare_v2(tl_store_connection(s), "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'session_by_%'", -1, &q, NULL),
        SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_step(q), SQLITE_ROW);
    int n = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    return n;
}

static void add_session(tl_store *s, uint64_t id)
{
    tl_stage stage;
    tl_stage_open(&stage, s, id);
    tl_stage_play(&stage, "c bytes 0 x 1; hand");
    tl_stage_close(&stage);
}

static void end_run(tl_store *s)
{
    CU_ASSERT_EQUAL(tl_store_ingest_end(s, &(tl_ingest_facts){.finished_ns = 1, .state = "complete"}), TL_OK);
    close_good(s);
}

/* A run that adds more sessions than there were is not held up by the two indexes, one that adds fewer keeps them. */
static void indexes_wait_for_the_end(void)
{
    static const char by_index[] = "SELECT (SELECT count(client_addr) FROM session INDEXED BY session_by_client WHERE client_addr > ''),"
                                   " (SELECT count(server_addr) FROM session INDEXED BY session_by_server WHERE server_addr > '')";
    char *path;
    tl_error err = {0};
    tl_store *s = open_new(&path, 1);
    CU_ASSERT_EQUAL(indexes_by_host(s), 2);
    add_session(s, 1);
    CU_ASSERT_EQUAL(indexes_by_host(s), 2);
    add_session(s, 2);
    CU_ASSERT_EQUAL(indexes_by_host(s), 0);
    add_session(s, 3);
    end_run(s);
    rows_are("by index", path, by_index, "3|3");
    rows_are("whole", path, "PRAGMA integrity_check", "ok");
    s = tl_store_open(path, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    add_session(s, 4);
    add_session(s, 5);
    CU_ASSERT_EQUAL(indexes_by_host(s), 2);
    end_run(s);
    rows_are("kept", path, by_index, "5|5");
    tl_scratch_done(path);
}

/* What a run that was cut off leaves without them gets them back. */
static void indexes_come_back(void)
{
    char *path;
    tl_error err = {0};
    tl_store *s = open_new(&path, 1);
    add_session(s, 1);
    add_session(s, 2);
    CU_ASSERT_EQUAL(tl_store_commit(s), TL_OK);
    tl_store_abandon(s);
    CU_ASSERT_NOT_EQUAL(tl_store_close(s, &err), TL_OK);
    rows_are("missing", path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'session_by_%'", "0");
    s = tl_store_open(path, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    add_session(s, 3);
    CU_ASSERT_EQUAL(indexes_by_host(s), 0);
    end_run(s);
    rows_are("back", path, "SELECT count(*) FROM session INDEXED BY session_by_client WHERE client_addr > ''", "3");
    tl_scratch_done(path);
}

int main(void)
{
    return tl_run_cases("store", (const tl_case[]){{"scripts become rows", plays_scripts},
                                                   {"copies of packed chunks", compares_with_packed_chunks},
                                                   {"messages", stores_messages},
                                                   {"facts of a session", stores_facts_of_a_session},
                                                   {"directions that are shown", stores_directions_that_are_shown},
                                                   {"community ids", computes_community_ids},
                                                   {"a batch fails whole", fails_whole},
                                                   {"checks where asked to", checks_where_asked_to},
                                                   {"commits by payload", commits_by_payload},
                                                   {"captures are known again", knows_captures_again},
                                                   {"numbers go on", goes_on_with_the_numbers},
                                                   {"indexes wait for the end", indexes_wait_for_the_end},
                                                   {"indexes come back", indexes_come_back},
                                                   {0}});
}
