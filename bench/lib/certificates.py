# SPDX-License-Identifier: MIT
"""Certificates for a bench over TLS, and what all clients and servers are to agree on.

The one idea: clients allow one version, one cipher suite and one group, so that every proxy has the
same cryptography to do, whatever it would choose by itself; Envoy, for one, cannot be told.
"""
import dataclasses
import os
import ssl
import subprocess

from lib import tools
from lib.processes import BenchError

SUITE = "TLS_AES_128_GCM_SHA256"
GROUP = "X25519"
KINDS = {  # as `openssl req -newkey` has them
    "ecdsa": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "rsa": ("rsa:2048",),
}
# What clients of OpenSSL read unless they are told otherwise: wrk, h2load and Python alike. To
# OpenSSL a section named "default" is another thing: it would ignore all of this without a word.
CLIENTS = f"""\
openssl_conf = programs
[programs]
ssl_conf = ssl
[ssl]
system_default = all
[all]
MinProtocol = TLSv1.3
MaxProtocol = TLSv1.3
Ciphersuites = {SUITE}
Groups = {GROUP}
"""


@dataclasses.dataclass(frozen=True)
class Certificate:
    kind: str
    chain: str
    key: str
    both: str  # in one file, as HAProxy wants them


def make(supervisor, kind):
    """A new self-signed certificate of `kind`, in the supervisor's directory."""
    chain, key, both = (supervisor.path(f"{kind}.{name}") for name in ("crt", "key", "pem"))
    done = subprocess.run(
        [tools.find("openssl"), "req", "-x509", "-nodes", "-newkey", *KINDS[kind], "-sha256",
         "-days", "30", "-keyout", key, "-out", chain, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, timeout=60)
    if done.returncode:
        raise BenchError(f"openssl makes no certificate: {done.stdout.strip()[-500:]}")
    with open(both, "w") as file:
        for part in (chain, key):
            with open(part) as one:
                file.write(one.read())
    for private in (key, both):
        os.chmod(private, 0o600)
    return Certificate(kind, chain, key, both)


def client_environment(supervisor):
    """The environment of a client that agrees to nothing else."""
    path = supervisor.path("clients.cnf")
    with open(path, "w") as file:
        file.write(CLIENTS)
    return {"OPENSSL_CONF": path}


def client_context(*protocols):
    """Of a client that believes any certificate, as the bench made them all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(protocols or ("http/1.1",))
    return context
