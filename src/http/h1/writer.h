// SPDX-License-Identifier: MIT
// Writes heads and chunk framing. Framing fields are always made here from BodyLength, never copied
// from a message: whoever builds the Fields leaves Content-Length, Transfer-Encoding, Connection
// and the other hop-by-hop fields out.
#pragma once

#include <string_view>

#include "onehop/base/buffer.h"
#include "onehop/http/head.h"

namespace onehop::http::h1 {

// Where a body's end is said: by its length, by a last chunk, by closing the connection, or nowhere
// because there is none.
enum class Framing : uint8_t { none, length, chunked, until_close };

// What `Connection` says beside an upgrade.
enum class ConnectionOption : uint8_t { none, close, keep_alive };

// `websocket_key` is that of an upgrade whose client is onehop; empty: the fields have what is
// wanted.
void write_request_head(Buffer& output, const RequestHead& head, Framing framing,
                        std::string_view websocket_key = {});
// `length` is what the head says, whatever its body is.
void write_response_head(Buffer& output, const ResponseHead& head, const BodyLength& length,
                         Framing framing, ConnectionOption option);

// Appends body bytes with their framing; `last` also ends the message.
void write_body(Buffer& output, Buffer&& bytes, Framing framing, bool last);
void write_trailers(Buffer& output, const Fields& trailers);

}  // namespace onehop::http::h1
