# SPDX-License-Identifier: MIT
"""One slow replica of three: what the balancer does to the latencies of everybody.

The one idea: in turn, a third of the requests wait for the slow one. A balancer that looks at what
is in flight sends it only the few that it can take, and the percentiles show it.
"""
from lib import arrival
from lib.origin import Origin

REPLICAS = 3
CONNECTIONS = 256  # of the load generator, kept alive
PROXIES = ("nginx", "onehop-against", "onehop", "haproxy", "envoy", "caddy")


class Replicas:
    """Three origins, the last of them slow. Started at the first use, as a run may not need them.
    """

    def __init__(self, context, body_bytes, delay_ms):
        self.context = context
        self.body_bytes = body_bytes
        self.delay_ms = delay_ms
        self.started = []

    def get(self):
        context = self.context
        while len(self.started) < REPLICAS:
            options = ["--body", str(self.body_bytes)]
            if len(self.started) == REPLICAS - 1:
                options += ["--delay", str(self.delay_ms)]
            self.started.append(Origin(context.supervisor, context.origin_program,
                                       context.load_core, options, context.network))
        return self.started


def measure(context, replicas, name, balance, round_number, options):
    """`options` are rate, seconds and timeout_ms. The connections are kept, so that only waiting
    for replicas differs."""
    origins = replicas.get()
    running = context.proxies.start(name, [origin.address for origin in origins],
                                    context.proxy_core, balance=balance)
    try:
        record = arrival.record_of(context, running, origins,
                                   {**options, "connections": CONNECTIONS})
    finally:
        context.supervisor.stop(running.child)
    total = max(sum(record["by_origin"]), 1)
    record.update(load="slow-replica", kind="slow-replica", balance=balance, round=round_number,
                  delay_ms=replicas.delay_ms, slow_share=record["by_origin"][-1] / total,
                  problems=arrival.problems(record))
    return record
