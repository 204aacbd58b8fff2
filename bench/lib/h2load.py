# SPDX-License-Identifier: MIT
"""Running h2load and reading its result, as wrk.py does for wrk."""
import os
import re
import subprocess

from lib.certificates import SUITE
from lib.machine import find_program
from lib.processes import BenchError

REQUESTS = re.compile(r"^requests: .*?(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                      r"(\d+) timeout", re.M)
DURATION = re.compile(r"^finished in ([\d.]+)(us|ms|s|m)\b", re.M)
AGREED = re.compile(r"^Cipher: (\S+)$.*^Application protocol: (\S+)", re.M | re.S)
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1}


def run(context, load, address, seconds):
    """Puts `load` on `address` for `seconds` and returns what wrk.run does."""
    log = context.supervisor.path("h2load.log")
    command = [find_program("h2load"), "-t1", f"-c{load.connections}", f"-m{load.streams}",
               f"-D{seconds}", f"--log-file={log}",
               f"{load.scheme}://{address[0]}:{address[1]}{load.path}"]
    child = context.supervisor.start("h2load", command, context.load_core, stdout=subprocess.PIPE,
                                     env=context.client_environment)
    try:
        output, _ = child.process.communicate(timeout=seconds + 30)
    except subprocess.TimeoutExpired:
        raise BenchError("h2load did not end") from None
    finally:
        context.supervisor.stop(child)
    try:
        with open(log) as file:
            return result(output.decode(errors="replace"), file)
    finally:
        os.unlink(log)


def result(text, log):
    """Of what it printed and of the lines of its log: when, status (-1: failed), microseconds."""
    requests, duration = REQUESTS.search(text), DURATION.search(text)
    agreed = AGREED.search(text)
    if not requests or not duration:
        raise BenchError(f"h2load failed: {text.strip()[-1000:]}")
    done, succeeded, failed, errored, timeout = map(int, requests.groups())
    took = sorted(int(line.split()[2]) for line in log if line.split()[1] != "-1")
    return {
        "requests": done, "duration_us": float(duration[1]) * SECONDS[duration[2]] * 1e6,
        "errors": {"failed": failed, "errored": errored, "timeout": timeout,
                   "status": done - succeeded - failed,
                   "not HTTP/2": int(not agreed or agreed[2] != "h2"),
                   f"not {SUITE}": int(not agreed or agreed[1] != SUITE)},
        "latency_us": {name: took[min(int(len(took) * share), len(took) - 1)] if took else 0
                       for name, share in SHARES.items()}}
