# SPDX-License-Identifier: MIT
"""Proxies that are changed while they run, and what they are changed around: the names of a DNS
server, and replicas that come, end and start again.

The one idea: every proxy is asked for the same changes and makes them in its own way, the best one
that its manual has; a method returns when the change is in force, and never before.
"""
import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading

from lib import configurations, kernel, tools
from lib.configurations import Site, lines, text
from lib.processes import BenchError, free_port, listens, wait_until
from lib.proxies import Control, Running, get

PATIENCE_S = 120  # until a change that has not come into force is a failure
NAME = "app.test"
EXTRA_CONNECTIONS = 4096


class Dns:
    """A dnsmasq that knows one name, whose addresses change."""

    def __init__(self, context):
        self.hosts = context.supervisor.path(f"hosts-{context.next_number()}")
        self.address = ("127.0.0.1", free_port())
        self._write([])
        self.child = context.supervisor.start("dns", [
            tools.find("dnsmasq"), "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
            "--no-hosts", "--bind-interfaces", f"--listen-address={self.address[0]}",
            f"--port={self.address[1]}", "--local=/test/", f"--addn-hosts={self.hosts}",
            "--local-ttl=1"])
        wait_until(lambda: listens(self.address), 10, "dnsmasq listens", self.child)

    def _write(self, addresses):
        with open(self.hosts + ".new", "w") as file:
            file.writelines(f"{host} {NAME}\n" for host, _ in addresses)
        os.replace(self.hosts + ".new", self.hosts)

    def tell(self, addresses):
        self._write(addresses)
        os.kill(self.child.pid, signal.SIGHUP)


class Replicas:
    """Those of the app, on one port of several addresses of loopback. What one has counted is kept
    when it ends. It is `counts` for a Context."""

    def __init__(self, context):
        self.context = context
        self.orders = context.supervisor.path(f"orders-{context.next_number()}")
        self.port = free_port("0.0.0.0")
        self.alive = {}
        self.ended = {"accepts": 0, "requests": 0}

    def address(self, number):
        return (f"127.0.1.{number + 1}", self.port)

    def start(self, address):
        child = self.context.supervisor.start("replica", [
            tools.find("node"), os.path.join(self.context.folder, "replica.js"), address[0],
            str(address[1]), self.orders], stdout=subprocess.PIPE)
        child.told_address("a replica")
        self.alive[address] = child

    def end(self, address):
        """Once it has nothing in flight, as whoever told it to end has seen to that nothing comes.
        """
        wait_until(lambda: self._counted(address)["in_flight"] == 0, PATIENCE_S,
                   f"{text(address)} is idle")
        child = self.alive.pop(address)
        child.process.terminate()
        last = json.loads(child.process.stdout.readline())
        self.ended = {key: self.ended[key] + last[key] for key in self.ended}
        self.context.supervisor.stop(child)

    @staticmethod
    def _counted(address):
        return json.loads(get(address, "/__counts", "a replica")[1])

    def counts(self):
        each = [self._counted(address) for address in list(self.alive)]
        return {"each": [], **{key: self.ended[key] + sum(one[key] for one in each)
                               for key in self.ended}}


class Front:
    """A proxy of which changes are asked. `sockets` and `clock` are what stands beside the app."""

    H2_APART = True  # HTTP/2 without TLS has a port of its own

    def __init__(self, context, dns, replicas, sockets, clock):
        self.context = context
        self.dns, self.replicas, self.sockets, self.clock = dns, replicas, sockets, clock
        directory = tempfile.mkdtemp(prefix="front-", dir=context.supervisor.directory)
        os.chmod(directory, 0o755)
        self.site = Site(context.proxy, directory, {}, 8192, EXTRA_CONNECTIONS,
                         plain=("127.0.0.1", free_port()))
        self.site.h2 = ("127.0.0.1", free_port()) if self.H2_APART else self.site.plain
        self.file = os.path.join(directory, "configuration")
        self.number = 0        # of the configuration
        self.addresses = []    # of the app
        self.weights = {}      # of those whose weight is not 1
        self.aside = None      # the one that is drained
        self.child = None

    def start(self, addresses):
        self.addresses = addresses
        self.dns.tell(addresses)
        self.write()
        self.child = self.context.supervisor.start(self.context.proxy, self.command())
        wait_until(lambda: self.child.exited() or self.serves(), PATIENCE_S,
                   f"{self.context.proxy} serves", self.child)
        if self.child.exited():
            raise BenchError(f"{self.context.proxy} did not start: {self.child.log_tail()}")
        return Running(self.context.proxy, self.site.plain, self.child, self.text(), self.site)

    def serves(self):
        return listens(self.site.plain) and get(self.site.plain, "/items/0", "it")[0] == 200

    def write(self, wrong=False):
        with open(self.file, "w") as file:
            file.write(self.text() + ("there is no such word\n" if wrong else ""))

    def family(self):
        return set(kernel.family(self.child.pid))

    def upgrade(self):
        """Whether the program was replaced by another process."""
        raise NotImplementedError


class OneHop(Front):
    """By its control socket, and the name by DNS alone."""

    H2_APART = False

    def __init__(self, *around):
        super().__init__(*around)
        self.site.admin = ("127.0.0.1", free_port())
        self.extra = free_port()
        self.pid = None
        helped = subprocess.run([self.program(), "run", "--help"], capture_output=True, text=True,
                                check=False)
        self.takes_over = "--takeover" in helped.stdout

    def program(self):
        return self.context.proxies.settings.onehop

    def command(self):
        return [self.program(), "run", self.file]

    def text(self):
        odd = self.number % 2
        return lines(
            "[server]", "workers = 2", 'drain = "10m"', 'tunnel_drain = "10m"' if self.takes_over
            else None, "[server.dns]", f'servers = ["{text(self.dns.address)}"]', 'max_ttl = "1s"',
            "[[listener]]", f'address = "{text(self.site.plain)}"',
            ["[[listener]]", f'address = "127.0.0.1:{self.extra}"'] if odd else None,
            "[[route]]", 'path = "/socket"', 'upstream = "sockets"',
            "[[route]]", 'path = "/clock.Clock"', 'upstream = "clock"',
            "[[route]]", 'upstream = "app"',
            f"[[route]]\npath = \"/number-{self.number}\"\nupstream = \"app\"",
            "[upstream.app]", f'endpoints = ["{NAME}:{self.replicas.port}"]',
            f'balance = "{configurations.BALANCES[odd]}"', f"pool.max_idle = {64 + self.number}",
            "[upstream.sockets]", f'endpoints = ["{text(self.sockets)}"]',
            "[upstream.clock]", f'endpoints = ["{text(self.clock)}"]', 'protocol = "h2"',
            "[admin]", f'listen = "{text(self.site.admin)}"',
            f'control = "{self.site.control_path}"')

    def ask(self, method, path, wanted=200):
        with contextlib.closing(Control(self.site.control_path, PATIENCE_S)) as control:
            status, said = control.order(method, path)
        if status != wanted:
            raise BenchError(f"onehop answers {method} {path} with {status}: {said}")
        return said

    def serves(self):
        return listens(self.site.admin) and super().serves()

    def stats(self):
        return json.loads(self.ask("GET", "/stats"))

    def endpoint(self, address, order):
        return self.ask("POST", f"/upstreams/app/endpoints/{text(address)}/{order}")

    def scale(self, addresses):
        self.addresses = addresses
        self.dns.tell(addresses)
        wanted = set(map(text, addresses))
        wait_until(lambda: wanted == set(self.stats()["upstreams"]["app"]["endpoints"]),
                   PATIENCE_S, "onehop has the addresses of the name", self.child)

    def weigh(self, weights):
        for address, weight in weights.items():
            self.endpoint(address, f"weight?value={weight}")

    def reload(self):
        self.number += 1
        self.write()
        self.ask("POST", "/reload")

    def refuse(self):
        self.write(wrong=True)
        self.ask("POST", "/reload", wanted=422)

    def drain(self, address):
        said = self.endpoint(address, f"drain?wait=60s")
        if " 0 requests" not in said:
            raise BenchError(f"onehop has drained and says: {said}")

    def ready(self, address):
        self.endpoint(address, "ready")

    def upgrade(self):
        if not self.takes_over:
            return False
        self.write()  # the new one reads it, and the last may be a wrong one
        before, old = self.stats()["uptime_us"], self.pid or self.child.pid
        os.kill(old, signal.SIGUSR2)
        wait_until(lambda: self.stats()["uptime_us"] < before, PATIENCE_S, "another onehop serves",
                   self.child)
        self.pid = max(set(kernel.family(old)) - {old})
        return True


class Nginx(Front):
    """By another file and a reload, whatever it is."""

    def command(self):
        # Its parent ends once it has started: nginx takes a USR2 only when it has lost that one.
        start = f"{tools.find('nginx')} -c {self.file} -g 'daemon off;' &"
        wait = f"until test -s {self.site.directory}/nginx.pid; do sleep 0.01; done"
        return ["sh", "-c", f"({start} {wait}); exec sleep 1d"]

    def text(self):
        forward = "proxy_http_version 1.1; proxy_set_header Connection"
        return configurations.nginx_file(self.site, lines(
            configurations.NGINX_QUIET, configurations.NGINX_UNLIMITED,
            "  upstream app {", [
                f"    server {text(one)} max_fails=0 weight={self.weights.get(one, 1)}"
                f"{' down' if one == self.aside else ''};" for one in self.addresses],
            "    keepalive 64;", "  }",
            "  server {", f"    listen {text(self.site.plain)};",
            f"    listen {text(self.site.h2)} http2;",
            f'    location / {{ {forward} ""; proxy_pass http://app; }}',
            f"    location /number-{self.number} {{ return 204; }}",
            f'    location /socket {{ {forward} "upgrade"; proxy_set_header Upgrade $http_upgrade;',
            f"      proxy_read_timeout 1h; proxy_pass http://{text(self.sockets)}; }}",
            f"    location /clock.Clock {{ grpc_pass grpc://{text(self.clock)}; }}", "  }"),
            self.site.connections)

    def master(self):
        """While it is replaced there is no such file for a moment."""
        def read():
            try:
                with open(os.path.join(self.site.directory, "nginx.pid")) as file:
                    return int(file.read())
            except (OSError, ValueError):
                return None
        return wait_until(read, PATIENCE_S, "nginx says its process")

    def family(self):
        return set(kernel.family(self.master()))

    def apply(self):
        """A new worker is there, so the old ones take no more connections."""
        self.write()
        before = self.family()
        os.kill(self.master(), signal.SIGHUP)
        wait_until(lambda: self.family() - before, PATIENCE_S, "nginx has a new worker")

    def scale(self, addresses):
        self.addresses = addresses
        self.apply()

    def weigh(self, weights):
        self.weights = weights
        self.apply()

    def reload(self):
        self.number += 1
        self.apply()

    def refuse(self):
        self.write(wrong=True)
        errors = os.path.join(self.site.directory, "error.log")
        before = os.path.getsize(errors)
        os.kill(self.master(), signal.SIGHUP)
        wait_until(lambda: os.path.getsize(errors) > before, PATIENCE_S, "nginx refuses a file")

    def drain(self, address):
        self.aside = address
        self.apply()

    def ready(self, _):
        self.aside = None
        self.apply()

    def upgrade(self):
        """It takes no second one while the first one's old process has a connection."""
        self.write()
        old = self.master()
        if os.path.exists(os.path.join(self.site.directory, "nginx.pid.oldbin")):
            return False
        os.kill(old, signal.SIGUSR2)
        wait_until(lambda: self.master() != old and len(self.family()) > 1, PATIENCE_S,
                   "another nginx serves")
        os.kill(old, signal.SIGQUIT)
        return True


class HAProxy(Front):
    """By its runtime API, the name by DNS, and a reload with the state of its servers handed on."""

    def command(self):
        return [tools.find("haproxy"), "-W", "-f", self.file]

    def text(self):
        return lines(
            "global", "  nbthread 2", "  no strict-limits", f"  maxconn {EXTRA_CONNECTIONS}",
            f"  stats socket {self.path('control')} level admin expose-fd listeners",
            f"  server-state-file {self.path('state')}",
            "defaults", "  mode http", "  timeout connect 5s", "  timeout client 300s",
            "  timeout server 300s", "  timeout tunnel 1h",
            "  option idle-close-on-response",  # a reload closes no connection a request may be on
            "  load-server-state-from-file global",
            "resolvers dns", f"  nameserver one {text(self.dns.address)}", "  hold valid 1s",
            "  timeout resolve 1s", "  timeout retry 1s",
            "frontend in", f"  bind {text(self.site.plain)}",
            f"  bind {text(self.site.h2)} proto h2",
            f"  http-request return status 204 if {{ path /number-{self.number} }}",
            "  use_backend sockets if { path_beg /socket }",
            "  use_backend clock if { path_beg /clock.Clock }", "  default_backend app",
            "backend app", "  http-reuse always",
            f"  server-template app 8 {NAME}:{self.replicas.port} resolvers dns "
            "resolve-prefer ipv4 init-addr last,none",
            "backend sockets", f"  server one {text(self.sockets)}",
            "backend clock", f"  server one {text(self.clock)} proto h2")

    def path(self, name):
        return os.path.join(self.site.directory, name)

    def ask(self, order):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(PATIENCE_S)
            control.connect(self.path("control"))
            control.sendall(order.encode() + b"\n")
            return b"".join(iter(lambda: control.recv(65536), b"")).decode()

    def servers(self):
        """By address, those of the app that it has not taken out for want of one."""
        rows = csv.DictReader(self.ask("show stat").lstrip("# ").splitlines())
        return {row["addr"]: row for row in rows if row["pxname"] == "app" and row["addr"] and
                not row["status"].startswith("MAINT")}

    def scale(self, addresses):
        self.addresses = addresses
        self.dns.tell(addresses)
        wait_until(lambda: set(map(text, addresses)) == set(self.servers()), PATIENCE_S,
                   "HAProxy has the addresses of the name")

    def weigh(self, weights):
        for address, weight in weights.items():
            self.set(address, f"weight {weight}")

    def set(self, address, words):
        self.order(f"set server app/{self.servers()[text(address)]['svname']} {words}")

    def order(self, words):
        said = self.ask(words).strip()
        if said:
            raise BenchError(f"HAProxy answers {words}: {said}")

    def reload(self):
        self.number += 1
        self.write()
        with open(self.path("state"), "w") as file:
            file.write(self.ask("show servers state"))
        before = self.family()
        os.kill(self.child.pid, signal.SIGUSR2)
        wait_until(lambda: self.family() - before and self.answers(max(self.family() - before)),
                   PATIENCE_S, "HAProxy has a new worker")

    def answers(self, pid):
        return f"\nPid: {pid}\n" in self.ask("show info")

    def refuse(self):
        self.write(wrong=True)
        before = os.path.getsize(self.child.log)
        os.kill(self.child.pid, signal.SIGUSR2)

        def said():
            with open(self.child.log) as file:
                file.seek(before)
                return "ALERT" in file.read()
        wait_until(said, PATIENCE_S, "HAProxy refuses a file")

    def drain(self, address):
        self.set(address, "state drain")
        wait_until(lambda: self.servers()[text(address)]["scur"] == "0", PATIENCE_S,
                   f"HAProxy has drained {text(address)}")

    def ready(self, address):
        self.set(address, "state ready")

    def upgrade(self):
        """A reload of its master is one: it executes the program anew."""
        self.reload()
        return True


FRONTS = {"onehop": OneHop, "nginx": Nginx, "haproxy": HAProxy}


class Scrapes(threading.Thread):
    """A context: reads onehop's /metrics all along and says which counters fell. Those of another
    process, which began later, are others."""

    def __init__(self, running):
        super().__init__(daemon=True)
        self.running, self.ended = running, threading.Event()
        self.last, self.fell, self.count = {}, [], 0

    def __enter__(self):
        if self.running.admin:
            self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        if self.running.admin:
            self.join()

    def run(self):
        while not self.ended.wait(0.2):
            self._compare(counters(self.running.document("/metrics")))

    def _compare(self, now):
        began = "process_start_time_seconds"
        if now[began] == self.last.get(began, now[began]):
            self.fell += [f"{name} from {self.last[name]:g} to {value:g}"
                          for name, value in now.items() if value < self.last.get(name, 0)]
        self.last, self.count = now, self.count + 1


def counters(document):
    """Of a document of /metrics every counter and bucket, and for each upstream the sum over its
    endpoints, which departed ones have their part in."""
    found, kind = {}, ""
    for line in document.splitlines():
        if line.startswith("# TYPE "):
            kind = line.rpartition(" ")[2]
        elif not line.startswith("#") and (kind in ("counter", "histogram") or
                                           line.startswith("process_start_time_seconds ")):
            series, _, value = line.rpartition(" ")
            found[series] = float(value)
            head, label, rest = series.partition('endpoint="')
            if label:
                total = f"{head}*{rest.partition(chr(34))[2]}"
                found[total] = found.get(total, 0) + float(value)
    return found
