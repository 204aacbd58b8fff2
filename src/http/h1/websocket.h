// SPDX-License-Identifier: MIT
// WebSocketHandshake: the part of a WebSocket's client in the opening handshake (RFC 6455 4.1),
// which is onehop's own where its client came by HTTP/2: no key is sent there, and none is answered
// (RFC 8441 5).
#pragma once

#include <string>
#include <string_view>

#include "onehop/http/fields.h"

namespace onehop::http::h1 {

class WebSocketHandshake {
 public:
  WebSocketHandshake();  // with a key that nobody can guess

  std::string_view key() const noexcept { return key_; }

  // Whether the fields of a 101 have Sec-WebSocket-Accept once, with the answer to the key. Anybody
  // else has not understood the request.
  bool answered_by(const Fields& fields) const;

 private:
  std::string key_;
};

}  // namespace onehop::http::h1
