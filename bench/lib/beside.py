# SPDX-License-Identifier: MIT
"""What onehop says of itself beside what the load tool says of the same run.

The one idea: the two do not measure the same. A tool's clock starts before its request is sent and
stops when it has come round to reading the answer; onehop's runs from the first byte it reads to
the last one it hands to the kernel. So the tool's figure is the larger one, by what both the
kernel's queues and the tool itself cost, and the difference is shown, never hidden.
"""
import dataclasses
import statistics

from lib.layout import Plot, Series, Table, number

KEYS = ("p50", "p90", "p95", "p99", "p999", "max")
DIFFERENCE = "A difference is onehop's figure less the tool's, and its share is of the tool's."
NOTE = ("onehop's percentiles are those of `/stats?window=total`, at most 2 % from the true ones, "
        "from the first byte of a request that it reads to the last one of the answer that it "
        "hands to the kernel; the tool's also hold its connection, the kernel's queues and the "
        "tool's own loop. " + DIFFERENCE)


def endpoints(stats, upstream=None):
    """The endpoints' documents, of one upstream or of all that saw a request."""
    found = [document for name, group in stats["upstreams"].items()
             for document in group["endpoints"].values() if upstream in (None, name)]
    return [one for one in found if one["phases"]["total"]["count"]]


def percentiles_us(stats, upstream=None):
    """Those of `/stats`. Of several replicas: the mean, weighted by requests, which is fair for
    equal replicas under equal load, and the largest maximum."""
    totals = [one["phases"]["total"] for one in endpoints(stats, upstream)]
    count = sum(one["count"] for one in totals)
    if not count:
        return {}
    found = {key: sum(one[f"{key}_us"] * one["count"] for one in totals) / count
             for key in KEYS if key != "max"}
    return {**found, "max": max(one["max_us"] for one in totals)}


def difference(tool_us, own_us):
    """How far onehop's figure is from the tool's, as a share of the tool's: -0.5 is half of it.
    Every relative difference of a report is this one."""
    return (own_us - tool_us) / tool_us if tool_us else 0.0


def table(title, tool, rows):
    """`rows`: (what, the tool's percentiles, onehop's), percentiles in us by KEYS."""
    lines = []
    for what, theirs, own in rows:
        for key in KEYS:
            if key in theirs and key in own:
                lines.append([f"{what} {key}".strip(), ms(theirs[key]), ms(own[key]),
                              f"{(own[key] - theirs[key]) / 1000:+.2f}",
                              f"{100 * difference(theirs[key], own[key]):+.1f} %"])
    return Table(title, ["", f"{tool} ms", "onehop ms", "difference ms", "difference"], lines,
                 NOTE)


def ms(microseconds):
    return f"{microseconds / 1000:.2f}"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Of all runs of a load of which both told: the medians of their figures, by percentile."""
    load: str
    tool: str
    runs: int
    tool_us: dict
    total_us: dict     # onehop's
    overhead_us: dict  # onehop's own part of it


def comparisons(document):
    """One for each load of the two-hop bench."""
    runs = [(f"{run['load']} {run['rate']:,}/s", run) for run in document["runs"]
            if "own" in run and run["proxy"] == "onehop"]
    groups = {}
    for load, record in [(one["load"], one) for one in document["special"].get("own", [])] + runs:
        groups.setdefault((load, record["tool"]), []).append(record)
    return [Comparison(load, tool, len(records), medians(one["latency_us"] for one in records),
                       medians(one["own"]["total"] for one in records),
                       medians(one["own"]["proxy_overhead"] for one in records))
            for (load, tool), records in groups.items()]


def medians(figures):
    """Of dictionaries with the same keys, key by key."""
    figures = list(figures)
    return {key: statistics.median(one[key] for one in figures) for key in figures[0]}


def own_table(found):
    """The comparisons of the two-hop bench, percentile by percentile."""
    lines = []
    for one in found:
        for name, ours in one.total_us.items():
            theirs = one.tool_us[name]
            lines.append([f"{one.load}, {name}", f"{theirs:,.0f} ({one.tool})", f"{ours:,.0f}",
                          f"{ours - theirs:+,.0f}", f"{difference(theirs, ours):+.0%}",
                          f"{one.overhead_us[name]:,.0f}", one.runs])
    return Table("", ["load", "tool us", "onehop `total` us", "difference us", "relative",
                      "onehop `proxy_overhead` us", "runs"], lines)


def rows_table(title, report, records, note=""):
    """The rows of the report beside ours. `report` is a Table of two columns: row and figure. Each
    row has a unit of its own, hence figures with three digits and not with equal decimals."""
    names = [record["proxy"] for record in records]
    rows = [[row, *(number(figure) for figure in
                    (reported, *(record["rows"].get(row) for record in records)))]
            for row, reported in report.rows]
    return Table(title, ["", report.columns[1], *names], rows, note)


def percentile_plot(title, records, key="percentiles_us", shown=("p50", "p95", "p99")):
    return Plot(title, "bars", "ms", labels=[record["proxy"] for record in records],
                series=[Series(one, [_ms_or_none(record[key].get(one)) for record in records])
                        for one in shown])


def _ms_or_none(value):
    return None if value is None else value / 1000


def throughput_plot(title, records, key="timeline"):
    """Requests a second that the replicas counted. Runs differ by a second or two in length."""
    length = max((len(record[key]) for record in records), default=0)
    series = []
    for record in records:
        values = [moment["completed"] for moment in record[key]]
        series.append(Series(record["proxy"], values + [None] * (length - len(values))))
    return Plot(title, "lines", "requests/s", x=list(range(1, length + 1)), series=series,
                note="as counted by the replicas")
