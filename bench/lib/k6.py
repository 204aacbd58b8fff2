# SPDX-License-Identifier: MIT
"""Runs a k6 script and reads what it measured.

The one idea: a script gets all it needs from its environment and leaves k6's own summary in the
file named there (lib/k6.js), so that no line of a console is ever parsed.
"""
import json
import os

from lib.processes import BenchError, free_port

TRENDS = {"p50": "med", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)", "p999": "p(99.9)",
          "max": "max", "mean": "avg"}
THRESHOLD_CROSSED = 99  # k6's exit status then; the scenario judges for itself


def run(context, script, variables, seconds):
    """The load of `script`, which takes about `seconds`; returns k6's metrics by name. Options that
    report to anybody are off."""
    path = context.supervisor.path(f"k6-{context.next_number()}.json")
    log = path + ".log"  # of what is wrong with the script; requests that fail are only warnings
    command = [context.tool("k6"), "run", "--quiet", "--no-usage-report", "--no-color",
               "--address", f"127.0.0.1:{free_port()}", "--log-output",
               f"file={log},level=error"]
    for name, value in {**variables, "SUMMARY": path}.items():
        command += ["--env", f"{name}={value}"]
    child = context.run_tool("k6", [*command, script], seconds + 60)
    if child.process.returncode not in (0, THRESHOLD_CROSSED) or not os.path.exists(path):
        with open(log if os.path.exists(log) else child.log, errors="replace") as file:
            raise BenchError(f"k6 ended with status {child.process.returncode}: "
                             f"{file.read().strip()[-500:]}")
    with open(path) as file:
        metrics = json.load(file)["metrics"]
    return {name: metric["values"] for name, metric in metrics.items()}


def percentiles_us(metrics, name="http_req_duration"):
    """Of the time from the first byte sent to the last received: without connecting, as onehop's
    own clock does not see that either."""
    values = metrics.get(name, {})
    return {ours: values[theirs] * 1000 for ours, theirs in TRENDS.items()
            if values.get(theirs) is not None}


def count(metrics, name):
    return int(metrics.get(name, {}).get("count", 0))


def errors(metrics):
    """By kind, of those that lib/k6.js counted."""
    return {name[len("error_"):]: int(values["count"]) for name, values in metrics.items()
            if name.startswith("error_") and values.get("count")}
