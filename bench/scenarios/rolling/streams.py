#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is open all along while an app is rolled: WebSockets and a stream of gRPC, of the libraries
that people use for them.

    streams.py serve                          a line with the ports of both servers
    streams.py hold HOST:PORT HOST:PORT       WebSockets through the one, gRPC through the other;
                                              lines of what has come so far, until SIGTERM

The one idea: a stream that ends, or brings something else than what is next, is an error by name,
and nobody opens it again.
"""
import asyncio
import json
import signal
import sys

import grpc
import websockets

TICK_S = 0.02
SOCKETS = 2
COUNT = "/clock.Clock/Count"
OPTIONS = (("grpc.enable_http_proxy", 0),)


async def echo(peer, *_):
    async for message in peer:
        await peer.send(message)


async def count(_request, _context):
    number = 0
    while True:
        yield str(number).encode()
        number += 1
        await asyncio.sleep(TICK_S)


async def serve(ended):
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("clock.Clock", {
        "Count": grpc.unary_stream_rpc_method_handler(count)}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with websockets.serve(echo, "127.0.0.1", 0, ping_interval=None) as sockets:
        print(json.dumps([sockets.sockets[0].getsockname()[1], port]), flush=True)
        await ended.wait()
    await server.stop(0)


class Held:
    def __init__(self, ended):
        self.ended = ended
        self.messages = {}
        self.errors = {}

    async def keep(self, name, streaming):
        """Counts what `streaming` brings, which has to be 0, 1, 2 and so on until the end."""
        self.messages[name] = 0
        try:
            async for number in streaming:
                if number != self.messages[name]:
                    raise ValueError(f"{number} came where {self.messages[name]} was next")
                self.messages[name] += 1
                if self.ended.is_set():
                    return
            raise ValueError("ended by the server")
        except (OSError, ValueError, grpc.RpcError, websockets.WebSocketException,
                asyncio.TimeoutError) as error:
            self.errors[name] = repr(error)

    async def socket(self, address):
        async with websockets.connect(f"ws://{address}/socket", ping_interval=None) as peer:
            number = 0
            while True:
                await peer.send(str(number))
                yield int(await peer.recv())
                number += 1
                await asyncio.sleep(TICK_S)

    async def clock(self, address):
        async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
            async for message in channel.unary_stream(COUNT)(b""):
                yield int(message)

    async def tell(self):
        while not self.ended.is_set():
            print(json.dumps([self.messages, self.errors]), flush=True)
            await asyncio.sleep(TICK_S)


async def hold(ended, address, h2_address):
    held = Held(ended)
    told = asyncio.ensure_future(held.tell())
    await asyncio.gather(held.keep("gRPC", held.clock(h2_address)), *(
        held.keep(f"WebSocket {number}", held.socket(address)) for number in range(SOCKETS)))
    await told
    print(json.dumps([held.messages, held.errors]), flush=True)


async def main():
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await {"serve": serve, "hold": hold}[sys.argv[1]](ended, *sys.argv[2:])


if __name__ == "__main__":
    asyncio.run(main())
