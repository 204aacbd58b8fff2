# SPDX-License-Identifier: MIT
"""CPU, memory and throughput of everything that a scenario runs, second by second.

The one idea: what the processes used and what the replicas counted is read from outside while a
tool puts its load on, so that all proxies and tools are measured alike, whatever they tell of
themselves.
"""
import os
import threading
import time

from lib import kernel
from lib.processes import BenchError

INTERVAL_S = 1.0


class Sampler(threading.Thread):
    """A context. Looks once a second at `children()`, a list of children, and at `counts()`, what
    the replicas counted."""

    def __init__(self, children, counts):
        super().__init__(daemon=True)
        self.children = children
        self.counts = counts
        self.cores = sorted(os.sched_getaffinity(0))
        self.ended = threading.Event()
        self.samples = []
        self.used = {}  # by name, by pid: what a process used stays known when it has ended

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        due = time.monotonic()
        while True:
            self.samples.append(self._sample())
            due += INTERVAL_S
            if self.ended.wait(max(due - time.monotonic(), 0)):
                self.samples.append(self._sample())
                return

    def _sample(self):
        sample = {"at": time.monotonic(), "memory": {}, "requests": None,
                  "busy": sum(kernel.core_busy_seconds(core) for core in self.cores)}
        for child in list(self.children()):
            used = self.used.setdefault(child.name, {})
            for pid in kernel.family(child.pid):
                try:
                    used[pid] = sum(kernel.cpu_seconds([pid]))
                    sample["memory"][child.name] = (sample["memory"].get(child.name, 0) +
                                                    kernel.proportional_bytes(pid))
                except (OSError, ValueError, IndexError):
                    continue  # ended meanwhile
        sample["cpu"] = {name: sum(used.values()) for name, used in self.used.items()}
        try:
            sample["requests"] = self.counts()["requests"]
        except (BenchError, OSError, KeyError):
            pass  # too busy to answer: the next second may tell
        return sample

    def intervals(self):
        """Neighbours in time, without a last one that was cut short."""
        return [(one, two) for one, two in zip(self.samples, self.samples[1:])
                if two["at"] - one["at"] > INTERVAL_S / 4]

    def timeline(self):
        """Requests per second as the replicas counted them: [when an interval ended, how many]."""
        known = [pair for pair in self.intervals()
                 if None not in (pair[0]["requests"], pair[1]["requests"])]
        return [[two["at"] - self.samples[0]["at"],
                 (two["requests"] - one["requests"]) / (two["at"] - one["at"])]
                for one, two in known]

    def others(self):
        """Cores that somebody else used meanwhile, on average: time that no process of the
        scenario is known to have used. The kernel's own work for their packets is part of it."""
        first, last = self.samples[0], self.samples[-1]
        ours = sum(last["cpu"].values()) - sum(first["cpu"].values())
        passed = last["at"] - first["at"]
        return max(last["busy"] - first["busy"] - ours, 0) / passed if passed else 0.0

    def usage(self):
        """By name of child: average and peak CPU cores, and the peak of its memory in MiB. The
        seconds in which no request arrived, such as while a tool starts, are left out."""
        pairs = self.intervals()
        busy = [(one, two) for one, two in pairs if None in (one["requests"], two["requests"])
                or two["requests"] > one["requests"]] or pairs
        found = {}
        for name in self.used if busy else ():
            cores = [(two["cpu"].get(name, 0) - one["cpu"].get(name, 0), two["at"] - one["at"])
                     for one, two in busy]
            found[name] = {
                "average": sum(used for used, _ in cores) / sum(time for _, time in cores),
                "peak": max(used / time for used, time in cores),
                "memory_mib": max(one["memory"].get(name, 0) for one in self.samples) / 2**20}
        return found
