#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""POSTs through onehop to real servers, with gaps between them around the time after which these
close idle connections: none may be answered with 502, none may be done twice, and the servers do
the counting. onehop is configured to keep connections for longer than the servers do, so it has to
learn better.

    keepalive_race_test.py ONEHOP             some hundred, for every run of the tests
    keepalive_race_test.py ONEHOP 100000      at full size

POSTs go out in rounds: each client sends some one after the other, then all of them one at the same
time, and pauses until the server's timeout has nearly passed, or has just passed."""

import contextlib
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid

from onehop_proxy import Proxy, need_programs, skip

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PYTHON = sys.executable
CLIENTS = 12
ROUNDS = 5
SOME = 720
PATIENCE = 30

# Name, command, and its keep-alive timeout in seconds. Node announces the timeout with each
# response unless it is kept from that, and closes up to a second later; uvicorn says nothing.
NODE = ["node", os.path.join(HERE, "keepalive_app.js"), "3000"]
SERVERS = (("node", [*NODE, "announced"], 3.0), ("quiet-node", [*NODE, "not"], 4.0),
           ("uvicorn", [SYSTEM_PYTHON, os.path.join(HERE, "keepalive_app.py"), "2"], 2.0))


class Server:
    """A context manager: one of them, as a process."""

    def __init__(self, name, command, timeout):
        self.name, self.command, self.timeout = name, command, timeout
        self.process = None
        self.address = ""

    def __enter__(self):
        self.process = subprocess.Popen(self.command, text=True, stdout=subprocess.PIPE)
        self.address = f"127.0.0.1:{self.process.stdout.readline().split()[1]}"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def counts(self):
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        connection.request("GET", "/counts")
        counted = json.loads(connection.getresponse().read())
        connection.close()
        return counted


def configuration(servers):
    """A route by path for each server; connections may rest for far longer than any of them
    lets them."""
    text = """[server]
workers = 1
drain = "2s"
drain_idle = "1ms"
[[listener]]
address = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
"""
    for server in servers:
        text += f"""[[route]]
path = "/{server.name}"
upstream = "{server.name}"
[upstream.{server.name}]
endpoints = ["{server.address}"]
[upstream.{server.name}.pool]
idle_timeout = "60s"
"""
    return text


class Client(threading.Thread):
    """Sends its share, and notes what was not answered with 200."""

    def __init__(self, address, server, posts, rounds, together, seed):
        super().__init__()
        self.address, self.server, self.posts, self.rounds = address, server, posts, rounds
        self.together = together
        self.random = random.Random(seed)
        self.sent, self.bad = [], []
        self.pause = threading.Event()

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        each = max(self.posts // self.rounds, 1)
        for begun in range(0, self.posts, each):
            for _ in range(min(each, self.posts - begun)):
                self.post(connection)
            # Each on a connection of its own, which then rests, until around the moment at which
            # the server closes it.
            self.together.wait(PATIENCE)
            self.post(connection)
            self.pause.wait(self.server.timeout + self.random.uniform(-0.06, 0.03))
        connection.close()

    def post(self, connection):
        name = uuid.UUID(int=self.random.getrandbits(128)).hex
        self.sent.append(name)
        try:
            # A GET now and then, which may take what has rested and is sent again if need be.
            if self.random.random() < 0.2:
                self.ask(connection, "GET", {})
            self.ask(connection, "POST", {"X-Count-As": name})
        except (OSError, http.client.HTTPException) as error:
            self.bad.append(repr(error))
            connection.close()

    def ask(self, connection, method, fields):
        body = b"x" * self.random.choice((0, 10, 2000)) if method == "POST" else None
        connection.request(method, f"/{self.server.name}/", body=body, headers=fields)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            self.bad.append(f"{method} {response.status} {response.headers.get('Proxy-Status')}")


def stats_of(proxy):
    admin = next(line.split()[2] for line in proxy.process.stdout if line.startswith("admin on "))
    connection = http.client.HTTPConnection(admin, timeout=PATIENCE)
    connection.request("GET", "/stats")
    document = json.loads(connection.getresponse().read())
    connection.close()
    return document["upstreams"]


def check(server, clients, endpoint):
    sent = [name for client in clients for name in client.sent]
    bad = [what for client in clients for what in client.bad]
    counted = server.counts()
    lost = [name for name in sent if counted.get(name, 0) == 0]
    twice = [name for name in sent if counted.get(name, 0) > 1]
    connections = endpoint["connections"]
    print(f"{server.name}: {len(sent)} POSTs, {len(bad)} not answered with 200, {len(lost)} not "
          f"done, {len(twice)} done twice; learned "
          f"{connections['learned_idle_timeout_us'] / 1e6:.2f} s "
          f"({connections['learned_idle_timeout_why']}), opened for the gate "
          f"{connections['opened_by_reason']['gate']}, outcomes "
          f"{json.dumps(endpoint['requests']['outcomes'])}", flush=True)
    if bad or lost or twice:
        raise AssertionError(f"{server.name}: {bad[:3]}")
    if connections["learned_idle_timeout_why"] == "configured":
        raise AssertionError(f"{server.name}: it has not learned")


def race(proxy, servers, posts, rounds, seed):
    share = -(-posts // (len(servers) * CLIENTS))
    groups = []
    for nth, server in enumerate(servers):
        together = threading.Barrier(CLIENTS)
        groups.append([Client(proxy.address, server, share, rounds, together, seed + 1000 * nth + i)
                       for i in range(CLIENTS)])
    everybody = [client for group in groups for client in group]
    for client in everybody:
        client.start()
    for client in everybody:
        client.join()
    upstreams = stats_of(proxy)
    for server, clients in zip(servers, groups):
        check(server, clients, next(iter(upstreams[server.name]["endpoints"].values())))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {sys.argv[0]} ONEHOP [POSTS]")
    need_programs("node")
    if subprocess.run([SYSTEM_PYTHON, "-c", "import uvicorn"], capture_output=True,
                      check=False).returncode != 0:
        skip("python3-uvicorn is not installed")
    posts = int(sys.argv[2]) if len(sys.argv) == 3 else SOME
    rounds = ROUNDS if posts == SOME else 60
    seed = int(os.environ.get("ONEHOP_TEST_SEED", time.time_ns() % 2**32))
    print(f"seed {seed}", flush=True)
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(*one)) for one in SERVERS]
        with Proxy(sys.argv[1], configuration(servers)) as proxy:
            race(proxy, servers, posts, rounds, seed)


if __name__ == "__main__":
    sys.exit(main())
