# SPDX-License-Identifier: MIT
"""The bars that onehop wants to reach, and by how much a run reached or missed them.

The one idea: a bar on speed is on a ratio within one round, never on a figure by itself, and the
table says how far it is from the bar, with the spread of the rounds beside it.
"""
import dataclasses
import statistics

from lib.layout import Table
from lib.timed import LOADS

SUBJECT = "onehop"
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class RatioBar:
    load: str
    peer: str
    most: float
    subject: str = SUBJECT


@dataclasses.dataclass(frozen=True)
class FigureBar:
    title: str
    kind: str
    key: str       # of the record, the figure
    select: tuple  # (key, value) that the record must have besides, or ()
    most: float
    unit: str
    divisor: float = 1


# Of small requests the kernel takes most, from everybody: so the bars are the floor, and the peers.
RATIO_BARS = (
    RatioBar("keepalive", "nginx", 1.00), RatioBar("keepalive", "haproxy", 1.00),
    RatioBar("keepalive", "floor", 1.15),
    RatioBar("newconn", "nginx", 1.00), RatioBar("newconn", "haproxy", 1.00),
    RatioBar("newconn", "nginx-deferred", 1.00, "onehop-deferred"),
    RatioBar("newconn", "haproxy-deferred", 1.00, "onehop-deferred"),
    RatioBar("download", "haproxy", 0.75), RatioBar("download", "nginx", 0.40),
    RatioBar("upload", "haproxy", 0.75), RatioBar("upload", "nginx", 0.40),
)
FIGURE_BARS = (
    FigureBar("system calls per keep-alive request", "syscalls", "per_request",
              ("load", "keepalive"), 4.2, ""),
    FigureBar("idle connection, after an answer", "idle", "bytes_per_connection",
              ("variant", "answered"), 1024, " B"),
    FigureBar("idle connection, silent", "idle", "bytes_per_connection",
              ("variant", "silent"), 1024, " B"),
    FigureBar("peak memory, slow large download", "large", "peak_bytes",
              ("direction", "download"), 32, " MiB", MIB),
    FigureBar("peak memory, slow large upload", "large", "peak_bytes",
              ("direction", "upload"), 32, " MiB", MIB),
)


def ratios(runs, load, proxy, peer):
    """CPU of `proxy` over CPU of `peer`, round by round."""
    cpu = {(run["proxy"], run["round"]): run.get("cpu_us") for run in runs if run["load"] == load}
    rounds = sorted({round_number for _, round_number in cpu})
    pairs = [(cpu.get((proxy, number)), cpu.get((peer, number))) for number in rounds]
    return [one / other for one, other in pairs if one and other]


def verdict(value, most):
    distance = abs(value / most - 1)
    share = f"{distance:.0%}" if distance >= 0.01 else f"{distance:.2%}"  # never a miss by 0 %
    return f"reached, {share} below" if value <= most else f"MISSED by {share}"


def bar_rows(runs, special):
    """The final table as dictionaries, whose keys bench/README.md describes. What was not measured
    is None."""
    rows = []
    for bar in RATIO_BARS:
        values = ratios(runs, bar.load, bar.subject, bar.peer)
        rows.append(bar_row(f"{bar.load}: CPU, {bar.subject} / {bar.peer}", "", bar.most, values,
                            statistics.median(values) if values else None))
    for bar in FIGURE_BARS:
        found = [record[bar.key] / bar.divisor for record in special.get(bar.kind, [])
                 if record["proxy"] == SUBJECT and
                 (not bar.select or record[bar.select[0]] == bar.select[1])]
        rows.append(bar_row(bar.title, bar.unit, bar.most, found, found[-1] if found else None))
    return rows


def bar_row(name, unit, wanted, values, measured):
    """`values` are those of all rounds, `measured` is the one that counts."""
    row = {"name": name, "measured": measured, "wanted": wanted, "unit": unit,
           "reached": None if measured is None else measured <= wanted, "rounds": len(values),
           "least": min(values, default=None), "largest": max(values, default=None),
           "verdict": "not measured" if measured is None else verdict(measured, wanted)}
    if len(values) > 1 and row["least"] <= wanted < row["largest"]:
        row["verdict"] += ", rounds on both sides"  # another run may end on the other one
    return row


def number(value, unit=""):
    if unit == " B":
        return f"{value:,.0f}{unit}"
    return f"{value:.2f}{unit}" if value < 100 else f"{value:,.0f}{unit}"


def table(rows):
    lines = []
    for row in rows:
        unit = row["unit"]
        spread = None
        if row["rounds"] > 1:
            spread = f"{number(row['least'])} .. {number(row['largest'])}"
        measured = None if row["measured"] is None else number(row["measured"], unit)
        lines.append([row["name"], measured, spread, f"<= {number(row['wanted'], unit)}",
                      row["verdict"]])
    return Table("", ["bar", "measured", "rounds", "wanted", "state"], lines)


def against_table(runs):
    """One build or setting of onehop beside another one, or None without the other."""
    lines = []
    for load in LOADS:
        values = ratios(runs, load.name, SUBJECT, SUBJECT + "-against")
        if values:
            lines.append([load.name, f"{statistics.median(values):.3f}",
                          f"{min(values):.3f} .. {max(values):.3f}"])
    columns = ["load", "CPU, onehop / onehop-against", "rounds"]
    return Table("", columns, lines) if lines else None
