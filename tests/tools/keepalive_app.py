# SPDX-License-Identifier: MIT
"""The same as keepalive_app.js on uvicorn: an ASGI application that counts its requests by the
X-Count-As that they carry. Argument: its keep-alive timeout in whole seconds."""

import json
import socket
import sys

import uvicorn

COUNTS = {}


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    body = b"done"
    if scope["path"] == "/counts":
        body = json.dumps(COUNTS).encode()
    for name, value in scope["headers"]:
        if name == b"x-count-as":
            COUNTS[value.decode()] = COUNTS.get(value.decode(), 0) + 1
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(f"port {listener.getsockname()[1]}", flush=True)
    settings = uvicorn.Config(app, log_level="warning", timeout_keep_alive=int(sys.argv[1]))
    uvicorn.Server(settings).run(sockets=[listener])


if __name__ == "__main__":
    main()
