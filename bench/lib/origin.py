# SPDX-License-Identifier: MIT
"""The origin behind every proxy. Its counts are what a proxy's own figures are compared with."""
import http.client
import json
import subprocess

from lib.processes import BenchError


class Origin:
    def __init__(self, supervisor, program, core, options=()):
        self.child = supervisor.start(
            "origin", [program, "--listen", "127.0.0.1:0", *options], core, stdout=subprocess.PIPE)
        line = self.child.process.stdout.readline().decode().strip()
        host, _, port = line.rpartition(":")
        if not host:
            raise BenchError(f"the origin did not start: {self.child.log_tail()}")
        self.address = (host, int(port))
        self.control = http.client.HTTPConnection(*self.address, timeout=10)

    def counts(self):
        self.control.request("GET", "/__counts")
        return json.loads(self.control.getresponse().read())
