# SPDX-License-Identifier: MIT
"""System calls and instructions for each request: figures that do not depend on the machine's mood.

The one idea: the same load twice, once longer, and the difference. What starting, accepting 64
connections and closing them costs is in both and goes away.
"""
import glob
import re
import signal

from lib import generators, tools
from lib.processes import BenchError, wait_until

TABLE_LINE = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$")
FEW_REQUESTS, MANY_REQUESTS = 2000, 6000


def count_with_strace(context, load, running, seconds):
    """Requests completed, and system calls by name, of one run of `load`."""
    pids = running.pids()
    table = context.supervisor.path("strace.txt")
    command = [tools.find("strace"), "-c", "-f", "-o", table]
    for pid in pids:
        command += ["-p", str(pid)]
    tracer = context.supervisor.start("strace", command, context.load_core)
    try:
        wait_until(lambda: tracer.exited() or tracer.log_tail().count("attached") >= len(pids), 10,
                   "strace attaches")
        if tracer.exited():
            raise BenchError(f"strace: {tracer.log_tail()}")
        requests = generators.wrk(context, load, running.address, seconds)
        tracer.process.send_signal(signal.SIGINT)
        tracer.process.wait(10)
    finally:
        context.supervisor.stop(tracer)
    with open(table) as file:
        matches = [TABLE_LINE.match(line.rstrip()) for line in file]
    calls = {match[2]: int(match[1]) for match in matches if match and match[2] != "total"}
    return requests["requests"], calls


def system_calls(context, load, running, seconds):
    """Of `load`, in runs of two lengths. A new connection for each request is part of the request,
    so there one will do."""
    few, short_calls = 0, {}
    if not load.close:
        few, short_calls = count_with_strace(context, load, running, seconds[0])
    many, long_calls = count_with_strace(context, load, running, seconds[not load.close])
    if many <= few:
        raise BenchError("the longer run under strace completed no more requests")
    by_name = {name: (count - short_calls.get(name, 0)) / (many - few)
               for name, count in long_calls.items()}
    return {"kind": "syscalls", "proxy": running.name, "load": load.name, "requests": many - few,
            "per_request": sum(by_name.values()),
            "by_name": {name: round(value, 4) for name, value in sorted(
                by_name.items(), key=lambda item: -item[1]) if value >= 0.0005}}


def instructions(context, name):
    """User-space instructions for each request, by callgrind."""
    totals = []
    for count in (FEW_REQUESTS, MANY_REQUESTS):
        out = context.supervisor.path(f"callgrind-{name}-{count}")
        wrap = [tools.find("valgrind"), "--tool=callgrind", f"--callgrind-out-file={out}.%p"]
        with context.proxy(name, wrap=wrap, patience_s=60) as running:
            generators.exactly(context, running.address, 64, count)
        totals.append(sum(collected(path) for path in glob.glob(out + ".*")))
    if not 0 < totals[0] < totals[1]:
        raise BenchError(f"callgrind left no usable totals for {name}: {totals}")
    requests = MANY_REQUESTS - FEW_REQUESTS
    return {"kind": "instructions", "proxy": name, "requests": requests,
            "per_request": (totals[1] - totals[0]) / requests}


def collected(path):
    with open(path) as file:
        for line in file:
            if line.startswith(("summary:", "totals:")):
                return int(line.split()[1])
    return 0
