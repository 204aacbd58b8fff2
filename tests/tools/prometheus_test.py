#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Prometheus itself makes of /metrics: promtool has nothing against it, a server scrapes it,
every expression of docs/metrics.md has an answer there, no sum falls when an endpoint leaves, and
its native histograms are understood."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from onehop_proxy import Proxy, arguments, make_certificate, need_programs, tls_listener
from real_origins import App, HttpOrigin, Stats

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "metrics.md")
PATIENCE = 60  # seconds until an expression without an answer is a failure
SCRAPES = """\
global:
  scrape_interval: 250ms
scrape_configs:
  - job_name: onehop
    static_configs:
      - targets: ["{admin}"]
"""
NATIVE = "histogram_quantile(0.99, sum(rate(onehop_downstream_request_seconds[5m])))"


class Origin(App):
    """Fails when it is asked to."""

    def do_GET(self):
        if self.path == "/fail":
            self.send_error(503)
        else:
            super().do_GET()


def configuration(endpoints, listener, control):
    """Two listeners, two routes and two upstreams, one of which is without anybody."""
    return f"""[server]
workers = 2
drain = "2s"
drain_idle = "1ms"
[[listener]]
address = "127.0.0.1:0"
[[listener]]
address = "localhost:0"
{listener}
[[route]]
path = "/nobody"
upstream = "nobody"
[[route]]
upstream = "app"
[upstream.app]
endpoints = [{endpoints}]
[upstream.nobody]
endpoints = ["127.0.0.1:9"]
[admin]
listen = "127.0.0.1:0"
control = "{control}"
[log]
level = "error"
"""


def expressions():
    """(question, expression) of the document: each begins with a line of comment."""
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read().partition("## Questions and the expressions that answer them")[2]
    block = re.search(r"```\n(.*?)```", text, re.S)[1]
    found = re.findall(r"^# (.+)\n((?:[^#\n].*\n)+)", block, re.M)
    assert len(found) == block.count("\n# ") + 1, "an expression was not understood"
    return found


class Traffic(threading.Thread):
    """A context: requests of every kind, until the end."""

    def __init__(self, plain, secured, certificate):
        super().__init__(daemon=True)
        self.plain, self.secured = plain, secured
        self.context = ssl.create_default_context(cafile=certificate)
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2  # whose sessions are there at once
        self.session = None
        self.ended = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        while not self.ended.wait(0.02):
            for path in ("/", "/fail", "/nobody"):
                try:
                    urllib.request.urlopen(f"http://{self.plain}{path}", timeout=PATIENCE).read()
                except urllib.error.HTTPError as error:
                    assert error.code in (502, 503), error.code
            host, _, port = self.secured.rpartition(":")
            with socket.create_connection((host, int(port)), PATIENCE) as raw:
                with self.context.wrap_socket(raw, server_hostname="localhost",
                                              session=self.session) as peer:
                    self.session = None if self.session else peer.session
                    peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    while peer.recv(65536):
                        pass


class Prometheus:
    """A context manager: a server that scrapes this address. `flags` are more of its options."""

    def __init__(self, admin, *flags):
        self.admin, self.flags = admin, flags
        self.folder = tempfile.mkdtemp()
        self.log = os.path.join(self.folder, "log")
        self.process, self.address = None, ""

    def __enter__(self):
        path = os.path.join(self.folder, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SCRAPES.format(admin=self.admin))
        for _ in range(5):  # another process may take the free port meanwhile
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.address = f"127.0.0.1:{probe.getsockname()[1]}"
            with open(self.log, "wb") as log:
                self.process = subprocess.Popen(
                    ["prometheus", f"--config.file={path}", f"--web.listen-address={self.address}",
                     f"--storage.tsdb.path={self.folder}/data", *self.flags],
                    stdout=log, stderr=log)
            if self.wait(lambda: self.process.poll() is not None or self.is_ready()):
                if self.process.poll() is None:
                    return self
        raise RuntimeError(self.said())

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder)

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()[-3000:]

    @staticmethod
    def wait(condition):
        end, pause = time.monotonic() + PATIENCE, threading.Event()
        while not condition():
            if time.monotonic() > end:
                return False
            pause.wait(0.1)
        return True

    def is_ready(self):
        try:
            return urllib.request.urlopen(f"http://{self.address}/-/ready").status == 200
        except OSError:
            return False

    def ask(self, expression):
        """The numbers that it answers, those that are none left out."""
        query = urllib.parse.urlencode({"query": expression})
        try:
            answer = urllib.request.urlopen(f"http://{self.address}/api/v1/query?{query}")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from None
        values = [float(one["value"][1]) for one in json.load(answer)["data"]["result"]]
        return [value for value in values if value == value]

    def must_answer(self, question, expression):
        assert self.wait(lambda: self.ask(expression)), f"no answer: {question}\n{expression}"


def check_by_promtool(admin):
    with urllib.request.urlopen(f"http://{admin}/metrics") as response:
        done = subprocess.run(["promtool", "check", "metrics"], input=response.read(), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0 and not done.stdout, done.stdout.decode()


def check_departure(prometheus, control, address):
    """The series of an endpoint that is removed end at once; what it counted does not."""
    attempts = 'onehop_upstream_attempts_total{upstream="app"'
    own = f'{attempts}, endpoint="{address}", class="ok"}}'
    assert prometheus.ask(own)[0] > 0
    subprocess.run(["curl", "--fail", "--silent", "--show-error", "--unix-socket", control, "-X",
                    "DELETE", f"http://localhost/upstreams/app/endpoints/{address}"], check=True,
                   stdout=subprocess.DEVNULL)
    prometheus.must_answer("departed", f'{attempts}, endpoint="departed", class="ok"}} > 0')
    assert not prometheus.ask(own), "a series of an endpoint that is gone goes on"
    assert prometheus.ask(f"resets(sum({attempts}}})[5m:250ms])") == [0.0], "the sum fell"


def main():
    binary = arguments()
    need_programs("promtool", "prometheus", "curl")
    folder = tempfile.mkdtemp()
    cert, key = make_certificate(folder)
    control = os.path.join(folder, "control")
    with HttpOrigin(Origin) as app, HttpOrigin(Origin) as leaving, Proxy(binary, configuration(
            f'"{app.address}", "{leaving.address}"', tls_listener(cert, key), control)) as proxy:
        secured = next(line.split()[2] for line in proxy.process.stdout
                       if line.startswith("listening on "))
        admin = Stats(proxy).address
        with Traffic(proxy.address, secured, cert):
            with Prometheus(admin) as prometheus:
                for question, expression in expressions():
                    prometheus.must_answer(question, expression)
                check_departure(prometheus, control, leaving.address)
                assert prometheus.ask('up{job="onehop"}') == [1.0]
            with Prometheus(admin, "--enable-feature=native-histograms") as prometheus:
                prometheus.must_answer("native histograms", NATIVE)
        check_by_promtool(admin)
    shutil.rmtree(folder)
    print(f"{len(expressions())} expressions have an answer")


if __name__ == "__main__":
    sys.exit(main())
