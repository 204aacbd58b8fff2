# SPDX-License-Identifier: MIT
"""The bars that onehop wants to reach, and by how much a run reached or missed them.

The one idea: a bar on speed is on a ratio within one round, never on a figure by itself, and the
table says how far it is from the bar, with the spread of the rounds beside it.
"""
import dataclasses
import statistics

from lib import loads
from lib.tables import Table

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
    select: tuple  # (key, value) that the record must have besides
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
    FigureBar("1,000 upstreams, 10,000 endpoints, 16 workers: ready", "scale", "ready_s",
              ("upstreams", 1000), 3, " s"),
    FigureBar("the same: memory", "scale", "rss_bytes", ("upstreams", 1000), 450, " MiB", MIB),
    FigureBar("an unused endpoint, in one worker", "scale", "endpoint_bytes",
              ("upstreams", 1000), 2048, " B"),
)


def ratios(runs, load, proxy, peer):
    """CPU of `proxy` over CPU of `peer`, round by round."""
    cpu = {(run["proxy"], run["round"]): run.get("cpu_us") for run in runs if run["load"] == load}
    rounds = sorted({round_number for _, round_number in cpu})
    pairs = [(cpu.get((proxy, number)), cpu.get((peer, number))) for number in rounds]
    return [one / other for one, other in pairs if one and other]


def added(runs, name):
    """What a line of the access log costs the worker of `name`, in us, by round."""
    worker = {(run["proxy"], run["round"]): run.get("worker_us") for run in runs
              if run["load"] == "access-log"}
    pairs = {number: (worker.get((name, number)), worker.get((f"{name}-logging", number)))
             for _, number in worker}
    return {number: late - early for number, (early, late) in pairs.items() if early and late}


def added_ratios(runs):
    """That of onehop over that of nginx, round by round."""
    ours, peer = added(runs, SUBJECT), added(runs, "nginx")
    return [ours[number] / peer[number] for number in ours if peer.get(number, 0) > 0]


def verdict(value, most):
    distance = abs(value / most - 1)
    share = f"{distance:.0%}" if distance >= 0.01 else f"{distance:.2%}"  # never a miss by 0 %
    return f"reached, {share} below" if value <= most else f"MISSED by {share}"


def best_peer(runs, load):
    """The peer that onehop is furthest behind, and the ratios; None where no other was measured."""
    found = {peer: ratios(runs, load.name, SUBJECT, peer) for peer in loads.TLS_PEERS}
    found = {peer: values for peer, values in found.items() if values}
    best = max(found, key=lambda peer: statistics.median(found[peer]), default=None)
    return best, found.get(best, [])


def rows(document):
    """The final table as dictionaries, whose keys bench/README.md describes. What was not measured
    is None. Over TLS each load has one bar: onehop against the best peer."""
    runs, found = document["runs"], []
    if document["bench"] == "tls":
        for load in loads.TLS:
            peer, values = best_peer(runs, load)
            name = f"{load.name}: CPU, {SUBJECT} / best peer{f' ({peer})' if peer else ''}"
            found.append(row(name, "", load.most, values))
        return found
    for bar in RATIO_BARS:
        found.append(row(f"{bar.load}: CPU, {bar.subject} / {bar.peer}", "", bar.most,
                         ratios(runs, bar.load, bar.subject, bar.peer)))
    found.append(row(f"access-log: CPU that it adds on the worker, {SUBJECT} / nginx", "", 1.00,
                     added_ratios(runs)))
    for bar in FIGURE_BARS:
        values = [record[bar.key] / bar.divisor for record in document["special"].get(bar.kind, [])
                  if record["proxy"] == SUBJECT and record[bar.select[0]] == bar.select[1]]
        found.append(row(bar.title, bar.unit, bar.most, values[-1:]))
    return found


def row(name, unit, wanted, values):
    """`values` are those of all rounds; their median is what counts."""
    measured = statistics.median(values) if values else None
    made = {"name": name, "measured": measured, "wanted": wanted, "unit": unit,
            "reached": None if measured is None else measured <= wanted, "rounds": len(values),
            "least": min(values, default=None), "largest": max(values, default=None),
            "verdict": "not measured" if measured is None else verdict(measured, wanted)}
    if len(values) > 1 and made["least"] <= wanted < made["largest"]:
        made["verdict"] += ", rounds on both sides"  # another run may end on the other one
    return made


def number(value, unit=""):
    if unit == " B":
        return f"{value:,.0f}{unit}"
    return f"{value:.2f}{unit}" if value < 100 else f"{value:,.0f}{unit}"


def spread(values):
    return f"{number(min(values))} .. {number(max(values))}" if len(values) > 1 else None


def table(found):
    return Table("", ["bar", "measured", "rounds", "wanted", "state"], [
        [one["name"], None if one["measured"] is None else number(one["measured"], one["unit"]),
         spread([one["least"], one["largest"]]) if one["rounds"] > 1 else None,
         f"<= {number(one['wanted'], one['unit'])}", one["verdict"]] for one in found])


def ratio_table(runs):
    """Of each load the CPU of onehop over that of every other, or None where there is no ratio."""
    peers = [name for name in dict.fromkeys(run["proxy"] for run in runs) if name != SUBJECT]
    lines = []
    for load in dict.fromkeys(run["load"] for run in runs if run["load"] in loads.BY_NAME):
        found = [ratios(runs, load, SUBJECT, peer) for peer in peers]
        if any(found):
            lines.append([load, *(f"{statistics.median(one):.2f} ({spread(one)})" if len(one) > 1
                                  else number(one[0]) if one else None for one in found)])
    return Table("", ["load", *peers], lines) if lines else None
