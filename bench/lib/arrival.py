# SPDX-License-Identifier: MIT
"""Requests that arrive at a constant rate, whatever becomes of those before them; one slow replica
of three under them; and onehop's own percentiles beside those of a load tool.

The one idea: users do not wait for each other. A closed-loop tool asks again only after an answer
and so never meets a queue; here latency counts from when a request was *due*, and a target is
reached or it is not.
"""
from lib import generators, loads, observe
from lib.origin import Origin
from lib.processes import BenchError
from lib.proxies import check_answer

REACHED_SHARE = 0.01    # so much longer than planned may the last answer take, and
REACHED_S = 0.1         # so many seconds, since the last request too has to be answered
REACHED_ERRORS = 0.001  # of the requests may fail
KEPT_RATE, KEPT_CONNECTIONS = 1000, 16
REPLICAS, SLOW_CONNECTIONS = 3, 256
SLOW_PROXIES = ("nginx", "onehop-against", "onehop", "haproxy", "envoy", "caddy")
PERCENTILES = ("p50", "p90", "p95", "p99")
PHASES = ("total", "proxy_overhead")


def reached(result, rate):
    """Whether the target was: nearly every request answered well, and none left behind."""
    failed = result["offered"] - result["ok"]
    planned_s = result["offered"] / rate
    return (result["wall_s"] <= planned_s * (1 + REACHED_SHARE) + REACHED_S
            and failed <= REACHED_ERRORS * result["offered"])


def record_of(context, running, origins, options):
    """Puts the load of `options` (see bench_load) on a proxy and returns the figures all have."""
    before = observe.Snapshot(context, running, origins)
    result = generators.bench_load(context, running.address, **options)
    wall = result["seconds"]
    record = {
        "proxy": running.name, "tool": "bench_load", "wall_s": wall, "rate": options["rate"],
        "requests": result["completed"], "requests_per_s": result["achieved_per_s"],
        **{key: result[key] for key in ("offered", "ok", "late_us", "errors", "status",
                                        "interrupted", "latency_us")},
        "timeline": list(enumerate(result["timeline"])),
        **observe.difference(context, running, origins, before, result["completed"], wall),
    }
    record["problems"] = problems(record)
    return record


def problems(record):
    """Why the figures of a run are not to be trusted. Errors are figures here, not faults of the
    measurement: at 10,000/s they are what is asked for."""
    found = []
    if not record["requests"]:
        found.append("no request completed")
    if record["interrupted"]:
        found.append("bench_load had to be stopped after its end")
    if record["origin_requests"] < record["ok"]:
        found.append(f"the origin counted {record['origin_requests']} requests, bench_load "
                     f"{record['ok']} answers")
    for kind in ("descriptors", "ports"):
        if record["errors"].get(kind):
            found.append(f"the load generator ran out of {kind} "
                         f"{record['errors'][kind]} times")
    return found


def measure(context, name, rate, round_number, seconds, timeout_ms):
    """One target on a fresh process of proxy `name`, a new connection for each request."""
    with context.proxy(name) as running:
        options = {"rate": rate, "seconds": seconds, "timeout_ms": timeout_ms}
        record = record_of(context, running, [context.origin], options)
        record.update(load="arrival", round=round_number, reached=reached(record, rate))
        if running.admin:
            record["own"] = own_figures(running.stats())
        return record


# --- one slow replica of three -------------------------------------------------------------------


class Replicas:
    """Three origins, the last of them slow. Started at the first use, as a run may not need them.
    """

    def __init__(self, context, body_bytes, delay_ms):
        self.context = context
        self.body_bytes = body_bytes
        self.delay_ms = delay_ms
        self.started = []

    def get(self):
        while len(self.started) < REPLICAS:
            options = ["--body", str(self.body_bytes)]
            if len(self.started) == REPLICAS - 1:
                options += ["--delay", str(self.delay_ms)]
            self.started.append(Origin(self.context, options))
        return self.started


def measure_slow(context, replicas, name, balance, round_number, options):
    """In turn, a third of the requests wait for the slow one; a balancer that looks at what is in
    flight sends it only the few that it can take. `options` are rate, seconds and timeout_ms. The
    connections are kept, so that only waiting for replicas differs."""
    origins = replicas.get()
    with context.proxy(name, [origin.address for origin in origins], balance=balance) as running:
        record = record_of(context, running, origins, {**options, "connections": SLOW_CONNECTIONS})
    record.update(load="slow-replica", kind="slow-replica", balance=balance, round=round_number,
                  delay_ms=replicas.delay_ms,
                  slow_share=record["by_origin"][-1] / max(sum(record["by_origin"]), 1))
    return record


# --- onehop's own percentiles --------------------------------------------------------------------


def own_figures(stats):
    """Of a `/stats` document with one endpoint: the percentiles of two phases."""
    endpoints = [endpoint for upstream in stats["upstreams"].values()
                 for endpoint in upstream["endpoints"].values()]
    if len(endpoints) != 1:
        raise BenchError(f"/stats names {len(endpoints)} endpoints, where there is one")
    return {phase: {name: endpoints[0]["phases"][phase][f"{name}_us"] for name in PERCENTILES}
            for phase in PHASES}


def measure_own(context, load_name, seconds, body_bytes, timeout_ms):
    """An instrument is believed when it agrees with another one. Each comparison has a fresh
    onehop, so that its `total` window holds this run and nothing else (but the request that proves
    it answers). Without `load_name` it is a constant rate on connections that stand already: there
    both mean the same."""
    with context.proxy("onehop") as running:
        if load_name:
            check_answer(running, body_bytes)
            result = generators.wrk(context, loads.BY_NAME[load_name], running.address, seconds)
        else:
            result = generators.bench_load(context, running.address, KEPT_RATE, seconds,
                                           KEPT_CONNECTIONS, timeout_ms)
        own = own_figures(running.stats())
    return {"kind": "own", "proxy": "onehop", "tool": "wrk" if load_name else "bench_load",
            "load": load_name or f"kept connections {KEPT_RATE:,}/s",
            "latency_us": result["latency_us"], "own": own}
