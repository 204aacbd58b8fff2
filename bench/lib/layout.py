# SPDX-License-Identifier: MIT
"""What a report is made of: sections of paragraphs, tables and plots.

The one idea: a measurement says *what* it has to show, in plain values that fit into JSON, and
never how; Markdown is made from them here, the page in html.py and the pictures in svg.py.

Paragraphs are plain text. Three shapes mean more, in Markdown and on the page alike: `code` between
backticks, a paragraph whose lines all begin with "- " (a list) or with four spaces (commands).
"""
import dataclasses
import math
import re
import statistics
import sys

KINDS = ("bars", "stacked", "lines")
MISSING = "–"       # a cell without a value
PROSE_COLUMNS = 32  # a column with a longer text is read, not compared
SUBJECT = "onehop"  # the one that is shown in colour


@dataclasses.dataclass
class Table:
    """The first column is aligned left, the others right, but for those of texts (`is_left`).

    Cells are strings, printed as they are, or numbers: those of one column get the same number of
    decimals. None is a value that was not measured.
    """
    title: str
    columns: list
    rows: list
    note: str = ""

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.title!r}: a row of {len(row)} cells under "
                                 f"{len(self.columns)} columns: {row!r}")


@dataclasses.dataclass
class Series:
    """None among the values is a gap."""
    name: str
    values: list


@dataclasses.dataclass
class Plot:
    """Bars and stacked bars have labels (one per value), lines have x. `unit` is that of values.

    `log` is for bars and lines; the parts of a stack have no length on such an axis.
    """
    title: str
    kind: str
    unit: str
    labels: list = dataclasses.field(default_factory=list)
    series: list = dataclasses.field(default_factory=list)
    x: list = dataclasses.field(default_factory=list)
    log: bool = False
    note: str = ""
    x_title: str = "seconds"

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"plot {self.title!r}: kind {self.kind!r} is none of {KINDS}")
        for one in self.series:
            if len(one.values) != len(self.places):
                raise ValueError(f"plot {self.title!r}: series {one.name!r} has {len(one.values)} "
                                 f"values for {len(self.places)} places")

    @property
    def places(self):
        return self.x if self.kind == "lines" else self.labels


@dataclasses.dataclass
class Section:
    title: str
    text: list = dataclasses.field(default_factory=list)
    tables: list = dataclasses.field(default_factory=list)
    plots: list = dataclasses.field(default_factory=list)


# --- JSON --------------------------------------------------------------------------------------


def to_json(sections):
    """Plain lists and dictionaries; figures that JSON cannot say (not a number) become None."""
    return [_plain(dataclasses.asdict(section)) for section in sections]


def from_json(data):
    """The sections that `to_json` was given. Unknown keys are an error: a newer schema."""
    return [Section(section["title"], list(section.get("text", [])),
                    [Table(**table) for table in section.get("tables", [])],
                    [_plot(plot) for plot in section.get("plots", [])]) for section in data]


def _plot(data):
    return Plot(**{**data, "series": [Series(**one) for one in data.get("series", [])]})


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- text --------------------------------------------------------------------------------------


def is_subject(name):
    """Whether a row, category or series is onehop, or a build or a setting of it."""
    return bool(re.fullmatch(SUBJECT + r"(\s*[-@(,].*)?", str(name).strip()))


def is_number(value):
    """Whether a value is a figure: of the range of a double, and not "not a number"."""
    return (isinstance(value, (int, float)) and not isinstance(value, bool) and
            abs(value) <= sys.float_info.max)


def number(value):
    """A figure by itself, with three significant digits and no fewer than it needs."""
    if not is_number(value):
        return MISSING
    if isinstance(value, int) or value == int(value):
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:,.{decimals_for([value])}f}" if abs(value) >= 1e-4 else f"{value:.3g}"


def decimals_for(values):
    """Decimals that leave three significant digits of the smallest value; at most three."""
    sizes = [abs(value) for value in values if value]
    if not sizes or all(isinstance(value, int) for value in values):
        return 0
    return min(max(2 - math.floor(math.log10(min(sizes))), 0),
               6 if max(sizes) < 0.1 else 3 if max(sizes) < 100 else 2)


def cells(table):
    """The rows of a table as strings, the numbers of a column with the same decimals."""
    columns = []
    for values in zip(*table.rows):
        figures = [value for value in values if is_number(value)]
        decimals = decimals_for(figures)
        columns.append([_cell(value, decimals) for value in values])
    return [list(row) for row in zip(*columns)]


def _cell(value, decimals):
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,.{decimals}f}" if is_number(value) and abs(value) < 1e15 else number(value)
    return str(value)


def is_left(rows, column):
    """Whether a column of these strings is aligned left: the first, and those that are read."""
    texts = [row[column] for row in rows if row[column] not in ("", MISSING)]
    return column == 0 or any(len(text) > PROSE_COLUMNS for text in texts) or (
        any(" " in text for text in texts) and all(text[0].isalpha() for text in texts))


def figures_of(plot):
    """The values of a plot as a table: one row for each place."""
    first = plot.x_title if plot.kind == "lines" else ""
    rows = [[place if isinstance(place, str) else number(place),
             *(one.values[index] for one in plot.series)]
            for index, place in enumerate(plot.places)]
    title = f"{plot.title} ({plot.unit})" if plot.unit else plot.title
    return Table(title, [first, *(one.name for one in plot.series)], rows)


def summary_of(plot):
    """The least, the median and the largest value of each series."""
    rows = []
    for one in plot.series:
        known = [value for value in one.values if is_number(value)]
        rows.append([one.name, *((min(known), statistics.median(known), max(known)) if known
                                 else (None, None, None))])
    title = f"{plot.title} ({plot.unit})" if plot.unit else plot.title
    return Table(title, ["", "least", "median", "largest"], rows)


def shape(paragraph):
    """What a paragraph is, "text", "list" or "code", and its lines without their marks."""
    lines = [line for line in paragraph.split("\n") if line.strip()]
    for name, mark in (("list", "- "), ("code", "    ")):
        if lines and all(line.startswith(mark) for line in lines):
            return name, [line[len(mark):] for line in lines]
    return "text", [line.strip() for line in lines]


# --- Markdown ----------------------------------------------------------------------------------


def markdown(title, sections):
    """The report as Markdown that also reads as plain text.

    Plots are left out, but for those of a section without a table: these show their figures, or
    a summary of each line.
    """
    parts = ["# " + _inline(title)]
    for section in sections:
        parts.append("## " + _inline(section.title))
        parts += [_paragraph(text) for text in section.text if text.strip()]
        for table in section.tables or [summary_of(plot) if plot.kind == "lines" else
                                        figures_of(plot) for plot in section.plots]:
            parts += _table_parts(table)
    return "\n\n".join(parts) + "\n"


def _table_parts(table):
    parts = ["### " + _inline(table.title)] if table.title else []
    parts.append(_grid(table))
    return parts + ([_inline(table.note)] if table.note else [])


def _paragraph(text):
    kind, lines = shape(text)
    if kind == "code":
        return "\n".join(["```", *lines, "```"])  # indented, it would belong to a list before it
    if kind == "list":
        return "\n".join("- " + _inline(line) for line in lines)
    return _inline(" ".join(lines))


def _inline(text):
    """One line; what would be taken for a tag is not, outside of `code`."""
    parts = re.split(r"(`[^`]*`)", " ".join(str(text).split()))
    return "".join(part if part.startswith("`") and len(part) > 1
                   else re.sub(r"<(?=[A-Za-z/!?])", "&lt;", part) for part in parts)


def _grid(table):
    body = cells(table)
    rows = [[_inline(text).replace("|", "\\|") for text in row] for row in [table.columns, *body]]
    places = range(len(table.columns))
    widths = [max(3, *(len(row[place]) for row in rows)) for place in places]
    left = [is_left(body, place) for place in places]

    def line(row):
        return "| " + " | ".join(text.ljust(width) if to_left else text.rjust(width)
                                 for text, width, to_left in zip(row, widths, left)) + " |"

    rule = "|" + "|".join("-" * (width + 2) if to_left else "-" * (width + 1) + ":"
                          for width, to_left in zip(widths, left)) + "|"
    return "\n".join([line(rows[0]), rule, *(line(row) for row in rows[1:])])


# --- markup ------------------------------------------------------------------------------------


def escaped(text):
    """Text for XML and HTML, content or attribute; characters that XML forbids are dropped."""
    text = re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", str(text))
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"),
                          ("'", "&#39;")):
        text = text.replace(plain, entity)
    return text
