#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A gRPC client and server of Google's library, with onehop between them over HTTP/2 on both
sides: one call, streams both ways, an error in the trailers, metadata, a deadline, and what the
client sees when nobody is there."""

import concurrent.futures
import sys

from onehop_proxy import Proxy, arguments, config, skip

try:
    import grpc
except ImportError:
    skip("python3-grpcio is not installed")

LARGE = bytes(range(256)) * 8192  # 2 MiB


def say(request, context):
    if request == b"fail":
        context.set_trailing_metadata((("reason-bin", b"\x00\x01"), ("why", "asked for")))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as you wished, 100%")
    if request == b"wait":
        left = context.time_remaining()
        if left is None or left > 60:
            context.abort(grpc.StatusCode.INTERNAL, "the deadline did not arrive")
        context.add_callback(CANCELLED.set_result_once)
        CANCELLED.wait()
        return b""
    asked = dict(context.invocation_metadata()).get("x-asked", "")
    context.send_initial_metadata((("x-head", asked),))
    context.set_trailing_metadata((("x-tail", asked),))
    return request


class Once:
    """A future that may be set more than once."""

    def __init__(self):
        self.future = concurrent.futures.Future()

    def set_result_once(self):
        if not self.future.done():
            self.future.set_result(True)

    def wait(self):
        return self.future.result(timeout=20)


CANCELLED = Once()


def count(request, _context):
    for number in range(int(request)):
        yield str(number).encode()


def total(requests, _context):
    return str(sum(int(each) for each in requests)).encode()


def echo(requests, _context):
    yield from requests


def serve():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", {
        "Say": grpc.unary_unary_rpc_method_handler(say),
        "Count": grpc.unary_stream_rpc_method_handler(count),
        "Total": grpc.stream_unary_rpc_method_handler(total),
        "Echo": grpc.stream_stream_rpc_method_handler(echo),
    }),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"127.0.0.1:{port}"


def channel_to(address):
    return grpc.insecure_channel(address, options=(("grpc.enable_http_proxy", 0),
                                                   ("grpc.max_receive_message_length", -1)))


def check_calls(channel):
    unary = channel.unary_unary("/test.Test/Say")
    for body in (b"", b"hello", LARGE):
        answer, call = unary.with_call(body, timeout=20, metadata=(("x-asked", "for"),))
        assert answer == body, len(answer)
        assert dict(call.initial_metadata())["x-head"] == "for"
        assert dict(call.trailing_metadata())["x-tail"] == "for"
    numbers = list(channel.unary_stream("/test.Test/Count")(b"500", timeout=20))
    assert numbers == [str(number).encode() for number in range(500)], numbers
    numbers = (str(number).encode() for number in range(500))
    assert channel.stream_unary("/test.Test/Total")(numbers, timeout=20) == b"124750"
    sent = [b"a" * size for size in (0, 1, 100_000, 5)]
    assert list(channel.stream_stream("/test.Test/Echo")(iter(sent), timeout=20)) == sent


def check_errors(channel):
    unary = channel.unary_unary("/test.Test/Say")
    try:
        unary(b"fail", timeout=20)
        raise AssertionError("an error was expected")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
        assert error.details() == "as you wished, 100%", error.details()
        trailing = dict(error.trailing_metadata())
        assert trailing["reason-bin"] == b"\x00\x01" and trailing["why"] == "asked for", trailing
    try:
        unary(b"wait", timeout=0.5)
        raise AssertionError("the deadline was expected")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    assert CANCELLED.wait(), "the server never learned that the call is over"
    try:
        channel.unary_unary("/test.Test/Missing")(b"", timeout=20)
        raise AssertionError("an error was expected")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error


def check_nobody(channel):
    try:
        channel.unary_unary("/test.Test/Say")(b"hello", timeout=20)
        raise AssertionError("an error was expected")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        # The proxy's own words, not the library's guess from a status of HTTP.
        assert "HTTP" not in error.details() or "onehop" in error.details(), error.details()


def main():
    binary = arguments()
    server, endpoint = serve()
    with Proxy(binary, config(endpoint, upstream='protocol = "h2"')) as proxy:
        with channel_to(proxy.address) as channel:
            check_calls(channel)
            check_errors(channel)
            check_calls(channel)
            server.stop(None).wait()
            check_nobody(channel)
    print("all gRPC calls went through as they should")


if __name__ == "__main__":
    sys.exit(main())
