/*
** framings.c - see framings.h.  inih reads the INI syntax; this file gives the words their meaning.
*/
#include "message/framings.h"

#include "message/declared.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MAX = 256, LINE_MAX_BYTES = 190, FRAME_MAX_DEFAULT = 1 << 20 };

struct tl_framings {
    tl_declared **declared; /* owned, each: detectors point at them */
    tl_detector *detectors;
    size_t n;
    const tl_detector **items; /* of the registry */
    tl_registry_index index;
    tl_registry registry;
};

typedef struct reader {
    const char *text, *file;
    unsigned line, section_line, failed_line;
    tl_framings *out;
    tl_declared *now; /* the section being read; NULL: none yet */
    bool frame_min, length_unit;
    tl_error *err;
    bool failed;
} reader;

/* Always false, so that a handler can return it. */
static bool fail(reader *r, unsigned line, const char *what, const char *value)
{
    if (r->failed) return false;
    (void)tl_fail(r->err, TL_EUSAGE, "%s:%u: %s%s%s", r->file, line, what, value != NULL ? ": " : "", value != NULL ? value : "");
    r->failed = true;
    r->failed_line = line;
    return false;
}

static bool no_memory(reader *r)
{
    if (!r->failed) (void)tl_fail(r->err, TL_ENOMEM, "%s: out of memory", r->file);
    r->failed = true;
    return false;
}

/* ---- values ---- */

static bool read_number(const char **at, int64_t least, int64_t most, int64_t *out)
{
    char *end;
    while (**at == ' ') ++*at;
    if (**at == '\0' || **at == '+') return false;
    errno = 0;
    long long v = strtoll(*at, &end, 0);
    if (end == *at || errno != 0 || v < least || v > most) return false;
    *at = end;
    while (**at == ' ') ++*at;
    *out = v;
    return true;
}

static bool whole_number(const char *value, int64_t least, int64_t most, int64_t *out)
{
    return read_number(&value, least, most, out) && *value == '\0';
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool put(tl_declared_bytes *out, int byte)
{
    if (out->n == TL_DECLARED_BYTES) return false;
    out->p[out->n++] = (uint8_t)byte;
    return true;
}

/* 4d 5a "text" */
static bool read_bytes(const char *v, tl_declared_bytes *out)
{
    out->n = 0;
    while (*v != '\0') {
        if (*v == ' ' || *v == '\t') {
            v++;
        } else if (*v == '"') {
            for (v++; *v != '"'; v++)
                if (*v == '\0' || !put(out, (unsigned char)*v)) return false;
            v++;
        } else {
            int high = nibble(v[0]), low = high >= 0 ? nibble(v[1]) : -1;
            if (low < 0 || !put(out, high * 16 + low)) return false;
            v += 2;
        }
    }
    return out->n > 0;
}

static bool read_ports(const char *v, tl_declared *d)
{
    for (;;) {
        int64_t from, to;
        if (d->ports == TL_DECLARED_PORTS || !read_number(&v, 1, 65535, &from)) return false;
        to = from;
        if (*v == '-') {
            v++;
            if (!read_number(&v, from, 65535, &to)) return false;
        }
        d->port[d->ports].from = (uint16_t)from;
        d->port[d->ports++].to = (uint16_t)to;
        if (*v == '\0') return true;
        if (*v++ != ',') return false;
    }
}

static bool hex_byte(const char **v, uint8_t *out)
{
    while (**v == ' ') ++*v;
    int high = nibble((*v)[0]), low = high >= 0 ? nibble((*v)[1]) : -1;
    if (low < 0) return false;
    *v += 2;
    *out = (uint8_t)(high * 16 + low);
    return true;
}

/* 3: 01..04 */
static bool read_check(const char *v, tl_declared *d)
{
    int64_t at;
    if (d->checks == TL_DECLARED_CHECKS || !read_number(&v, 0, TL_DECLARED_AT_MAX, &at) || *v++ != ':') return false;
    uint8_t from, to;
    if (!hex_byte(&v, &from)) return false;
    to = from;
    if (v[0] == '.' && v[1] == '.') {
        v += 2;
        if (!hex_byte(&v, &to) || to < from) return false;
    }
    if (*v != '\0') return false;
    d->check[d->checks].at = (uint16_t)at;
    d->check[d->checks].from = from;
    d->check[d->checks++].to = to;
    return true;
}

static bool is_name(const char *s, size_t n, size_t most)
{
    if (n == 0 || n >= most) return false;
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_' || s[i] == '-' ||
              s[i] == '.'))
            return false;
    return true;
}

/* 1: login request */
static bool read_type(const char *v, tl_declared *d)
{
    int64_t number;
    if (d->types_n == TL_DECLARED_TYPES || !read_number(&v, 0, INT64_MAX, &number) || *v++ != ':') return false;
    while (*v == ' ') v++;
    size_t n = strcspn(v, " ");
    tl_declared_type *t = &d->types[d->types_n];
    if (!is_name(v, n, sizeof t->name)) return false;
    *t = (tl_declared_type){.value = (uint64_t)number};
    memcpy(t->name, v, n);
    v += n;
    while (*v == ' ') v++;
    if (strcmp(v, "request") == 0)
        t->role = TL_REQUEST;
    else if (strcmp(v, "response") == 0)
        t->role = TL_RESPONSE;
    else if (*v != '\0')
        return false;
    d->types_n++;
    return true;
}

/* length_at, id_size, type_order ... of a field; *known is false for other words. */
static bool read_field(const char *part, const char *value, tl_declared_field *f, bool *known)
{
    int64_t v;
    *known = true;
    if (strcmp(part, "at") == 0) {
        bool good = whole_number(value, 0, TL_DECLARED_AT_MAX, &v);
        if (good) f->at = (uint16_t)v;
        return good;
    }
    if (strcmp(part, "size") == 0) {
        bool good = whole_number(value, 1, 8, &v);
        if (good) f->size = (uint8_t)v;
        return good;
    }
    if (strcmp(part, "order") == 0) {
        f->little = strcmp(value, "little") == 0;
        return f->little || strcmp(value, "big") == 0;
    }
    *known = false;
    return false;
}

static bool read_word(reader *r, const char *name, const char *value, bool *known)
{
    tl_declared *d = r->now;
    int64_t v = 0;
    static const char *const fields[] = {"length_", "id_", "type_"};
    tl_declared_field *const field[] = {&d->length, &d->id, &d->type};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(fields[i]);
        if (strncmp(name, fields[i], n) != 0) continue;
        bool good = read_field(name + n, value, field[i], known);
        if (*known) return good;
    }
    *known = true;
    if (strcmp(name, "ports") == 0) return read_ports(value, d);
    if (strcmp(name, "magic") == 0) return read_bytes(value, &d->magic);
    if (strcmp(name, "trailer") == 0) return read_bytes(value, &d->trailer);
    if (strcmp(name, "terminator") == 0) return read_bytes(value, &d->terminator);
    if (strcmp(name, "check") == 0) return read_check(value, d);
    if (strcmp(name, "type") == 0) return read_type(value, d);
    if (strcmp(name, "answers") == 0) return d->server_answers = strcmp(value, "server") == 0;
    bool good = false;
    if (strcmp(name, "magic_at") == 0) {
        if ((good = whole_number(value, 0, TL_DECLARED_AT_MAX, &v))) d->magic_at = (uint16_t)v;
    } else if (strcmp(name, "length_unit") == 0) {
        if ((good = whole_number(value, 1, 65536, &v))) d->length_unit = (uint32_t)v;
    } else if (strcmp(name, "length_adds") == 0) {
        good = whole_number(value, -TL_DECLARED_FRAME_MAX, TL_DECLARED_FRAME_MAX, &d->length_adds);
    } else if (strcmp(name, "frame_min") == 0) {
        if ((good = whole_number(value, 1, TL_DECLARED_FRAME_MAX, &v))) d->frame_min = (uint64_t)v;
        r->frame_min = true;
    } else if (strcmp(name, "frame_max") == 0) {
        if ((good = whole_number(value, 1, TL_DECLARED_FRAME_MAX, &v))) d->frame_max = (uint64_t)v;
    } else {
        *known = false;
    }
    return good;
}

/* ---- sections ---- */

static bool end_section(reader *r)
{
    tl_error why = {0};
    tl_declared *d = r->now;
    if (d == NULL) return true;
    if (!r->frame_min && d->length.size > 0) { /* what the fields need */
        size_t need = 1;
        const tl_declared_field *f[] = {&d->length, &d->id, &d->type};
        for (int i = 0; i < 3; i++)
            if (f[i]->size > 0 && (size_t)f[i]->at + f[i]->size > need) need = (size_t)f[i]->at + f[i]->size;
        if (d->magic.n > 0 && (size_t)d->magic_at + d->magic.n > need) need = (size_t)d->magic_at + d->magic.n;
        for (unsigned i = 0; i < d->checks; i++)
            if ((size_t)d->check[i].at + 1 > need) need = (size_t)d->check[i].at + 1;
        d->frame_min = need + d->trailer.n;
    }
    if (tl_declared_detector(d, &r->out->detectors[r->out->n - 1], &why) != TL_OK) return fail(r, r->section_line, why.text, NULL);
    return true;
}

static bool begin_section(reader *r, const char *name)
{
    tl_framings *f = r->out;
    if (!end_section(r)) return false;
    if (f->n == SECTIONS_MAX) return fail(r, r->line, "too many protocols in one file", NULL);
    tl_declared **declared = realloc(f->declared, (f->n + 1) * sizeof *declared);
    if (declared != NULL) f->declared = declared;
    tl_detector *detectors = realloc(f->detectors, (f->n + 1) * sizeof *detectors);
    if (detectors != NULL) f->detectors = detectors;
    tl_declared *d = calloc(1, sizeof *d);
    if (declared == NULL || detectors == NULL || d == NULL) {
        free(d);
        return no_memory(r);
    }
    f->declared[f->n++] = d;
    r->now = d;
    r->section_line = r->line;
    r->frame_min = false;
    d->length_unit = 1;
    d->frame_min = 1;
    d->frame_max = FRAME_MAX_DEFAULT - 4096;
    if (!is_name(name, strlen(name), sizeof d->name))
        return fail(r, r->line, "a protocol's name is letters, digits, - _ and ., 31 at most", name);
    for (size_t i = 0; i + 1 < f->n; i++)
        if (strcmp(f->declared[i]->name, name) == 0) return fail(r, r->line, "declared twice", name);
    strcpy(d->name, name);
    return true;
}

static int handle(void *user, const char *section, const char *name, const char *value)
{
    reader *r = user;
    bool known;
    if (r->failed) return 1; /* inih goes on; what was wrong first is told */
    if (section[0] == '\0') return fail(r, r->line, "a [protocol] has to come first", NULL);
    if (r->now == NULL || strcmp(r->now->name, section) != 0)
        if (!begin_section(r, section)) return 0;
    if (read_word(r, name, value, &known)) return 1;
    if (!known) return fail(r, r->line, "no such word", name);
    return fail(r, r->line, "not a value for it", name);
}

/* fgets for inih; it also counts lines, which inih's handlers are not told. */
static char *next_line(char *out, int room, void *stream)
{
    reader *r = stream;
    size_t n = strcspn(r->text, "\n");
    if (*r->text == '\0') return NULL;
    r->line++;
    if (r->text[n] == '\n') n++;
    if (n > LINE_MAX_BYTES || n >= (size_t)room) {
        fail(r, r->line, "the line is too long", NULL);
        r->text += n;
        out[0] = '\n';
        out[1] = '\0';
        return out;
    }
    memcpy(out, r->text, n);
    out[n] = '\0';
    r->text += n;
    return out;
}

tl_framings *tl_framings_read(const char *text, const char *file, tl_error *err)
{
    reader r = {.text = text, .file = file, .err = err};
    r.out = calloc(1, sizeof *r.out);
    if (r.out == NULL) {
        (void)no_memory(&r);
        return NULL;
    }
    int bad = ini_parse_stream(next_line, &r, handle, &r);
    /* inih tells of a line that it does not understand only now. */
    if (bad > 0 && r.failed && (unsigned)bad < r.failed_line) r.failed = false;
    if (bad != 0 && !r.failed) fail(&r, (unsigned)(bad > 0 ? bad : 0), "not a [protocol], not \"word = value\"", NULL);
    if (!r.failed) (void)end_section(&r);
    if (!r.failed && r.out->n == 0) fail(&r, r.line, "no protocol is declared here", NULL);
    if (!r.failed) return r.out;
    tl_framings_free(r.out);
    return NULL;
}

void tl_framings_free(tl_framings *f)
{
    if (f == NULL) return;
    for (size_t i = 0; i < f->n; i++) free(f->declared[i]);
    free(f->declared);
    free(f->detectors);
    free(f->items);
    free(f);
}

const tl_registry *tl_framings_registry(tl_framings *f, const tl_registry *base)
{
    size_t n = f->n + base->n;
    const tl_detector **items = malloc(n * sizeof *items);
    if (items == NULL) return NULL;
    for (size_t i = 0; i < f->n; i++) items[i] = &f->detectors[i];
    if (base->n > 0) memcpy(items + f->n, base->items, base->n * sizeof *items);
    free(f->items);
    f->items = items;
    f->registry = tl_registry_of(items, n, &f->index);
    return &f->registry;
}
