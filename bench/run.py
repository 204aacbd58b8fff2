#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The two-hop bench: the same work over onehop, its peers, and none of them, side by side.

Reads like a table of contents: what is there, the network, the proxies, the steps in order, the
report. tls.py is this with other loads. bench/README.md says what is measured and how to read it.
"""
import os
import shlex
import sys

from lib import (arrival, bars, certificates, loads, machine, netns, options, plan, report,
                 results, tools)
from lib.origin import Origin
from lib.processes import BenchError, Supervisor
from lib.proxies import Proxies, Settings, check_answer

BODY_BYTES = 256
PROGRAMS = {
    "two-hop": ("nginx", "haproxy", "caddy", "envoy", "nghttpx", "wrk", "strace", "valgrind"),
    "tls": ("nginx", "haproxy", "nghttpx", "envoy", "wrk", "h2load", "openssl"),
}


def chosen_proxies(arguments, proxies, notes):
    """The names to measure, in order; those that cannot be are named in the notes."""
    names = [name for name in options.PROXIES[arguments.bench]
             if (name in arguments.proxies or not arguments.proxies) and
             (arguments.against or name != "onehop-against")]
    if arguments.short and not arguments.proxies and arguments.bench == "two-hop":
        names = [name for name in names if name not in loads.REFERENCES]
    for name in list(names):
        reason = proxies.missing(name)
        if reason:
            names.remove(name)
            notes.append(f"{name} is left out: {reason.replace(results.ROOT + os.sep, '')}")
    if not names or arguments.smoke and "onehop" not in names:
        raise BenchError("no proxy is left: " + "; ".join(notes))
    return names


def chosen_parts(arguments, notes):
    parts = [part for part in options.PARTS[arguments.bench]
             if part in arguments.only or not arguments.only]
    if arguments.bench == "two-hop":
        if not arguments.only and not arguments.instructions:
            parts.remove("instructions")
        elif arguments.instructions and "instructions" not in parts:
            parts.append("instructions")
        if arguments.short and not arguments.only:
            parts.remove("access-log")
    load = None if os.access(arguments.load, os.X_OK) else (
        f"there is no {arguments.load.replace(results.ROOT + os.sep, '')}; build it first")
    own = "onehop runs without its admin endpoint" if arguments.no_admin else None
    for part, reason in (("syscalls", machine.tracing_missing()),
                         ("instructions", tools.missing("valgrind") or tools.missing("h2load")),
                         ("arrival", load), ("slow-replica", load), ("own", own or load),
                         ("churn", own or load), ("scale", own),
                         ("h2c", tools.missing("nginx")), ("h2", tools.missing("h2load"))):
        if part in parts and reason:
            parts.remove(part)
            notes.append(f"{part} is left out: {reason}")
    if not parts:
        raise BenchError("no part is left: " + "; ".join(notes))
    return parts


def new_document(arguments, names, cores, notes):
    wanted = {key: value for key, value in vars(arguments).items() if key in options.SCALES or
              key in ("short", "rates", "delay_ms")}
    return {**results.new_document(
        arguments.bench, arguments, results.pinning(cores),
        {**wanted, "proxies": names, "partial": bool(arguments.only or arguments.proxies)}, notes,
        PROGRAMS[arguments.bench]), "commands": []}


def add_notes(document):
    foreign = [run["foreign"] for run in document["runs"] if "foreign" in run]
    if foreign and max(foreign) > 0.05:
        document["notes"].append(
            f"something else used the proxy's core during the runs: {max(foreign):.0%} of the "
            "time in the worst run (the kernel's own work for the proxy's packets is part of this)")
    document["notes"] += [f"PROBLEM: {problem}" for problem in document["problems"]]


def start_all(context, names, parts, document):
    """The proxies that the timed loads take in turn, all at once: by name and certificate."""
    running = {}
    kinds = dict.fromkeys(loads.BY_NAME[part].certificate for part in parts
                          if part in loads.BY_NAME) or [""]
    for kind in kinds:
        secured = {"certificate": certificates.make(context.supervisor, kind)} if kind else {}
        for name in names:
            proxy = context.proxies.start(name, context.origin.address, context.proxy_core,
                                          **secured)
            check_answer(proxy, BODY_BYTES)
            running[name, kind] = proxy
            if proxy.child:
                program, *words = proxy.child.command
                document["commands"].append(results.portable(
                    shlex.join([os.path.basename(program), *words]), context.supervisor))
    return running


def bench(arguments):
    notes, cores = [], machine.choose_cores()
    descriptors, proxy_connections = machine.limits()
    most_idle = proxy_connections - machine.RESERVED  # some are for the upstream side
    if arguments.idle_connections > most_idle:
        arguments.idle_connections = most_idle
        notes.append(f"only {most_idle:,} idle connections: a process may have "
                     f"{descriptors:,} descriptors here")
    settings = Settings(arguments.onehop, descriptors, proxy_connections, arguments.against,
                        arguments.floor, arguments.onehop_args, arguments.against_args,
                        not arguments.no_admin)
    with Supervisor() as supervisor:
        network = netns.make(supervisor, arguments, notes) if arguments.netns else netns.Loopback()
        proxies = Proxies(supervisor, settings, network)
        parts = chosen_parts(arguments, notes)
        names = chosen_proxies(arguments, proxies, notes)
        document = new_document(arguments, names, cores, notes)
        document["network"] = network.describe()
        for note in notes:
            print(f"bench: {note}", flush=True)
        clients = certificates.client_environment(supervisor) if arguments.bench == "tls" else {}
        if cores[1] is not None:
            os.sched_setaffinity(0, {cores[1]})
        context = plan.Context(supervisor, proxies, network, arguments.origin, arguments.load,
                               *cores, clients)
        context.origin = Origin(context, ["--body", str(BODY_BYTES)])
        running = start_all(context, names, parts, document)
        replicas = arrival.Replicas(context, BODY_BYTES, getattr(arguments, "delay_ms", 0))
        steps = plan.make(arguments, parts, names, document["versions"], replicas, BODY_BYTES)
        plan.run(context, steps, running, document, report.brief)
    document["bars"] = bars.rows(document)
    add_notes(document)
    return document


def asked(which):
    arguments = options.parse(which, __doc__.partition("\n")[0])
    if tools.missing("wrk"):
        print(f"bench: {tools.missing('wrk')}", file=sys.stderr)
        return results.SKIPPED if arguments.smoke else 1
    if not os.access(arguments.origin, os.X_OK):
        raise BenchError(f"there is no {arguments.origin}; build it first")
    if results.unwritable(results.place(arguments)):
        raise BenchError(results.unwritable(results.place(arguments)))
    document = bench(arguments)
    results.hand_over(arguments, document, report.sections(document))
    if arguments.smoke:  # speed is none of its business
        count = len(document["runs"]) + sum(map(len, document["special"].values()))
        problems = len(document["problems"])
        print(f"smoke: {problems} problems" if problems else
              f"smoke: {count} measurements, all counts agree")
    return 1 if document["problems"] else 0


def main(which="two-hop"):
    return results.main(lambda: asked(which))


if __name__ == "__main__":
    sys.exit(main())
