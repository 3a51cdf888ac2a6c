/*
** pattern.c - see pattern.h.
**
** The two rules that make cut windows harmless.  A literal of m bytes that is not found may still begin in the last m - 1.  A regular
** expression is matched with PCRE2_PARTIAL_HARD: PCRE2 then tells where a match began that would have looked past the window's end, and
** all that lies before is decided.  A carriage return at the end is looked at again, because PCRE2 steps over CRLF in one.
** A candidate that would reach beyond TL_MATCH_MOST bytes is decided by itself, anchored, with the subject cut there.
*/
#include "query/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* What one match may cost: steps of backtracking, and KiB of heap where there is no JIT.  The JIT's stack is in bytes. */
enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 100000, HEAP_KIB = 8 << 10, JIT_STACK_LEAST = 32 << 10, JIT_STACK_MOST = 1 << 20 };

struct tl_pattern {
    uint8_t *literal; /* owned; NULL: a regular expression */
    size_t n;
    pcre2_code *code, *anchored;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
    size_t before;
};

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of the escape behind a backslash, and how long that is; -1: none that we know. */
static int escape(const char *p, size_t *n)
{
    static const char names[] = "nrt0\\", bytes[] = "\n\r\t\0\\";
    *n = 1;
    const char *known = p[0] == '\0' ? NULL : strchr(names, p[0]);
    if (known != NULL) return (uint8_t)bytes[known - names];
    if (p[0] != 'x' || hex(p[1]) < 0 || hex(p[2]) < 0) return -1;
    *n = 3;
    return hex(p[1]) * 16 + hex(p[2]);
}

bool tl_pattern_unescape(const char *text, uint8_t *out, size_t *n, tl_error *err)
{
    *n = 0;
    for (const char *p = text; *p != '\0';) {
        size_t used = 1;
        int byte = (uint8_t)*p;
        if (*p == '\\') {
            byte = escape(p + 1, &used);
            if (byte < 0) {
                (void)tl_fail(
                    err, TL_EUSAGE,
                    "the pattern's backslash at byte %zu is none of \\xNN \\n \\r \\t \\0 \\\\ (a regular expression has to be asked for)",
                    (size_t)(p - text) + 1);
                return false;
            }
            used++;
        }
        out[(*n)++] = (uint8_t)byte;
        p += used;
    }
    return true;
}

static tl_rc new_literal(tl_pattern *p, const char *text, tl_error *err)
{
    p->literal = malloc(strlen(text) + 1);
    if (p->literal == NULL) return tl_fail(err, TL_ENOMEM, "no memory");
    if (!tl_pattern_unescape(text, p->literal, &p->n, err)) return TL_EUSAGE;
    return p->n > 0 ? TL_OK : tl_fail(err, TL_EUSAGE, "the pattern is empty");
}

static pcre2_code *compile(const char *text, uint32_t more, pcre2_compile_context *context, tl_error *err)
{
    int code = 0;
    size_t at = 0;
    uint32_t options = PCRE2_MULTILINE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | more;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)text, strlen(text), options, &code, &at, context);
    if (re == NULL) {
        PCRE2_UCHAR why[200] = "";
        pcre2_get_error_message(code, why, sizeof why);
        (void)tl_fail(err, TL_EUSAGE, "the regular expression is wrong at byte %zu: %s", at + 1, (const char *)why);
        return NULL;
    }
    /* Where there is no JIT for this machine or this expression the interpreter does it. */
    (void)pcre2_jit_compile(re, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
    return re;
}

static tl_rc new_regex(tl_pattern *p, const char *text, tl_error *err)
{
    uint32_t behind = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL) return tl_fail(err, TL_ENOMEM, "no memory");
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    pcre2_set_max_pattern_length(context, TL_PATTERN_MOST);
    pcre2_set_parens_nest_limit(context, 100);
    p->code = compile(text, 0, context, err);
    p->anchored = p->code == NULL ? NULL : compile(text, PCRE2_ANCHORED, context, err);
    pcre2_compile_context_free(context);
    if (p->anchored == NULL) return TL_EUSAGE;
    p->match = pcre2_match_data_create(1, NULL);
    p->limits = pcre2_match_context_create(NULL);
    p->stack = pcre2_jit_stack_create(JIT_STACK_LEAST, JIT_STACK_MOST, NULL);
    if (p->match == NULL || p->limits == NULL || p->stack == NULL) return tl_fail(err, TL_ENOMEM, "no memory");
    pcre2_set_match_limit(p->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(p->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(p->limits, HEAP_KIB);
    pcre2_jit_stack_assign(p->limits, NULL, p->stack);
    pcre2_pattern_info(p->code, PCRE2_INFO_MAXLOOKBEHIND, &behind);
    p->before = (size_t)behind + 2; /* `^` looks at the two bytes of a CRLF, which PCRE2 does not count */
    return TL_OK;
}

tl_pattern *tl_pattern_new(const char *text, bool regex, tl_error *err)
{
    if (strlen(text) > TL_PATTERN_MOST) {
        (void)tl_fail(err, TL_EUSAGE, "the pattern is longer than %d bytes", TL_PATTERN_MOST);
        return NULL;
    }
    tl_pattern *p = calloc(1, sizeof *p);
    tl_rc rc = p == NULL ? tl_fail(err, TL_ENOMEM, "no memory") : regex ? new_regex(p, text, err) : new_literal(p, text, err);
    if (rc == TL_OK) return p;
    tl_pattern_free(p);
    return NULL;
}

void tl_pattern_free(tl_pattern *p)
{
    if (p == NULL) return;
    free(p->literal);
    pcre2_code_free(p->code);
    pcre2_code_free(p->anchored);
    pcre2_match_data_free(p->match);
    pcre2_match_context_free(p->limits);
    pcre2_jit_stack_free(p->stack);
    free(p);
}

size_t tl_pattern_before(const tl_pattern *p)
{
    return p->before;
}

tl_span tl_pattern_literal(const tl_pattern *p)
{
    return tl_span_of(p->literal, p->literal == NULL ? 0 : p->n);
}

/* As memmem(), which makes a table before it looks: that costs more than the bytes of a small stream.  Here BLOCK places are looked at at
** once (the compiler makes vectors of it) for the literal's first and last byte; the last block laps over the one before.  A long literal
** is memmem()'s: payload can be made so that each place has to be compared, and only there that takes no longer. */
static const uint8_t *find_bytes(tl_span in, tl_span literal)
{
    enum { BLOCK = 64, LONG = 256 };
    if (in.n < literal.n) return NULL;
    if (literal.n > LONG) return memmem(in.p, in.n, literal.p, literal.n);
    const size_t places = in.n - literal.n + 1;
    const uint8_t first = literal.p[0], last = literal.p[literal.n - 1];
    for (size_t at = 0; at < places; at += BLOCK) {
        if (places - at < BLOCK && places >= BLOCK) at = places - BLOCK;
        const size_t n = places - at < BLOCK ? places - at : BLOCK;
        const uint8_t *p = in.p + at, *q = p + literal.n - 1;
        uint8_t any = n < BLOCK;
        if (n == BLOCK)
            for (size_t i = 0; i < BLOCK; i++) any |= (uint8_t)((uint8_t)(p[i] == first) & (uint8_t)(q[i] == last));
        for (size_t i = 0; any != 0 && i < n; i++)
            if (p[i] == first && q[i] == last && memcmp(p + i, literal.p, literal.n) == 0) return p + i;
    }
    return NULL;
}

static tl_found find_literal(const tl_pattern *p, const tl_window *w, size_t from, size_t *at, size_t *length)
{
    size_t n = w->bytes.n;
    const uint8_t *hit = from < n ? find_bytes(tl_span_of(w->bytes.p + from, n - from), tl_pattern_literal(p)) : NULL;
    *length = p->n;
    if (hit != NULL) {
        *at = (size_t)(hit - w->bytes.p);
        return TL_FOUND;
    }
    if (w->last) return TL_FOUND_NONE;
    *at = n - from >= p->n ? n - p->n + 1 : from;
    return TL_FOUND_MORE;
}

/* One call of PCRE2.  MORE: a partial match begins at *at.  An error of PCRE2's is a limit that was reached. */
static tl_found match(tl_pattern *p, const pcre2_code *code, tl_span in, size_t from, uint32_t options, size_t *at, size_t *end)
{
    int rc = pcre2_match(code, in.p, in.n, from, options | PCRE2_NOTEMPTY, p->match, p->limits);
    const size_t *range = pcre2_get_ovector_pointer(p->match);
    if (rc == PCRE2_ERROR_NOMATCH) return TL_FOUND_NONE;
    if (rc < 0 && rc != PCRE2_ERROR_PARTIAL) return TL_FOUND_COSTLY;
    *at = range[0];
    *end = range[1];
    return rc == PCRE2_ERROR_PARTIAL ? TL_FOUND_MORE : TL_FOUND;
}

/* Nothing is found up to the end: where to go on when there is more. */
static tl_found none_yet(const tl_window *w, size_t from, size_t *at)
{
    size_t n = w->bytes.n;
    if (w->last) return TL_FOUND_NONE;
    *at = n > from && w->bytes.p[n - 1] == '\r' ? n - 1 : n;
    return TL_FOUND_MORE;
}

static tl_found find_regex(tl_pattern *p, const tl_window *w, size_t from, size_t *at, size_t *length)
{
    size_t n = w->bytes.n, end = 0;
    uint32_t front = w->first ? 0 : PCRE2_NOTBOL;
    uint32_t back = !w->last ? PCRE2_PARTIAL_HARD : w->end ? 0 : PCRE2_NOTEOL;
    while (from < n) {
        tl_found found = match(p, p->code, w->bytes, from, front | back, at, &end);
        if (found == TL_FOUND_NONE) break;
        if (found == TL_FOUND_COSTLY) return found;
        if (*at < from) *at = from; /* a look-behind, or \K, told of more */
        bool cut = found == TL_FOUND_MORE ? n - *at >= TL_MATCH_MOST : end > *at && end - *at > TL_MATCH_MOST;
        if (found == TL_FOUND_MORE && !cut) return found;
        if (cut) {
            size_t start = *at;
            found = match(p, p->anchored, tl_span_of(w->bytes.p, start + TL_MATCH_MOST), start, front | PCRE2_NOTEOL, at, &end);
            if (found == TL_FOUND_COSTLY) return found;
            if (found == TL_FOUND_NONE) *at = end = start;
        }
        if (end > *at && *at >= from) {
            *length = end - *at;
            return TL_FOUND;
        }
        from = end > from ? end : from + 1; /* \K made it empty, or the candidate was none */
    }
    return none_yet(w, from, at);
}

tl_found tl_pattern_find(tl_pattern *p, const tl_window *w, size_t from, size_t *at, size_t *length)
{
    *at = from;
    *length = 0;
    return p->literal != NULL ? find_literal(p, w, from, at, length) : find_regex(p, w, from, at, length);
}
