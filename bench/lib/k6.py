# SPDX-License-Identifier: MIT
"""Runs a k6 script and reads what it measured.

The one idea: a script gets all it needs from its environment and leaves k6's own summary in the
file named there (lib/k6.js), so that no line of a console is ever parsed. How many requests there
were in each second is asked of k6's own interface while it runs: its files of samples would cost
it more than the load itself.
"""
import http.client
import json
import os
import threading
import time

from lib.processes import BenchError, free_port
from lib.scenario_runner import timeline

TRENDS = {"p50": "med", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)", "p999": "p(99.9)",
          "max": "max", "mean": "avg"}
THRESHOLD_CROSSED = 99  # k6's exit status then; the scenario judges for itself
NO_INTERFACE = 106      # and when the port of its interface is taken
LOOK_S = 0.05           # until the first request: from then on the seconds are counted
LAST_S = 0.75           # a shorter rest is left out of the seconds


class Watch(threading.Thread):
    """Between `start()` and `stop()` asks k6 once a second how many requests are complete. A k6
    that does not answer leaves fewer totals, and no error."""

    def __init__(self, context, address):
        super().__init__(daemon=True)
        self.context = context
        self.connection = http.client.HTTPConnection(*address, timeout=1)
        self.ended = threading.Event()
        self.began = None  # with the first request
        self.finished = None
        self.totals = []

    def run(self):
        due = time.monotonic()
        while not self.ended.wait(max(due - time.monotonic(), 0)):
            due += 1 if self.began else LOOK_S
            count = self._count()
            now = time.monotonic()
            if count and not self.began:
                self.began, due = now, now + 1
                self.totals.append((now - LOOK_S, 0))
            elif count:
                self.totals.append((now, count))
        self.connection.close()

    def stop(self):
        self.finished = time.monotonic()
        self.ended.set()
        self.join()

    def finish(self, count):
        """k6 has ended with `count` requests. What came after the last look is a second, too, if it
        lasted about as long."""
        last = self.totals[-1][0] if self.totals else self.finished
        if self.finished - last > LAST_S:
            self.totals.append((min(self.finished, last + 1), count))

    def _count(self):
        try:
            if not self.connection.sock:
                self.connection.connect()
                self.context.polled(1)
            self.connection.request("GET", "/v1/metrics/http_reqs")
            answer = self.connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                return None  # there was no request yet
            return int(json.loads(body)["data"]["attributes"]["sample"]["count"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            self.connection.close()
            return None


def run(context, script, variables, seconds):
    """The load of `script`, which takes about `seconds`; returns k6's metrics by name, and under
    "timeline" how many requests were complete in each second. Options that report to anybody are
    off."""
    path = context.supervisor.path(f"k6-{context.next_number()}.json")
    port = free_port()
    log = path + ".log"  # of what is wrong with the script; requests that fail are only warnings
    command = [context.tool("k6"), "run", "--quiet", "--no-usage-report", "--no-color",
               "--address", f"127.0.0.1:{port}", "--log-output", f"file={log},level=error"]
    for name, value in {**variables, "SUMMARY": path}.items():
        command += ["--env", f"{name}={value}"]
    watch = Watch(context, ("127.0.0.1", port))
    watch.start()
    try:
        child = context.run_tool("k6", [*command, script], seconds + 60)
    finally:
        watch.stop()
    if child.process.returncode == NO_INTERFACE:
        raise BenchError(f"k6 cannot have port {port} for its interface: another process listens "
                         "there")
    if child.process.returncode not in (0, THRESHOLD_CROSSED) or not os.path.exists(path):
        raise BenchError(f"k6 ended with status {child.process.returncode}: "
                         f"{_tail(log) or child.log_tail()}")
    with open(path) as file:
        document = json.load(file)
    metrics = {name: metric["values"] for name, metric in document["metrics"].items()}
    watch.finish(count(metrics, "http_reqs"))
    return {**metrics, "timeline": timeline(watch.totals)}


def _tail(path):
    try:
        with open(path, errors="replace") as file:
            return file.read().strip()[-500:]
    except FileNotFoundError:
        return ""


def percentiles_us(metrics, name="http_req_duration"):
    """Of the time from the first byte sent to the last received: without connecting, as onehop's
    own clock does not see that either."""
    values = metrics.get(name, {})
    return {ours: values[theirs] * 1000 for ours, theirs in TRENDS.items()
            if values.get(theirs) is not None}


def count(metrics, name):
    return int(metrics.get(name, {}).get("count", 0))


def per_second(metrics, name="http_reqs"):
    return metrics.get(name, {}).get("rate", 0.0)


def errors(metrics):
    """By kind, of those that lib/k6.js counted."""
    return {name[len("error_"):]: int(values["count"]) for name, values in metrics.items()
            if name.startswith("error_") and values.get("count")}
