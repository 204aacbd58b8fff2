# SPDX-License-Identifier: MIT
"""Starting the proxies that are compared, each on its core in front of the same origins.

The one idea: a proxy is known by its name alone; what it is started with is in configurations.py,
and where its packets go is the network's business (netns.py), not its own.
"""
import dataclasses
import http.client
import json
import os
import shlex
import socket
import tempfile

from lib import configurations, kernel, netns, tools
from lib.certificates import client_context
from lib.configurations import ONE_UPSTREAM, Site
from lib.processes import BenchError, listens, wait_until


class Running:
    """A started proxy; `child` is None for `direct`, which is the origin itself, and so is `site`.
    """

    def __init__(self, name, address, child=None, configuration="", site=None):
        self.name = name
        self.address = address
        self.child = child
        self.configuration = configuration
        self.site = site

    @property
    def admin(self):
        """Where onehop's admin endpoint is, None for others and where it has none."""
        return self.site and self.site.admin

    def pids(self):
        return kernel.family(self.child.pid) if self.child else []

    def stats(self, window="total"):
        """onehop's own statistics, None for others."""
        return json.loads(self.document(f"/stats?window={window}")) if self.admin else None

    def document(self, path):
        """What onehop's admin endpoint answers to `path`, as text."""
        status, body = get(self.admin, path, self.name)
        if status != 200:
            raise BenchError(f"{self.name} answers {path} with {status}")
        return body.decode()


def get(address, path, name, connection=None):
    """(status, body) of one request; over `connection` if it is not plain."""
    connection = connection or http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{name} does not answer {path}: {error!r}") from None
    finally:
        connection.close()


class Control(http.client.HTTPConnection):
    """To onehop's control socket, over which it takes commands."""

    def __init__(self, path, timeout=10):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def order(self, method, path):
        """(status, text) of a command."""
        self.request(method, path)
        answer = self.getresponse()
        return answer.status, answer.read().decode()


def check_answer(running, body_bytes):
    """One GET must bring the origin's body."""
    secured = http.client.HTTPSConnection(*running.address, timeout=10, context=client_context()
                                          ) if running.site and running.site.tls else None
    status, body = get(running.address, "/", running.name, secured)
    if (status, len(body)) != (200, body_bytes):
        raise BenchError(f"{running.name} answered {status} with {len(body)} bytes")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The programs and limits of a run; a program that is None has no part in it."""
    onehop: str
    descriptors: int
    proxy_connections: int
    against: str = None
    floor: str = None
    onehop_args: str = ""
    against_args: str = ""
    admin: bool = True


class Proxies:
    """Knows every proxy by name."""

    def __init__(self, supervisor, settings, network=None):
        self.supervisor = supervisor
        self.settings = settings
        self.network = network or netns.Loopback()

    def missing(self, name):
        """Why `name` cannot be started here; None when it can."""
        if name == "direct":
            return None
        own = {"onehop-against": self.settings.against, "floor": self.settings.floor,
               "onehop": self.settings.onehop, "onehop-deferred": self.settings.onehop,
               "onehop-logging": self.settings.onehop}
        if name not in own:
            return tools.missing(name.partition("-")[0])
        return None if own[name] and os.access(own[name], os.X_OK) else (
            f"there is no program {own[name]}")

    def program(self, name):
        kind = name.partition("-")[0]
        if name == "onehop-against":
            return self.settings.against
        return getattr(self.settings, kind) if kind in ("onehop", "floor") else tools.find(kind)

    def start(self, name, to, core=None, wrap=(), patience_s=10, h2=False, **about):
        """Starts proxy `name` and returns it when it accepts. `to` is the address of an origin, a
        list of them, or lists by the prefix of a path. `wrap` is put before the command, such as a
        profiler, and then the proxy is a single process. `h2`: clients speak HTTP/2 without TLS.
        `about` is what else a Site has."""
        to = [to] if isinstance(to, tuple) else to
        routes = to if isinstance(to, dict) else {"/": list(to)}
        if name == "direct":
            return Running(name, self.network.without_proxy(next(iter(routes.values()))[0]))
        if self.missing(name):
            raise BenchError(f"{name} cannot be started here: {self.missing(name)}")
        if len(routes) > 1 and name in ONE_UPSTREAM:
            raise BenchError(f"{name} has no configuration for several services")
        for _ in range(3):  # another process may take the free port meanwhile
            site, address = self._site(name, routes, bool(wrap), h2, about)
            extra = {"onehop": self.settings.onehop_args,
                     "onehop-against": self.settings.against_args}.get(name, "")
            command, configuration = configurations.command(
                site, self.program(name), shlex.split(extra))
            environment = {"GOMAXPROCS": "1", "HOME": site.directory,
                           "XDG_DATA_HOME": site.directory, "XDG_CONFIG_HOME": site.directory
                           } if name == "caddy" else None
            child = self.supervisor.start(name, [*wrap, *command], core, env=environment,
                                          namespace=self.network.namespace("proxy"))
            wait_until(lambda: child.exited() or listens(address), patience_s, f"{name} listens",
                       child)
            if not child.exited():
                return Running(name, address, child, configuration, site)
            tail = child.log_tail() or "it said nothing"
            self.supervisor.stop(child)
        raise BenchError(f"{name} did not start: {shlex.join(command)}: {tail}")

    def _site(self, name, routes, single, h2, about):
        """On new ports, and the one of them that clients are given."""
        directory = tempfile.mkdtemp(prefix=f"{name}-", dir=self.supervisor.directory)
        os.chmod(directory, 0o755)
        own, address = name.startswith("onehop"), self.network.free_address("proxy")
        site = Site(name, directory, routes, self.settings.descriptors,
                    self.settings.proxy_connections, single=single, **about)
        if own and self.settings.admin:
            site.admin = self.network.free_address("proxy")
        if site.exposed:
            site.plain, site.tls = address, self.network.free_address("proxy")
            site.h2 = address if own else self.network.free_address("proxy")
        elif site.certificate:
            site.tls = address
        elif h2 and not own:
            site.h2 = address
        else:
            site.plain = address
        return site, address
