/*
** report_page.c - the page: head, policy, verdict, figures; report_sections.c has the rest.
**
** The policy lets in nothing but the one style sheet and the one script that stand in the page, by their hashes: a browser would refuse
** markup or script from a capture even if the escaping of html.c failed.
*/
#include "base/embedded.h"
#include "query/report_parts.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *file_of(const char *name)
{
    const tl_embedded *e = tl_report_files;
    while (e->name != NULL && strcmp(e->name, name) != 0) e++;
    return e->name == NULL ? "" : e->text;
}

/* 'sha256-...', as Content Security Policy level 3 section 2.3.1 has it. */
static bool add_hash(html *h, const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE], base64[EVP_MAX_MD_SIZE * 2];
    unsigned n = 0;
    if (EVP_Digest(text, strlen(text), digest, &n, EVP_sha256(), NULL) != 1) return false;
    EVP_EncodeBlock(base64, digest, (int)n);
    html_lit(h, "'sha256-");
    html_text(h, (const char *)base64);
    html_lit(h, "'");
    return true;
}

static bool head(html *h, const char *name)
{
    const char *style = file_of("style"), *script = file_of("tables");
    html_lit(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
    if (!add_hash(h, style)) return false;
    html_lit(h, "; script-src ");
    if (!add_hash(h, script)) return false;
    html_lit(h, "; base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    html_text(h, name);
    html_lit(h, ": capture report</title>\n<style>");
    html_file(h, style);
    html_lit(h, "</style>\n</head>\n");
    return true;
}

static void patterns(html *h)
{
    /* Kinds of bytes differ in pattern and not only in colour. */
    html_lit(h,
             "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\" focusable=\"false\"><defs>"
             "<pattern id=\"p-unframed\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
             "<rect class=\"unframed-back\" width=\"6\" height=\"6\"></rect><rect class=\"unframed-line\" width=\"2\" height=\"6\"></rect>"
             "</pattern></defs></svg>\n");
}

static void masthead(html *h, const tl_report *p, const char *name)
{
    const facts *s = facts_of(p, "summary");
    html_lit(h, "<header><p class=\"kicker\">Capture report</p><h1>");
    html_text(h, name);
    html_lit(h, "</h1><p class=\"facts\">");
    html_of(h, facts_number(s, 0, "captures"), "capture file");
    html_lit(h, " · ");
    html_of(h, facts_number(s, 0, "frames"), "frame");
    html_lit(h, " · ");
    html_of(h, facts_number(s, 0, "sessions"), "TCP session");
    if (facts_cell(s, 0, "first").kind == TL_CELL_TEXT) {
        html_lit(h, " · ");
        html_time(h, facts_cell(s, 0, "first"));
        html_lit(h, " to ");
        html_time(h, facts_cell(s, 0, "last"));
        html_lit(h, " UTC");
    }
    html_lit(h, "</p></header>\n");
}

/* What one would say to somebody who reads no further. */
static void verdict(html *h, const facts *s)
{
    int64_t whole = facts_number(s, 0, "stream_bytes"), capture = facts_number(s, 0, "capture_loss"),
            unknown = facts_number(s, 0, "unknown_loss");
    html_lit(h, "<p class=\"verdict\">");
    if (whole == 0) {
        html_lit(h, "The captures hold no TCP payload.");
    } else if (capture == 0 && unknown == 0) {
        html_lit(h, "Nothing is missing that anything in the captures proves: all ");
        html_of(h, whole, "byte");
        html_lit(h, " of the streams are here.");
    } else {
        html_lit(h, "The captures hold <strong>");
        html_share(h, facts_number(s, 0, "stored_bytes"), whole);
        html_lit(h, "</strong> of the ");
        html_of(h, whole, "byte");
        html_lit(h, " that their streams are known to have. ");
        if (capture > 0) {
            html_lit(h, "<strong>");
            html_share(h, capture, whole);
            html_lit(h, "</strong> is capture loss: the network delivered these bytes, the capture lacks them. ");
        } else {
            html_lit(h, "No capture loss was found. ");
        }
        if (unknown > 0) {
            html_lit(h, "<strong>");
            html_share(h, unknown, whole);
            html_lit(h, "</strong> is missing for unknown cause.");
        } else {
            html_lit(h, "Nothing is missing for unknown cause.");
        }
    }
    html_lit(h, "</p>\n");
}

static void warnings(html *h, const facts *s)
{
    int64_t conflicts = facts_number(s, 0, "conflicts"), damaged = facts_number(s, 0, "captures_damaged"),
            unbalanced = facts_number(s, 0, "unbalanced_streams");
    if (unbalanced > 0) {
        html_lit(h, "<p class=\"warn\">The books of ");
        html_of(h, unbalanced, "stream");
        html_lit(h, " do not balance: this database is damaged, and the figures here may be wrong. "
                    "<code>tcpledger-query DB verify</code> says more.</p>\n");
    }
    if (damaged > 0) {
        html_lit(h, "<p class=\"warn\">");
        html_of(h, damaged, "capture file");
        html_lit(h, " could not be read to the end: see <a href=\"#captures\">what was captured</a>.</p>\n");
    }
    if (conflicts > 0) {
        html_lit(h, "<p class=\"warn\">Bytes were captured twice with different content, ");
        html_of(h, conflicts, "time");
        html_lit(h, ": possible injection. See <a href=\"#strays\">conflicting copies</a>.</p>\n");
    }
}

static void tile_open(html *h, const char *name)
{
    html_lit(h, "<div><dt>");
    html_text(h, name);
    html_lit(h, "</dt><dd>");
}

static void tile(html *h, const char *name, int64_t part, int64_t whole, const char *word)
{
    tile_open(h, name);
    html_lit(h, "<b>");
    html_share(h, part, whole);
    html_lit(h, "</b> <span>");
    html_count(h, part);
    html_lit(h, " of ");
    html_of(h, whole, word);
    html_lit(h, "</span></dd></div>\n");
}

static void tiles(html *h, const facts *s)
{
    int64_t whole = facts_number(s, 0, "stream_bytes");
    html_lit(h, "<dl class=\"tiles\">\n");
    tile(h, "Captured", facts_number(s, 0, "stored_bytes"), whole, "byte");
    tile(h, "Capture loss", facts_number(s, 0, "capture_loss"), whole, "byte");
    tile(h, "Unknown loss", facts_number(s, 0, "unknown_loss"), whole, "byte");
    tile_open(h, "Drops reported");
    html_lit(h, "<b>");
    if (facts_cell(s, 0, "drops_reported").kind == TL_CELL_INTEGER)
        html_count(h, facts_number(s, 0, "drops_reported"));
    else
        html_lit(h, "not said");
    html_lit(h, "</b> <span>");
    int64_t silent = facts_number(s, 0, "captures_silent_on_drops");
    html_count(h, facts_number(s, 0, "captures") - silent);
    html_lit(h, " of ");
    html_of(h, facts_number(s, 0, "captures"), "capture");
    html_lit(h, " count them</span></dd></div>\n</dl>\n");
}

static void completeness(html *h, const char *name, const char *unit, const share *shares, size_t n)
{
    int64_t whole = 0;
    for (size_t i = 0; i < n; i++)
        if (__builtin_add_overflow(whole, shares[i].n, &whole)) whole = INT64_MAX;
    html_lit(h, "<li><p><b>");
    html_text(h, name);
    html_lit(h, "</b> <span>");
    if (whole == 0) html_lit(h, "none");
    for (size_t i = 0; i < n && whole > 0; i++) {
        if (i > 0 && shares[i].n == 0) continue;
        if (i > 0) html_lit(h, " · ");
        html_share(h, shares[i].n, whole);
        html_lit(h, " ");
        html_text(h, shares[i].name);
    }
    html_lit(h, "</span></p>");
    if (whole > 0) chart_shares(h, name, unit, shares, n);
    html_lit(h, "</li>\n");
}

static void summary(html *h, const tl_report *p)
{
    const facts *s = facts_of(p, "summary");
    int64_t capture = facts_number(s, 0, "sessions_capture_loss"), unknown = facts_number(s, 0, "sessions_unknown_loss_only");
    const share bytes[] = {{"stored", "in messages", facts_number(s, 0, "framed_bytes")},
                           {"unframed", "stored, but in no message", facts_number(s, 0, "unframed_bytes")},
                           {"lost", "capture loss", facts_number(s, 0, "capture_loss")},
                           {"unknown", "unknown loss", facts_number(s, 0, "unknown_loss")}};
    const share sessions[] = {{"stored", "without loss", facts_number(s, 0, "sessions_with_bytes") - capture - unknown},
                              {"lost", "with capture loss", capture},
                              {"unknown", "with unknown loss only", unknown}};
    const share messages[] = {{"stored", "complete", facts_number(s, 0, "messages_complete")},
                              {"lost", "with bytes missing", facts_number(s, 0, "messages_missing_bytes")},
                              {"unknown", "whose end was not seen", facts_number(s, 0, "messages_without_end")}};
    html_lit(h, "<section id=\"summary\" aria-labelledby=\"summary-h\"><h2 id=\"summary-h\" class=\"quiet\">In short</h2>\n");
    verdict(h, s);
    warnings(h, s);
    tiles(h, s);
    html_lit(h, "<h3>How complete it is</h3><ul class=\"bars\">\n");
    completeness(h, "Bytes of the streams", "byte", bytes, COUNT(bytes));
    completeness(h, "Sessions that carried bytes", "session", sessions, COUNT(sessions));
    completeness(h, "Messages", "message", messages, COUNT(messages));
    html_lit(h, "</ul><p class=\"legend\"><span><i class=\"stored\"></i>complete</span> <span><i class=\"unframed\"></i>in no "
                "message</span> <span><i class=\"lost\"></i>capture loss</span> <span><i class=\"unknown\"></i>unknown</span></p>\n"
                "<p class=\"fine\"><b>Capture loss</b> is proved: the receiver acknowledged the bytes, or the frame was cut. Of <b>unknown "
                "loss</b> it is not known whether the network or the capture lost the bytes. The two are never added up.</p></section>\n");
}

static void contents(html *h)
{
    html_lit(h, "<nav aria-label=\"Contents\"><ul><li><a href=\"#summary\">In short</a></li><li><a href=\"#time\">Over time</a></li>"
                "<li><a href=\"#hosts\">Hosts</a></li><li><a href=\"#why\">Reasons</a></li><li><a href=\"#sessions\">Sessions</a></li>"
                "<li><a href=\"#protocols\">Protocols</a></li><li><a href=\"#messages\">Messages</a></li>"
                "<li><a href=\"#strays\">Strays</a></li><li><a href=\"#captures\">Captures</a></li><li><a href=\"#limits\">Limits</a></li>"
                "</ul></nav>\n");
}

tl_rc tl_report_page(const tl_report *p, const char *name, tl_write_fn write, void *to)
{
    html h = {0};
    bool good = head(&h, name);
    html_lit(&h, "<body>\n<a class=\"skip\" href=\"#summary\">Skip to the report</a>\n");
    patterns(&h);
    masthead(&h, p, name);
    contents(&h);
    html_lit(&h, "<main>\n");
    summary(&h, p);
    report_sections(&h, p);
    html_lit(&h, "</main>\n<footer><p>Made by tcpledger " TL_VERSION " from the database alone. The same figures for programs: "
                 "<code>tcpledger-query DB report --format json</code>.</p></footer>\n<script>");
    html_file(&h, file_of("tables"));
    html_lit(&h, "</script>\n</body>\n</html>\n");
    tl_rc rc = good && !h.out.failed ? write(to, tl_span_of(h.out.p, h.out.n)) : TL_ENOMEM;
    html_free(&h);
    return rc;
}
