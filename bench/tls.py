#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bench over TLS and HTTP/2: requests, handshakes and bulk over onehop and its peers.

Reads like run.py, of which it is a part with other loads: what is there, the proxies, the steps in
order, the report. bench/README.md says what is measured and how to read it.
"""
import argparse
import datetime
import os
import shlex
import sys

import run
from lib import certificates, machine, netns, plan, report, results, tls_plan, tls_proxies, tools
from lib.origin import Origin
from lib.processes import BenchError, Supervisor

MORE_VERSIONS = (("nghttpx", "--version"), ("h2load", "--version"), ("openssl", "version"))
USED = ("onehop", "onehop-against", "nginx", "haproxy", "nghttpx", "envoy", "wrk", "h2load",
        "openssl", "source")


def new_document(arguments, names, cores, descriptors, network, notes):
    known = machine.versions(arguments.onehop, arguments.against, MORE_VERSIONS)
    pinning = (f"proxy on core {cores[0]}, origin and load generator on core {cores[1]}"
               if cores[0] is not None else "one core for all, nothing pinned")
    return {"schema": results.SCHEMA, "bench": "tls", "name": arguments.name,
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine.describe(), "pinning": pinning, "descriptors": descriptors,
            "network": network.describe(),
            "versions": {name: known[name] for name in USED if name in known},
            "options": {"rounds": arguments.rounds, "seconds": arguments.seconds,
                        "cipher_suite": certificates.SUITE, "group": certificates.GROUP,
                        "proxies": names, "partial": bool(arguments.only or arguments.proxies)},
            "commands": [], "configurations": {}, "order": {}, "runs": [], "special": {},
            "bars": [], "report": [], "notes": notes, "problems": []}


def start_all(sets, names, context, document):
    """Every proxy with every certificate, at once; each has to answer."""
    running = {}
    for kind, proxies in sets.items():
        for name in names:
            proxy = proxies.start(name, context.origin.address, context.proxy_core)
            tls_proxies.check_answer(proxy, run.BODY_BYTES)
            running[name, kind] = proxy
            label = name if kind == "ecdsa" else f"{name}, {kind}"
            command = shlex.join(proxy.child.command)
            document["commands"].append(run.portable(command, context.supervisor))
            document["configurations"][label] = run.portable(proxy.configuration,
                                                             context.supervisor)
    return running


def bench(arguments):
    notes, network = [], netns.Loopback()
    cores = machine.choose_cores()
    arguments.idle_connections = 0
    descriptors, proxy_connections = run.limits(arguments, notes)
    settings = argparse.Namespace(
        onehop=arguments.onehop, against=arguments.against, floor=arguments.floor,
        admin=not arguments.no_admin, descriptors=descriptors, proxy_connections=proxy_connections)
    with Supervisor() as supervisor:
        loads = tls_plan.chosen_loads(arguments, tools.missing, notes)
        kinds = dict.fromkeys(load.certificate for load in loads)
        sets = {kind: tls_proxies.TlsProxies(supervisor, settings,
                                             certificates.make(supervisor, kind))
                for kind in kinds}
        if not sets:
            raise BenchError("no load is left: " + "; ".join(notes))
        names = tls_plan.chosen_proxies(arguments, next(iter(sets.values())), notes)
        if not names:
            raise BenchError("no proxy is left: " + "; ".join(notes))
        document = new_document(arguments, names, cores, descriptors, network, notes)
        for note in notes:
            print(f"bench: {note}", flush=True)
        clients = certificates.client_environment(supervisor)
        if cores[1] is not None:
            os.sched_setaffinity(0, {cores[1]})
        origin = Origin(supervisor, arguments.origin, cores[1], ["--body", str(run.BODY_BYTES)])
        context = plan.Context(supervisor, None, network, origin, arguments.origin, "", *cores,
                               clients)
        running = start_all(sets, names, context, document)
        steps = tls_plan.steps(arguments, loads, names)
        document["order"] = plan.order(steps)
        plan.run(context, steps, running, document, report.brief)
    document["bars"] = tls_plan.bar_rows(document["runs"])
    run.add_notes(document)
    return document


def main():
    arguments = tls_plan.parse(run.BUILD, __doc__.partition("\n")[0])
    reason = run.missing(arguments)
    if reason:
        print(f"bench: {reason}", file=sys.stderr)
        return run.SKIPPED if arguments.smoke and "wrk" in reason else 1
    try:
        document = bench(arguments)
        run.hand_over(arguments, document)
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: interrupted; everything that was started is stopped", file=sys.stderr)
        return run.INTERRUPTED
    return 1 if document["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
