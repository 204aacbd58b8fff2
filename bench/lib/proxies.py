# SPDX-License-Identifier: MIT
"""Starting the proxies that are compared, each on its core in front of the same origins.

The one idea: a proxy is known by its name alone; what it is started with is in configurations.py,
and where its packets go is the network's business (netns.py), not its own.
"""
import http.client
import json
import os
import shlex

from lib import configurations, kernel, netns, tools
from lib.machine import find_program
from lib.processes import BenchError, listens, wait_until

PROGRAMS = {"nginx-stock": "nginx", "nginx-large": "nginx", "nginx-deferred": "nginx",
            "haproxy-tcp": "haproxy", "haproxy-large": "haproxy", "haproxy-deferred": "haproxy"}
OWN = ("onehop", "onehop-deferred")  # the program of this build


class Running:
    """A started proxy; `child` is None for `direct`, which is the origin itself. `admin` is the
    address of onehop's admin endpoint, None for others and where it has none."""

    def __init__(self, name, address, child, configuration, admin=None):
        self.name = name
        self.address = address
        self.child = child
        self.configuration = configuration
        self.admin = admin

    def pids(self):
        return kernel.family(self.child.pid) if self.child else []

    def stats(self, window="total"):
        """onehop's own statistics, None for others."""
        return json.loads(self.document(f"/stats?window={window}")) if self.admin else None

    def document(self, path):
        """What onehop's admin endpoint answers to `path`, as text."""
        connection = http.client.HTTPConnection(*self.admin, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"{self.name} does not answer {path}: {error!r}") from None
        finally:
            connection.close()
        if answer.status != 200:
            raise BenchError(f"{self.name} answers {path} with {answer.status}")
        return body.decode()


class Proxies:
    """Knows every proxy by name. `settings` holds the programs and limits of this run: onehop,
    against (or None), floor, onehop_args, against_args, admin, descriptors, proxy_connections."""

    ORDER = ("nginx-stock", "nginx-large", "nginx", "onehop-against", "onehop", "haproxy",
             "nginx-deferred", "onehop-deferred", "haproxy-deferred", "haproxy-tcp",
             "haproxy-large", "envoy", "caddy", "floor", "direct")

    def __init__(self, supervisor, settings, network=None):
        self.supervisor = supervisor
        self.settings = settings
        self.network = network or netns.Loopback()
        self.started = 0

    def missing(self, name):
        """Why `name` cannot be started here; None when it can."""
        if name == "direct":
            return None
        if name == "envoy":
            return tools.missing(name)
        program = self.program(name)
        if program and os.access(program, os.X_OK):
            return None
        if name in (*OWN, "onehop-against", "floor"):
            return f"there is no program {program}"
        return tools.missing(PROGRAMS.get(name, name))

    def program(self, name):
        if name in OWN:
            return self.settings.onehop
        if name == "onehop-against":
            return self.settings.against
        if name == "floor":
            return self.settings.floor
        return tools.find(name) if name == "envoy" else find_program(PROGRAMS.get(name, name))

    def start(self, name, to, core, wrap=(), patience_s=10, balance="round_robin"):
        """Starts proxy `name` in front of `to`, the address of an origin or a list of them, and
        returns it when it accepts. `wrap` is put before the command, such as a profiler, and then
        the proxy is a single process."""
        to = [to] if isinstance(to, tuple) else list(to)
        if name == "direct":
            return Running(name, self.network.without_proxy(to[0]), None, "")
        for _ in range(3):  # another process may take the free port meanwhile
            address = self.network.free_address("proxy")
            admin = None
            if name.startswith("onehop") and self.settings.admin:
                admin = self.network.free_address("proxy")
            command, configuration, environment = self._prepare(
                name, address, to, balance, admin, bool(wrap))
            child = self.supervisor.start(name, [*wrap, *command], core, env=environment,
                                          namespace=self.network.namespace("proxy"))
            self._wait(name, child, address, patience_s)
            if not child.exited():
                return Running(name, address, child, configuration, admin)
            tail = child.log_tail() or "it said nothing"
            self.supervisor.stop(child)
        raise BenchError(f"{name} did not start: {shlex.join(command)}: {tail}")

    def _wait(self, name, child, address, patience_s):
        try:
            wait_until(lambda: child.exited() or listens(address), patience_s, f"{name} listens")
        except BenchError as error:
            raise BenchError(f"{error}; it says: {child.log_tail() or 'nothing'}") from None

    def _prepare(self, name, listen, to, balance, admin, single):
        """The command, the configuration for the results, and additions to the environment."""
        self.started += 1
        directory = self.supervisor.path(f"{name}-{self.started}")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "proxy.conf")
        program, environment = self.program(name), None
        if name.startswith("onehop"):
            text, command = self._onehop(name, program, path, (listen, to, balance, admin))
        elif name == "floor":
            text, command = "", [program, "--listen", configurations.text(listen),
                                 "--to", configurations.text(to[0])]
        elif name.startswith("nginx"):
            text = configurations.nginx(name, directory, listen, to, balance, self.settings, single)
            command = [program, "-p", directory, "-c", path, "-g", "daemon off;"]
        elif name.startswith("haproxy"):
            text = configurations.haproxy(name, listen, to, balance, self.settings)
            command = [program, "-db", "-f", path]
        elif name == "envoy":
            path = os.path.join(directory, "envoy.json")
            text = configurations.envoy(listen, to, balance, self.settings)
            command = [program, "-c", path, "--concurrency", "1", "--disable-hot-restart",
                       "--log-level", "error"]
        else:
            text = configurations.caddy(listen, to, balance)
            command = [program, "run", "--adapter", "caddyfile", "--config", path]
            environment = {"GOMAXPROCS": "1", "HOME": directory, "XDG_DATA_HOME": directory,
                           "XDG_CONFIG_HOME": directory}
        if text:
            with open(path, "w") as file:
                file.write(text)
        return command, text, environment

    def _onehop(self, name, program, path, place):
        """`onehop proxy`, or where that cannot say it, `onehop run` with a file."""
        listen, to, balance, admin = place
        if balance != "round_robin" or name == "onehop-deferred":
            text = configurations.onehop(name, listen, to, balance, admin)
            return text, [program, "run", "--config", path]
        extra = (self.settings.against_args if name == "onehop-against"
                 else self.settings.onehop_args)
        command = [program, "proxy", "--listen", configurations.text(listen), "--workers", "1"]
        for one in to:
            command += ["--to", configurations.text(one)]
        if admin:
            command += ["--admin", configurations.text(admin)]
        return "", command + shlex.split(extra)


def check_answer(running, body_bytes, connection=None):
    """One GET must bring the origin's body; over `connection` if it is not plain."""
    connection = connection or http.client.HTTPConnection(*running.address, timeout=10)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        size = len(answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{running.name} does not answer: {error!r}") from None
    finally:
        connection.close()
    if (answer.status, size) != (200, body_bytes):
        raise BenchError(f"{running.name} answered {answer.status} with {size} bytes")
