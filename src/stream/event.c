#include "stream/event.h"

#include <assert.h>

const char *tl_why_name(tl_why why)
{
    static const char *const names[TL_WHYS] = {
        [TL_WHY_NONE] = "",
        [TL_WHY_ACKED] = "acked",
        [TL_WHY_SNAPLEN] = "snaplen",
        [TL_WHY_ONE_SIDED] = "one_sided",
        [TL_WHY_LIMIT] = "limit",
        [TL_WHY_FIN] = "fin",
        [TL_WHY_RST] = "rst",
        [TL_WHY_IDLE] = "idle",
        [TL_WHY_REUSED] = "reused",
        [TL_WHY_END] = "end",
        [TL_WHY_CONFLICT] = "conflict",
        [TL_WHY_KEEP_ALIVE] = "keep_alive",
        [TL_WHY_OUT_OF_WINDOW] = "out_of_window",
        [TL_WHY_BEFORE_START] = "before_start",
    };
    assert(why < TL_WHYS);
    return names[why];
}

const char *tl_close_name(tl_why why)
{
    return why == TL_WHY_LIMIT ? "evicted" : tl_why_name(why);
}
