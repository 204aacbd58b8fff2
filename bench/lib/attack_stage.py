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
import tempfile
import time

from lib import arrival, attack_configurations, kernel, processes
from lib.configurations import text
from lib.origin import Origin
from lib.processes import BenchError
from lib.proxies import Proxies

HONEST_RATE, HONEST_CONNECTIONS, HONEST_TIMEOUT_MS = 200, 16, 2000
PATIENCE_S = 10  # beyond what was planned
KIB, MIB = 1024, 1024 * 1024


@dataclasses.dataclass
class Place:
    """What one proxy stands between. `most` limits the connections to an app, 0: unlimited."""
    listen: tuple
    h2: tuple
    tls: tuple
    app: list
    guarded: tuple
    large: tuple
    most: int = 0
    h2_upstream: bool = False


class AttackProxies(Proxies):
    """Those of Proxies that are attacked, with a Place instead of the address of an origin."""

    ORDER = ("onehop", "nginx", "haproxy")

    def __init__(self, supervisor, settings, certificate):
        super().__init__(supervisor, settings)
        self.certificate = certificate
        self.place = None

    def _prepare(self, name, listen, to, balance, admin, single):
        """As there. A wrapped proxy is one with a limit of descriptors."""
        directory = tempfile.mkdtemp(prefix=f"{name}-", dir=self.supervisor.directory)
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "proxy.conf")
        self.place.listen = listen
        self.place.tls = self.network.free_address("proxy")
        self.place.h2 = listen if name == "onehop" else self.network.free_address("proxy")
        program = self.program(name)
        if name == "onehop":
            made = attack_configurations.onehop(self.place, self.certificate, admin)
            command = [program, "run", "--config", path]
        elif name == "nginx":
            made = attack_configurations.nginx(directory, self.place, self.certificate,
                                               self.settings, single)
            command = [program, "-p", directory, "-c", path, "-g", "daemon off;"]
        else:
            made = attack_configurations.haproxy(self.place, self.certificate, self.settings,
                                                 single)
            command = [program, "-db", "-f", path]
        with open(path, "w") as file:
            file.write(made)
        return command, made, None


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

    def __init__(self, context, settings, certificate, scale):
        self.context = context
        self.settings = settings
        self.certificate = certificate
        self.scale = scale
        self.large = None
        self.configurations = {}

    def of(self, full, short, smoke):
        return (full, short, smoke)[self.scale]

    @contextlib.contextmanager
    def proxy(self, name, app=None, guarded=None, descriptors=0, **more):
        """A fresh proxy; `app` is one address or a list, by default that of the origin. It comes
        with `place`, where it listens."""
        settings = self.settings
        if descriptors:
            settings = type(settings)(**{**vars(settings), "descriptors": descriptors,
                                         "proxy_connections": descriptors})
        proxies = AttackProxies(self.context.supervisor, settings, self.certificate)
        app = app or self.context.origin.address
        app = [app] if isinstance(app, tuple) else app
        proxies.place = Place((), (), (), app, guarded or self.context.origin.address,
                              self._large_origin(), **more)
        wrap = ("prlimit", f"--nofile={descriptors}:{descriptors}") if descriptors else ()
        running = proxies.start(name, app, self.context.proxy_core, wrap)
        running.place = proxies.place
        self.configurations.setdefault(name, running.configuration)
        try:
            yield running
        finally:
            self.context.supervisor.stop(running.child)

    def _large_origin(self):
        """Where large answers come from, at the lowest priority: honest clients ask the other."""
        if self.large is None:
            self.large = Origin(self.context.supervisor, self.context.origin_program,
                                self.context.load_core)
            os.setpriority(os.PRIO_PROCESS, self.large.pid, 5)
        return self.large.address

    @contextlib.contextmanager
    def origin(self, *options):
        origin = Origin(self.context.supervisor, self.context.origin_program,
                        self.context.load_core, options)
        try:
            yield origin
        finally:
            self.context.supervisor.stop(origin.child)

    def attacker(self, seconds, send, *arguments):
        return Attacker(self.context.load_core, seconds, send, *arguments)

    def honest(self, running, seconds, rate=HONEST_RATE):
        """Clients with kept connections, at a constant rate."""
        found = arrival.generate(self.context, running.address, rate, seconds,
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
