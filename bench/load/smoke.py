#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that bench_load can be believed: what it says is compared with what the server counted.

The one idea: every server here is known. One is bench_origin, which counts; the others are a few
lines that refuse, reset, stay silent, close early or answer in pieces, each of which must show up
under its own name and nowhere else.

    smoke.py --load PROGRAM --origin PROGRAM
"""
import contextlib
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
import unittest

LIMIT_SECONDS = 30
PROGRAMS = {}  # by option


@contextlib.contextmanager
def origin(*options):
    """A bench_origin: its address, and a function that asks it for its counts."""
    with subprocess.Popen([PROGRAMS["--origin"], "--listen", "127.0.0.1:0", *options],
                          stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().strip()

        def counts():
            connection = http.client.HTTPConnection(address, timeout=LIMIT_SECONDS)
            connection.request("GET", "/__counts")
            found = json.loads(connection.getresponse().read())
            connection.close()
            return found

        yield address, counts
        process.kill()


@contextlib.contextmanager
def scripted(serve):
    """The address of a server that treats every accepted connection with `serve(socket)`, one
    after another."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def run():
        with contextlib.suppress(OSError):  # shut down
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):  # the client has gone
                    serve(connection)

    thread = threading.Thread(target=run)
    thread.start()
    yield "127.0.0.1:%d" % listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(LIMIT_SECONDS)


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            return
        head += piece


def answering(answer, linger=None):
    def serve(connection):
        read_head(connection)
        connection.sendall(answer)
        if linger is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    return serve


class Load(unittest.TestCase):
    def load(self, address, rate, seconds, *options, descriptors=None):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        done = subprocess.run(
            [PROGRAMS["--load"], "--to", address, "--rate", str(rate), "--seconds", str(seconds),
             *options], capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True,
            preexec_fn=limit)
        return self.checked(json.loads(done.stdout))

    def checked(self, line):
        """The promise of tally.h: every offered request ends in exactly one place."""
        faults = sum(count for name, count in line["errors"].items() if name != "status")
        self.assertEqual(line["completed"] + faults + line["unfinished"], line["offered"])
        self.assertEqual(sum(line["status"].values()), line["completed"])
        self.assertEqual(line["ok"] + line["errors"]["status"], line["completed"])
        self.assertEqual(sum(line["timeline"]), line["completed"])
        return line

    def only(self, line, name):
        found = {kind: count for kind, count in line["errors"].items() if count}
        self.assertEqual(found, {name: line["offered"]})

    def test_every_request_has_a_new_connection_and_is_counted(self):
        with origin() as (address, counts):
            line = self.load(address, 500, 1)
            self.assertEqual(counts(), {"requests": 500, "accepts": 500, "bytes_received": 0})
        self.assertEqual((line["offered"], line["ok"], line["connections_opened"]), (500,) * 3)
        order = [line["latency_us"][name] for name in ("p50", "p90", "p95", "p99", "p999", "max")]
        self.assertEqual(order, sorted(order))

    def test_kept_connections_are_as_many_as_were_asked_for(self):
        with origin() as (address, counts):
            line = self.load(address, 400, 0.5, "--connections", "4")
            accepts = counts()["accepts"]
        self.assertEqual((line["ok"], line["connections_opened"]), (200, accepts))
        self.assertIn(accepts, range(1, 5))

    def test_waiting_for_a_connection_counts(self):
        """One connection and 50 ms for each answer: the tenth request waits for nine others."""
        with origin("--delay", "50") as (address, _):
            line = self.load(address, 1000, 0.01, "--connections", "1")
        self.assertEqual(line["ok"], 10)
        self.assertGreaterEqual(line["latency_us"]["max"], 9 * 50_000)

    def test_stale_connections_are_tried_again(self):
        """The server closes each connection after its first answer, without having said so."""
        def serve(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            read_head(connection)  # the next request has come: it meets the closing

        with scripted(serve) as address:
            line = self.load(address, 50, 0.4, "--connections", "1")
        self.assertEqual((line["ok"], line["retried"], line["connections_opened"]), (20, 19, 20))

    def test_each_fault_has_its_name(self):
        reset = struct.pack("ii", 1, 0)
        for name, serve in (
                ("reset", answering(b"", reset)),
                ("closed_early", answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")),
                ("unreadable", answering(b"220 mail.example.org ready\r\n\r\n")),
                ("status", answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"))):
            with self.subTest(name), scripted(serve) as address:
                self.only(self.load(address, 50, 0.2), name)

    def test_refused_silent_and_out_of_descriptors(self):
        with socket.socket() as bound:  # bound but not listening: nobody else gets the port
            bound.bind(("127.0.0.1", 0))
            line = self.load("127.0.0.1:%d" % bound.getsockname()[1], 100, 0.2)
        self.only(line, "connect_refused")
        self.assertIsNone(line["latency_us"]["p50"])
        with origin("--delay", "60000") as (address, _):
            self.only(self.load(address, 50, 0.2, "--timeout-ms", "200"), "timeout")
            # Six are what the program itself holds: the request fails before the first sleep.
            self.only(self.load(address, 1000, 0.001, descriptors=6), "descriptors")

    def test_each_way_of_ending_a_body_at_once_and_a_byte_at_a_time(self):
        answers = (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n",
                   b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nthe end",
                   b"HTTP/1.0 204 No Content\r\n\r\n")
        served = []

        def serve(connection):
            read_head(connection)
            answer = answers[len(served) // 2 % len(answers)]
            step = 1 if len(served) % 2 else len(answer)
            served.append(answer)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(answer), step):
                connection.sendall(answer[at:at + step])

        with scripted(serve) as address:
            line = self.load(address, 80, 0.2)
        self.assertEqual((line["ok"], line["status"]), (16, {"200": 12, "204": 4}))

    def test_a_signal_ends_the_run_with_the_line(self):
        reached = threading.Event()

        def serve(connection):
            read_head(connection)
            reached.set()
            connection.recv(1)  # until the client goes

        with scripted(serve) as address:
            with subprocess.Popen([PROGRAMS["--load"], "--to", address, "--rate", "1", "--seconds",
                                   "1000"], stdout=subprocess.PIPE, text=True) as process:
                self.assertTrue(reached.wait(LIMIT_SECONDS))
                os.kill(process.pid, signal.SIGINT)
                line = self.checked(json.loads(process.communicate(timeout=LIMIT_SECONDS)[0]))
        self.assertTrue(line["interrupted"])
        self.assertEqual((line["completed"], line["unfinished"]), (0, line["offered"]))

    def test_what_makes_no_sense_ends_with_2(self):
        for options in (["--to", "nowhere"], ["--to", "127.0.0.1:1", "--connections", "0"], []):
            done = subprocess.run([PROGRAMS["--load"], *options], capture_output=True,
                                  timeout=LIMIT_SECONDS, check=False)
            self.assertEqual(done.returncode, 2, options)


if __name__ == "__main__":
    PROGRAMS.update(zip(sys.argv[1::2], sys.argv[2::2]))
    unittest.main(argv=sys.argv[:1])
