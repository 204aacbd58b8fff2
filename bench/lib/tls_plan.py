# SPDX-License-Identifier: MIT
"""The arguments of the bench over TLS, its steps in their order, and its bars.

The one idea: everything but these three is the two-hop bench: the same steps, rounds that begin
with another proxy each, a warm-up, and ratios within one round.
"""
import argparse
import os
import statistics

from lib import bars, plan, tls_loads
from lib.bars import SUBJECT
from lib.layout import Section, Table
from lib.tls_proxies import TlsProxies

SMOKE_PROXIES = "onehop,floor"
PAUSE_S = 0.25  # of each run, besides its load
DEFAULTS = {"rounds": (5, 1), "seconds": (2, 1)}  # full, --smoke
NAMES = tuple(tls_loads.BY_NAME)


def parse(build, description, words=None):
    made = argparse.ArgumentParser(prog="./dev bench tls", description=description)
    add = made.add_argument
    add("--rounds", type=int, help="rounds of every load (5)")
    add("--seconds", type=int, help="of every run (2)")
    add("--smoke", action="store_true", help="does every load still work? onehop, 1 s")
    add("--only", default="", metavar="LOAD,...", help="of: " + ", ".join(NAMES))
    add("--proxies", default="", metavar="NAME,...", help="of: " + ", ".join(TlsProxies.ORDER))
    add("--onehop", default=os.path.join(build, "onehop"), metavar="BINARY")
    add("--against", metavar="BINARY", help="another onehop to compare with, interleaved")
    add("--no-admin", action="store_true", help="start onehop without its admin endpoint")
    add("--origin", default=os.path.join(build, "bench", "bench_origin"), metavar="BINARY")
    add("--name", default="tls", help="of the results file")
    add("--json", metavar="FILE", help="instead of bench/results/DATE-NAME.json")
    add("--markdown", metavar="FILE", help="the report once more, into a file")
    arguments = made.parse_args(words)
    if arguments.smoke:
        arguments.proxies = arguments.proxies or SMOKE_PROXIES
    arguments.floor = os.path.join(os.path.dirname(arguments.origin), "bench_floor")
    for name, values in DEFAULTS.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, values[arguments.smoke])
        elif getattr(arguments, name) < 1:
            made.error(f"--{name} wants at least 1")
    for text, known in ((arguments.only, NAMES), (arguments.proxies, TlsProxies.ORDER)):
        for name in filter(None, text.split(",")):
            if name not in known:
                made.error(f"'{name}' is none of {', '.join(known)}")
    return arguments


def chosen_loads(arguments, missing, notes):
    """The loads to measure; `missing(tool)` is why a tool cannot be used, or None."""
    loads = []
    for load in tls_loads.LOADS:
        if arguments.only and load.name not in arguments.only.split(","):
            continue
        reason = missing(load.tool) if load.tool == "h2load" else None
        if reason:
            notes.append(f"{load.name} is left out: {reason}")
        else:
            loads.append(load)
    return loads


def steps(arguments, loads, names):
    """All runs in their order. Proxies run once with each certificate; steps find theirs as
    (name, kind of certificate)."""
    def step(load, name, number, seconds, into):
        title = f"round {number} of {arguments.rounds}" if into else load.name
        return plan.Step(load.name if into else "warm-up", name, title, seconds + PAUSE_S,
                         lambda context, running: tls_loads.measure(
                             context, load, running[name, load.certificate], number, seconds),
                         into, load.name if into else "warm-up", number or 1)

    made = []
    for kind in dict.fromkeys(load.certificate for load in loads):
        for name in names:  # each with the first load that it has
            first = next((load for load in loads
                          if load.certificate == kind and name in load.proxies), None)
            if first:
                made.append(step(first, name, 0, plan.WARM_UP_S, ""))
    for load in loads:
        who = [name for name in names if name in load.proxies]
        made += [step(load, name, number, arguments.seconds, "runs")
                 for number, name in plan.turns(who, arguments.rounds)]
    return made


def chosen_proxies(arguments, proxies, notes):
    """The names to measure, in order; those that cannot be are named in the notes."""
    names = [name for name in TlsProxies.ORDER
             if (name in arguments.proxies.split(",") or not arguments.proxies) and
             (name != "onehop-against" or arguments.against)]
    for name in list(names):
        reason = proxies.missing(name)
        if reason:
            names.remove(name)
            notes.append(f"{name} is left out: {reason}")
    return names


# --- what comes of it ----------------------------------------------------------------------------


def best_peer(runs, load):
    """The peer that onehop is furthest behind, and the ratios; None where no other was measured."""
    found = {peer: bars.ratios(runs, load.name, SUBJECT, peer) for peer in tls_loads.PEERS}
    found = {peer: values for peer, values in found.items() if values}
    if not found:
        return None, []
    best = max(found, key=lambda peer: statistics.median(found[peer]))
    return best, found[best]


def bar_rows(runs):
    """One bar for each load: onehop against the best peer."""
    rows = []
    for load in tls_loads.LOADS:
        peer, values = best_peer(runs, load)
        rows.append(bars.bar_row(f"{load.name}: CPU, {SUBJECT} / best peer"
                                 f"{f' ({peer})' if peer else ''}", "", load.most, values,
                                 statistics.median(values) if values else None))
    return rows


def ratio_sections(runs):
    """onehop over every peer, and handshakes per CPU second; nothing without such runs."""
    peers = [peer for peer in (*tls_loads.PEERS, SUBJECT + "-against", "floor")
             if any(run["proxy"] == peer for run in runs)]
    lines = []
    for load in tls_loads.LOADS:
        cells = [bars.ratios(runs, load.name, SUBJECT, peer) for peer in peers]
        if any(cells):
            lines.append([load.name, *(f"{statistics.median(one):.2f}" if one else None
                                       for one in cells)])
    if lines:
        yield Section("CPU of onehop over that of each peer (medians of ratios)", [],
                      [Table("", ["load", *peers], lines)])
    lines, names = [], list(dict.fromkeys(run["proxy"] for run in runs))
    for load in tls_loads.LOADS:
        if load.handshake:
            cells = [per_cpu_second(runs, load.name, name) for name in names]
            if any(cells):
                lines.append([load.name, *cells])
    if lines:
        yield Section("handshakes per CPU second of the proxy (medians)", [],
                      [Table("", ["load", *names], lines)])


def per_cpu_second(runs, load_name, proxy):
    values = [1e6 / run["cpu_us"] for run in runs
              if run["load"] == load_name and run["proxy"] == proxy and run.get("cpu_us")]
    return f"{statistics.median(values):,.0f}" if values else None
