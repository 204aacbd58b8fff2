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


def proportional_bytes(pid):
    """Resident memory of which shared pages count once in all, not once for each process: the
    processes of PostgreSQL share most of theirs. Plain VmRSS where the kernel does not say."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
    except PermissionError:
        return kernel.memory_bytes([pid], "VmRSS")


def family_usage(pids):
    """CPU seconds by pid, and resident bytes of all, of those still alive."""
    usage, memory = {}, 0
    for pid in pids:
        try:
            usage[pid] = sum(kernel.cpu_seconds([pid]))
            memory += proportional_bytes(pid)
        except (OSError, ValueError, IndexError):
            continue  # ended meanwhile
    return usage, memory


class Sampler(threading.Thread):
    """Between `start()` and `stop()` looks once a second at `children()`, a list of children, and
    at `counts()`, what the replicas counted."""

    def __init__(self, children, counts):
        super().__init__(daemon=True)
        self.children = children
        self.counts = counts
        self.cores = sorted(os.sched_getaffinity(0))
        self.ended = threading.Event()
        self.samples = []
        self.used = {}  # by name, by pid: what a process used stays known when it has ended

    def run(self):
        due = time.monotonic()
        while True:
            self.samples.append(self._sample())
            due += INTERVAL_S
            if self.ended.wait(max(due - time.monotonic(), 0)):
                self.samples.append(self._sample())
                return

    def stop(self):
        self.ended.set()
        self.join()

    def _sample(self):
        sample = {"at": time.monotonic(), "cpu": {}, "memory": {}, "requests": None,
                  "busy": sum(kernel.core_busy_seconds(core) for core in self.cores)}
        for child in list(self.children()):
            usage, memory = family_usage(kernel.family(child.pid))
            self.used.setdefault(child.name, {}).update(usage)
            sample["memory"][child.name] = sample["memory"].get(child.name, 0) + memory
        for name, usage in self.used.items():
            sample["cpu"][name] = sum(usage.values())
        try:
            sample["requests"] = self.counts()["requests"]
        except (BenchError, OSError, KeyError):
            pass  # too busy to answer: the next second may tell
        return sample

    def timeline(self):
        """Requests per second as counted by the replicas, one entry per interval."""
        rows, last = [], None
        for sample in self.samples:
            if sample["requests"] is None:
                continue
            passed = sample["at"] - last["at"] if last else 0
            if passed > INTERVAL_S / 4:
                rows.append({"second": sample["at"] - self.samples[0]["at"],
                             "completed": (sample["requests"] - last["requests"]) / passed})
            if not last or passed > INTERVAL_S / 4:
                last = sample
        return rows

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
        pairs = [(one, two) for one, two in zip(self.samples, self.samples[1:])
                 if two["at"] - one["at"] > INTERVAL_S / 4]
        busy = [pair for pair in pairs if None in (pair[0]["requests"], pair[1]["requests"])
                or pair[1]["requests"] > pair[0]["requests"]]
        found = {}
        for name in self.used:
            cores = [((two["cpu"].get(name, 0) - one["cpu"].get(name, 0)), two["at"] - one["at"])
                     for one, two in busy or pairs]
            if cores:
                found[name] = {
                    "average": sum(used for used, _ in cores) / sum(time for _, time in cores),
                    "peak": max(used / time for used, time in cores),
                    "memory_mib": max(sample["memory"].get(name, 0)
                                      for sample in self.samples) / 2**20}
        return found
