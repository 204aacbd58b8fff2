#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds docker/Dockerfile without a Docker engine, starts the image, and looks at what it does.

    image_test.py [ROOT]      needs root, buildah, mmdebstrap and ip; exits 77 where one is missing

The one idea: the image is started as it describes itself. User, command and health check are read
from its configuration, and it runs in a network namespace of its own, where the ports and the names
of replicas that its configuration holds are free to have. The base image is made by mmdebstrap from
the mirror that apt of this machine uses, so no image registry is needed.
"""
import contextlib
import ctypes
import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SKIPPED = 77
SUITE = "bookworm"
BASE = "localhost/onehop-test-base"
IMAGE = "localhost/onehop-test"
# What slim images of Debian leave out.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
# A base with /usr merged from the start needs no package to merge it, and no perl for that.
MERGED_USR = ("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", "--include=usr-is-merged")
# The base is Debian's and has about 80 MB. What is added is the binary (2 MB), the libraries that
# it needs, OpenSSL before all, and the authorities that upstreams are verified with.
MOST_ADDED_MB = 12
MOST_MB = 100
ADDRESS = ("127.0.0.1", 8080)
ADMIN = ("127.0.0.1", 9900)
REPLICAS = {"app1": "127.0.0.1", "app2": "127.0.0.2"}
REPLICA_PORT = 9001
PATIENCE_S = 20
CLONE_NEWNET = 0x40000000
SIZE_WITHOUT = ("proc", "sys", "dev", "run")


class Skip(Exception):
    """Why this machine cannot run the test."""


class Failure(Exception):
    """What was expected and what came."""


def say(text):
    print(text, flush=True)


def check(condition, sentence):
    if not condition:
        raise Failure(sentence)
    say(f"ok: {sentence}")


def eventually(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.02)


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


# --- what the machine has -----------------------------------------------------------------------


def mirror():
    """The address of Debian's packages as apt of this machine has it."""
    listed = output_of("apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT) $(LABEL)",
                       "Created-By: Packages")
    for line in listed.splitlines():
        address, component, label = (line.split(" ", 2) + ["", ""])[:3]
        if component == "main" and label == "Debian":
            return address.rstrip("/")
    raise Skip("apt knows no mirror of Debian; has `apt-get update` run?")


def demand():
    """Throws Skip where something is missing; returns the mirror."""
    if os.geteuid() != 0:
        raise Skip("only root can make a base image and build in a chroot")
    for program in ("buildah", "mmdebstrap", "ip", "apt-get"):
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")
    address = mirror()
    if address.startswith("http"):
        try:
            with urllib.request.urlopen(f"{address}/dists/{SUITE}/Release", timeout=20):
                pass
        except (urllib.error.URLError, OSError) as error:
            raise Skip(f"the mirror {address} does not answer: {error}") from error
    return address


def leave_network():
    """From here on this process and its children are alone on a loopback of their own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise Skip(f"no network namespace to be had: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


# --- images -------------------------------------------------------------------------------------


class Images:
    """Containers and images in a store of their own below `directory`, which takes all of them away
    when it goes. The driver vfs needs nothing of the kernel."""

    def __init__(self, directory):
        self.directory = directory
        self.common = ["buildah", "--root", f"{directory}/store", "--runroot", f"{directory}/run",
                       "--storage-driver", "vfs"]

    def command(self, *arguments):
        return [*self.common, *arguments]

    def ask(self, *arguments):
        return output_of(*self.command(*arguments)).strip()

    def logged(self, name, command, directory=None):
        """Runs a command that talks much; what it said is shown when it fails."""
        path = f"{self.directory}/{name}.log"
        begin = time.monotonic()
        with open(path, "w", encoding="utf-8") as log, Children() as children:
            code = children.start(command, stdout=log, stderr=subprocess.STDOUT,
                                  cwd=directory).wait()
        if code != 0:
            with open(path, encoding="utf-8", errors="replace") as log:
                tail = "".join(log.readlines()[-40:])
            raise Failure(f"{shlex.join(command)} ended with {code}:\n{tail}")
        say(f"{name}: {time.monotonic() - begin:.0f} s")

    def make_base(self, address):
        """Debian's smallest set of packages as an image; returns a container of it."""
        tar = f"{self.directory}/base.tar"
        options = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
        proxy = output_of("apt-config", "--format", "%v", "dump", "Acquire::http::Proxy").strip()
        if proxy:
            options.append(f'--aptopt=Acquire::http::Proxy "{proxy}"')
        self.logged("base", ["mmdebstrap", "--variant=minbase", *MERGED_USR, *options, SUITE,
                             tar, address])
        container = self.ask("from", "scratch")
        self.ask("add", "--quiet", container, tar, "/")
        os.remove(tar)
        self.ask("commit", "--quiet", container, BASE)
        return container

    def build(self, root):
        self.logged("build", self.command(
            "bud", "--isolation", "chroot", "--format", "docker", "--pull=never",
            "--build-arg", f"BASE={BASE}", "-f", "docker/Dockerfile", "-t", IMAGE, "."), root)

    def configuration(self):
        return json.loads(self.ask("inspect", "--type", "image", IMAGE))["Docker"]["config"]

    def container(self):
        hosts = [word for name, address in REPLICAS.items()
                 for word in ("--add-host", f"{name}:{address}")]
        return self.ask("from", "--pull=never", "--isolation", "chroot", *hosts, IMAGE)

    def run(self, container, command):
        """The command line that runs `command` in the container as the image's user."""
        return self.command("run", "--isolation", "chroot", container, "--", *command)


def size_mb(folder):
    total = 0
    for at, folders, files in os.walk(folder):
        if at == folder:
            folders[:] = [name for name in folders if name not in SIZE_WITHOUT]
        total += sum(os.lstat(os.path.join(at, name)).st_size for name in files)
    return total / 1e6


@contextlib.contextmanager
def store():
    """A folder for everything; what is still mounted there is unmounted before it is removed."""
    directory = tempfile.mkdtemp(prefix="onehop-containers-", dir="/var/tmp")
    os.environ["TMPDIR"] = directory  # of mmdebstrap and buildah
    images = Images(directory)
    try:
        yield images
    finally:
        for command in (("umount", "--all"), ("rm", "--all"), ("rmi", "--all", "--force")):
            subprocess.run(images.command(*command), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
        for place in reversed(mounts_below(directory)):
            subprocess.run(["umount", place], check=False)
        if mounts_below(directory):
            say(f"left as it is, because something is mounted there: {directory}")
        else:
            shutil.rmtree(directory)


def mounts_below(directory):
    with open("/proc/self/mounts", encoding="utf-8") as file:
        places = [line.split()[1] for line in file]
    return [place for place in places if place.startswith(directory + "/")]


# --- what runs ----------------------------------------------------------------------------------


def descendants(pid):
    """The processes below `pid`, by id."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        children = []
        for task in tasks:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                children += [int(word) for word in file.read().split()]
    except OSError:
        return []
    return children + [below for child in children for below in descendants(child)]


def status_of(pid):
    """The lines of /proc/PID/status by their names; empty when the process is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except OSError:
        return {}


class Children:
    """What was started and is ended at the latest when the block is left."""

    def __init__(self):
        self.started = []

    def __enter__(self):
        return self

    def start(self, command, **options):
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.started.append(child)
        return child

    def __exit__(self, *_):
        for child in reversed(self.started):
            if child.poll() is None:
                for pid in [*descendants(child.pid), child.pid]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            child.wait()


def listens(address):
    try:
        socket.create_connection(address, timeout=1).close()
        return True
    except OSError:
        return False


def get(address, path):
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def start_proxy(children, images, container, command):
    """Returns `buildah run` and the process id of the proxy below it."""
    runner = children.start(images.run(container, command))

    def proxy():
        return [pid for pid in descendants(runner.pid) if status_of(pid).get("Name") == "onehop"]

    eventually(lambda: runner.poll() is not None or listens(ADDRESS) and listens(ADMIN),
               "the proxy of the image listens")
    if runner.poll() is not None:
        raise Failure(f"the container ended with {runner.returncode} instead of listening")
    found = proxy()
    check(len(found) == 1, "one process of onehop runs in the container")
    return runner, found[0]


def check_image(images, base, root):
    """What can be seen without starting it; returns its container and its configuration."""
    config = images.configuration()
    say(f"configuration: {json.dumps(config)}")
    ids = config["User"].split(":")
    check(len(ids) == 2 and all(word.isdigit() and int(word) > 0 for word in ids),
          f"the image names a user and a group by number, neither root's: {config['User']!r}")
    check(config["StopSignal"] == "SIGTERM", "it is stopped by SIGTERM")
    check(set(config["ExposedPorts"]) == {"8080/tcp", "9900/tcp"}, "it names its two ports")
    container = images.container()
    folder = images.ask("mount", container)
    total, without = size_mb(folder), size_mb(images.ask("mount", base))
    say(f"size: {total:.1f} MB, of which {total - without:.1f} MB are added to the base")
    check(total <= MOST_MB, f"the image has at most {MOST_MB} MB")
    check(total - without <= MOST_ADDED_MB, f"at most {MOST_ADDED_MB} MB are added to its base")
    left = [name for name in ("src", "usr/bin/g++", "usr/bin/cmake")
            if os.path.lexists(os.path.join(folder, name))]
    check(not left, f"nothing of the build is left in it: {left}")
    with open(os.path.join(root, "docker/onehop.toml"), "rb") as ours, \
            open(os.path.join(folder, "etc/onehop/onehop.toml"), "rb") as theirs:
        check(ours.read() == theirs.read(), "it holds the configuration of the tree")
    return container, config


def check_running(images, container, config, root):
    health = config["Healthcheck"]["Test"]
    check(health[0] == "CMD" and health[2:] == ["check-health"],
          f"its health check is onehop check-health: {health}")

    def healthy():
        return subprocess.run(images.run(container, health[1:]), check=False).returncode

    with Children() as children:
        for name, host in REPLICAS.items():
            children.start([sys.executable, os.path.join(root, "docker/app/replica.py"),
                            f"{host}:{REPLICA_PORT}", name])
        eventually(lambda: all(listens((host, REPLICA_PORT)) for host in REPLICAS.values()),
                   "the replicas listen")
        check(healthy() == 1, "before it runs the health check ends with 1")
        runner, pid = start_proxy(children, images, container, config["Entrypoint"] + config["Cmd"])
        status = status_of(pid)
        ids = status["Uid"].split() + status["Gid"].split()
        check("0" not in ids, f"onehop runs as no part of root: ids {ids}")
        answers = [get(ADDRESS, f"/{i}") for i in range(6)]
        check(all(status == 200 for status, _ in answers), "six requests are answered with 200")
        names = {text.split()[0] for _, text in answers}
        check(names == set(REPLICAS), f"both replicas answer through the proxy: {sorted(names)}")
        check(healthy() == 0, "the health check ends with 0")
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: runner.poll() is not None, "the container ends after SIGTERM")
        check(runner.returncode == 0, f"SIGTERM ends it with 0, was {runner.returncode}")


def main():
    if len(sys.argv) > 2:
        sys.exit("usage: image_test.py [ROOT]")
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.abspath(sys.argv[1] if len(sys.argv) == 2 else os.path.join(here, "..", ".."))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was made is taken away
    try:
        address = demand()
        with store() as images:
            base = images.make_base(address)
            images.build(root)
            leave_network()
            check_running(images, *check_image(images, base, root), root)
    except Skip as why:
        say(f"skipped: {why}")
        sys.exit(SKIPPED)
    except Failure as what:
        say(f"FAILED: {what}")
        sys.exit(1)
    except subprocess.CalledProcessError as error:
        say(f"FAILED: {shlex.join(error.cmd)} ended with {error.returncode}")
        sys.exit(1)


if __name__ == "__main__":
    main()
