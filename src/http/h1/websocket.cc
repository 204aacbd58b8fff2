// SPDX-License-Identifier: MIT
#include "websocket.h"

#include <array>
#include <cstdint>

#include "onehop/base/ascii.h"
#include "onehop/base/base64.h"
#include "onehop/tls/digest.h"

namespace onehop::http::h1 {
namespace {

std::string fresh_key() {
  std::array<uint8_t, 16> nonce{};
  tls::fill_random(nonce);
  return to_base64(nonce);
}

}  // namespace

WebSocketHandshake::WebSocketHandshake() : key_(fresh_key()) {}

bool WebSocketHandshake::answered_by(const Fields& fields) const {
  const std::string answer = to_base64(tls::sha1(key_ + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
  size_t count = 0;
  bool right = false;
  for (const Field& field : fields) {
    if (!equals_ignoring_case(field.name, "sec-websocket-accept")) continue;
    ++count;
    right = field.value == answer;
  }
  return count == 1 && right;
}

}  // namespace onehop::http::h1
