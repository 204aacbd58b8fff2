#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes TLS handshakes, one after another on several processes, and says how many were resumed.

    handshake_client.py HOST PORT --kind full|resumed --connections N --seconds S

The one idea: whether a handshake was resumed is what the TLS library says of each of them, since
tools that were told to resume often do not: a ticket of TLS 1.3 arrives after the handshake, and is
lost on who does not read on. Here one request comes first, and its tickets are used from then on.

A handshake is counted when the server has ended the connection: client and server have then both
done all of their work. No request is made. Prints `BENCH {...}` as wrk's script does.
"""
import argparse
import json
import multiprocessing
import os
import socket
import ssl
import sys
import time

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
from lib.certificates import client_context  # noqa: E402

CHUNK = 65536
TIMEOUT_S = 10


def shake(context, address, session):
    """Connects, does a handshake and ends it in order; returns whether it was resumed, and
    the cipher suite that was agreed on."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, session=session)
    with socket.create_connection(address, TIMEOUT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                data = connection.recv(CHUNK)
                if not data:
                    raise ConnectionError("closed during the handshake") from None
                incoming.write(data)
        try:
            tls.unwrap()  # writes close_notify, and would read the server's
        except ssl.SSLWantReadError:
            pass
        connection.sendall(outgoing.read())
        wait_for_end(connection)
    return tls.session_reused, tls.cipher()[0]


def wait_for_end(connection):
    try:
        while connection.recv(CHUNK):
            pass
    except ConnectionResetError:
        pass  # it had more to say: tickets for somebody who has left


def first_session(context, address):
    """A session whose ticket has arrived: that of a whole request, read to its end."""
    with socket.create_connection(address, TIMEOUT_S) as plain:
        with context.wrap_socket(plain, suppress_ragged_eofs=True) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            while connection.recv(CHUNK):
                pass
            return connection.session


def work(host, port, kind, begin, seconds):
    """One process: the durations of its handshakes, how many were resumed, errors by kind and
    the cipher suites."""
    context, address = client_context(), (host, port)
    durations, resumed, errors, suites = [], 0, {}, set()
    session = first_session(context, address) if kind == "resumed" else None
    time.sleep(max(begin - time.monotonic(), 0))
    while True:
        started = time.monotonic()
        if started >= begin + seconds:
            return durations, resumed, errors, suites
        try:
            reused, suite = shake(context, address, session)
            durations.append(time.monotonic() - started)
            resumed += reused
            suites.add(suite)
        except OSError as error:  # ssl.SSLError is one
            errors[type(error).__name__] = errors.get(type(error).__name__, 0) + 1


def percentile(ordered, share):
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e6 if ordered else 0


def summary(results, first_connections):
    """All processes together, with the keys of wrk's script and what only handshakes have."""
    durations = sorted(one for part in results for one in part[0])
    errors = {}
    for part in results:
        for kind, count in part[2].items():
            errors[kind] = errors.get(kind, 0) + count
    found = {f"p{share}_us": percentile(durations, share / 100) for share in (50, 90, 95, 99)}
    return {"requests": len(durations), "resumed": sum(part[1] for part in results),
            "suites": sorted(set().union(*(part[3] for part in results))),
            "first_connections": first_connections, "errors": errors,
            "max_us": percentile(durations, 1), **found}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--kind", choices=("full", "resumed"), required=True)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    begin = time.monotonic() + 0.2  # when all processes are there and have their sessions
    one = (given.host, given.port, given.kind, begin, given.seconds)
    with multiprocessing.get_context("fork").Pool(given.connections) as pool:
        results = pool.starmap(work, [one] * given.connections, 1)
    made = summary(results, given.connections if given.kind == "resumed" else 0)
    made["duration_us"] = (time.monotonic() - begin) * 1e6
    print("BENCH " + json.dumps(made))


if __name__ == "__main__":
    main()
