# SPDX-License-Identifier: MIT
"""Starting the proxies that are compared over TLS, each with one certificate.

The one idea: only what a proxy is started with differs from proxies.py, so a set of these is one of
those for one certificate.
"""
import http.client
import os
import ssl

from lib import tls_configurations as configurations
from lib import proxies
from lib.configurations import text as address_text
from lib.proxies import Proxies


class TlsProxies(Proxies):
    """`settings` are those of Proxies, without arguments of onehop: it gets a file."""

    ORDER = ("nginx", "onehop-against", "onehop", "haproxy", "nghttpx", "envoy", "floor")

    def __init__(self, supervisor, settings, certificate):
        super().__init__(supervisor, settings)
        self.certificate = certificate

    def _prepare(self, name, listen, to, balance, admin, single):
        """As there; there is one origin, so no balance."""
        self.started += 1
        directory = self.supervisor.path(f"{name}-{self.certificate.kind}-{self.started}")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "envoy.json" if name == "envoy" else "proxy.conf")
        place, program = (listen, to[0], self.certificate), self.program(name)
        if name == "floor":
            command = [program, "--listen", address_text(listen), "--to", address_text(to[0]),
                       "--certificate", self.certificate.chain, "--key", self.certificate.key]
            return command, "", None
        if name.startswith("onehop"):
            text = configurations.onehop(*place, admin)
            command = [program, "run", "--config", path]
        elif name == "nginx":
            text = configurations.nginx(directory, *place, self.settings)
            command = [program, "-p", directory, "-c", path, "-g", "daemon off;"]
        elif name == "haproxy":
            text = configurations.haproxy(*place, self.settings)
            command = [program, "-db", "-f", path]
        elif name == "nghttpx":
            text = configurations.nghttpx(directory, *place, self.settings)
            command = [program, f"--conf={path}"]
        else:
            text = configurations.envoy(*place, self.settings)
            command = [program, "-c", path, "--concurrency", "1", "--disable-hot-restart",
                       "--log-level", "error"]
        with open(path, "w") as file:
            file.write(text)
        return command, text, None


def client_context():
    """Of a client that believes any certificate: this is about cost, and the bench made them all.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    return context


def check_answer(running, body_bytes):
    """The same as for the plain ones, over TLS."""
    proxies.check_answer(running, body_bytes, http.client.HTTPSConnection(
        *running.address, timeout=10, context=client_context()))
