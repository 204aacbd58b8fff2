#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""3 MB over 100 ms of round trip: what HTTP/2's windows make of a long way, in both directions.

The one idea: a relay on loopback holds every byte back for half a round trip and lets any number of
them be on the way, so nothing but the windows of the protocol can make a transfer slow. An upload
has the relay before the proxy, a download has it between the proxy and its endpoint.
"""
import argparse
import contextlib
import os
import queue
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import run
from lib import configurations, machine, netns
from lib.configurations import text
from lib.machine import find_program
from lib.origin import Origin
from lib.processes import BenchError, Supervisor, listens, wait_until

BYTES = 3_000_000
HALF_TRIP_S = 0.05
PATIENCE_S = 60

NGINX = """\
{user}worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 64; }}
http {{
  access_log off;
{temp_paths}
  {server}
}}
"""
ORIGIN = "server {{ listen {h1}; listen {h2} http2; root {directory}; }}"
PROXY = """\
server {{
    listen {listen}{http2};
    client_max_body_size 16m;
    proxy_http_version 1.1;
    proxy_request_buffering off;
    location / {{ proxy_pass http://{to}; }}
  }}"""
HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind {listen}{client}
  default_backend app
backend app
  server app1 {to}{server}
"""
# direction, protocol over the long way, who can
ROWS = (("upload", "HTTP/1.1", ("onehop", "nginx", "haproxy")),
        ("upload", "HTTP/2", ("onehop", "nginx", "haproxy")),
        ("download", "HTTP/1.1", ("onehop", "nginx", "haproxy")),
        ("download", "HTTP/2", ("onehop", "haproxy")))


class Relay:
    """Passes bytes on after HALF_TRIP_S, from its address to `target`, which is set when known."""

    def __init__(self):
        self.target = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                for source, sink in ((near, far), (far, near)):
                    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    on_its_way = queue.SimpleQueue()
                    for work, end in ((self._depart, source), (self._arrive, sink)):
                        threading.Thread(target=work, args=(end, on_its_way), daemon=True).start()

    @staticmethod
    def _depart(source, on_its_way):
        data = b"?"
        while data:
            try:
                data = source.recv(1 << 18)
            except OSError:
                data = b""
            on_its_way.put((time.monotonic() + HALF_TRIP_S, data))

    @staticmethod
    def _arrive(sink, on_its_way):
        with contextlib.suppress(OSError):
            while True:
                due, data = on_its_way.get()
                time.sleep(max(0, due - time.monotonic()))
                if not data:
                    return sink.shutdown(socket.SHUT_WR)
                sink.sendall(data)


class Stage:
    def __init__(self, supervisor, arguments):
        self.supervisor = supervisor
        self.onehop = arguments.onehop
        self.network = netns.Loopback()
        self.directory = self._directory("origin")
        with open(os.path.join(self.directory, "body"), "wb") as file:
            file.write(os.urandom(BYTES))
        self.taker = Origin(supervisor, arguments.origin, None).address
        self.h1, self.h2 = (self.network.free_address("origin") for _ in range(2))
        self._nginx("origin", self.directory, self.h1, ORIGIN.format(
            h1=text(self.h1), h2=text(self.h2), directory=self.directory))

    def _directory(self, name):
        made = tempfile.mkdtemp(prefix=f"{name}-", dir=self.supervisor.directory)
        os.chmod(made, 0o755)
        return made

    def _start(self, name, command, address):
        child = self.supervisor.start(name, command, None)
        wait_until(lambda: child.exited() or listens(address), 10, f"{name} listens")
        if child.exited():
            raise BenchError(f"{name} did not start: {child.log_tail()}")
        return child

    def _nginx(self, name, directory, address, server):
        paths = "\n".join(f"  {kind}_temp_path {directory}/{kind};"
                          for kind in configurations.NGINX_TEMP_PATHS)
        path = os.path.join(directory, "nginx.conf")
        with open(path, "w") as file:
            file.write(NGINX.format(user=configurations.nginx_user(), directory=directory,
                                    temp_paths=paths, server=server))
        return self._start(name, [find_program("nginx"), "-p", directory, "-c", path, "-g",
                                  "daemon off;"], address)

    def proxy(self, name, listen, to, h2_client, h2_server):
        if name == "onehop":
            return self._start(name, [
                self.onehop, "proxy", "--listen", text(listen), "--workers", "1", "--to",
                ("h2c://" if h2_server else "") + text(to), "--admin",
                text(self.network.free_address("proxy"))], listen)
        directory = self._directory(name)
        if name == "nginx":
            return self._nginx(name, directory, listen, PROXY.format(
                listen=text(listen), to=text(to), http2=" http2" if h2_client else ""))
        path = os.path.join(directory, "haproxy.cfg")
        with open(path, "w") as file:
            file.write(HAPROXY.format(listen=text(listen), to=text(to),
                                      client=" proto h2" if h2_client else "",
                                      server=" proto h2" if h2_server else ""))
        return self._start(name, [find_program("haproxy"), "-db", "-f", path], listen)

    def transfer(self, direction, h2, name):
        """Seconds of one transfer on a fresh connection each way."""
        relay, listen = Relay(), self.network.free_address("proxy")
        upload = direction == "upload"
        relay.target = listen if upload else self.h2 if h2 else self.h1
        child = self.proxy(name, listen, self.taker if upload else relay.address, upload and h2,
                           h2 and not upload)
        try:
            return self._curl(upload, upload and h2, relay.address if upload else listen)
        finally:
            self.supervisor.stop(child)
            relay.stop()

    def _curl(self, upload, h2, address):
        way = ["-T", os.path.join(self.directory, "body")] if upload else []
        ran = subprocess.run(
            [find_program("curl"), "-s", "-o", os.devnull, "-H", "Expect:", "-m", str(PATIENCE_S),
             "-w", "%{http_code} %{size_upload} %{size_download} %{time_total}",
             *(["--http2-prior-knowledge"] if h2 else []), *way, f"http://{text(address)}/body"],
            capture_output=True, text=True, check=False)
        status, sent, received, seconds = (ran.stdout.split() + ["?"] * 4)[:4]
        if status != "200" or int(sent if upload else received) != BYTES:
            raise BenchError(f"the transfer failed: status {status}, {sent} bytes sent, "
                             f"{received} received, curl ended with {ran.returncode}")
        return float(seconds)


def main():
    made = argparse.ArgumentParser(prog="./dev bench distance",
                                   description=__doc__.partition("\n")[0])
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--onehop", default=os.path.join(run.BUILD, "onehop"), metavar="BINARY")
    made.add_argument("--origin", default=os.path.join(run.BUILD, "bench", "bench_origin"),
                      metavar="BINARY")
    arguments = made.parse_args()
    known = machine.versions(arguments.onehop, None)
    names = ("onehop", *(name for name in ("nginx", "haproxy") if find_program(name)))
    if "nginx" not in names:
        print("bench: there is no nginx, which is the origin of the downloads")
        return 77
    print(", ".join(str(known[name]) for name in names if name in known))
    print(f"| {BYTES / 1e6:.0f} MB at {2000 * HALF_TRIP_S:.0f} ms of round trip, s |",
          " | ".join(names), "|")
    print("|---|" + "---|" * len(names))
    with Supervisor() as supervisor:
        stage = Stage(supervisor, arguments)
        for direction, protocol, able in ROWS:
            found = {name: [] for name in names if name in able}
            for _ in range(arguments.rounds):
                for name, times in found.items():
                    times.append(stage.transfer(direction, protocol == "HTTP/2", name))
            cells = [f"{statistics.median(found[name]):.2f}" if name in found else ""
                     for name in names]
            print(f"| {direction}, {protocol} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
