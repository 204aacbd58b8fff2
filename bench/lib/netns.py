# SPDX-License-Identifier: MIT
"""Where the packets go: over loopback, or between network namespaces joined by veth pairs.

The one idea: three namespaces, client, proxy and origin, and a pair between any two of them. So
*both* hops leave loopback, `direct` has one hop and not two, and each namespace's own counters say
which hop a connection belongs to. With two namespaces, one of the hops would stay on loopback.

This process itself lives in the client's namespace while the network is up: what it connects to is
seen as by a client.
"""
import contextlib
import dataclasses
import os
import re
import subprocess

from lib.machine import find_program
from lib.processes import BenchError, enter_namespace, free_port

PLACES = ("client", "proxy", "origin")
PREFIX = "onehop-bench-"
NETWORK = "198.18"  # set aside for measuring network equipment
# Interface names and addresses of both ends of each pair, by the two places it joins.
PAIRS = (("client", "proxy", 1), ("proxy", "origin", 2), ("client", "origin", 3))
BURST = "128kb"     # of tbf: more than the 64 KiB that the kernel hands over at once
QUEUE_MS = "50ms"   # of tbf, where no limit in bytes is given


@dataclasses.dataclass(frozen=True)
class Shape:
    """What the client's links do to packets, in both directions. Empty: nothing."""
    bandwidth: str = ""
    queue: str = ""
    loss: str = ""
    delay: str = ""

    def __str__(self):
        parts = [f"{name} {getattr(self, name)}" for name in ("bandwidth", "queue", "loss", "delay")
                 if getattr(self, name)]
        return ", ".join(parts) or "as fast as the kernel is"


class Loopback:
    """One namespace, the one this process is in; every address is of loopback."""

    spreads_sources = True  # there are many client addresses, so ephemeral ports do not run out

    def free_address(self, place):
        del place
        return ("127.0.0.1", free_port())

    def listen_address(self, place):
        del place
        return "127.0.0.1"

    def origin_host(self):
        """The address by which a proxy reaches the origin."""
        return "127.0.0.1"

    def without_proxy(self, address):
        """The address by which a client reaches the origin that proxies reach by `address`."""
        return address

    def namespace(self, place):
        del place

    def views(self, running, origin):
        """Processes through whose /proc every namespace of this network is seen, by its place."""
        del running, origin
        return {"all": "self"}

    @contextlib.contextmanager
    def inside(self, place):
        del place
        yield

    def describe(self):
        return "loopback"


class Namespaces:
    """Makes the three namespaces and enters the client's. `remove` undoes all of it."""

    spreads_sources = False

    def __init__(self, shape, tag=None):
        self.shape = shape
        self.tag = tag or str(os.getpid())
        self.descriptors = {}
        self.own = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.notes = []

    def name(self, place):
        return f"{PREFIX}{self.tag}-{place}"

    def address_of(self, place, towards):
        for one, other, number in PAIRS:
            if {place, towards} == {one, other}:
                return f"{NETWORK}.{number}.{1 if place == one else 2}"
        raise ValueError(f"no link from {place} to {towards}")

    def create(self):
        for place in PLACES:
            run("ip", "netns", "add", self.name(place))
            self.descriptors[place] = os.open(f"/run/netns/{self.name(place)}", os.O_RDONLY)
            run("ip", "-n", self.name(place), "link", "set", "lo", "up")
        for one, other, _ in PAIRS:
            run("ip", "-n", self.name(one), "link", "add", f"to-{other}", "type", "veth",
                "peer", "name", f"to-{one}", "netns", self.name(other))
            for place, towards in ((one, other), (other, one)):
                run("ip", "-n", self.name(place), "address", "add",
                    self.address_of(place, towards) + "/30", "dev", f"to-{towards}")
                run("ip", "-n", self.name(place), "link", "set", f"to-{towards}", "up")
        for place, towards in (("client", "proxy"), ("proxy", "client"), ("client", "origin"),
                               ("origin", "client")):
            self._shape(place, f"to-{towards}")
        enter_namespace(self.descriptors["client"])

    def _shape(self, place, interface):
        """Bandwidth and delay of what leaves by `interface`, loss of what arrives."""
        shape, inside = self.shape, ("ip", "netns", "exec", self.name(place))
        if shape.delay:
            run(*inside, "tc", "qdisc", "add", "dev", interface, "root", "handle", "1:", "netem",
                "delay", shape.delay)
        if shape.bandwidth:
            parent = ("parent", "1:") if shape.delay else ("root",)
            queue = ("limit", shape.queue) if shape.queue else ("latency", QUEUE_MS)
            run(*inside, "tc", "qdisc", "add", "dev", interface, *parent, "tbf", "rate",
                shape.bandwidth, "burst", BURST, *queue)
        if shape.loss:
            run(*inside, "iptables", "-A", "INPUT", "-i", interface, "-m", "statistic", "--mode",
                "random", "--probability", f"{fraction(shape.loss):.6f}", "-j", "DROP")

    def remove(self):
        """Back to the namespace where this process began; the pairs go with the namespaces."""
        enter_namespace(self.own)
        for place in PLACES:
            if os.path.exists(f"/run/netns/{self.name(place)}"):
                subprocess.run([find_program("ip"), "netns", "del", self.name(place)], check=False,
                               start_new_session=True)
        for descriptor in (*self.descriptors.values(), self.own):
            os.close(descriptor)

    def free_address(self, place):
        host = self.listen_address(place)
        with self.inside(place):
            return (host, free_port(host))

    def listen_address(self, place):
        """Where a proxy listens for clients, or an origin for proxies (and clients)."""
        return self.address_of("proxy", "client") if place == "proxy" else "0.0.0.0"

    def origin_host(self):
        return self.address_of("origin", "proxy")

    def without_proxy(self, address):
        return (self.address_of("origin", "client"), address[1])

    def namespace(self, place):
        return self.descriptors[place]

    def views(self, running, origin):
        found = {"client": "self", "origin": origin.pid}
        return {**found, "proxy": running.child.pid} if running.child else found

    @contextlib.contextmanager
    def inside(self, place):
        """Sockets made within belong to `place`, and stay there."""
        enter_namespace(self.descriptors[place])
        try:
            yield
        finally:
            enter_namespace(self.descriptors["client"])

    def describe(self):
        return ("three network namespaces (client, proxy, origin) joined by veth pairs; the "
                f"client's links: {self.shape}")


def run(*command):
    program = find_program(command[0])
    if not program:
        raise BenchError(f"--netns needs `{command[0]}`, which is not installed")
    done = subprocess.run([program, *command[1:]], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchError(f"`{' '.join(command)}` failed: {done.stdout.strip() or done.returncode}")


def fraction(text):
    """"1%" and "0.01" are the same; a BenchError for what is neither."""
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)(%?)", text)
    value = float(match[1]) / (100 if match[2] else 1) if match else 2
    if not 0 <= value <= 1:
        raise BenchError(f"--loss wants a share such as 1% or 0.01, not '{text}'")
    return value


def kind_missing(kind, *arguments):
    """Why queueing discipline `kind` cannot be used here; tried in a namespace of its own."""
    name = f"{PREFIX}{os.getpid()}-trial"
    run("ip", "netns", "add", name)
    try:
        run("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "lo", "root", kind,
            *arguments)
        return None
    except BenchError as error:
        return str(error)
    finally:
        subprocess.run([find_program("ip"), "netns", "del", name], check=False)


def remove_left_over():
    """Namespaces of runs that were killed: those whose process is no more."""
    try:
        names = os.listdir("/run/netns")
    except OSError:
        return
    for name in names:
        match = re.fullmatch(PREFIX + r"(\d+)-\w+", name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            run("ip", "netns", "del", name)


def make(supervisor, shape, notes):
    """The namespaces of this run, removed by `supervisor` at its end. What this kernel cannot do is
    left out, and named in `notes`."""
    if os.geteuid() != 0:
        raise BenchError("--netns makes network namespaces, which only root may")
    if shape.loss:
        fraction(shape.loss)
    remove_left_over()
    if shape.delay:
        reason = kind_missing("netem", "delay", shape.delay)
        if reason:
            notes.append(f"--delay {shape.delay} is left out, as this kernel has no usable netem: "
                         + reason)
            shape = dataclasses.replace(shape, delay="")
    network = Namespaces(shape)
    supervisor.at_end(network.remove)
    network.create()
    return network
