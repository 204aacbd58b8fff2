# SPDX-License-Identifier: MIT
"""onehop's own percentiles beside those of the load tool, in the same run.

The one idea: an instrument is believed when it agrees with another one. Each comparison has a fresh
onehop, so that its `total` window holds this run and nothing else (but the request that proves it
answers). onehop's clock begins with the first byte of a request and ends with the last one handed
to the kernel; the tool's also sees connecting, waiting to be accepted, and its own delays.
"""
from lib import timed, wrk
from lib.processes import BenchError
from lib.proxies import check_answer

PERCENTILES = ("p50", "p90", "p95", "p99")
PHASES = ("total", "proxy_overhead")


def own_figures(stats):
    """Of a `/stats` document with one endpoint: how many, and the percentiles of two phases."""
    endpoints = [endpoint for upstream in stats["upstreams"].values()
                 for endpoint in upstream["endpoints"].values()]
    if len(endpoints) != 1:
        raise BenchError(f"/stats names {len(endpoints)} endpoints, where there is one")
    phases = endpoints[0]["phases"]
    figures = {phase: {name: phases[phase][f"{name}_us"] for name in PERCENTILES}
               for phase in PHASES}
    connections = endpoints[0]["connections"]
    return {"count": phases["total"]["count"], **figures,
            "client_connections": stats["downstream"]["connections"]["accepted_total"],
            "origin_connections": connections["opened_total"],
            "outcomes": stats["downstream"]["requests"]["outcomes"]}


def measure(context, load_name, seconds, body_bytes):
    """One of the wrk loads on a fresh onehop."""
    load = timed.BY_NAME[load_name]
    running = context.proxies.start("onehop", context.origin.address, context.proxy_core)
    try:
        check_answer(running, body_bytes)
        result = wrk.run(context, load, running.address, seconds)
        stats = running.stats()
    finally:
        context.supervisor.stop(running.child)
    if not stats:
        raise BenchError("onehop was started without its admin endpoint (--no-admin)")
    return {"kind": "own", "proxy": "onehop", "load": load_name, "tool": "wrk",
            "requests": result["requests"], "latency_us": result["latency_us"],
            "own": own_figures(stats)}
