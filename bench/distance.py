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
import threading
import time

from lib import machine, netns, options, plan, results, tools
from lib.configurations import text
from lib.nginx_origin import NginxOrigin
from lib.origin import Origin
from lib.processes import BenchError, Supervisor
from lib.proxies import Proxies, Settings

BYTES = 3_000_000
HALF_TRIP_S = 0.05
PATIENCE_S = 60
NAMES = ("onehop", "nginx", "haproxy")
# direction, protocol over the long way, who can
ROWS = (("upload", "HTTP/1.1", NAMES), ("upload", "HTTP/2", NAMES),
        ("download", "HTTP/1.1", NAMES), ("download", "HTTP/2", ("onehop", "haproxy")))


class Relay:
    """Passes bytes on after HALF_TRIP_S, from its address to `target`, which is set when known."""

    def __init__(self):
        self.target = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
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
    """An origin that takes uploads, and one with a file to download over either protocol."""

    def __init__(self, context):
        self.context = context
        self.taker = Origin(context).address
        self.giver = NginxOrigin(context, "root DIRECTORY;")
        self.file = os.path.join(self.giver.directory, "body")
        with open(self.file, "wb") as file:
            file.write(os.urandom(BYTES))

    def transfer(self, direction, h2, name):
        """Seconds of one transfer on a fresh connection each way."""
        with Relay() as relay:
            if direction == "upload":
                with self.context.proxy(name, self.taker, h2=h2) as running:
                    relay.target = running.address
                    return self._curl(["-T", self.file], h2, relay.address)
            relay.target = self.giver.h2 if h2 else self.giver.h1
            with self.context.proxy(name, relay.address, h2_upstream=h2) as running:
                return self._curl([], False, running.address)

    def _curl(self, way, h2, address):
        ran = subprocess.run(
            [tools.find("curl"), "-s", "-o", os.devnull, "-H", "Expect:", "-m", str(PATIENCE_S),
             "-w", "%{http_code} %{size_upload} %{size_download} %{time_total}",
             *(["--http2-prior-knowledge"] if h2 else []), *way, f"http://{text(address)}/body"],
            capture_output=True, text=True, check=False)
        status, sent, received, seconds = (ran.stdout.split() + ["?"] * 4)[:4]
        if status != "200" or int(sent if way else received) != BYTES:
            raise BenchError(f"the transfer failed: status {status}, {sent} bytes sent, "
                             f"{received} received, curl ended with {ran.returncode}")
        return float(seconds)


def asked():
    made = argparse.ArgumentParser(prog="./dev bench distance",
                                   description=__doc__.partition("\n")[0])
    made.add_argument("--rounds", type=int, default=5)
    options.programs(made)
    arguments = made.parse_args()
    if tools.missing("nginx"):
        print(f"bench: {tools.missing('nginx')}, and it is the origin of the downloads")
        return results.SKIPPED
    with Supervisor() as supervisor:
        proxies = Proxies(supervisor, Settings(arguments.onehop, *machine.limits()))
        names = [name for name in NAMES if not proxies.missing(name)]
        print(", ".join(machine.versions(arguments.onehop, None, names[1:]).values()))
        print(f"| {BYTES / 1e6:.0f} MB at {2000 * HALF_TRIP_S:.0f} ms of round trip, s |",
              " | ".join(names), "|")
        print("|---|" + "---|" * len(names))
        stage = Stage(plan.Context(supervisor, proxies, netns.Loopback(), arguments.origin, ""))
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
    sys.exit(results.main(asked))
