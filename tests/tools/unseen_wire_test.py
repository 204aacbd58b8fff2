#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A POST that crosses the end of its pooled connection on a wire that the test holds: what onehop
takes for proof that the application did not see it, and what it does then."""

import http.client
import json
import os
import socket
import struct
import subprocess
import sys

from held_wire import CLIENT, SERVER, SERVER_IP, Flowing, inside, network
from onehop_proxy import Proxy, arguments, config, need_programs, skip

PATIENCE = 20
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class App:
    """The application: a listener, and the requests that it has read."""

    def __init__(self):
        with inside(SERVER):
            self.listener = socket.create_server((SERVER_IP, 0))
        self.listener.settimeout(PATIENCE)
        self.address = f"{SERVER_IP}:{self.listener.getsockname()[1]}"
        self.connection = None
        self.seen = []

    def accept(self):
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(PATIENCE)

    def read(self, end):
        request = b""
        while not request.endswith(end):
            piece = self.connection.recv(65536)
            if not piece:
                break
            request += piece
        self.seen.append(request.split(b" ")[0].decode())

    def answer(self):
        self.connection.sendall(ANSWER)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def in_client(address):
    host, port = address.rsplit(":", 1)
    with inside(CLIENT):
        return socket.create_connection((host, int(port)), timeout=PATIENCE)


def outcomes(admin):
    connection = http.client.HTTPConnection("onehop")
    connection.sock = in_client(admin)
    connection.request("GET", "/stats", headers={"Host": admin})
    document = json.loads(connection.getresponse().read())
    connection.close()
    return document["downstream"]["requests"]["outcomes"]


def status_of(client):
    return int(client.recv(65536).split(b" ")[1])


def expect(what, found, wanted):
    if found != wanted:
        raise AssertionError(f"{what}: {found} instead of {wanted}")


def crossing(binary, wire, end, request=POST, retry="false", answered=None):
    """A pooled connection; the application does `end` to it, and the request crosses what comes of
    that. Returns the status, what the application has seen, and the outcomes."""
    app = App()
    text = config(app.address, upstream=f"retry_unseen = {retry}",
                  more='[admin]\nlisten = "127.0.0.1:0"')
    with inside(CLIENT):
        proxy = Proxy(binary, text)
        proxy.__enter__()
    try:
        admin = next(line.split()[2] for line in proxy.process.stdout
                     if line.startswith("admin on "))
        client = in_client(proxy.address)
        client.sendall(GET)
        with Flowing(wire):
            app.accept()
            app.read(b"\r\n\r\n")
            app.answer()
            expect("the first GET", status_of(client), 200)
        end(app)
        client.sendall(request)
        if not wire.waits_from_client(PATIENCE):
            raise AssertionError("the request did not leave")
        with Flowing(wire):
            if answered is not None:
                answered(app)
            status = status_of(client)
        client.close()
        return status, app.seen, outcomes(admin)
    finally:
        with inside(CLIENT):
            proxy.__exit__(*sys.exc_info())


def closed(app):
    app.connection.close()


def half_closed(app):
    app.connection.shutdown(socket.SHUT_WR)


def nothing(_):
    pass


def answer_again(end):
    def act(app):
        app.accept()
        app.read(end)
        app.answer()
    return act


def read_on(app):
    app.read(b"hello")


def read_and_reset(app):
    app.read(b"hello")
    app.reset()


def a_post_that_crosses_a_close_is_a_502_with_its_outcome(binary, wire):
    status, seen, counted = crossing(binary, wire, closed)
    expect("status", status, 502)
    expect("requests", seen, ["GET"])
    expect("proven_unseen", counted.get("proven_unseen"), 1)


def with_retry_unseen_it_is_answered_and_done_once(binary, wire):
    status, seen, _ = crossing(binary, wire, closed, retry="true", answered=answer_again(b"hello"))
    expect("status", status, 200)
    expect("requests", seen, ["GET", "POST"])


def a_get_that_crosses_a_close_is_answered(binary, wire):
    status, seen, _ = crossing(binary, wire, closed, request=GET,
                               answered=answer_again(b"\r\n\r\n"))
    expect("status", status, 200)
    expect("requests", seen, ["GET", "GET"])


def an_application_that_reads_on_after_its_fin_may_have_seen_it(binary, wire):
    status, seen, counted = crossing(binary, wire, half_closed, retry="true", answered=read_on)
    expect("status", status, 502)
    expect("requests", seen, ["GET", "POST"])
    expect("upstream_closed_idle", counted.get("upstream_closed_idle"), 1)


def an_application_that_reads_and_resets_has_seen_it(binary, wire):
    status, seen, counted = crossing(binary, wire, nothing, retry="true", answered=read_and_reset)
    expect("status", status, 502)
    expect("requests", seen, ["GET", "POST"])
    expect("upstream_closed_idle", counted.get("upstream_closed_idle"), 1)


TESTS = (a_post_that_crosses_a_close_is_a_502_with_its_outcome,
         with_retry_unseen_it_is_answered_and_done_once, a_get_that_crosses_a_close_is_answered,
         an_application_that_reads_on_after_its_fin_may_have_seen_it,
         an_application_that_reads_and_resets_has_seen_it)


def main():
    binary = arguments()
    need_programs("ip")
    if os.geteuid() != 0:
        skip("only root makes namespaces")
    try:
        with network() as wire:
            for test in TESTS:
                test(binary, wire)
                print(f"ok: {test.__name__}", flush=True)
    except subprocess.CalledProcessError:
        skip("this machine makes no network namespaces")


if __name__ == "__main__":
    sys.exit(main())
