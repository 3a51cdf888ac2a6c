#!/usr/bin/env python3
"""report_page_check.py PAGE [PICTURE]: opens a report of hostile_pcap.py's capture as people do, and looks for what they would mind.

Prints each fault; status 1 when there is one.  PICTURE: a screenshot is left there."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402

page = os.path.abspath(sys.argv[1])
url = "file://" + page
faults = []


def expect(what, good):
    if not good:
        faults.append(what)


# WCAG 2.1: relative luminance; 4.5 for text (1.4.3), 3 for what a chart is read by (1.4.11).
CONTRAST = """(() => {
  const rgba = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
                         return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
                          return [255, 255, 255, 1]; };
  const bad = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let n = 0;
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('script, svg')) continue;
    const r = ratio(rgba(getComputedStyle(e).color).slice(0, 3), behind(e).slice(0, 3));
    n++;
    if (r < 4.5) bad.add(`${e.tagName}.${e.className} ${r.toFixed(2)}`);
  }
  for (const e of document.querySelectorAll('rect.stored, rect.lost, rect.unknown')) {
    const r = ratio(rgba(getComputedStyle(e).fill).slice(0, 3), behind(e.closest('svg')).slice(0, 3));
    n++;
    if (r < 3) bad.add(`${e.className.baseVal} ${r.toFixed(2)}`);
  }
  return n < 50 ? ['too little looked at'] : [...bad];
})()"""

ROWS = "[...document.querySelector('#messages table').tBodies[0].rows].filter((r) => !r.hidden)"
COLUMN = "[...document.querySelectorAll('#messages thead th')].findIndex((h) => h.textContent === 'Length')"
VALUES = f"{ROWS}.map((r) => Number(r.cells[{COLUMN}].dataset.v))"
CLICK = f"document.querySelectorAll('#messages thead th')[{COLUMN}].querySelector('button').click()"
SORT = f"document.querySelectorAll('#messages thead th')[{COLUMN}].getAttribute('aria-sort')"
TEXT = "document.body.innerText"


def type_keys(b, key, code, text=""):
    for kind in ("rawKeyDown", *(("char",) if text else ()), "keyUp"):
        b.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text if kind == "char" else "")


def captured_markup_stays_text(b):
    expect("the title changed", "capture report" in b.eval("document.title") and "owned" not in b.eval("document.title"))
    expect("more than our script", b.eval("document.scripts.length") == 1)
    expect("an element from the wire", b.eval("document.querySelectorAll('img, iframe, object, link, video, form').length") == 0)
    expect("an attribute that runs", b.eval("[...document.querySelectorAll('*')].every((e) => [...e.attributes]"
                                            ".every((a) => !a.name.startsWith('on') && a.name !== 'style'))"))
    expect("the captured <script> is not shown as text", "200 <script>document.title='owned'</script>" in b.eval(TEXT))


def tables_sort_and_filter(b):
    before = b.eval(VALUES)
    b.eval(CLICK)
    expect("not sorted downwards", b.eval(VALUES) == sorted(before, reverse=True) and b.eval(SORT) == "descending")
    b.eval(CLICK)
    expect("not sorted upwards", b.eval(VALUES) == sorted(before) and b.eval(SORT) == "ascending")
    expect("several columns are said to be sorted", b.eval("document.querySelectorAll('#messages [aria-sort]').length") == 1)
    b.eval("document.querySelector('#messages input').focus()")
    for c in "305":
        type_keys(b, c, ord(c), c)
    expect("the filter does not leave one row", b.eval(ROWS + ".length") == 1)
    expect("the filter does not say how many", b.eval("document.querySelector('#messages .filter span').textContent").strip().startswith("1 of"))
    for _ in "305":
        type_keys(b, "Backspace", 8)
    expect("the filter does not end", b.eval(ROWS + ".length") == len(before))


def keyboard(b):
    seen = set()
    for i in range(150):
        type_keys(b, "Tab", 9)
        where = b.eval("(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();"
                       " return [e.tagName + '.' + e.className, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, r.left >= 0 && r.width > 0]; })()")
        if i == 0:
            expect("the first stop is not the skip link", where[0] == "A.skip")
        if i > 0 and where[0].startswith(("BODY", "A.skip")):
            break
        seen.add(where[0].split(".")[0])
        expect(f"no visible focus on {where[0]}", where[1] and where[2])
    expect(f"the keyboard does not reach all kinds: {seen}", {"A", "BUTTON", "INPUT", "SUMMARY", "DIV"} <= seen)
    b.eval(f"document.querySelectorAll('#messages thead th')[{COLUMN}].querySelector('button').focus()")
    order = b.eval(SORT)
    type_keys(b, "Enter", 13, "\r")
    expect("Enter does not sort", b.eval(SORT) != order)


def names(b):
    for node in b.call("Accessibility.getFullAXTree")["nodes"]:
        role, name = node.get("role", {}).get("value"), node.get("name", {}).get("value", "")
        if not node.get("ignored") and role in ("image", "img", "button", "searchbox", "table", "region", "link", "navigation", "columnheader"):
            expect(f"a {role} without a name", name.strip() != "")
    expect("a header cell without scope", b.eval("[...document.querySelectorAll('th')].every((h) => h.scope)"))
    expect("a picture without description", b.eval("[...document.querySelectorAll('svg[role=img]')].every((s) => s.querySelector('desc').textContent)"))
    expect("colours without a legend beside them", b.eval("[...document.querySelectorAll('svg[role=img]')].every((s) => s.closest('section').querySelector('.legend'))"))
    expect("ids that are not unique", b.eval("(() => { const i = [...document.querySelectorAll('[id]')].map((e) => e.id); return new Set(i).size === i.length; })()"))
    expect("headings that skip a level", b.eval("[...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))"
                                                ".every((n, i, a) => i === 0 ? n === 1 : n <= a[i - 1] + 1)"))
    expect("no language", b.eval("document.documentElement.lang") == "en")
    expect("links that lead nowhere", b.eval("[...document.querySelectorAll('a')].every((a) => document.querySelector(a.getAttribute('href')))"))


with Browser() as b:
    b.open(url)
    if len(sys.argv) > 2:
        b.screenshot(sys.argv[2], whole=False)
    captured_markup_stays_text(b)
    tables_sort_and_filter(b)
    b.open(url)
    keyboard(b)
    names(b)
    for scheme in ("light", "dark"):
        b.open(url, scheme=scheme)
        for fault in b.eval(CONTRAST):
            expect(f"contrast ({scheme}): {fault}", False)
    for width in (320, 390, 768):
        b.open(url, width=width, height=800)
        expect(f"wider than a screen of {width}", b.eval("document.documentElement.scrollWidth") <= width)
        expect(f"patterns are squeezed on a screen of {width}", b.eval("(() => { const r = [...document.querySelectorAll('rect.unframed')];"
               " return r.length > 0 && r.every((e) => Math.abs(e.getScreenCTM().a - 1) < 0.01); })()"))
        expect(f"the axis breaks on a screen of {width}", b.eval("(() => { const t = [...document.querySelectorAll('.axis span')]"
               ".map((e) => e.getBoundingClientRect()).filter((r) => r.width > 0).map((r) => r.top); return t.length > 1 && Math.max(...t) - Math.min(...t) < 2; })()"))
        expect(f"a table is cut without a shadow on a screen of {width}", b.eval("[...document.querySelectorAll('.scroll')]"
               ".every((e) => getComputedStyle(e).backgroundAttachment.includes('local'))"))
    b.open(url)
    b.pdf(page + ".pdf")
    expect("no PDF", open(page + ".pdf", "rb").read(4) == b"%PDF")
    whole = b.eval(TEXT)
    b.open(url, script=False)
    expect("without script something is missing", all(word in b.eval(TEXT) for word in ("Loss over time", "What this report cannot know", "conflict")))
    expect("without script there are dead buttons", b.eval("document.querySelectorAll('button, input').length") == 0)
    for problem in b.problems:
        expect("the browser says: " + problem, False)

    # The policy holds even where the escaping would not; and the browser's word for it is heard here.
    text = open(page, encoding="utf-8").read()
    with open(page + ".forged.html", "w", encoding="utf-8") as f:
        f.write(text.replace("<main>", "<main><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><p style=\"color:red\">", 1))
    before = len(b.problems)
    b.open(url + ".forged.html")
    expect("the policy let a script run", b.eval("document.title") != "owned")
    expect("a refused script went unnoticed", len(b.problems) > before)

for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
