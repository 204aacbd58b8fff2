# SPDX-License-Identifier: MIT
"""The origin behind every proxy. Its counts are what a proxy's own figures are compared with."""
import http.client
import json
import subprocess

from lib import netns
from lib.processes import BenchError


class Origin:
    """`address` is where a proxy reaches it; clients may need another one (network.without_proxy).
    """

    def __init__(self, supervisor, program, core, options=(), network=None):
        network = network or netns.Loopback()
        listen = network.listen_address("origin")
        self.child = supervisor.start(
            "origin", [program, "--listen", f"{listen}:0", *options], core,
            stdout=subprocess.PIPE, namespace=network.namespace("origin"))
        line = self.child.process.stdout.readline().decode().strip()
        host, _, port = line.rpartition(":")
        if not host:
            raise BenchError("the origin did not start: "
                             f"{self.child.log_tail() or 'it said nothing'}")
        self.address = (network.origin_host(), int(port))
        self.pid = self.child.pid
        self.control = http.client.HTTPConnection(*network.without_proxy(self.address), timeout=10)

    def counts(self):
        try:
            self.control.request("GET", "/__counts")
            return json.loads(self.control.getresponse().read())
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"the origin does not answer: {error!r}; "
                             f"it says: {self.child.log_tail() or 'nothing'}") from None
