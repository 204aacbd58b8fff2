# SPDX-License-Identifier: MIT
"""Where an attack takes place: a fresh proxy on its core, honest clients beside it, and an attacker
in a process of the lowest priority.

The one idea: everything that is started here ends here, with the `with` that began it, and has a
time after which it ends by itself. All of it is on loopback.
"""
import contextlib
import dataclasses
import json
import os
import select
import signal
import time

from lib import generators, kernel, processes
from lib.configurations import Limits, text
from lib.origin import Origin
from lib.processes import BenchError

HONEST_RATE, HONEST_CONNECTIONS, HONEST_TIMEOUT_MS = 200, 16, 2000
PATIENCE_S = 10  # beyond what was planned
KIB, MIB = 1024, 1024 * 1024
PROXIES = ("onehop", "nginx", "haproxy")


class Attacker:
    """`send(deadline, *arguments)` in a process of its own; what it returns is JSON."""

    def __init__(self, core, seconds, send, *arguments):
        self.seconds = seconds
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._run(core, writing, send, arguments)
        os.close(writing)
        self.reading = reading

    def _run(self, core, writing, send, arguments):
        """Of the child, which never returns."""
        status = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            processes.prepare_child(core)
            os.nice(10)
            result = send(time.monotonic() + self.seconds, *arguments)
            os.write(writing, json.dumps(result).encode())
            status = 0
        finally:
            os._exit(status)

    def result(self):
        """Waits for its end, and ends it when it is overdue."""
        said = b""
        with contextlib.closing(os.fdopen(self.reading, "rb")) as pipe:
            if select.select([pipe], [], [], self.seconds + PATIENCE_S)[0]:
                said = pipe.read()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        if not said:
            raise BenchError("the attacker did not come to an end")
        return json.loads(said)


class Stage:
    """`scale` is 0 for a full run, 1 for a short one, 2 for a smoke test."""

    def __init__(self, context, certificate, scale):
        self.context = context
        self.certificate = certificate
        self.scale = scale
        self.large = None

    def of(self, full, short, smoke):
        return (full, short, smoke)[self.scale]

    @contextlib.contextmanager
    def proxy(self, name, app=None, guarded=None, descriptors=0, most=0, **more):
        """A fresh proxy; `app` is one address or a list, by default that of the origin, which gets
        at most `most` connections (0: any number). What it may not have more of than `descriptors`
        is put around it as a limit."""
        origin, proxies = self.context.origin.address, self.context.proxies
        app = app or origin
        routes = {"/": [app] if isinstance(app, tuple) else app, "/admin": [guarded or origin],
                  "/size": [self._large_origin()]}
        usual, wrap = proxies.settings, ()
        if descriptors:
            wrap = ("prlimit", f"--nofile={descriptors}:{descriptors}")
            proxies.settings = dataclasses.replace(usual, descriptors=descriptors,
                                                   proxy_connections=descriptors)
        try:
            with self.context.proxy(name, routes, wrap=wrap, exposed=True, limits=Limits(most),
                                    certificate=self.certificate, **more) as running:
                yield running
        finally:
            proxies.settings = usual

    def _large_origin(self):
        """Where large answers come from, at the lowest priority: honest clients ask the other."""
        if self.large is None:
            self.large = Origin(self.context)
            os.setpriority(os.PRIO_PROCESS, self.large.pid, 5)
        return self.large.address

    @contextlib.contextmanager
    def origin(self, *options):
        origin = Origin(self.context, options)
        try:
            yield origin
        finally:
            self.context.supervisor.stop(origin.child)

    def attacker(self, seconds, send, *arguments):
        return Attacker(self.context.load_core, seconds, send, *arguments)

    def honest(self, running, seconds, rate=HONEST_RATE):
        """Clients with kept connections, at a constant rate."""
        found = generators.bench_load(self.context, running.address, rate, seconds,
                                      HONEST_CONNECTIONS, HONEST_TIMEOUT_MS)
        failed = found["offered"] - found["ok"]
        return {"honest p50, ms": found["latency_us"]["p50"] / 1000 if found["ok"] else None,
                "honest p99, ms": found["latency_us"]["p99"] / 1000 if found["ok"] else None,
                "honest requests that failed, %": 100 * failed / max(found["offered"], 1)}


def host(running):
    return text(running.address)


def cpu(running):
    return sum(kernel.cpu_seconds(running.pids()))


def memory(running):
    return kernel.memory_bytes(running.pids(), "VmRSS")


def settled_memory(running, most_s):
    """Resident memory once it has not grown for two seconds, at most after `most_s`."""
    best, since, deadline = memory(running), time.monotonic(), time.monotonic() + most_s
    while time.monotonic() < min(deadline, since + 2):
        time.sleep(0.05)
        now = memory(running)
        if now > best + 64 * KIB:
            best, since = now, time.monotonic()
    return best
