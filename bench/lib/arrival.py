# SPDX-License-Identifier: MIT
"""Requests that arrive at a constant rate, whatever becomes of those before them.

The one idea: users do not wait for each other. A closed-loop tool asks again only after an answer
and so never meets a queue; here latency counts from when a request was *due*, and a target is
reached or it is not.
"""
import json
import subprocess

from lib import agreement, observe
from lib.processes import BenchError

REACHED_SHARE = 0.01    # so much longer than planned may the last answer take, and
REACHED_S = 0.1         # so many seconds, since the last request too has to be answered
REACHED_ERRORS = 0.001  # of the requests may fail
KEPT_RATE, KEPT_CONNECTIONS = 1000, 16
PATIENCE_S = 10         # beyond the run and its timeout


def generate(context, address, rate, seconds, connections="new", timeout_ms=5000):
    """One run of bench_load; what it printed, bench/README.md describes it."""
    command = [context.load_program, "--to", f"{address[0]}:{address[1]}", "--rate", str(rate),
               "--seconds", str(seconds), "--connections", str(connections), "--timeout-ms",
               str(timeout_ms), "--timeline"]
    child = context.supervisor.start("bench_load", command, context.load_core,
                                     stdout=subprocess.PIPE)
    try:
        try:
            output, _ = child.process.communicate(timeout=seconds + timeout_ms / 1000 + PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.process.terminate()  # it then prints what it has
            output, _ = child.process.communicate(timeout=PATIENCE_S)
        return json.loads(output.decode(errors="replace").strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise BenchError("bench_load does not end") from None
    except (ValueError, IndexError):
        raise BenchError(f"bench_load failed: {child.log_tail() or 'it printed no result'}"
                         ) from None
    finally:
        context.supervisor.stop(child)


def reached(result, rate):
    """Whether the target was: nearly every request answered well, and none left behind."""
    failed = result["offered"] - result["ok"]
    planned_s = result["offered"] / rate
    return (result["wall_s"] <= planned_s * (1 + REACHED_SHARE) + REACHED_S
            and failed <= REACHED_ERRORS * result["offered"])


def record_of(context, running, origins, options):
    """Puts the load of `options` (see `generate`) on a proxy and returns the figures all have."""
    before = observe.Snapshot(context, running, origins)
    result = generate(context, running.address, **options)
    wall = result["seconds"]
    return {
        "proxy": running.name, "tool": "bench_load", "wall_s": wall, "rate": options["rate"],
        "requests": result["completed"], "requests_per_s": result["achieved_per_s"],
        "offered": result["offered"], "ok": result["ok"], "late_us": result["late_us"],
        "errors": result["errors"],
        "status": result["status"], "interrupted": result.get("interrupted", False),
        "latency_us": result["latency_us"],
        "timeline": result.get("timeline", []),
        "tool_connections": result["connections_opened"],
        **observe.difference(context, running, origins, before, result["completed"], wall),
    }


def measure(context, name, rate, round_number, seconds, timeout_ms):
    """One target on a fresh process of proxy `name`, a new connection for each request. Errors are
    figures here, not faults of the measurement: at 10,000/s they are what is asked for."""
    running = context.proxies.start(name, context.origin.address, context.proxy_core)
    try:
        options = {"rate": rate, "seconds": seconds, "timeout_ms": timeout_ms}
        record = record_of(context, running, [context.origin], options)
        record.update(load="arrival", round=round_number, reached=reached(record, rate),
                      problems=problems(record))
        stats = running.stats()
        if stats:
            record["own"] = agreement.own_figures(stats)
        return record
    finally:
        if running.child:
            context.supervisor.stop(running.child)


def measure_kept(context, seconds, timeout_ms):
    """onehop's percentiles beside the tool's where both mean the same: connections stand already,
    and there are far fewer requests than it could take."""
    running = context.proxies.start("onehop", context.origin.address, context.proxy_core)
    try:
        result = generate(context, running.address, KEPT_RATE, seconds, KEPT_CONNECTIONS,
                          timeout_ms)
        own = agreement.own_figures(running.stats())
    finally:
        context.supervisor.stop(running.child)
    return {"kind": "own", "proxy": "onehop", "load": f"kept connections {KEPT_RATE:,}/s",
            "tool": "bench_load", "requests": result["completed"],
            "latency_us": result["latency_us"], "own": own}


def problems(record):
    """Why the figures of a run are not to be trusted."""
    found = []
    if not record["requests"]:
        found.append("no request completed")
    if record["interrupted"]:
        found.append(f"bench_load had to be stopped {PATIENCE_S} s after its end")
    if record["origin_requests"] < record["ok"]:
        found.append(f"the origin counted {record['origin_requests']} requests, bench_load "
                     f"{record['ok']} answers")
    for kind in ("descriptors", "ports"):
        if record["errors"].get(kind):
            found.append(f"the load generator ran out of {kind} "
                         f"{record['errors'][kind]} times")
    return found
