"""The page that a report is written on: HTML elements, number formats and the style sheet.

Everything is escaped on its way into the page, unless it is `Html` already.
"""

import html
import string


class Html(str):
    """Text that is HTML and is not escaped again."""


def escaped(value):
    """`value` as HTML; `None` is a dash."""
    if isinstance(value, Html):
        return value
    return Html("–" if value is None else html.escape(str(value)))


def tag(name, *content, **attributes):
    """An element. `class_` is `class`; other underscores become hyphens.

    Example:
        >>> tag("p", "a < b", class_="note")
        '<p class="note">a &lt; b</p>'
    """
    names = (key.rstrip("_").replace("_", "-") for key in attributes)
    written = "".join(f' {n}="{html.escape(str(value))}"' for n, value in zip(names, attributes.values()))
    return Html(f"<{name}{written}>{''.join(map(escaped, content))}</{name}>")


def table(label, head, rows, text=()):
    """A table that scrolls sideways in its own box. The first cell of each row is its heading.

    Args:
        label: what the table shows, for screen readers.
        head: column headings.
        rows: lists of cells as long as `head`.
        text: which columns hold words; the others hold numbers and are aligned to the right.
    """

    def line(element, cells, **scope):
        classes = ({"class_": "text"} if i in (0, *text) else {} for i in range(len(cells)))
        return [tag(element, cell, **scope, **kind) for cell, kind in zip(cells, classes)]

    headings = tag("tr", *line("th", head, scope="col"))
    body = (tag("tr", *line("th", row[:1], scope="row"), *line("td", row)[1:]) for row in rows)
    content = tag("table", tag("thead", headings), tag("tbody", *body))
    return tag("div", content, class_="scroll", tabindex=0, role="region", aria_label=label)


def facts(pairs):
    """A list of names and what they are."""
    return tag("dl", *(element for name, value in pairs for element in (tag("dt", name), tag("dd", value))))


def folded(summary, *content):
    """Content behind a line to click on."""
    return tag("details", tag("summary", summary), *content)


def section(identity, heading, *content):
    """A part of the page; `identity` is what a link to it is called."""
    return tag("section", tag("h2", heading), *content, id=identity)


def _hundredths(share):
    """`100 * share` without the last digits, in which equal means differ by how they were summed: 0.8875 would be 88.7
    on one page and 88.8 on another."""
    return round(100 * share, 9)


def percent(share):
    """`0.921` -> `92.1 %`, with a space that does not break."""
    return None if share is None else f"{_hundredths(share):.1f}\u00a0%"


def number(share):
    """`0.921` -> `92.1`, for columns that are headed with a percent sign."""
    return None if share is None else f"{_hundredths(share):.1f}"


def spread(values, seeds):
    """`92.1 ± 0.6`: mean and standard deviation over seeds; with one seed, the mean alone."""
    return number(values["mean"]) + (f"\u00a0±\u00a0{100 * values['std']:.1f}" if seeds > 1 else "")


def points(difference):
    """`0.012` -> `+1.2`, with a true minus sign; zero has no sign."""
    if difference is None:
        return None
    rounded = f"{_hundredths(difference):+.1f}"
    return "0.0" if float(rounded) == 0 else rounded.replace("-", "−")


def p_value(p):
    """`p = 0.030`, or `p < 0.0001` where the random sign flips cannot tell more."""
    text = p_number(p)
    return f"p\u00a0{text}" if text.startswith("<") else f"p\u00a0=\u00a0{text}"


def p_number(p):
    """The number of `p_value` alone, with more digits where it is small."""
    if p < 1e-4:
        return "<\u00a00.0001"
    for limit, digits in ((0.001, 4), (0.1, 3)):
        if p < limit:
            return f"{p:.{digits}f}"
    return f"{p:.2f}"


def kilobytes(count):
    """Bytes as KB of 1024."""
    return None if count is None else f"{count / 1024:.1f}\u00a0KB"


def duration(seconds):
    """Seconds as s, min or h."""
    for limit, unit, digits in ((120, 1, 0), (7200, 60, 1)):
        if seconds < limit:
            return f"{seconds / unit:.{digits}f}\u00a0{'s' if unit == 1 else 'min'}"
    return f"{seconds / 3600:.1f}\u00a0h"


def listed(values):
    """`1, 3 and 5`."""
    values = [str(value) for value in values]
    return " and ".join(filter(None, (", ".join(values[:-1]), *values[-1:])))


def page(title, *content):
    """The whole document, which loads nothing from anywhere."""
    return _PAGE.substitute(title=escaped(title), style=_STYLE, content="\n".join(map(escaped, content)))


_PAGE = string.Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$content
</main>
</body>
</html>
""")

_STYLE = """
:root { --paper: #fff; --panel: #f6f7f8; --ink: #1b1f24; --muted: #5d656e; --line: #dfe3e7;
  --accent: #0b6a9c; --warm: #c2541d; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --panel: #1d2125; --ink: #e5e8eb;
  --muted: #9ba4ad; --line: #343a40; --accent: #58b4e6; --warm: #ee9263; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 58rem; margin: 0 auto; padding: 2rem 1.1rem 4rem; overflow-wrap: break-word; }
h1 { font-size: 1.05rem; font-weight: 600; margin: 0; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .8rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
p, ul, dl, .scroll, details, figure { margin: 0 0 1rem; }
p, li, dd { max-width: 44rem; }
section { margin-top: 2.2rem; padding-top: 1.6rem; border-top: 1px solid var(--line); }
.small, figcaption, nav { font-size: .875rem; color: var(--muted); }
.lead { font-size: clamp(1.25rem, 1rem + 1.4vw, 1.65rem); line-height: 1.35; margin: .7rem 0 1.1rem;
  max-width: 50rem; letter-spacing: -.01em; }
.lead strong { color: var(--accent); }
.note { border-left: 3px solid var(--warm); padding: .15rem 0 .15rem .8rem; }
ul { padding-left: 1.1rem; } li { margin-bottom: .35rem; }
nav a { margin-right: 1rem; white-space: nowrap; }
a { color: var(--accent); text-underline-offset: .15em; }
code, pre { font: .85em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--panel); border-radius: 6px; padding: .8rem 1rem; margin: 0 0 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { color: var(--muted); } dd { margin: 0; min-width: 0; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .55rem; } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .38rem 1.3rem .38rem 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: .2rem; }
th.text, td.text { text-align: left; }
thead th { color: var(--muted); font-weight: 500; font-size: .8rem; line-height: 1.3; vertical-align: bottom;
  white-space: pre; }
tbody th { font-weight: 500; }
th:first-child { position: sticky; left: 0; background: var(--paper); }
td.text { white-space: normal; min-width: 14rem; }
tbody th, td { vertical-align: baseline; }
.bar { display: inline-block; min-width: 5.5rem; padding: 0 .3rem; border-radius: 2px;
  background: linear-gradient(to right, color-mix(in srgb, var(--accent) 26%, transparent) var(--share),
    var(--panel) var(--share)); }
details { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .9rem; }
summary { cursor: pointer; } details[open] > summary { margin-bottom: .8rem; }
details > :last-child { margin-bottom: .4rem; }
svg { display: block; width: 100%; height: auto; stroke-linejoin: round; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr)); gap: 1rem; }
figure { min-width: 0; } figcaption { margin-bottom: .3rem; }
figcaption strong { color: var(--ink); font-weight: 600; }
.dots { max-width: 30rem; }
.matrix svg { min-width: var(--least); max-width: var(--most); }
"""
