# SPDX-License-Identifier: MIT
"""What a report is made of, sections of paragraphs and tables, and the Markdown that comes of it.

Paragraphs and cells are Markdown already; only what would break a table is escaped.
"""
import dataclasses
import math

MISSING = "–"       # a cell without a value
PROSE_COLUMNS = 32  # a column with a longer text is read, not compared


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
class Section:
    title: str
    text: list = dataclasses.field(default_factory=list)
    tables: list = dataclasses.field(default_factory=list)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def number(value):
    """A figure by itself, with three significant digits and no fewer than it needs."""
    if not is_number(value):
        return MISSING
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.{decimals_for([value])}f}"


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
        decimals = decimals_for([value for value in values if is_number(value)])
        columns.append([MISSING if value is None else
                        f"{value:,.{decimals}f}" if is_number(value) else
                        " ".join(str(value).split()).replace("|", "\\|") for value in values])
    return [list(row) for row in zip(*columns)]


def is_left(texts):
    """Whether a column of these strings is one that is read."""
    texts = [text for text in texts if text not in ("", MISSING)]
    return any(len(text) > PROSE_COLUMNS for text in texts) or (
        any(" " in text for text in texts) and all(text[0].isalpha() for text in texts))


def grid(table, padded):
    rows = [table.columns, *cells(table)]
    columns = list(zip(*rows))
    left = [place == 0 or is_left(texts[1:]) for place, texts in enumerate(columns)]
    widths = [max(3, *map(len, texts)) if padded else 3 for texts in columns]

    def line(row):
        return "| " + " | ".join(text.ljust(width) if to_left else text.rjust(width)
                                 for text, width, to_left in zip(row, widths, left)) + " |"

    rule = "|".join("-" * (width + 2) if to_left else "-" * (width + 1) + ":"
                    for width, to_left in zip(widths, left))
    return "\n".join([line(rows[0]), f"|{rule}|", *(line(row) for row in rows[1:])])


def markdown(title, sections, padded=True):
    """The report; `padded` to be read as plain text, too."""
    parts = ["# " + title]
    for section in sections:
        parts += ["## " + section.title, *filter(None, section.text)]
        for table in section.tables:
            parts += filter(None, ["### " + table.title if table.title else "",
                                   grid(table, padded), table.note])
    return "\n\n".join(parts) + "\n"
