# SPDX-License-Identifier: MIT
"""HTTP/2 by hand, as attackers speak it: frames that no library would send.

The one idea: an attack needs a handful of frames and no state, so they are bytes that are put
together; header blocks are literals without Huffman coding, which every decoder takes.
"""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK, END_STREAM, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4
REFUSED_STREAM, CANCEL = 7, 8
STATUS_200 = b"\x88"  # of the static table
STREAMS = 100         # that a client may have open where nobody says otherwise


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream) + payload


def settings(**values):
    """`window` is the initial window of a stream."""
    payload = b""
    if "window" in values:
        payload += struct.pack(">HI", INITIAL_WINDOW_SIZE, values["window"])
    return frame(SETTINGS, payload=payload)


def literal(name_index, value):
    """A field whose name is in the static table, never kept by the decoder."""
    return bytes([name_index, len(value)]) + value.encode()


def get(stream, authority, path="/"):
    """A whole GET request; both texts are shorter than 127 bytes."""
    block = b"\x82\x86" + literal(1, authority) + literal(4, path)  # :method GET, :scheme http
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, block)


def post(stream, authority):
    """The head of a POST request to "/" whose body follows."""
    return frame(HEADERS, END_HEADERS, stream, b"\x83\x86\x84" + literal(1, authority))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def frames_of(buffer):
    """Takes the whole frames off the front of a bytearray: (kind, flags, stream, payload)."""
    found = []
    while len(buffer) >= 9:
        size = int.from_bytes(buffer[:3], "big")
        if len(buffer) < 9 + size:
            break
        found.append((buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big") & 0x7fffffff,
                      bytes(buffer[9:9 + size])))
        del buffer[:9 + size]
    return found
