# SPDX-License-Identifier: MIT
"""What onehop says of itself beside what the load tool says of the same run.

The one idea: the two do not measure the same. A tool's clock starts before its request is sent and
stops when it has come round to reading the answer; onehop's runs from the first byte it reads to
the last one it hands to the kernel. So the tool's figure is the larger one, by what both the
kernel's queues and the tool itself cost, and the difference is shown, never hidden.
"""
import statistics

from lib.tables import Section, Table, number

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
                lines.append([f"{what} {key}".strip(), f"{theirs[key] / 1000:.2f}",
                              f"{own[key] / 1000:.2f}", f"{(own[key] - theirs[key]) / 1000:+.2f}",
                              f"{100 * difference(theirs[key], own[key]):+.1f} %"])
    return Table(title, ["", f"{tool} ms", "onehop ms", "difference ms", "difference"], lines,
                 NOTE)


def own_section(records, tool, text=""):
    """Of the runs of a scenario through onehop, all replicas together; nothing without such runs.
    """
    rows = [(", ".join(map(str, record["step"].values())), record["percentiles_us"],
             percentiles_us(record["stats"])) for record in records if record.get("stats")]
    return [Section(f"onehop's own figures beside those of {tool}", [text],
                    [table("Mean over the replicas", tool, rows)])] if rows else []


def own_table(document):
    """Those of the two-hop bench, percentile by percentile: medians of all runs of a load."""
    groups = {}
    for run in document["special"].get("own", []):
        groups.setdefault(run["load"], []).append(run)
    for run in document["runs"]:
        if "own" in run and run["proxy"] == "onehop":
            groups.setdefault(f"{run['load']} {run['rate']:,}/s", []).append(run)
    lines = []
    for load, runs in groups.items():
        for name in runs[0]["own"]["total"]:
            theirs, ours, part = (statistics.median(values) for values in (
                [one["latency_us"][name] for one in runs],
                [one["own"]["total"][name] for one in runs],
                [one["own"]["proxy_overhead"][name] for one in runs]))
            lines.append([f"{load}, {name}", f"{theirs:,.0f} ({runs[0]['tool']})", f"{ours:,.0f}",
                          f"{ours - theirs:+,.0f}", f"{difference(theirs, ours):+.0%}",
                          f"{part:,.0f}", len(runs)])
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
