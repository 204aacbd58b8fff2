# SPDX-License-Identifier: MIT
"""Running wrk and reading its result."""
import json
import os
import subprocess

from lib.machine import find_program
from lib.processes import BenchError

SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                      "wrk", "report.lua")
LATENCIES = ("p50", "p90", "p95", "p99", "max")


def run(context, load, address, seconds):
    """Puts `load` on `address` for whole `seconds` and returns what report.lua printed, the
    latencies by themselves."""
    supervisor = context.supervisor
    url = f"{load.scheme}://{address[0]}:{address[1]}{load.path}"
    command = [find_program("wrk"), "-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout",
               "10s", "-s", SCRIPT, url]
    environment = {**context.client_environment, "BENCH_CLOSE": "1" if load.close else "0",
                   "BENCH_UPLOAD": str(load.upload_bytes)}
    child = supervisor.start("wrk", command, context.load_core, stdout=subprocess.PIPE,
                             env=environment)
    try:
        output, _ = child.process.communicate(timeout=seconds + 30)
    except subprocess.TimeoutExpired:
        raise BenchError("wrk did not end") from None
    finally:
        supervisor.stop(child)
    text = output.decode(errors="replace")
    for line in text.splitlines():
        if line.startswith("BENCH "):
            result = json.loads(line[len("BENCH "):])
            result["latency_us"] = {name: result.pop(f"{name}_us") for name in LATENCIES}
            return result
    raise BenchError(f"wrk failed: {text.strip() or child.process.returncode}")
