# SPDX-License-Identifier: MIT
"""What a load cost, seen from outside: the proxy's process, the origin's counts, the kernel's.

The one idea: one snapshot before and one after, whatever tool makes the load; none of what is
counted comes from the proxy itself.
"""
import threading
import time

from lib import kernel
from lib.processes import BenchError

STEP_S = 0.25


class Counting(threading.Thread):
    """A context, in which the counter of `origin` is read four times a second over the connection
    that is there for this anyway and that nobody counts. Nobody else may ask this origin meanwhile.
    """

    def __init__(self, origin, step_s=STEP_S):
        super().__init__(daemon=True)
        self.origin = origin
        self.step_s = step_s
        self.ended = threading.Event()
        self.samples = []  # of (when, requests so far)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        due = time.monotonic()
        try:
            while not self.ended.wait(max(due - time.monotonic(), 0)):
                asked = time.monotonic()
                requests = self.origin.counts()["requests"]
                answered = time.monotonic()
                self.samples.append(((asked + answered) / 2, requests))
                due = max(due + self.step_s, answered + self.step_s / 2)
        except BenchError:
            pass  # who asks for the counts of the whole run meets the same and says so

    def rows(self):
        """For each interval when it began, in seconds, and the requests per second within it. What
        came after the last sample is in none."""
        return [[at - self.samples[0][0], (late - early) / (until - at)]
                for (at, early), (until, late) in zip(self.samples, self.samples[1:])]


class Snapshot:
    """`origins` are those behind `running`; all but its counts are read from /proc."""

    def __init__(self, context, running, origins):
        self.counts = [origin.counts() for origin in origins]
        self.accepted = kernel.accepted_connections(context.network.proxys_view(running))
        core = context.proxy_core
        self.core_busy = kernel.core_busy_seconds(core) if core is not None else 0
        self.user, self.system = kernel.cpu_seconds(running.pids())
        self.threads = kernel.thread_seconds(running.pids())


def difference(context, running, origins, before, requests, wall_s):
    """The record of what happened since `before` while `requests` were completed in `wall_s`."""
    after = Snapshot(context, running, origins)
    counts = [{key: late[key] - early[key] for key in ("requests", "accepts", "bytes_received")}
              for early, late in zip(before.counts, after.counts)]
    accepts = sum(count["accepts"] for count in counts)
    record = {
        "origin_requests": sum(count["requests"] for count in counts),
        "origin_accepts": accepts,
        "origin_bytes_received": sum(count["bytes_received"] for count in counts),
        "client_connections": accepts,
    }
    if len(origins) > 1:
        record["by_origin"] = [count["requests"] for count in counts]
    if running.child:
        # The kernel's count. Where both hops share one namespace, less what the origin says it did.
        record["client_connections"] = after.accepted - before.accepted - (
            accepts if context.network.shared else 0)
        record.update(cost(before, after, max(requests, 1), wall_s, context.proxy_core))
        record["rss_bytes"] = kernel.memory_bytes(running.pids(), "VmRSS")
    return record


def cost(before, after, requests, wall_s, core):
    user, system = after.user - before.user, after.system - before.system
    record = {"user_us": user / requests * 1e6, "system_us": system / requests * 1e6,
              "cpu_us": (user + system) / requests * 1e6, "busy": (user + system) / wall_s}
    spent = [late - before.threads.get(thread, 0) for thread, late in after.threads.items()]
    if spent:  # the busiest thread: the worker, of all that have one
        record["worker_us"] = max(spent) / requests * 1e6
    if core is not None:
        others = after.core_busy - before.core_busy - user - system
        record["foreign"] = max(others, 0) / wall_s
    return record
