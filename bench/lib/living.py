# SPDX-License-Identifier: MIT
"""What a configuration that lives costs: endpoints that change under load, and a large one at its
start.

The one idea: neither is compared with another day. The load with changes alternates with the same
load without them, and what an endpoint takes is the difference of two onehops that differ in
nothing else.
"""
import contextlib
import http.client
import threading
import time

from lib import arrival, memory
from lib.origin import Origin
from lib.processes import BenchError, wait_until
from lib.proxies import Control, get

VARIANTS = ("still", "churn")
CHANGES_PER_S = 100
CONNECTIONS = 64
ENDPOINTS_EACH = 10  # of an upstream
WORKERS = 16
READY_S = 60         # until a large one that does not serve is a failure


class Churn(threading.Thread):
    """A context: one change of an endpoint after the other, so many a second: the last one is
    added, another's weight is changed, the last is removed, the weight is changed back."""

    def __init__(self, running, addresses):
        super().__init__(daemon=True)
        where = "/upstreams/app/endpoints"
        first, last = (f"{host}:{port}" for host, port in (addresses[0], addresses[-1]))
        self.orders = (("POST", f"{where}?address={last}"),
                       ("POST", f"{where}/{first}/weight?value=2"),
                       ("DELETE", f"{where}/{last}"),
                       ("POST", f"{where}/{first}/weight?value=1"))
        self.control = Control(running.site.control_path)
        self.ended = threading.Event()
        self.made, self.refused = 0, []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
        self.control.close()

    def run(self):
        due = time.monotonic()
        while not self.ended.wait(max(due - time.monotonic(), 0)):
            due += 1 / CHANGES_PER_S
            method, path = self.orders[self.made % len(self.orders)]
            try:
                status, said = self.control.order(method, path)
            except (OSError, http.client.HTTPException) as error:
                self.refused.append(f"{method} {path}: {error!r}")
                return
            self.made += 1
            if status != 200:
                self.refused.append(f"{method} {path}: {status} {said}")


def churn(context, name, variant, round_number, body_bytes, options):
    """A constant rate on kept connections through a fresh process, with changes or without."""
    origins = [Origin(context, ["--body", str(body_bytes)]) for _ in range(arrival.REPLICAS)]
    addresses = [origin.address for origin in origins]
    with context.proxy(name, addresses[:-1], control=True) as running:
        wait_until(lambda: ready(running), READY_S, f"{name} is ready", running.child)
        changes = Churn(running, addresses)
        with changes if variant == "churn" else contextlib.nullcontext():
            record = arrival.record_of(context, running, origins,
                                       {**options, "connections": CONNECTIONS})
    for origin in origins:
        context.supervisor.stop(origin.child)
    record.update(load="churn", kind="churn", variant=variant, round=round_number,
                  changes_per_s=changes.made / record["wall_s"])
    record["problems"] += changes.refused[:3]
    return record


def scale(context, name, upstreams):
    """How long onehop takes until it is ready, what it then has in memory, and what of that is an
    endpoint's that nobody has asked yet, in one worker."""
    few_s, few = started(context, name, upstreams, 1)
    ready_s, rss = started(context, name, upstreams, ENDPOINTS_EACH)
    more = upstreams * (ENDPOINTS_EACH - 1)
    return {"kind": "scale", "proxy": name, "upstreams": upstreams,
            "endpoints": upstreams * ENDPOINTS_EACH, "workers": WORKERS, "ready_s": ready_s,
            "rss_bytes": rss, "few_ready_s": few_s, "few_rss_bytes": few,
            "endpoint_bytes": (rss - few) / more / WORKERS}


def started(context, name, upstreams, endpoints):
    """(seconds until ready, resident bytes) with so many endpoints in each upstream. Nobody listens
    there: nothing is asked."""
    routes = {f"/{number}": [(f"127.{number >> 8}.{number & 255}.{last + 1}", 9)
                             for last in range(endpoints)] for number in range(upstreams)}
    began = time.monotonic()
    with context.proxy(name, routes, workers=WORKERS, patience_s=READY_S) as running:
        wait_until(lambda: ready(running), READY_S, f"{name} is ready", running.child)
        return time.monotonic() - began, memory.settled_memory(running.pids())


def ready(running):
    try:
        return get(running.admin, "/readyz", running.name)[0] == 200
    except BenchError:
        return False
