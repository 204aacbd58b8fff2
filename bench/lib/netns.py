# SPDX-License-Identifier: MIT
"""Where the packets go: over loopback, over a loopback of one's own, or between network namespaces
joined by veth pairs.

The one idea: three namespaces, client, proxy and origin, and a pair between any two of them. So
*both* hops leave loopback, `direct` has one hop and not two, and each namespace's own counters say
which hop a connection belongs to. With two namespaces, one of the hops would stay on loopback.

This process itself lives in the client's namespace while the network is up: what it connects to is
seen as by a client.
"""
import contextlib
import ctypes
import fcntl
import os
import re
import socket
import struct
import subprocess

from lib import tools
from lib.processes import CLONE_NEWNET, LIBC, BenchError, enter_namespace, free_port

PLACES = ("client", "proxy", "origin")
PREFIX = "onehop-bench-"
NETWORK = "198.18"  # set aside for measuring network equipment
# Of each pair the two places it joins, and what it is in the addresses of its ends.
PAIRS = (("client", "proxy", 1), ("proxy", "origin", 2), ("client", "origin", 3))
BURST = "128kb"     # of tbf: more than the 64 KiB that the kernel hands over at once
QUEUE_MS = "50ms"   # of tbf, where no limit in bytes is given
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


class Loopback:
    """One namespace, the one this process is in; every address is of loopback."""

    shared = True  # by both hops. There are many client addresses: ephemeral ports do not run out

    def free_address(self, _place):
        return ("127.0.0.1", free_port())

    def listen_address(self, _place):
        return "127.0.0.1"

    def origin_host(self):
        """The address by which a proxy reaches the origin."""
        return "127.0.0.1"

    def without_proxy(self, address):
        """The address by which a client reaches the origin that proxies reach by `address`."""
        return address

    def namespace(self, _place):
        return None

    def proxys_view(self, _running):
        """A process through whose /proc the proxy's namespace is seen."""
        return "self"

    def inside(self, _place):
        return contextlib.nullcontext()

    def describe(self):
        return "loopback"


class Namespaces:
    """Makes the three namespaces and enters the client's. `remove` undoes all of it. `shape` has
    what the client's links do to packets, in both directions: bandwidth, queue, loss, delay; an
    empty one nothing."""

    shared = False

    def __init__(self, shape, notes):
        self.shape = {name: getattr(shape, name)
                      for name in ("bandwidth", "queue", "loss", "delay") if getattr(shape, name)}
        self.descriptors = {}
        self.notes = notes
        self.own = os.open("/proc/self/ns/net", os.O_RDONLY)

    def name(self, place):
        return f"{PREFIX}{os.getpid()}-{place}"

    def address_of(self, place, towards):
        number, end = next((number, 1 if place == one else 2) for one, other, number in PAIRS
                           if {place, towards} == {one, other})
        return f"{NETWORK}.{number}.{end}"

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
        """Bandwidth and delay of what leaves by `interface`, loss of what arrives. A delay that
        this kernel cannot make is left out and named."""
        shape, inside = self.shape, ("ip", "netns", "exec", self.name(place))
        if "delay" in shape:
            try:
                run(*inside, "tc", "qdisc", "add", "dev", interface, "root", "handle", "1:",
                    "netem", "delay", shape["delay"])
            except BenchError as error:
                self.notes.append(f"--delay {shape.pop('delay')} is left out, as this kernel has "
                                  f"no usable netem: {error}")
        if "bandwidth" in shape:
            parent = ("parent", "1:") if "delay" in shape else ("root",)
            queue = ("limit", shape["queue"]) if "queue" in shape else ("latency", QUEUE_MS)
            run(*inside, "tc", "qdisc", "add", "dev", interface, *parent, "tbf", "rate",
                shape["bandwidth"], "burst", BURST, *queue)
        if "loss" in shape:
            run(*inside, "iptables", "-A", "INPUT", "-i", interface, "-m", "statistic", "--mode",
                "random", "--probability", f"{fraction(shape['loss']):.6f}", "-j", "DROP")

    def remove(self):
        """Back to the namespace where this process began; the pairs go with the namespaces."""
        enter_namespace(self.own)
        for place in PLACES:
            if os.path.exists(f"/run/netns/{self.name(place)}"):
                subprocess.run([tools.find("ip"), "netns", "del", self.name(place)], check=False,
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

    def proxys_view(self, running):
        return running.child.pid if running.child else "self"

    @contextlib.contextmanager
    def inside(self, place):
        """Sockets made within belong to `place`, and stay there."""
        enter_namespace(self.descriptors[place])
        try:
            yield
        finally:
            enter_namespace(self.descriptors["client"])

    def describe(self):
        shape = ", ".join(f"{name} {value}" for name, value in self.shape.items())
        return ("three network namespaces (client, proxy, origin) joined by veth pairs; the "
                f"client's links: {shape or 'as fast as the kernel is'}")


def run(*command):
    if tools.missing(command[0]):
        raise BenchError(f"--netns: {tools.missing(command[0])}")
    done = subprocess.run([tools.find(command[0]), *command[1:]], stdout=subprocess.PIPE, text=True,
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


def remove_left_over():
    """Namespaces of runs that were killed: those whose process is no more."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else ():
        match = re.fullmatch(PREFIX + r"(\d+)-\w+", name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            run("ip", "netns", "del", name)


def make(supervisor, shape, notes):
    """The namespaces of this run, removed by `supervisor` at its end."""
    if os.geteuid() != 0:
        raise BenchError("--netns makes network namespaces, which only root may")
    if shape.loss:
        fraction(shape.loss)
    remove_left_over()
    network = Namespaces(shape, notes)
    supervisor.at_end(network.remove)
    network.create()
    return network


@contextlib.contextmanager
def own_loopback():
    """This thread, and all that it starts, has a loopback of its own: its counters are those of a
    scenario, its ports are free, and its TIME_WAITs go with it. Yields None, or why there is none
    here and that of the machine is shared."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if LIBC.unshare(CLONE_NEWNET) != 0:
            yield f"a network namespace may not be made here ({os.strerror(ctypes.get_errno())})"
            return
        try:
            with socket.socket() as control:
                fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
            yield None
        finally:
            enter_namespace(home)
    finally:
        os.close(home)
