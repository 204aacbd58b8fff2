#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""onehop, nginx and HAProxy side by side. bench/README.md says what is measured and how to read it.

Reads like a table of contents: arguments, what is there, the parts in order, the report.
"""
import argparse
import dataclasses
import datetime
import os
import shlex
import sys

from lib import machine, memory, report, results, syscalls, timed
from lib.origin import Origin
from lib.processes import BenchError, Supervisor
from lib.progress import Progress
from lib.proxies import Proxies, check_answer

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, "build", "release")
BODY_BYTES = 256
SKIPPED = 77  # ctest's word for "not run here"
PARTS = ("keepalive", "newconn", "download", "upload", "syscalls", "instructions", "idle", "large")
MEMORY_PROXIES = ("onehop", "onehop-against", "nginx", "haproxy")
ESTIMATES_S = {"syscalls": 5.0, "instructions": 10.0, "idle": 3.0, "large": 9.0}


@dataclasses.dataclass
class Context:
    """What every measurement needs."""
    supervisor: Supervisor
    proxies: Proxies
    origin: Origin
    proxy_core: object
    load_core: object


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--rounds", type=int, help="rounds of every timed load (5; with --short 3)")
    add("--seconds", type=int, help="of every timed run (3; with --short 2)")
    add("--short", action="store_true", help="under four minutes")
    add("--smoke", action="store_true", help="does every part still work? onehop and direct, 1 s")
    add("--only", default="", metavar="PART,...", help="of: " + ", ".join(PARTS))
    add("--proxies", default="", metavar="NAME,...", help="of: " + ", ".join(Proxies.ORDER))
    add("--instructions", action="store_true", help="also count instructions, with valgrind (slow)")
    add("--onehop", default=os.path.join(BUILD, "onehop"), metavar="BINARY")
    add("--onehop-args", default="", metavar="TEXT", help="more arguments for `onehop proxy`")
    add("--against", metavar="BINARY", help="another onehop to compare with, interleaved")
    add("--against-args", default="", metavar="TEXT", help="more arguments for that one")
    add("--no-admin", action="store_true", help="start onehop without its admin endpoint")
    add("--origin", default=os.path.join(BUILD, "bench", "bench_origin"), metavar="BINARY")
    add("--idle-connections", type=int, default=10000)
    add("--large-mib", type=int, default=1024)
    add("--name", default="two-hop", help="of the results file")
    add("--json", metavar="FILE", help="instead of bench/results/DATE-NAME.json")
    add("--markdown", metavar="FILE", help="the report once more, into a file")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds = arguments.seconds = 1
        arguments.proxies = "onehop,direct"
        arguments.idle_connections, arguments.large_mib = 200, 32
    arguments.rounds = arguments.rounds or (3 if arguments.short else 5)
    arguments.seconds = arguments.seconds or (2 if arguments.short else 3)
    for text, known in ((arguments.only, PARTS), (arguments.proxies, Proxies.ORDER)):
        for name in filter(None, text.split(",")):
            if name not in known:
                parser.error(f"'{name}' is none of {', '.join(known)}")
    return arguments


def chosen_proxies(arguments, proxies, notes):
    """The names to measure, in order; those that cannot be are named in the notes."""
    names = [name for name in Proxies.ORDER
             if name in arguments.proxies.split(",") or not arguments.proxies]
    if arguments.short and not arguments.proxies:
        names.remove("nginx-large")
    if not arguments.against and "onehop-against" in names:
        names.remove("onehop-against")
    for name in list(names):
        reason = proxies.missing(name)
        if reason:
            names.remove(name)
            notes.append(f"{name} is left out: {reason.replace(ROOT + os.sep, '')}")
    return names


def chosen_parts(arguments, notes):
    parts = [part for part in PARTS if part in arguments.only.split(",") or not arguments.only]
    if not arguments.only and not arguments.instructions:
        parts.remove("instructions")
    elif arguments.instructions and "instructions" not in parts:
        parts.append("instructions")
    for part, reason in (("syscalls", machine.tracing_missing()),
                         ("instructions", machine.profiling_missing())):
        if part in parts and reason:
            parts.remove(part)
            notes.append(f"{part} are not counted: {reason}")
    return parts


def special_steps(arguments, parts, names):
    """The measurements that are not timed: (part, proxy, a function of the context)."""
    steps = []
    keepalive = timed.LOADS[0]
    if "syscalls" in parts:
        for name in names:
            if name not in ("direct", "nginx-large"):
                steps.append(("syscalls", name, lambda context, running: syscalls.system_calls(
                    context, keepalive, running)))
    if "instructions" in parts:
        for name in names:
            if name in MEMORY_PROXIES:
                steps.append(("instructions", name, lambda context, running:
                              syscalls.instructions(context, running.name)))
    for name in (name for name in names if name in MEMORY_PROXIES):
        for variant in ("answered", "silent") if "idle" in parts else ():
            steps.append(("idle", name, lambda context, running, variant=variant:
                          memory.idle_connections(context, running.name,
                                                  arguments.idle_connections, variant)))
    size = arguments.large_mib << 20
    for name in (name for name in names if name in MEMORY_PROXIES) if "large" in parts else ():
        if arguments.short and not name.startswith("onehop"):
            continue  # their figures are not needed for a bar
        for measure in (memory.large_download, memory.large_upload):
            steps.append(("large", name, lambda context, running, measure=measure:
                          measure(context, running.name, size)))
    return steps


def measure_all(context, arguments, parts, running, document):
    """All parts, in order, into `document`."""
    progress = Progress()
    loads = [load for load in timed.LOADS if load.name in parts]
    run_seconds = arguments.seconds + 0.15
    for load in loads:
        count = sum(proxy.name in load.proxies for proxy in running)
        progress.plan(count * arguments.rounds, run_seconds)
    steps = special_steps(arguments, parts, [proxy.name for proxy in running])
    for part, _, _ in steps:
        progress.plan(1, ESTIMATES_S[part])
    for load in loads:
        for record in timed.run_load(context, load, running, arguments.rounds, arguments.seconds):
            document["runs"].append(record)
            turn = f"round {record['round']} of {arguments.rounds}"
            where = f"{load.name}, {turn}, {record['proxy']}"
            for problem in record["problems"]:
                document["problems"].append(f"{where}: {problem}")
            cpu = f"{record['cpu_us']:,.1f} us/{load.unit}, " if "cpu_us" in record else ""
            progress.done(run_seconds, f"{where}: {cpu}{record['requests_per_s']:,.0f}/s")
    by_name = {proxy.name: proxy for proxy in running}
    for part, name, step in steps:
        try:
            record = step(context, by_name[name])
            document["special"].append(record)
            text = f": {report.brief(record)}"
        except (BenchError, OSError) as error:
            document["problems"].append(f"{part}, {name}: {error}")
            text = f": FAILED, {error}"
        progress.done(ESTIMATES_S[part], f"{part}, {name}{text}")


def new_document(arguments, names, cores, descriptors, notes):
    pinning = (f"proxy on core {cores[0]}, origin and load generator on core {cores[1]}"
               if cores[0] is not None else "one core for all, nothing pinned")
    return {"schema": results.SCHEMA, "name": arguments.name,
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine.describe(), "pinning": pinning, "descriptors": descriptors,
            "versions": machine.versions(arguments.onehop, arguments.against),
            "options": {"rounds": arguments.rounds, "seconds": arguments.seconds,
                        "short": arguments.short, "proxies": names,
                        "partial": bool(arguments.only or arguments.proxies),
                        "idle_connections": arguments.idle_connections,
                        "large_mib": arguments.large_mib},
            "commands": [], "configurations": {}, "runs": [], "special": [], "bars": [],
            "notes": notes, "problems": []}


def add_notes(document):
    foreign = [run["foreign"] for run in document["runs"] if "foreign" in run]
    if foreign and max(foreign) > 0.05:
        document["notes"].append(
            f"something else used the proxy's core during the runs: {max(foreign):.0%} of the "
            "time in the worst run (the kernel's own work for the proxy's packets is part of this)")
    document["notes"] += [f"PROBLEM: {problem}" for problem in document["problems"]]


def portable(text, supervisor):
    """The same command or configuration without the places of this machine."""
    return text.replace(supervisor.directory, "TMP").replace(ROOT + os.sep, "")


def default_json(document):
    date = document["date"][:16].replace(":", "")
    return os.path.join(HERE, "results", f"{date}-{document['name']}.json")


def bench(arguments):
    notes = []
    cores = machine.choose_cores()
    descriptors = machine.raise_descriptor_limit()
    proxy_connections = min(20000, descriptors - 500)
    most_idle = proxy_connections - 500  # some are for the upstream side
    if arguments.idle_connections > most_idle:
        arguments.idle_connections = most_idle
        notes.append(f"only {most_idle:,} idle connections: a process may have "
                     f"{descriptors:,} descriptors here")
    with Supervisor() as supervisor:
        settings = argparse.Namespace(
            onehop=arguments.onehop, against=arguments.against, onehop_args=arguments.onehop_args,
            against_args=arguments.against_args, admin=not arguments.no_admin,
            descriptors=descriptors, proxy_connections=proxy_connections)
        proxies = Proxies(supervisor, settings)
        names = chosen_proxies(arguments, proxies, notes)
        parts = chosen_parts(arguments, notes)
        if arguments.smoke and "onehop" not in names:
            raise BenchError(notes[-1])
        document = new_document(arguments, names, cores, descriptors, notes)
        if cores[1] is not None:
            os.sched_setaffinity(0, {cores[1]})
        origin = Origin(supervisor, arguments.origin, cores[1], ["--body", str(BODY_BYTES)])
        context = Context(supervisor, proxies, origin, *cores)
        running = []
        for name in names:
            proxy = proxies.start(name, origin.address, cores[0])
            check_answer(proxy, BODY_BYTES)
            running.append(proxy)
            if proxy.child:
                command = shlex.join(proxy.child.command)
                document["commands"].append(portable(command, supervisor))
                document["configurations"][name] = portable(proxy.configuration, supervisor)
        measure_all(context, arguments, parts, running, document)
    document["bars"] = report.bar_rows(document["runs"], document["special"])
    add_notes(document)
    return document


def smoke_verdict(document):
    """Speed is none of a smoke test's business."""
    count = len(document["runs"]) + len(document["special"])
    problems = len(document["problems"])
    return f"{problems} problems" if problems else f"{count} measurements, all counts agree"


def main():
    arguments = parse_arguments()
    if not machine.find_program("wrk"):
        print("bench: wrk is missing (./dev setup bench installs it)", file=sys.stderr)
        return SKIPPED if arguments.smoke else 1
    if not os.access(arguments.origin, os.X_OK):
        print(f"bench: there is no {arguments.origin}; build it first", file=sys.stderr)
        return 1
    try:
        document = bench(arguments)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; everything is stopped", file=sys.stderr)
        return 130
    text = report.render(document)
    if arguments.smoke:
        print("\n".join(document["notes"] + ["smoke: " + smoke_verdict(document)]))
    else:
        print("\n" + text)
    if arguments.markdown:
        results.write_atomically(arguments.markdown, text)
    if arguments.json or not arguments.smoke:
        path = arguments.json or default_json(document)
        results.write_json(path, document)
        print(f"raw results: {path}")
    return 1 if document["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
