# SPDX-License-Identifier: MIT
"""Running the programs that make load, and reading what they say.

The one idea: whatever the program, what comes back has the same keys: `requests`, `duration_us`,
`errors` by kind and `latency_us` by percentile.
"""
import json
import os
import re
import subprocess
import sys

from lib import tools
from lib.certificates import SUITE
from lib.processes import BenchError

LIB = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(os.path.dirname(LIB), "wrk", "report.lua")
LATENCIES = ("p50", "p90", "p95", "p99", "max")
PATIENCE_S = 30      # beyond the load itself
LOAD_PATIENCE_S = 10  # the same of bench_load, and beyond its timeout

REQUESTS = re.compile(r"^requests: .*?(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                      r"(\d+) timeout", re.M)
DURATION = re.compile(r"^finished in ([\d.]+)(us|ms|s|m)\b", re.M)
AGREED = re.compile(r"^Cipher: (\S+)$.*^Application protocol: (\S+)", re.M | re.S)
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1}


def _output(context, name, command, seconds, environment=None):
    """What `command`, which takes about `seconds`, prints."""
    child = context.supervisor.start(
        name, command, context.load_core, stdout=subprocess.PIPE,
        env={**context.client_environment, **(environment or {})})
    try:
        output, _ = child.process.communicate(timeout=seconds + PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{name} did not end") from None
    finally:
        said = child.log_tail()
        context.supervisor.stop(child)
    return output.decode(errors="replace"), said


def _told(name, output, said):
    """The line that a script of the bench printed, the latencies by themselves."""
    for line in output.splitlines():
        if line.startswith("BENCH "):
            result = json.loads(line[len("BENCH "):])
            result["latency_us"] = {name: result.pop(f"{name}_us") for name in LATENCIES}
            return result
    raise BenchError(f"{name} failed: {said or output.strip() or 'it said nothing'}")


def _url(load, address):
    return f"{'https' if load.certificate else 'http'}://{address[0]}:{address[1]}{load.path}"


def wrk(context, load, address, seconds):
    command = [tools.find("wrk"), "-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout",
               "10s", "-s", SCRIPT, _url(load, address)]
    return _told("wrk", *_output(context, "wrk", command, seconds, {
        "BENCH_CLOSE": "1" if load.close else "0", "BENCH_UPLOAD": str(load.upload_bytes)}))


def handshakes(context, load, address, seconds):
    command = [sys.executable, os.path.join(LIB, "handshake_client.py"), address[0],
               str(address[1]), "--kind", load.handshake, "--connections", str(load.connections),
               "--seconds", str(seconds)]
    return _told("the handshake client", *_output(context, "handshakes", command, seconds))


def h2load(context, load, address, seconds):
    log = context.supervisor.path("h2load.log")
    command = [tools.find("h2load"), "-t1", f"-c{load.connections}", f"-m{load.streams}",
               f"-D{seconds}", f"--log-file={log}", _url(load, address)]
    output, _ = _output(context, "h2load", command, seconds)
    try:
        with open(log) as file:
            return h2load_result(output, file)
    finally:
        os.unlink(log)


def h2load_result(text, log):
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


def exactly(context, address, connections, requests):
    """So many GETs and no other, one at a time on each connection."""
    output, said = _output(context, "h2load", [
        tools.find("h2load"), "--h1", "-t1", f"-c{connections}", f"-n{requests}",
        f"http://{address[0]}:{address[1]}/"], PATIENCE_S)
    if f" {requests} succeeded," not in output:
        raise BenchError(f"h2load failed: {(output + said).strip()[-1000:]}")


def bench_load(context, address, rate, seconds, connections="new", timeout_ms=5000):
    """A constant rate; what it printed as it is (load/tally.h)."""
    command = [context.load_program, "--to", f"{address[0]}:{address[1]}", "--rate", str(rate),
               "--seconds", str(seconds), "--connections", str(connections), "--timeout-ms",
               str(timeout_ms)]
    child = context.supervisor.start("bench_load", command, context.load_core,
                                     stdout=subprocess.PIPE)
    patience_s = seconds + timeout_ms / 1000 + LOAD_PATIENCE_S
    try:
        try:
            output, _ = child.process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            child.process.terminate()  # it then prints what it has
            output, _ = child.process.communicate(timeout=LOAD_PATIENCE_S)
        return json.loads(output.decode(errors="replace").strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise BenchError("bench_load does not end") from None
    except (ValueError, IndexError):
        raise BenchError(f"bench_load failed: {child.log_tail() or 'it printed no result'}"
                         ) from None
    finally:
        context.supervisor.stop(child)
