# SPDX-License-Identifier: MIT
"""The little API in Python: asyncio and nothing else. Its siblings are service.js, .go and .cc.

    GET /NAME/health       {"service": NAME, "status": "ok"}
    GET /NAME/health/all   asks every service, itself too, and answers {"status", "services"};
                           503 when one fails. The C++ one has no such path, as in the report.
    GET /NAME/paced        as health, but after 10 to 50 ms, each as often as any other
    GET /__counts          {"accepts": N, "requests": N}

    service.py --port 9001 --peers go=9002,node=9003,...

The one idea: all four do the same work over kept connections, so that their figures differ by
language and server only.
"""
import argparse
import asyncio
import json
import signal

NAME = "python"
PEER_CONNECTIONS = 32
REASONS = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}
HEALTH = json.dumps({"service": NAME, "status": "ok"})
COUNTS = {"accepts": 0, "requests": 0}


class Peer:
    """A client of one service with some kept connections."""

    def __init__(self, name, port):
        self.name = name
        self.port = int(port)
        self.idle = []
        self.room = asyncio.Semaphore(PEER_CONNECTIONS)
        self.request = f"GET /{name}/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    async def ask(self):
        async with self.room:
            try:
                reader, writer = (self.idle.pop() if self.idle else
                                  await asyncio.open_connection("127.0.0.1", self.port))
                writer.write(self.request)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                _, _, rest = head.partition(b"content-length:")
                await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
            except (OSError, ValueError, asyncio.IncompleteReadError):
                return "failed"
            self.idle.append((reader, writer))
            return "ok" if b" 200 " in head.split(b"\r\n", 1)[0] else "failed"


class Service:
    def __init__(self, peers):
        self.peers = [Peer(*peer.split("=")) for peer in peers.split(",")]

    async def answer(self, path):
        if path == "/__counts":
            return 200, json.dumps(COUNTS)
        COUNTS["requests"] += 1
        if path == f"/{NAME}/paced":
            await asyncio.sleep((10 + 7 * COUNTS["requests"] % 41) / 1000)
            return 200, HEALTH
        if path == f"/{NAME}/health":
            return 200, HEALTH
        if path != f"/{NAME}/health/all":
            return 404, '{"error": "no such path"}'
        said = await asyncio.gather(*(peer.ask() for peer in self.peers))
        status = "ok" if set(said) == {"ok"} else "failed"
        services = dict(zip((peer.name for peer in self.peers), said))
        return (200 if status == "ok" else 503), json.dumps({"status": status,
                                                             "services": services})

    async def serve(self, reader, writer):
        """One connection. Requests here have no body."""
        COUNTS["accepts"] += 1
        try:
            keep = True
            while keep:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, _, fields = head.partition("\r\n")
                _, path, version = line.split(" ")
                fields = fields.lower()
                keep = ("connection: keep-alive" in fields if version == "HTTP/1.0" else
                        "connection: close" not in fields)
                status, body = await self.answer(path)
                connection = "keep-alive" if keep else "close"
                writer.write(f"HTTP/1.1 {status} {REASONS[status]}\r\n"
                             "Content-Type: application/json\r\n"
                             f"Content-Length: {len(body)}\r\nConnection: {connection}\r\n\r\n"
                             f"{body}".encode())
                await writer.drain()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass  # the client has gone, or says what nobody understands
        finally:
            writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--peers", required=True)
    options = parser.parse_args()
    server = await asyncio.start_server(Service(options.peers).serve, "127.0.0.1", options.port,
                                        backlog=4096)
    print(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    server.close()


asyncio.run(main())
