# SPDX-License-Identifier: MIT
"""onehop as a process, and the sentence of a test that cannot run: shared by the scripts here."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77


def skip(reason):
    """Ends the script as ctest expects of a skipped test."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need_programs(*names):
    for name in names:
        if shutil.which(name) is None:
            skip(f"{name} is not installed")


class Proxy:
    """A context manager: onehop with this configuration, stopped by SIGTERM, which has to end it
    with 0 (a leak or a sanitizer's report does not)."""

    def __init__(self, binary, config):
        self.binary = binary
        self.config = config
        self.folder = tempfile.mkdtemp()
        self.process = None
        self.address = ""

    def __enter__(self):
        path = os.path.join(self.folder, "onehop.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.config)
        self.process = subprocess.Popen([self.binary, "run", "--config", path], text=True,
                                        stdout=subprocess.PIPE)
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.address = line.split()[2]
                break
        if not self.address:
            raise RuntimeError(f"onehop did not start: {self.process.wait()}")
        return self

    def __exit__(self, kind, value, trace):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)
        if code != 0 and kind is None:
            raise RuntimeError(f"onehop ended with {code}")


def config(endpoint, listener="", upstream="", more=""):
    """A configuration with one listener, one route and one endpoint."""
    return f"""[server]
workers = 1
drain = "2s"
drain_idle = "1ms"
[[listener]]
address = "127.0.0.1:0"
{listener}
[[route]]
upstream = "app"
[upstream.app]
endpoints = ["{endpoint}"]
{upstream}
{more}
"""


def make_certificate(folder):
    """A certificate for localhost that has signed itself, as (cert, key)."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    old = os.umask(0o077)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
                    cert], check=True, capture_output=True)
    os.umask(old)
    return cert, key


def tls_listener(cert, key):
    return f'[listener.tls]\ncertificates = [{{ cert = "{cert}", key = "{key}" }}]\n'


def arguments():
    """The path of onehop, the only argument of these scripts."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ONEHOP")
    return sys.argv[1]
