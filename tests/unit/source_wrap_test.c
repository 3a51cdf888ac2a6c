/*
** source_wrap_test.c - frames from memory, and sources around sources: lossy.
*/
#include "capture/source.h"
#include "support/capture_bytes.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { MANY = 20000 };

/* MANY frames, each with its number as its bytes. */
static tl_frame *numbered(void)
{
    tl_frame *frames = calloc(MANY, sizeof *frames);
    uint32_t *numbers = calloc(MANY, sizeof *numbers);
    CU_ASSERT_FATAL(frames != NULL && numbers != NULL);
    for (uint32_t i = 0; i < MANY; i++) {
        numbers[i] = i + 1;
        frames[i] = (tl_frame){.at = {.ns = i}, .linktype = 1, .wire_len = 1500, .bytes = tl_span_of(&numbers[i], sizeof numbers[i])};
    }
    return frames;
}

static void free_numbered(tl_frame *frames)
{
    free((void *)(uintptr_t)frames[0].bytes.p);
    free(frames);
}

static void from_memory(void)
{
    tl_frame *frames = numbered();
    tl_source *s = tl_source_open_memory(frames, MANY);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_STRING_EQUAL(s->facts.format, "memory");
    CU_ASSERT_EQUAL(s->facts.linktype, 1);
    tl_frame f;
    for (uint64_t i = 0; i < MANY; i++) {
        CU_ASSERT_EQUAL_FATAL(tl_source_next(s, &f), TL_OK);
        CU_ASSERT(f.at.frame == i + 1 && f.at.ns == (int64_t)i && f.bytes.p == frames[i].bytes.p);
    }
    CU_ASSERT_EQUAL(tl_source_next(s, &f), TL_END);
    CU_ASSERT_EQUAL(tl_source_next(s, &f), TL_END);
    tl_source_close(s);
    free_numbered(frames);

    s = tl_source_open_memory(NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(tl_source_next(s, &f), TL_END);
    tl_source_close(s);
    tl_source_close(NULL);
}

/* What came through: how often each frame, and how often one came before an earlier one. */
typedef struct outcome {
    size_t n, dropped, doubled, swapped;
    uint64_t digest;
} outcome;

static outcome run(const tl_lossy *how)
{
    tl_frame *frames = numbered();
    tl_source *memory = tl_source_open_memory(frames, MANY);
    CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
    tl_source *s = tl_source_open_lossy(memory, how);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_STRING_EQUAL(s->facts.format, "memory");
    uint8_t *times = calloc(MANY + 1, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(times);
    outcome o = {0};
    tl_frame f;
    uint64_t last = 0;
    tl_rc rc;
    while ((rc = tl_source_next(s, &f)) == TL_OK) {
        uint32_t number;
        memcpy(&number, f.bytes.p, sizeof number);
        CU_ASSERT_FATAL(number >= 1 && number <= MANY && f.at.frame == number && f.at.ns == (int64_t)number - 1);
        times[number]++;
        o.swapped += number < last;
        CU_ASSERT(number + 200 > last); /* swapped with the next one that is left, not with one far away */
        last = number;
        o.digest = o.digest * 31 + number;
        o.n++;
    }
    CU_ASSERT_EQUAL(rc, TL_END);
    for (size_t i = 1; i <= MANY; i++) {
        o.dropped += times[i] == 0;
        o.doubled += times[i] == 2;
        CU_ASSERT(times[i] <= 2);
    }
    CU_ASSERT_EQUAL(o.n, MANY - o.dropped + o.doubled);
    free(times);
    tl_source_close(s);
    free_numbered(frames);
    return o;
}

static void lossy_shares(void)
{
    outcome none = run(&(tl_lossy){.seed = 1});
    CU_ASSERT(none.n == MANY && none.dropped == 0 && none.doubled == 0 && none.swapped == 0);
    outcome all = run(&(tl_lossy){.seed = 1, .drop_per_1000 = 1000});
    CU_ASSERT(all.n == 0);
    outcome twice = run(&(tl_lossy){.seed = 1, .double_per_1000 = 1000});
    CU_ASSERT(twice.n == 2 * MANY && twice.doubled == MANY);
    outcome swap = run(&(tl_lossy){.seed = 1, .swap_per_1000 = 1000});
    CU_ASSERT(swap.n == MANY && swap.swapped == MANY / 2);
    /* 1 % and 2 % of 20,000, within five standard deviations. */
    outcome some = run(&(tl_lossy){.seed = 7, .drop_per_1000 = 10, .double_per_1000 = 20, .swap_per_1000 = 10});
    CU_ASSERT(some.dropped > 130 && some.dropped < 270);
    CU_ASSERT(some.doubled > 300 && some.doubled < 500);
    CU_ASSERT(some.swapped > 130 && some.swapped < 270);
}

static void lossy_by_seed(void)
{
    tl_lossy how = {.seed = 42, .drop_per_1000 = 50, .double_per_1000 = 50, .swap_per_1000 = 50};
    outcome first = run(&how), again = run(&how);
    CU_ASSERT(first.digest == again.digest && first.n == again.n);
    how.seed = 43;
    CU_ASSERT_NOT_EQUAL(run(&how).digest, first.digest);
}

static void lossy_drops_one(void)
{
    for (uint64_t frame = 1; frame <= MANY; frame += MANY / 7) {
        outcome o = run(&(tl_lossy){.drop_frame = frame});
        CU_ASSERT(o.dropped == 1 && o.n == MANY - 1 && o.swapped == 0);
    }
}

/* The end of the inner source, its facts and its error come through, also when it comes in the middle of a swap. */
static void lossy_over_a_cut_file(void)
{
    for (uint32_t frames = 0; frames < 5; frames++) {
        tl_bytes file = {0};
        tl_put_pcap_header(&file, false, 0xa1b2c3d4, 2, 4, 65535, 1);
        for (uint32_t i = 0; i < frames; i++) tl_put_pcap_record(&file, false, i, 0, "frame", 5);
        tl_put(&file, "cut", 3);
        tl_source *inner = tl_open_bytes(&file, 4096, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(inner);
        tl_source *s = tl_source_open_lossy(inner, &(tl_lossy){.swap_per_1000 = 1000});
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_taken t = tl_take_all(s);
        CU_ASSERT_EQUAL(t.n, frames);
        CU_ASSERT_EQUAL(t.rc, TL_ETRUNCATED);
        CU_ASSERT_PTR_NOT_NULL(strstr(s->error.text, "breaks off"));
        CU_ASSERT(s->facts.have_sha256 && s->facts.bytes_read == file.n);
        tl_taken_free(&t);
        tl_source_close(s);
        tl_bytes_free(&file);
    }
}

int main(void)
{
    return tl_run_cases("source wrap", (const tl_case[]){{"from memory", from_memory},
                                                         {"lossy: shares", lossy_shares},
                                                         {"lossy: by seed", lossy_by_seed},
                                                         {"lossy: drops one", lossy_drops_one},
                                                         {"lossy: over a cut file", lossy_over_a_cut_file},
                                                         {0}});
}
