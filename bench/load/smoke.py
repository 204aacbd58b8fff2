# SPDX-License-Identifier: MIT
"""Shows that bench_load can be believed: what it says is compared with what the server counted.

The one idea: every server here is known. One is bench_origin, which counts; the others are a few
lines that refuse, reset, stay silent, close early or answer in pieces, each of which must show up
under its own name and nowhere else.

    smoke.py --load PROGRAM --origin PROGRAM     exits 1 with a sentence when something is wrong
"""
import argparse
import http.client
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading

LIMIT_SECONDS = 30
HEAD_END = b"\r\n\r\n"


class Failure(Exception):
    """Something is not as it should be; the message says what."""


def expect(found, wanted, what):
    if found != wanted:
        raise Failure(f"{what}: {wanted!r} was expected, found {found!r}")


class Origin:
    """A bench_origin with `options`, for the length of a `with`."""

    def __init__(self, program, *options):
        self.command = [program, "--listen", "127.0.0.1:0", *options]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(LIMIT_SECONDS)
        self.process.stdout.close()

    def counts(self):
        connection = http.client.HTTPConnection(self.address, timeout=LIMIT_SECONDS)
        connection.request("GET", "/__counts")
        counts = json.loads(connection.getresponse().read())
        connection.close()
        return counts


class Scripted:
    """A server that treats every accepted connection with `serve(socket)`, one after another."""

    def __init__(self, serve):
        self.serve = serve

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # shut down
            with connection:
                try:
                    self.serve(connection)
                except OSError:
                    pass  # the client has gone, as clients do

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(LIMIT_SECONDS)


def read_head(connection):
    head = b""
    while HEAD_END not in head:
        piece = connection.recv(4096)
        if not piece:
            return head
        head += piece
    return head


def run_load(program, address, *options, descriptors=None):
    def limit():
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    done = subprocess.run([program, "--to", address, *options], capture_output=True, text=True,
                          timeout=LIMIT_SECONDS, check=False, preexec_fn=limit)
    if done.returncode != 0:
        raise Failure(f"bench_load ended with {done.returncode}: {done.stderr.strip()}")
    return checked(json.loads(done.stdout))


def checked(line):
    """The promise of tally.h: every offered request ends in exactly one place."""
    faults = sum(count for name, count in line["errors"].items() if name != "status")
    expect(line["completed"] + faults + line["unfinished"], line["offered"], "sum of all endings")
    expect(sum(line["status"].values()), line["completed"], "sum over the statuses")
    expect(line["ok"] + line["errors"]["status"], line["completed"], "ok and bad statuses")
    return line


def only_error(line, name):
    found = {kind: count for kind, count in line["errors"].items() if count}
    expect(found, {name: line["offered"]}, f"errors of a server made for {name}")


def new_connections(args):
    with Origin(args.origin) as origin:
        line = run_load(args.load, origin.address, "--rate", "500", "--seconds", "1", "--timeline")
        counts = origin.counts()
    expect(line["offered"], 500, "offered")
    expect(line["ok"], 500, "ok")
    expect(counts["requests"], 500, "requests that the origin counted")
    expect(counts["accepts"], 500, "connections that the origin counted")
    expect(line["connections_opened"], 500, "connections_opened")
    expect(sum(row["completed"] for row in line["timeline"]), 500, "completed over the timeline")
    latency = line["latency_us"]
    order = [latency[name] for name in ("p50", "p90", "p95", "p99", "p999", "max")]
    expect(order, sorted(order), "percentiles in order")


def posts_over_kept_connections(args):
    with Origin(args.origin, "--echo") as origin:
        line = run_load(args.load, origin.address, "--rate", "400", "--seconds", "0.5",
                        "--connections", "4", "--body", "16384")
        counts = origin.counts()
    expect(line["ok"], 200, "ok")
    expect(counts["requests"], 200, "requests that the origin counted")
    expect(counts["bytes_received"], 200 * 16384, "body bytes that the origin counted")
    expect(counts["accepts"], line["connections_opened"], "connections_opened")
    if not 1 <= counts["accepts"] <= 4:
        raise Failure(f"a pool of four made {counts['accepts']} connections")


def waiting_counts(args):
    """One connection and 50 ms for each answer: the tenth request waits for nine others."""
    with Origin(args.origin, "--delay", "50") as origin:
        line = run_load(args.load, origin.address, "--rate", "1000", "--seconds", "0.01",
                        "--connections", "1")
    expect(line["ok"], 10, "ok")
    if line["latency_us"]["max"] < 9 * 50_000:
        raise Failure(f"a wait was left out of the latency: {line['latency_us']}")


def errors_of_status(args):
    with Origin(args.origin, "--error-rate", "0.5") as origin:
        line = run_load(args.load, origin.address, "--rate", "200", "--seconds", "0.5")
    expect(line["status"], {"200": 50, "503": 50}, "statuses")
    expect(line["errors"]["status"], 50, "errors.status")


def stale_connections_are_retried(args):
    """The server closes each connection after its first answer, without having said so."""
    def serve(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        read_head(connection)  # the next request has come: it meets the closing

    with Scripted(serve) as server:
        line = run_load(args.load, server.address, "--rate", "50", "--seconds", "0.4",
                        "--connections", "1")
    expect(line["ok"], 20, "ok")
    expect(line["retried"], 19, "retried")
    expect(line["connections_opened"], 20, "connections_opened")


def refused(args):
    with socket.socket() as bound:  # bound but not listening: nobody else gets the port
        bound.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % bound.getsockname()[1]
        line = run_load(args.load, address, "--rate", "100", "--seconds", "0.2")
    only_error(line, "connect_refused")
    expect(line["latency_us"]["p50"], None, "a percentile of nothing")


def without_descriptors(args):
    """Six are what the program itself holds: the only request fails before the first sleep."""
    with Origin(args.origin) as origin:
        line = run_load(args.load, origin.address, "--rate", "1000", "--seconds", "0.001",
                        descriptors=6)
    only_error(line, "descriptors")


def reset(args):
    def serve(connection):
        read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Scripted(serve) as server:
        only_error(run_load(args.load, server.address, "--rate", "50", "--seconds", "0.2"), "reset")


def closed_early(args):
    def serve(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    with Scripted(serve) as server:
        line = run_load(args.load, server.address, "--rate", "50", "--seconds", "0.2")
    only_error(line, "closed_early")


def unreadable(args):
    def serve(connection):
        read_head(connection)
        connection.sendall(b"220 mail.example.org ready\r\n\r\n")

    with Scripted(serve) as server:
        line = run_load(args.load, server.address, "--rate", "50", "--seconds", "0.2")
    only_error(line, "unreadable")


def never_answered(args):
    with Origin(args.origin, "--delay", "60000") as origin:
        line = run_load(args.load, origin.address, "--rate", "50", "--seconds", "0.2",
                        "--timeout-ms", "200")
    only_error(line, "timeout")


ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.0 204 No Content\r\n\r\n",
)


def answers_in_pieces(args):
    """Each way of ending a body, sent a byte at a time and, next time, at once."""
    served = []

    def serve(connection):
        read_head(connection)
        answer = ANSWERS[len(served) // 2 % len(ANSWERS)]
        step = 1 if len(served) % 2 else len(answer)
        served.append(answer)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(answer), step):
            connection.sendall(answer[at:at + step])

    with Scripted(serve) as server:
        line = run_load(args.load, server.address, "--rate", "80", "--seconds", "0.2")
    expect(line["ok"], 16, "ok")
    expect(line["status"], {"200": 12, "204": 4}, "statuses")


def interrupted(args):
    """SIGINT ends the run with the line; the request of the line is one that is never answered."""
    reached = threading.Event()

    def serve(connection):
        read_head(connection)
        reached.set()
        connection.recv(1)  # until the client goes

    with Scripted(serve) as server:
        command = [args.load, "--to", server.address, "--rate", "1", "--seconds", "1000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                if not reached.wait(LIMIT_SECONDS):
                    raise Failure("no request came")
                os.kill(process.pid, signal.SIGINT)
                output, _ = process.communicate(timeout=LIMIT_SECONDS)
            finally:
                process.kill()
    line = checked(json.loads(output))
    expect(line["interrupted"], True, "interrupted")
    expect(line["completed"], 0, "completed")
    expect(line["unfinished"], line["offered"], "unfinished")


def wrong_usage(args):
    for options in (["--to", "nowhere"], ["--to", "127.0.0.1:1", "--connections", "0"],
                    ["--to", "127.0.0.1:1", "--path", "x y"], []):
        done = subprocess.run([args.load, *options], capture_output=True, timeout=LIMIT_SECONDS,
                              check=False)
        expect(done.returncode, 2, f"exit code for {options}")


CHECKS = (new_connections, posts_over_kept_connections, waiting_counts, errors_of_status,
          stale_connections_are_retried, refused, without_descriptors, reset, closed_early,
          unreadable, never_answered, answers_in_pieces, interrupted, wrong_usage)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--load", required=True)
    parser.add_argument("--origin", required=True)
    args = parser.parse_args()
    failures = 0
    for check in CHECKS:
        try:
            check(args)
        except (Failure, subprocess.TimeoutExpired) as failure:
            print(f"{check.__name__}: {failure}")
            failures += 1
    print(f"{len(CHECKS) - failures} of {len(CHECKS)} checks hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
