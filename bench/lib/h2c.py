# SPDX-License-Identifier: MIT
"""HTTP/2 without TLS on the second hop: several requests share one send and one receive there.

The one idea: `bench_origin` speaks HTTP/1.1 alone, so here an nginx is the origin of all, with a
port for each protocol and the same answer behind both; a proxy over the one is compared with itself
over the other. Its own count of requests is what wrk's is held against.
"""
import http.client
import os
import re
import tempfile

from lib import configurations, kernel, syscalls, timed, wrk
from lib.machine import find_program
from lib.processes import BenchError, listens, wait_until
from lib.proxies import Running

ORIGIN = """\
{user}worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
{temp_paths}
  server {{
    listen {h1};
    listen {h2c} http2;
    location / {{ return 200 "{body}"; }}
    location /counts {{ stub_status; }}
  }}
}}
"""
HAPROXY = """\
global
  nbthread 1
  no strict-limits
  maxconn {connections}
defaults
  mode http
  maxconn {connections}
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend in
  bind {listen} backlog 4096
  default_backend app
backend app
  http-reuse always
  server origin1 {to}{protocol}
"""
NGHTTPX = """\
frontend={listen};no-tls
backend={to};;proto={protocol}
workers=1
backlog=4096
pid-file={directory}/nghttpx.pid
rlimit-nofile={descriptors}
frontend-http2-read-timeout=300s
frontend-read-timeout=300s
frontend-keep-alive-timeout=300s
backend-keep-alive-timeout=300s
"""
PROXIES = ("onehop", "haproxy", "nghttpx")
PROTOCOLS = ("h2c", "http/1.1")  # to the origin
CALLS_SECONDS = (1, 2)
SECOND_HOP = {"writes": ("write", "writev", "sendto", "sendmsg"),
              "reads": ("read", "readv", "recvfrom", "recvmsg")}


def chosen(arguments):
    """Those that can be started, of the ones that were asked for."""
    wanted = (arguments.proxies.split(",") if arguments.proxies else
              PROXIES[:2] if arguments.short else PROXIES)
    return [name for name in PROXIES if name in wanted and
            (name == "onehop" or find_program(name))]


def missing():
    return None if find_program("nginx") else "there is no nginx, which is its origin"


class Stage:
    """The origin and the proxies before it, started at the first use."""

    def __init__(self, arguments, body_bytes):
        self.arguments = arguments
        self.body_bytes = body_bytes
        self.addresses = None
        self.running = {}

    def _origin(self, context):
        if self.addresses is None:
            context_directory = self._directory(context, "h2c-origin")
            free = {protocol: context.network.free_address("origin") for protocol in PROTOCOLS}
            paths = "\n".join(f"  {kind}_temp_path {context_directory}/{kind};"
                              for kind in configurations.NGINX_TEMP_PATHS)
            path = os.path.join(context_directory, "nginx.conf")
            with open(path, "w") as file:
                file.write(ORIGIN.format(
                    user=configurations.nginx_user(), directory=context_directory, temp_paths=paths,
                    descriptors=4096, h1=configurations.text(free["http/1.1"]),
                    h2c=configurations.text(free["h2c"]), body="x" * self.body_bytes))
            child = context.supervisor.start(
                "h2c-origin", [find_program("nginx"), "-p", context_directory, "-c", path, "-g",
                               "daemon off;"], context.load_core,
                namespace=context.network.namespace("origin"))
            wait_until(lambda: child.exited() or listens(free["http/1.1"]), 10, "nginx listens")
            if child.exited():
                raise BenchError(f"nginx did not start: {child.log_tail()}")
            self.addresses = free
        return self.addresses

    @staticmethod
    def _directory(context, name):
        made = tempfile.mkdtemp(prefix=f"{name}-", dir=context.supervisor.directory)
        os.chmod(made, 0o755)
        return made

    def proxy(self, context, name, protocol):
        if (name, protocol) not in self.running:
            to = self._origin(context)[protocol]
            listen = context.network.free_address("proxy")
            command = self._command(context, name, protocol, (listen, to))
            child = context.supervisor.start(f"{name}-h2c", command, context.proxy_core,
                                             namespace=context.network.namespace("proxy"))
            wait_until(lambda: child.exited() or listens(listen), 10, f"{name} listens")
            if child.exited():
                raise BenchError(f"{name} did not start: {child.log_tail()}")
            self.running[name, protocol] = Running(f"{name}, {protocol}", listen, child, "")
        return self.running[name, protocol]

    def _command(self, context, name, protocol, place):
        listen, to = (configurations.text(one) for one in place)
        if name == "onehop":
            scheme = "h2c://" if protocol == "h2c" else ""
            return [self.arguments.onehop, "proxy", "--listen", listen, "--workers", "1", "--to",
                    scheme + to, "--admin",
                    configurations.text(context.network.free_address("proxy"))]
        directory = self._directory(context, name)
        if name == "haproxy":
            text = HAPROXY.format(listen=listen, to=to, connections=4096,
                                  protocol=" proto h2" if protocol == "h2c" else "")
        else:
            text = NGHTTPX.format(listen=listen.replace(":", ","), to=to.replace(":", ","),
                                  directory=directory, descriptors=8192,
                                  protocol="h2" if protocol == "h2c" else "http/1.1")
        path = os.path.join(directory, "proxy.conf")
        with open(path, "w") as file:
            file.write(text)
        if name == "haproxy":
            return [find_program(name), "-db", "-f", path]
        return [find_program(name), f"--conf={path}"]

    def counts(self, context):
        """(connections accepted, requests) of the origin so far."""
        connection = http.client.HTTPConnection(*self._origin(context)["http/1.1"], timeout=10)
        try:
            connection.request("GET", "/counts")
            text = connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"the origin does not answer: {error!r}") from None
        finally:
            connection.close()
        numbers = re.search(r"requests\s+(\d+)\s+\d+\s+(\d+)", text)
        return int(numbers[1]), int(numbers[2])


def measure(context, stage, name, protocol, round_number, seconds):
    """One round of the keep-alive load through `name` over `protocol`."""
    load = timed.BY_NAME["keepalive"]
    running = stage.proxy(context, name, protocol)
    accepts, requests = stage.counts(context)
    before = sum(kernel.cpu_seconds(running.pids()))
    result = wrk.run(context, load, running.address, seconds)
    used = sum(kernel.cpu_seconds(running.pids())) - before
    after_accepts, after_requests = stage.counts(context)
    done, wall = result["requests"], result["duration_us"] / 1e6
    # Of the origin's counts one request and one connection are those that asked for them.
    surplus = after_requests - requests - 1 - done
    problems = [f"{count} {kind} errors" for kind, count in result["errors"].items() if count]
    if not done or not 0 <= surplus <= load.connections:
        problems.append(f"the origin counted {surplus} requests more than wrk's {done}")
    return {"kind": "h2c", "proxy": running.name, "round": round_number, "requests": done,
            "requests_per_s": done / wall, "cpu_us": used / max(done, 1) * 1e6,
            "busy": used / wall, "latency_us": result["latency_us"],
            "origin_accepts": after_accepts - accepts - 1, "problems": problems}


def calls(context, stage, name, protocol):
    """System calls for each request, and how many of them write and read."""
    running = stage.proxy(context, name, protocol)
    record = syscalls.system_calls(context, timed.BY_NAME["keepalive"], running, CALLS_SECONDS)
    counted = {way: sum(record["by_name"].get(call, 0) for call in names)
               for way, names in SECOND_HOP.items()}
    return {**record, "kind": "h2c-calls", **counted}
