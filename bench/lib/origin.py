# SPDX-License-Identifier: MIT
"""The origin behind every proxy. Its counts are what a proxy's own figures are compared with."""
import http.client
import json
import subprocess

from lib.processes import BenchError


class Origin:
    """A bench_origin. `address` is where a proxy reaches it; clients may need another one
    (network.without_proxy). `context` has supervisor, network, origin_program and load_core."""

    def __init__(self, context, options=()):
        network = context.network
        self.child = context.supervisor.start(
            "origin", [context.origin_program, "--listen", f"{network.listen_address('origin')}:0",
                       *options],
            context.load_core, stdout=subprocess.PIPE, namespace=network.namespace("origin"))
        self.address = (network.origin_host(), self.child.told_address("the origin")[1])
        self.pid = self.child.pid
        self.control = http.client.HTTPConnection(*network.without_proxy(self.address), timeout=10)

    def counts(self):
        try:
            self.control.request("GET", "/__counts")
            return json.loads(self.control.getresponse().read())
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"the origin does not answer: {error!r}; "
                             f"it says: {self.child.log_tail() or 'nothing'}") from None
