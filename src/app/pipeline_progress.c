#include "app/pipeline_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const double megabyte = 1e6;

/* What is expected to be left at the speed so far, as h:mm:ss or m:ss. */
static void put_eta(char *out, size_t room, const progress_facts *f)
{
    double left = (double)f->elapsed_ns / 1e9 * (double)(f->bytes_total - f->bytes) / (double)f->bytes;
    uint64_t s = left < 359999 ? (uint64_t)(left + 0.5) : 359999; /* 99:59:59 */
    if (s >= 3600)
        snprintf(out, room, "ETA %" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, room, "ETA %" PRIu64 ":%02" PRIu64, s / 60, s % 60);
}

/* Six digits at most: what is counted may be anything. */
static void put_count(char *out, size_t room, uint64_t n, const char *what)
{
    static const char units[] = "kMGTPE";
    size_t unit = 0;
    if (n < 1000000) {
        snprintf(out, room, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
        return;
    }
    for (n /= 1000; n >= 1000000; n /= 1000) unit++;
    snprintf(out, room, "%" PRIu64 "%c %ss", n, units[unit], what);
}

char *progress_line(const progress_facts *f, char *out)
{
    char done[32], eta[64] = "", sessions[40], gaps[40];
    bool known = f->bytes_total > 0 && f->bytes <= f->bytes_total;
    if (known)
        snprintf(done, sizeof done, "%3u %%", (unsigned)((double)f->bytes * 100 / (double)f->bytes_total));
    else
        snprintf(done, sizeof done, "%.0f MB", (double)f->bytes / megabyte);
    if (known && f->bytes == f->bytes_total)
        snprintf(eta, sizeof eta, "finishing");
    else if (known && f->bytes > 0)
        put_eta(eta, sizeof eta, f);
    double speed = f->elapsed_ns > 0 ? (double)f->bytes / megabyte / ((double)f->elapsed_ns / 1e9) : 0;
    put_count(sessions, sizeof sessions, f->sessions, "session");
    put_count(gaps, sizeof gaps, f->gaps, "gap");
    int n = snprintf(out, PROGRESS_TEXT, "%s   %.0f MB/s   %s   %s   %s", done, speed < 999999 ? speed : 999999, sessions, gaps, eta);
    for (n = n < PROGRESS_TEXT ? n : PROGRESS_TEXT - 1; n > 0 && out[n - 1] == ' '; n--) out[n - 1] = '\0';
    return out;
}
