#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The two-hop bench: the same work over onehop, its peers, and none of them, side by side.

Reads like a table of contents: what is there, the network, the proxies, the steps in order, the
report. bench/README.md says what is measured and how to read it.
"""
import argparse
import datetime
import os
import shlex
import signal
import sys

from lib import bars, h2c, html, layout, machine, netns, options, plan, report, results, slow, timed
from lib.origin import Origin
from lib.processes import BenchError, Supervisor, leave
from lib.proxies import Proxies, check_answer

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, "build", "release")
BODY_BYTES = 256
SKIPPED = 77      # ctest's word for "not run here"
INTERRUPTED = 130
RESERVED = 500    # descriptors of a proxy that are not for clients


def chosen_proxies(arguments, proxies, notes):
    """The names to measure, in order; those that cannot be are named in the notes."""
    names = [name for name in Proxies.ORDER
             if name in arguments.proxies.split(",") or not arguments.proxies]
    if arguments.short and not arguments.proxies:
        names = [name for name in names if name not in timed.REFERENCES]
    if not arguments.against and "onehop-against" in names:
        names.remove("onehop-against")
    for name in list(names):
        reason = proxies.missing(name)
        if reason:
            names.remove(name)
            notes.append(f"{name} is left out: {reason.replace(ROOT + os.sep, '')}")
    return names


def chosen_parts(arguments, notes):
    parts = [part for part in options.PARTS
             if part in arguments.only.split(",") or not arguments.only]
    if not arguments.only and not arguments.instructions:
        parts.remove("instructions")
    elif arguments.instructions and "instructions" not in parts:
        parts.append("instructions")
    load = None if os.access(arguments.load, os.X_OK) else (
        f"there is no {arguments.load.replace(ROOT + os.sep, '')}; build it first")
    own = "onehop runs without its admin endpoint" if arguments.no_admin else None
    for part, reason in (("syscalls", machine.tracing_missing()),
                         ("instructions", machine.profiling_missing()),
                         ("arrival", load), ("slow-replica", load), ("own", own),
                         ("h2c", h2c.missing())):
        if part in parts and reason:
            parts.remove(part)
            notes.append(f"{part} is left out: {reason}")
    return parts


def new_document(arguments, names, cores, descriptors, notes):
    pinning = (f"proxy on core {cores[0]}, origin and load generator on core {cores[1]}"
               if cores[0] is not None else "one core for all, nothing pinned")
    wanted = ("rounds", "body_rounds", "seconds", "short", "rates", "arrival_rounds",
              "arrival_seconds", "timeout_ms", "slow_rate", "slow_rounds", "delay_ms",
              "idle_connections", "large_mib")
    return {"schema": results.SCHEMA, "bench": "two-hop", "name": arguments.name,
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine.describe(), "pinning": pinning, "descriptors": descriptors,
            "network": "", "versions": machine.versions(arguments.onehop, arguments.against),
            "options": {**{name: getattr(arguments, name) for name in wanted}, "proxies": names,
                        "partial": bool(arguments.only or arguments.proxies)},
            "commands": [], "configurations": {}, "order": {}, "runs": [], "special": {},
            "bars": [], "report": [], "notes": notes, "problems": []}


def add_notes(document):
    foreign = [run["foreign"] for run in document["runs"] if "foreign" in run]
    if foreign and max(foreign) > 0.05:
        document["notes"].append(
            f"something else used the proxy's core during the runs: {max(foreign):.0%} of the "
            "time in the worst run (the kernel's own work for the proxy's packets is part of this)")
    document["notes"] += [f"PROBLEM: {problem}" for problem in document["problems"]]


def portable(text, supervisor):
    """The same command or configuration without the places of this machine."""
    home = os.path.expanduser("~")
    for place, name in ((supervisor.directory, "TMP"), (ROOT + os.sep, ""), (home, "~")):
        text = text.replace(place, name)
    return text


def limits(arguments, notes):
    """The descriptors of a process and the connections a proxy may have."""
    descriptors = machine.raise_descriptor_limit()
    proxy_connections = min(20000, descriptors - RESERVED)
    most_idle = proxy_connections - RESERVED  # some are for the upstream side
    if arguments.idle_connections > most_idle:
        arguments.idle_connections = most_idle
        notes.append(f"only {most_idle:,} idle connections: a process may have "
                     f"{descriptors:,} descriptors here")
    return descriptors, proxy_connections


def make_network(arguments, supervisor, notes):
    if not arguments.netns:
        return netns.Loopback()
    shape = netns.Shape(arguments.bandwidth, arguments.queue, arguments.loss, arguments.delay)
    return netns.make(supervisor, shape, notes)


def start_all(context, names, supervisor, document):
    """The proxies that the timed loads take in turn, all at once."""
    running = {}
    for name in names:
        proxy = context.proxies.start(name, context.origin.address, context.proxy_core)
        check_answer(proxy, BODY_BYTES)
        running[name] = proxy
        if proxy.child:
            command = shlex.join(proxy.child.command)
            document["commands"].append(portable(command, supervisor))
            document["configurations"][name] = portable(proxy.configuration, supervisor)
    return running


def bench(arguments):
    notes = []
    cores = machine.choose_cores()
    descriptors, proxy_connections = limits(arguments, notes)
    with Supervisor() as supervisor:
        network = make_network(arguments, supervisor, notes)
        settings = argparse.Namespace(
            onehop=arguments.onehop, against=arguments.against, floor=arguments.floor,
            onehop_args=arguments.onehop_args, against_args=arguments.against_args,
            admin=not arguments.no_admin,
            descriptors=descriptors, proxy_connections=proxy_connections)
        proxies = Proxies(supervisor, settings, network)
        names = chosen_proxies(arguments, proxies, notes)
        parts = chosen_parts(arguments, notes)
        if arguments.smoke and "onehop" not in names:
            raise BenchError(notes[-1])
        if not names:
            raise BenchError("no proxy is left: " + "; ".join(notes))
        document = new_document(arguments, names, cores, descriptors, notes)
        document["network"] = network.describe()
        for note in notes:
            print(f"bench: {note}", flush=True)
        if cores[1] is not None:
            os.sched_setaffinity(0, {cores[1]})
        origin = Origin(supervisor, arguments.origin, cores[1], ["--body", str(BODY_BYTES)],
                        network)
        context = plan.Context(supervisor, proxies, network, origin, arguments.origin,
                               arguments.load, *cores)
        running = start_all(context, names, supervisor, document)
        replicas = slow.Replicas(context, BODY_BYTES, arguments.delay_ms)
        steps = plan.make(arguments, parts, names, document, replicas, BODY_BYTES)
        document["order"] = plan.order(steps)
        plan.run(context, steps, running, document, report.brief)
    document["bars"] = bars.bar_rows(document["runs"], document["special"])
    add_notes(document)
    return document


def smoke_verdict(document):
    """Speed is none of a smoke test's business."""
    count = len(document["runs"]) + sum(map(len, document["special"].values()))
    problems = len(document["problems"])
    return f"{problems} problems" if problems else f"{count} measurements, all counts agree"


def default_json(name, date=""):
    return os.path.join(HERE, "results", f"{date[:16].replace(':', '')}-{name}.json")


def hand_over(arguments, document):
    """Prints the report and writes the files. Each is complete or not there, and SIGTERM has to
    leave in order, too, now that the supervisor is gone."""
    signal.signal(signal.SIGTERM, leave)
    title = "onehop bench: " + document["name"]
    found = report.sections(document)
    document["report"] = layout.to_json(found)
    text = layout.markdown(title, found)
    page = html.render(title, [], found)
    if arguments.smoke:
        results.validate(document)
        print("\n".join(document["notes"] + ["smoke: " + smoke_verdict(document)]))
    else:
        print("\n" + text)
    if arguments.markdown:
        results.write_atomically(arguments.markdown, text)
    if arguments.json or not arguments.smoke:
        path = arguments.json or default_json(document["name"], document["date"])
        beside = results.save(path, document, page)
        print(f"raw results: {path}\nreport: {beside}")


def missing(arguments):
    """What no run can do without, as a sentence; None when all is there."""
    if not machine.find_program("wrk"):
        return "wrk is missing (./dev setup bench installs it)"
    if not os.access(arguments.origin, os.X_OK):
        return f"there is no {arguments.origin}; build it first"
    wanted = [arguments.json or default_json(arguments.name), arguments.markdown]
    return next(filter(None, map(results.unwritable, filter(None, wanted))), None)


def main():
    arguments = options.parse(BUILD, __doc__.partition("\n")[0])
    reason = missing(arguments)
    if reason:
        print(f"bench: {reason}", file=sys.stderr)
        return SKIPPED if arguments.smoke and "wrk" in reason else 1
    try:
        document = bench(arguments)
        hand_over(arguments, document)
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: interrupted; everything that was started is stopped", file=sys.stderr)
        return INTERRUPTED
    except SystemExit:  # how the supervisor takes SIGTERM
        print("bench: terminated; everything that was started is stopped", file=sys.stderr)
        raise
    return 1 if document["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
