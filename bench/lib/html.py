# SPDX-License-Identifier: MIT
"""Renders a report as one page that needs nothing else: no script, no font, no other file.

The one idea: the page is a table of contents and the sections in their order; every plot carries
its figures as a table that unfolds, so that nothing is only in a picture.
"""
import re

from lib import svg
from lib.layout import cells, escaped, figures_of, is_left, is_subject, shape

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--pale:#59636e;--rule:#d9dee3;
--strong:#1f2328;--tint:#fdf3ea;--accent:#b0500e;--code:#f3f5f7}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--pale:#9198a1;--rule:#272e37;
--strong:#8b949e;--tint:#241a13;--accent:#f59a5c;--code:#171d25}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,
'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','DejaVu Sans',sans-serif}
a{color:inherit;text-decoration-color:var(--rule);text-underline-offset:.2em}
a:hover{color:var(--accent);text-decoration-color:currentColor}
.page{max-width:58rem;margin:0 auto;padding:3.5rem 1.5rem 5rem}
h1{font-size:2.1rem;line-height:1.2;letter-spacing:-.02em;font-weight:680;margin:0 0 1rem;
text-wrap:balance}
h2{font-size:1.4rem;line-height:1.3;letter-spacing:-.01em;font-weight:650;margin:3.5rem 0 1rem;
padding-top:1.1rem;border-top:1px solid var(--rule);scroll-margin-top:0}
h3{font-size:1rem;font-weight:650;margin:0 0 .5rem}
p,ul,pre{max-width:44rem;margin:0 0 1rem}
ul{padding-left:1.2rem}li{margin:.2rem 0}
header p{color:var(--pale)}
code,pre{font:.875em/1.55 ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace}
code{background:var(--code);border-radius:4px;padding:.1em .35em}
pre{background:var(--code);border-radius:6px;padding:.8rem 1rem;overflow-x:auto;max-width:none}
nav{margin:2rem 0 0;font-size:.9375rem}
nav h2{all:unset;display:block;font-size:.75rem;font-weight:650;letter-spacing:.08em;
text-transform:uppercase;color:var(--pale);margin-bottom:.5rem}
nav ol{margin:0;padding:0;list-style:none;columns:2 18rem;column-gap:2.5rem;counter-reset:n}
nav li{display:flex;gap:.6rem;break-inside:avoid;margin:0;padding:.16rem 0;counter-increment:n}
nav li::before{content:counter(n);color:var(--pale);min-width:1.2rem;text-align:right;
font-variant-numeric:tabular-nums}
nav a{text-decoration:none}
.block{margin:2rem 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;min-width:min(100%,30rem);font-size:.9375rem;line-height:1.4;
font-variant-numeric:tabular-nums lining-nums;border-top:1.5px solid var(--strong);
border-bottom:1.5px solid var(--strong)}
th,td{padding:.42rem 0 .42rem 1.75rem;text-align:right;vertical-align:baseline;white-space:nowrap}
th:first-child,td:first-child{padding-left:.5rem}
th:last-child,td:last-child{padding-right:.5rem}
thead th{font-weight:600;font-size:.8125rem;color:var(--pale);vertical-align:bottom;
white-space:normal;max-width:11rem;border-bottom:1px solid var(--strong)}
tbody th{font-weight:400}
tbody tr+tr>*{border-top:1px solid var(--rule)}
tbody tr:hover>*{background:var(--code)}
table.full{width:100%}
.left{text-align:left}
td.left{white-space:normal;min-width:14rem}
tbody th.left{white-space:normal;min-width:8rem}
tr.subject>*{background:var(--tint)}
tr.subject>th{color:var(--accent);font-weight:650}
tr.subject>td:not(.left){font-weight:550}
.none{color:var(--pale)}
.note{font-size:.875rem;color:var(--pale);margin:.6rem 0 0}
figure{margin:2rem 0;border:1px solid var(--rule);border-radius:8px;overflow:hidden}
figure svg{display:block;width:100%;min-width:40rem;height:auto}
details{border-top:1px solid var(--rule);font-size:.875rem;padding:.5rem 20px}
details[open]{padding-bottom:1.2rem}
summary{color:var(--pale);cursor:pointer;width:max-content}
summary:hover{color:var(--accent)}
details table{font-size:.875rem;margin-top:.7rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
@media(max-width:40rem){.page{padding:2rem 1rem 3rem}h1{font-size:1.65rem}
th,td{padding-left:1.1rem}}
@media print{.page{max-width:none;padding:0}details{display:none}figure,tr{break-inside:avoid}
h2,h3{break-after:avoid}}
"""


def render(title, intro, sections):
    """The whole page; `intro` is the paragraphs below its title."""
    anchors = [_anchor(index, section.title) for index, section in enumerate(sections, 1)]
    contents = "\n".join(f'<li><a href="#{anchor}">{_inline(section.title)}</a></li>'
                         for anchor, section in zip(anchors, sections))
    navigation = (f'<nav aria-labelledby="contents"><h2 id="contents">Contents</h2>\n'
                  f"<ol>\n{contents}\n</ol></nav>\n") if len(sections) > 1 else ""
    body = "\n".join(_section(anchor, section) for anchor, section in zip(anchors, sections))
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            f'<div class="page">\n<header>\n<h1>{_inline(title)}</h1>\n'
            + "\n".join(_paragraph(text) for text in intro)
            + f"\n{navigation}</header>\n<main>\n{body}\n</main>\n</div>\n</body>\n</html>\n")


def _anchor(index, title):
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return f"s{index}-{words}".rstrip("-")


def _section(anchor, section):
    parts = [f'<section id="{anchor}">', f"<h2>{_inline(section.title)}</h2>"]
    parts += [_paragraph(text) for text in section.text if text.strip()]
    parts += [f'<div class="block">{_titled_table(table)}</div>' for table in section.tables]
    parts += [_figure(plot) for plot in section.plots]
    return "\n".join([*parts, "</section>"])


def _paragraph(text):
    kind, lines = shape(text)
    if kind == "code":
        return f"<pre>{escaped(chr(10).join(lines))}</pre>"
    if kind == "list":
        return "<ul>" + "".join(f"<li>{_inline(line)}</li>" for line in lines) + "</ul>"
    return f"<p>{_inline(' '.join(lines))}</p>"


def _inline(text):
    """Escaped, with what is between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text))


def _titled_table(table):
    heading = f"<h3>{_inline(table.title)}</h3>" if table.title else ""
    note = f'<p class="note">{_inline(table.note)}</p>' if table.note else ""
    return f'{heading}<div class="wide">{_grid(table)}</div>{note}'


def _grid(table):
    body = cells(table)
    left = [is_left(body, place) for place in range(len(table.columns))]

    def cell(tag, place, text, more="", missing=False):
        classes = " ".join(["left"] * left[place] + ["none"] * missing)
        classes = f' class="{classes}"' if classes else ""
        return f"<{tag}{more}{classes}>{_inline(text)}</{tag}>"

    head = "".join(cell("th", place, name, ' scope="col"')
                   for place, name in enumerate(table.columns))
    lines = []
    for texts, values in zip(body, table.rows):
        subject = ' class="subject"' if texts and is_subject(texts[0]) else ""
        row = "".join(cell("td" if place else "th", place, text, "" if place else ' scope="row"',
                           values[place] is None) for place, text in enumerate(texts))
        lines.append(f"<tr{subject}>{row}</tr>")
    lines = "\n".join(lines)
    full = ' class="full"' if len(table.columns) > 4 else ""
    return f"<table{full}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>"


def _figure(plot):
    return (f'<figure><div class="wide">{svg.draw(plot)}</div><details><summary>Figures</summary>'
            f'<div class="wide">{_grid(figures_of(plot))}</div></details></figure>')
