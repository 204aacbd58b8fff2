#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chromium opens a page through onehop over TLS and HTTP/2: its parts, uploads, a large download,
one given up, WebSockets, which it carries on streams of the same connection (RFC 8441), and an
EventSource. browser_page.js is what runs in the page; this script judges what it found."""

import base64
import fcntl
import hashlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading

from onehop_proxy import (Proxy, arguments, make_certificate, need_programs, tls_listener)
from real_origins import (PATIENCE, App, HttpOrigin, Stats, WebSocketOrigin, endpoint, is_quiet,
                          routes)

HERE = os.path.dirname(os.path.abspath(__file__))
LARGE = bytes(range(256)) * 65536  # 16 MiB
SEEN = queue.Queue()  # the path of each request that the app has taken
BROKEN = queue.Queue()  # the path of each response that the other side gave up
PATHS = {"/page.css", "/page.js", "/digest", "/large", "/endless", "/set-cookies", "/cookies",
         "/events", "/"} | {f"/image/{each + 1}.svg" for each in range(20)}


def read(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return file.read()


class PageApp(App):
    def do_GET(self):
        SEEN.put(self.path)
        if self.path == "/":
            self.answer(read("browser_page.html"), "text/html")
        elif self.path == "/page.js":
            self.answer(read("browser_page.js"), "text/javascript")
        elif self.path == "/page.css":
            self.answer(b"h1 { color: rgb(1, 2, 3); }", "text/css")
        elif self.path.startswith("/image/"):
            size = int(self.path[7:-4])
            self.answer(f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="1"/>'
                        .encode(), "image/svg+xml")
        elif self.path == "/large":
            self.answer(LARGE, "application/octet-stream")
        elif self.path == "/set-cookies":
            self.answer(b"", more=(("Set-Cookie", "first=1"), ("Set-Cookie", "second=2")))
        elif self.path == "/cookies":
            self.answer(json.dumps(self.headers.get_all("Cookie")).encode())
        elif self.path == "/endless":
            self.pour()
        elif self.path == "/events":
            self.tell()
        else:
            self.send_error(404)

    def do_POST(self):
        SEEN.put(self.path)
        super().do_POST()

    def start_stream(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def pour(self):
        """A response without an end."""
        self.start_stream("application/octet-stream")
        try:
            while True:
                self.chunk(bytes(16384))
        except ConnectionError:
            self.broken()

    def broken(self):
        BROKEN.put(self.path)
        self.close_connection = True

    def tell(self):
        """Events 1 to 3, and on coming back 4 to 6, after which it stays open until the other side
        has had enough."""
        last = int(self.headers.get("Last-Event-ID", "0"))
        self.start_stream("text/event-stream")
        for number in range(last + 1, last + 4):
            self.chunk(f"retry: 10\nid: {number}\ndata: event {number}\n\n".encode())
        if last == 0:
            return self.chunk(b"")
        self.connection.settimeout(PATIENCE)
        try:
            ended = self.connection.recv(1) == b""
        except ConnectionError:
            ended = True
        if ended:
            self.broken()
        return None


class Browser:
    """A context manager: Chromium without a window, asked in the DevTools protocol through a pair
    of pipes. It trusts the one key, and finds nothing on any network but this host."""

    def __init__(self, folder, key_hash):
        self.folder = folder
        self.net_log = os.path.join(folder, "net-log.json")
        # Without its sandbox, which containers and root do not allow: the page is our own.
        self.command = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking",
            "--disable-component-update", "--disable-extensions", "--disable-sync",
            "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--ignore-certificate-errors-spki-list={key_hash}",
            f"--user-data-dir={folder}/profile", f"--log-net-log={self.net_log}",
            "--remote-debugging-pipe", "about:blank"]
        self.process = None
        self.to, self.answers = None, None
        self.number = 0
        self.session = None
        self.messages = queue.Queue()

    def __enter__(self):
        # The protocol is spoken on descriptors 3 and 4 of the browser. Both are moved out of the
        # way first: one of them may be 3 or 4 itself.
        ours = [*os.pipe(), *os.pipe()]
        down, to, answers, up = (fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in ours)
        for each in ours:
            os.close(each)
        self.to, self.answers = os.fdopen(to, "wb", 0), os.fdopen(answers, "rb")
        log = open(os.path.join(self.folder, "chromium.log"), "wb")
        environment = {**os.environ, "HOME": self.folder, "TMPDIR": self.folder}
        script = f'exec "$@" 3<&{down} 4>&{up} {down}<&- {up}>&-'
        with log:
            self.process = subprocess.Popen(
                ["bash", "-c", script, "bash", *self.command], pass_fds=(down, up), stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
        os.close(down)
        os.close(up)
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.ask("Browser.close", session=None)
                self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, 9)
                self.process.wait()
            self.to.close()
        if kind is not None:
            with open(os.path.join(self.folder, "chromium.log"), errors="replace") as log:
                print(log.read()[-4000:], file=sys.stderr)

    def listen(self):
        """Each message of the browser ends with a zero byte."""
        data = b""
        with self.answers:
            while more := self.answers.read1(65536):
                *whole, data = (data + more).split(b"\0")
                for each in whole:
                    self.messages.put(json.loads(each))
        self.messages.put({"id": None, "error": "the browser has ended"})

    def ask(self, method, session="this", **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session is not None and self.session is not None:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self.messages.get(timeout=PATIENCE)
            if answer.get("id", 0) in (self.number, None):
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def event(self, method):
        while self.messages.get(timeout=PATIENCE).get("method") != method:
            pass

    def open(self, url):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        answer = self.ask("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        self.event("Page.loadEventFired")

    def value_of(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True,
                          returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"]["value"]


def hash_of_key(cert):
    """What Chromium knows a key by: the SHA-256 of its SubjectPublicKeyInfo, in base64."""
    pem = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], check=True, input=pem,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def check_findings(found):
    failed = {name: what for name, what in found.items() if str(what).startswith("failed: ")}
    assert not failed, failed
    assert found["style"] == "rgb(1, 2, 3)", found["style"]
    assert found["images"] == list(range(1, 21)), found["images"]
    assert found["post"]["sent"] == found["post"]["received"], found["post"]
    assert found["stream"]["sent"] == found["stream"]["received"], found["stream"]
    whole = {"size": len(LARGE), "digest": hashlib.sha256(LARGE).hexdigest()}
    assert found["download"] == whole, found["download"]
    assert found["abort"] == {"first": True, "error": "AbortError"}, found["abort"]
    assert found["cookies"] == '["first=1; second=2"]', found["cookies"]
    socket = found["websocket"]
    assert socket["text"] == "grüße, ☃" and socket["same"] and socket["ponged"] == "ponged", socket
    assert socket["code"] == 4002 and socket["clean"], socket
    assert socket["extensions"].startswith("permessage-deflate"), socket
    closed = {"code": 4003, "reason": "enough", "clean": True}
    assert found["closedByServer"] == closed, found["closedByServer"]
    assert found["events"] == [f"{each}:event {each}" for each in range(1, 7)], found["events"]
    by = dict(found["protocols"])
    assert PATHS - {"/endless", "/events"} <= set(by), by
    assert set(by.values()) == {"h2"}, by


def check_net_log(path):
    """The WebSockets were streams of the browser's one session of HTTP/2, by its own account."""
    with open(path, encoding="utf-8") as file:
        log = json.load(file)
    kinds = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    heads = [(event["source"]["id"], event["params"]["headers"]) for event in log["events"]
             if kinds[event["type"]] == "HTTP2_SESSION_SEND_HEADERS"]
    sockets = [(session, head) for session, head in heads if ":protocol: websocket" in head]
    assert len(sockets) == 2, heads
    assert all(":method: CONNECT" in head for _, head in sockets), sockets
    assert len({session for session, _ in heads}) == 1, [session for session, _ in heads]


def check_stats(document, requests, sockets):
    downstream = document["downstream"]
    connections, seen = downstream["connections"], downstream["requests"]
    assert connections["accepted_total"] == connections["h2_total"], connections
    of_app, of_sockets = (endpoint(document, name)["requests"] for name in ("app", "sockets"))
    assert of_sockets["total"] == of_sockets["by_class"]["1xx"] == sockets, of_sockets
    assert of_app["total"] == of_app["by_class"]["2xx"] == requests, (requests, of_app)
    assert seen["total"] == requests + sockets, seen
    # The response without an end, and the events that the page had enough of.
    assert seen["outcomes"] == {"ok": seen["total"] - 2, "client_gone": 2}, seen
    assert downstream["bytes"]["sent_total"] > len(LARGE), downstream["bytes"]
    handshakes = next(iter(document["listeners"].values()))["tls"]["handshakes"]
    assert not any(handshakes["failures_by_reason"].values()), handshakes


def check_page(binary, folder):
    cert, key = make_certificate(folder)
    with HttpOrigin(PageApp) as app:
        with WebSocketOrigin() as sockets, \
                Proxy(binary, routes(app.address, sockets.address,
                                     tls_listener(cert, key))) as proxy:
            stats = Stats(proxy)
            with Browser(folder, hash_of_key(cert)) as browser:
                browser.open(f"https://{proxy.address}/")
                found = browser.value_of("findings()")
                check_findings(found)
                given_up = {BROKEN.get(timeout=PATIENCE) for _ in range(2)}
                assert given_up == {"/endless", "/events"}, given_up
                gone = {sockets.wait_gone() for _ in range(2)}
                assert gone == {("/socket/browser", 4002), ("/socket/closed", 4003)}, gone
                # Before the browser has gone: nothing may hang on its connection.
                stats.wait("nothing is in flight", is_quiet)
            document = stats.wait("no client is left", lambda now: is_quiet(now)
                                  and now["downstream"]["connections"]["open"] == 0)
            check_stats(document, SEEN.qsize(), sockets.opened)
            check_net_log(browser.net_log)


def main():
    binary = arguments()
    need_programs("chromium", "openssl", "bash")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        check_page(binary, folder)
    print("Chromium was served over HTTP/2 as it should be")


if __name__ == "__main__":
    sys.exit(main())
