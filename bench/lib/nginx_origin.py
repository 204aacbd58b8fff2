# SPDX-License-Identifier: MIT
"""An nginx as the origin where HTTP/2 without TLS is wanted: a port for each protocol, `h1` and
`h2`, and the same answers behind both."""
import os
import tempfile

from lib import configurations, tools
from lib.processes import BenchError, listens, wait_until

DESCRIPTORS = CONNECTIONS = 4096


class NginxOrigin:
    """`answer` is what stands in its server; `directory` is its own."""

    def __init__(self, context, answer):
        self.directory = tempfile.mkdtemp(prefix="nginx-origin-", dir=context.supervisor.directory)
        os.chmod(self.directory, 0o755)
        self.h1, self.h2 = (context.network.free_address("origin") for _ in range(2))
        site = configurations.Site("nginx", self.directory, {}, DESCRIPTORS, CONNECTIONS,
                                   plain=self.h1, h2=self.h2)
        path = configurations.write(
            site, configurations.nginx_origin(site, answer.replace("DIRECTORY", self.directory)))
        child = context.supervisor.start(
            "nginx-origin", [tools.find("nginx"), "-p", self.directory, "-c", path, "-g",
                             "daemon off;"], context.load_core,
            namespace=context.network.namespace("origin"))
        wait_until(lambda: child.exited() or listens(self.h1), 10, "nginx listens", child)
        if child.exited():
            raise BenchError(f"nginx did not start: {child.log_tail()}")
