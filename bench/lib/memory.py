# SPDX-License-Identifier: MIT
"""Memory: what an idle client connection costs, and what a body far larger than memory should cost.

The one idea: each figure is of a fresh process, so that no earlier load has grown its heap.
"""
import http.client
import socket
import threading
import time

from lib import kernel
from lib.processes import BenchError, wait_until

REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
WARM_UP_REQUESTS = 200
BATCH = 8                      # requests in flight at a time: their buffers are not the idle ones'
SOURCES = [f"127.0.0.{last}" for last in range(2, 10)]  # so that ephemeral ports do not run out
IP_BIND_ADDRESS_NO_PORT = 24
SLOW_BUFFER_BYTES = 256 << 10  # the slow peer's receive buffer
SLOW_PIECE_BYTES = 1 << 20
SLOW_PAUSE_S = 0.005           # after each piece: about 150 MiB/s, far below what a proxy can do
FIRST_PAUSE_S = 1.0            # everything that can fill up does


def idle_connections(context, name, count, variant):
    """Resident bytes for each of `count` idle client connections. `variant` says whether each has
    had an answer already ("answered") or has sent nothing ("silent")."""
    connections = []
    with context.proxy(name) as running:
        try:
            pids = running.pids()
            descriptors = kernel.descriptor_count(pids)  # pooled ones come and go later
            warm_up(running.address)
            before = settled_memory(pids)
            for index in range(count):
                connections.append(connect_from(source(context, index), running.address))
            wait_until(lambda: kernel.descriptor_count(pids) >= descriptors + count, 20,
                       f"{name} accepts {count} connections")
            if variant == "answered":
                for start in range(0, count, BATCH):
                    ask(connections[start:start + BATCH])
            after = settled_memory(pids)
        finally:
            for connection in connections:
                connection.close()
    return {"kind": "idle", "proxy": name, "variant": variant, "connections": count,
            "before_bytes": before, "after_bytes": after,
            "bytes_per_connection": (after - before) / count}


def source(context, index):
    """The client address of the `index`-th connection; None leaves it to the kernel."""
    return SOURCES[index % len(SOURCES)] if context.network.shared else None


def warm_up(address):
    connection = http.client.HTTPConnection(*address, timeout=10)
    for _ in range(WARM_UP_REQUESTS):
        connection.request("GET", "/")
        connection.getresponse().read()
    connection.close()


def connect_from(host, address):
    connection = socket.socket()
    connection.settimeout(20)
    if host:
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((host, 0))
    connection.connect(address)
    return connection


def ask(connections):
    for connection in connections:
        connection.sendall(REQUEST)
    for connection in connections:
        answer_on(connection).read()


def answer_on(connection):
    """A 200 whose body is still to be read."""
    answer = http.client.HTTPResponse(connection)
    try:
        answer.begin()
    except http.client.HTTPException as error:
        raise BenchError(f"no answer: {error!r}") from None
    if answer.status != 200:
        raise BenchError(f"the answer was {answer.status}")
    return answer


def settled_memory(pids):
    """VmRSS once it has been the same five times, 50 ms apart."""
    seen = []

    def steady():
        seen.append(kernel.memory_bytes(pids, "VmRSS"))
        time.sleep(0.04)
        return len(seen) >= 5 and len(set(seen[-5:])) == 1

    wait_until(steady, 10, "the resident memory is steady")
    return seen[-1]


def large_download(context, name, size):
    """Peak resident memory of a proxy whose client reads an answer of `size` bytes slowly."""
    with context.proxy(name) as running, socket.socket() as connection:
        started = time.monotonic()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER_BYTES)
        connection.settimeout(60)
        connection.connect(running.address)
        connection.sendall(REQUEST.replace(b"/ ", b"/size/%d " % size, 1))
        got = receive_slowly(answer_on(connection), size)
        return large_record("download", running, size, got, started)


def large_upload(context, name, size):
    """The same with an origin that reads a request's body slowly."""
    with SlowOrigin(size, context.network) as origin:
        with context.proxy(name, origin.address) as running:
            started = time.monotonic()
            with socket.create_connection(running.address, 60) as connection:
                connection.sendall(b"POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n"
                                   % size)
                piece, sent = bytes(SLOW_PIECE_BYTES), 0
                while sent < size:
                    connection.sendall(piece[:min(len(piece), size - sent)])
                    sent += len(piece)
                answer_on(connection)
            return large_record("upload", running, size, origin.received, started)


def receive_slowly(file, size):
    """Reads `size` bytes, pausing after each piece, and returns how many came before the end."""
    buffer = bytearray(SLOW_PIECE_BYTES)
    got = pause_at = 0
    time.sleep(FIRST_PAUSE_S)
    while got < size:
        count = file.readinto(memoryview(buffer)[:size - got])
        if not count:
            break
        got += count
        if got >= pause_at:
            pause_at = got + SLOW_PIECE_BYTES
            time.sleep(SLOW_PAUSE_S)
    return got


def large_record(direction, running, size, got, started):
    if got != size:
        raise BenchError(f"{running.name}: {got} of {size} bytes arrived")
    return {"kind": "large", "proxy": running.name, "direction": direction, "size_bytes": size,
            "wall_s": time.monotonic() - started,
            "peak_bytes": kernel.memory_bytes(running.pids(), "VmHWM")}


class SlowOrigin:
    """Reads the body of the request on its first connection slowly, and then answers."""

    def __init__(self, size, network):
        self.size = size
        self.received = 0
        with network.inside("origin"):
            self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER_BYTES)
        self.listener.bind((network.listen_address("origin"), 0))
        self.listener.listen()
        self.listener.settimeout(60)
        self.address = (network.origin_host(), self.listener.getsockname()[1])
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(5)

    def _serve(self):
        try:
            connection, _ = self.listener.accept()
            with connection, connection.makefile("rb") as file:
                connection.settimeout(60)
                while file.readline().strip():
                    pass  # the head
                self.received = receive_slowly(file, self.size)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                while connection.recv(65536):  # until the proxy is stopped
                    pass
        except OSError:
            pass  # the client sees it as a missing answer and says so
