/*
** store_order_test.c - databases whose pages do not keep the order that SQLite answers by: loops that ask for "the next after" end with an
** error, and do not go round for ever.
*/
#include "store/statements.h"
#include "store/undo.h"
#include "support/check.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 32768, LEAF_HEAD = 8 };

static tl_store *open_store(const char *path)
{
    tl_error err = {0};
    tl_store *s = tl_store_open(path, NULL, &err);
    if (s == NULL) printf("\n%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

/* A run of three captures that did not end; a session with two chunks. */
static char *make(void)
{
    char *path = tl_scratch("order.db");
    tl_error err = {0};
    tl_stage stage;
    tl_store *s = open_store(path);
    CU_ASSERT_EQUAL(tl_store_ingest_begin(s, &(tl_ingest_facts){.tool_version = "t", .options = "{}"}), TL_OK);
    for (uint32_t i = 1, id; i <= 3; i++)
        CU_ASSERT_EQUAL(tl_store_capture_begin(s, &(tl_capture_facts){.path = "x.pcap", .format = ""}, &id), TL_OK);
    tl_stage_open(&stage, s, 1);
    tl_stage_play(&stage, "c bytes 0 twenty.bytes.of.it.. 1; hand; c bytes 20 more 2; hand");
    tl_stage_close(&stage);
    CU_ASSERT_EQUAL(tl_store_close(s, &err), TL_OK);
    return path;
}

/* The single leaf of a table or an index; *at: where it lies in the file. */
static void leaf_of(const char *path, const char *name, uint8_t page[PAGE], long *at)
{
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", name);
    char *root = tl_rows(path, sql);
    *at = (strtol(root, NULL, 10) - 1) * PAGE;
    free(root);
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fseek(f, *at, SEEK_SET), 0);
    CU_ASSERT_EQUAL_FATAL(fread(page, PAGE, 1, f), 1);
    fclose(f);
    CU_ASSERT(page[0] == 10 || page[0] == 13);
}

static void put_back(const char *path, const uint8_t page[PAGE], long at)
{
    FILE *f = fopen(path, "r+b");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fseek(f, at, SEEK_SET), 0);
    CU_ASSERT_EQUAL(fwrite(page, PAGE, 1, f), 1);
    fclose(f);
}

static uint8_t *cell(uint8_t page[PAGE], size_t i)
{
    return page + (page[LEAF_HEAD + 2 * i] << 8 | page[LEAF_HEAD + 2 * i + 1]);
}

static void captures_out_of_order(void)
{
    static uint8_t page[PAGE];
    long at;
    char *path = make();
    leaf_of(path, "capture", page, &at);
    for (size_t i = 0; i < 3; i++) CU_ASSERT_EQUAL(cell(page, i)[1], i + 1); /* the id, behind a length of one byte */
    cell(page, 1)[1] = 3;
    cell(page, 2)[1] = 2;
    put_back(path, page, at);

    tl_error err = {0};
    tl_interrupted run;
    tl_interrupted_capture c;
    tl_store *s = open_store(path);
    CU_ASSERT_EQUAL(tl_store_interrupted(s, 0, &run), TL_OK);
    CU_ASSERT_EQUAL(run.ingest_id, 1);
    CU_ASSERT_EQUAL(tl_store_interrupted_capture(s, 1, 0, &c), TL_OK);
    CU_ASSERT_EQUAL(c.capture_id, 1);
    CU_ASSERT_EQUAL(tl_store_interrupted_capture(s, 1, 1, &c), TL_OK);
    CU_ASSERT_EQUAL(c.capture_id, 3);
    CU_ASSERT_EQUAL(tl_store_interrupted_capture(s, 1, 3, &c), TL_ESQL);
    CU_ASSERT_PTR_NOT_NULL(strstr(tl_store_error(s)->text, "capture 2 comes after 3"));
    (void)tl_store_close(s, &err);
    tl_scratch_done(path);
}

/* In the index the second chunk's offset is a text: behind all numbers, and 0 when read as one. */
static void chunks_out_of_order(void)
{
    static uint8_t page[PAGE];
    long at;
    char *path = make();
    leaf_of(path, "chunk_by_offset", page, &at);
    /* length of the record; of its head, 5; types: 1 (int of a byte) or 9 (the number 1), 8 (0), 1 (the offset), ... */
    uint8_t *second = cell(page, 1);
    CU_ASSERT_EQUAL_FATAL(second[1], 5);
    CU_ASSERT_EQUAL_FATAL(second[4], 1);
    second[4] = 15; /* a text of one byte */
    put_back(path, page, at);

    tl_error err = {0};
    tl_store *s = open_store(path);
    CU_ASSERT_EQUAL(store_begin(s), TL_OK);
    CU_ASSERT_EQUAL(store_shift(s, 1, 1, 7), TL_ESQL);
    CU_ASSERT_PTR_NOT_NULL(strstr(tl_store_error(s)->text, "chunks out of order in session 1"));
    tl_store_abandon(s);
    (void)tl_store_close(s, &err);
    tl_scratch_done(path);
}

int main(void)
{
    return tl_run_cases(
        "store order",
        (const tl_case[]){{"captures out of order", captures_out_of_order}, {"chunks out of order", chunks_out_of_order}, {0}});
}
