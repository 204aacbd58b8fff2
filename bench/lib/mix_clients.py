# SPDX-License-Identifier: MIT
"""Everything that abuses a proxy, a moment of each, in an order that a seed decides.

The one idea: an act is `f(deadline, place, chance)`: it does one thing to the proxy at `place`
until the clock says `deadline`, and cleans nothing up but its own sockets. What is random comes
from `chance`. The attacks of attack_clients.py are acts as they are; here is what they lack: bytes
that mean nothing, and clients that leave in the middle of something.
"""
import contextlib
import dataclasses
import functools
import socket
import struct
import time

from lib import attack_clients as clients
from lib import h2_frames
from lib.certificates import client_context

ACT_S = 0.5
SMALL_BUFFER = 4096
LARGE = "/size/4194304"
LINGER_NONE = struct.pack("ii", 1, 0)


@dataclasses.dataclass
class Place:
    """Where the proxy listens, and the host that it has routes for."""
    plain: tuple
    tls: tuple
    admin: tuple
    host: str


def mixed(deadline, place, chance, seconds=ACT_S):
    """One act after the other; returns how often there was each."""
    done = dict.fromkeys(ACTS, 0)
    while time.monotonic() < deadline:
        name = chance.choice(list(ACTS))
        with contextlib.suppress(OSError):
            ACTS[name](min(deadline, time.monotonic() + seconds), place, chance)
        done[name] += 1
    return done


def leave(connection, chance):
    """In one of the ways there are: closed, reset, or half closed first."""
    way = chance.randrange(3)
    with contextlib.suppress(OSError):
        if way == 1:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
        elif way == 2:
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.05)
            connection.recv(65536)
    connection.close()


def in_turn(act):
    """`act(place, chance)` again and again, each time with a new connection."""
    @functools.wraps(act)
    def until(deadline, place, chance):
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError):
                act(place, chance)
    return until


def say(address, sent, chance, patience_s=0.1, wanted=65536, receive_buffer=0):
    """On a connection of its own, waits for at most `wanted` bytes of what comes back, and leaves.
    """
    with clients.connect(address, patience_s, receive_buffer) as connection:
        connection.sendall(sent)
        if wanted:
            connection.recv(wanted)
        leave(connection, chance)


# --- as they are --------------------------------------------------------------------------------

def options(deadline, place, _):
    fields = ["Connection: a" + "," * 28000, *(f"X-Unknown-{n}: 1" for n in range(90))]
    clients.one_after_the_other(deadline, place.plain, clients.request("/", place.host, *fields))


def own_answers(deadline, place, _):
    clients.without_a_pause(deadline, place.plain, 2, b"",
                            clients.request("/", "nowhere.test") * 50)


def small_chunks(deadline, place, _):
    opening = f"POST / HTTP/1.1\r\nHost: {place.host}\r\nTransfer-Encoding: chunked\r\n\r\n"
    clients.without_a_pause(deadline, place.plain, 2, opening.encode(), b"1\r\na\r\n" * 400)


def hellos(deadline, place, _):
    clients.hello_flood(deadline, place.tls, 20)


def rapid_reset(deadline, place, _):
    clients.rapid_reset(deadline, place.plain, place.host, 50)


def frame_flood(deadline, place, chance):
    kind = chance.choice((h2_frames.PING, h2_frames.SETTINGS, h2_frames.WINDOW_UPDATE, 9))
    payload = {h2_frames.PING: b"12345678", h2_frames.WINDOW_UPDATE: b"\0\0\0\1"}.get(kind, b"")
    clients.frame_flood(deadline, place.plain, h2_frames.frame(kind, payload=payload) * 500)


def gone(deadline, place, _):
    clients.leave_at_once(deadline, place.plain, place.host, 100)


# --- bytes that mean nothing --------------------------------------------------------------------

@in_turn
def garbage(place, chance):
    """Random bytes, on either port, from the beginning or behind a preface or a ClientHello."""
    opening = chance.choice((b"", h2_frames.PREFACE, h2_frames.PREFACE + h2_frames.settings(),
                             clients.client_hello(), b"GET / HTTP/1.1\r\n"))
    say(chance.choice((place.plain, place.tls)),
        opening + chance.randbytes(chance.randrange(1, 5000)), chance)


@in_turn
def bent_heads(place, chance):
    """A head in order but for one byte."""
    head = bytearray(clients.request("/a?b=c", place.host, "Content-Length: 5", "Cookie: a=b",
                                     "Connection: keep-alive, x", "X: 1") + b"12345")
    head[chance.randrange(len(head))] = chance.randrange(256)
    say(place.plain, head, chance, 0.05)


@in_turn
def bent_frames(place, chance):
    """Frames of HTTP/2 of any kind, with any flags, on streams that may or may not be there."""
    sent = h2_frames.PREFACE + h2_frames.settings() + h2_frames.get(1, place.host)
    for _ in range(chance.randrange(1, 20)):
        sent += h2_frames.frame(chance.randrange(12), chance.randrange(256), chance.randrange(8),
                                chance.randbytes(chance.randrange(64)))
    say(place.plain, sent, chance)


@in_turn
def names(place, chance):
    """Hosts, methods, paths and fields that nobody has seen before."""
    word = chance.randbytes(8).hex()
    host = chance.choice((place.host, word + ".test"))
    sent = clients.request("/" + word, host, f"X-{word}: {word}", f"Cookie: {word}={word}",
                           f"X-Forwarded-For: 192.0.2.{chance.randrange(256)}")
    if chance.random() < 0.3:
        sent = sent.replace(b"GET", word.encode())
    say(place.plain, sent, chance, 0.5)


# --- clients that leave in the middle -----------------------------------------------------------

def slow_readers(deadline, place, chance):
    """Ask for what no kernel keeps, over HTTP/1.1 and over HTTP/2 with windows of 0, and read
    nothing."""
    kept = []
    streams = b"".join(h2_frames.get(2 * n + 1, place.host, "/size/65536") for n in range(20))
    with contextlib.suppress(OSError):
        for _ in range(20):
            kept.append(clients.connect(place.plain, 0.5, SMALL_BUFFER))
            kept[-1].sendall(chance.choice((
                clients.request(LARGE, place.host),
                h2_frames.PREFACE + h2_frames.settings(window=0) + streams)))
    time.sleep(max(0, deadline - time.monotonic()))
    for connection in kept:
        leave(connection, chance)


@in_turn
def uploads(place, chance):
    """Bodies that end before their end."""
    body = b"x" * chance.randrange(200000)
    head = f"POST / HTTP/1.1\r\nHost: {place.host}\r\nContent-Length: 1000000\r\n\r\n"
    sent = head.encode() + body
    if chance.random() < 0.5:
        sent = (h2_frames.PREFACE + h2_frames.settings() + h2_frames.post(1, place.host) +
                h2_frames.frame(h2_frames.DATA, 0, 1, body[:16000]))
    say(place.plain, sent, chance, 0.2, 0)


@in_turn
def pipelines(place, chance):
    """Good requests, many at once, of which few are waited for."""
    say(place.plain, clients.request("/", place.host) * chance.randrange(1, 40), chance, 0.5,
        chance.randrange(1, 4096))


@in_turn
def secured(place, chance):
    """A handshake, a request and often no end; some leave before the handshake has one."""
    context = client_context(chance.choice(("h2", "http/1.1", "nothing")))
    plain = clients.connect(place.tls, 0.5)
    if chance.random() < 0.3:
        plain.sendall(clients.client_hello()[:chance.randrange(1, 500)])
        return leave(plain, chance)
    with context.wrap_socket(plain, server_hostname=chance.choice((None, "a.test"))) as connection:
        if connection.selected_alpn_protocol() == "h2":
            connection.sendall(h2_frames.PREFACE + h2_frames.settings() + b"".join(
                h2_frames.get(2 * n + 1, place.host) for n in range(chance.randrange(1, 20))))
        else:
            connection.sendall(clients.request("/", place.host))
        connection.recv(65536)
        leave(connection, chance)


@in_turn
def admin(place, chance):
    """The documents of the admin endpoint, read in part."""
    path = chance.choice(("/metrics", "/stats", "/stats?window=5m", "/config", "/nothing"))
    say(place.admin, clients.request(path, "127.0.0.1") * 2, chance, 0.5, chance.randrange(1, 4096),
        SMALL_BUFFER)


ACTS = {act.__name__.replace("_", "-"): act for act in (
    options, own_answers, small_chunks, hellos, rapid_reset, frame_flood, gone, garbage, bent_heads,
    bent_frames, names, slow_readers, uploads, pipelines, secured, admin)}
