// SPDX-License-Identifier: MIT
#include "src/http/h1/websocket.h"

#include <array>

#include "onehop/base/base64.h"
#include "onehop/tls/digest.h"
#include "tests/support/catch.h"
#include "tests/support/websocket.h"

namespace onehop::http::h1 {
namespace {

TEST_CASE("the answer to a key is that of RFC 6455 1.3") {
  CHECK(test::websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("only the answer to its own key, once, opens a WebSocket") {
  const WebSocketHandshake handshake;
  const WebSocketHandshake other;
  CHECK(handshake.key().size() == 24);
  CHECK(handshake.key() != other.key());
  const std::string right = test::websocket_accept(handshake.key());
  std::array<Field, 4> room;
  Fields once(room);
  once.add("Upgrade", "websocket");
  CHECK_FALSE(handshake.answered_by(once));
  once.add("SEC-WEBSOCKET-ACCEPT", right);
  CHECK(handshake.answered_by(once));
  CHECK_FALSE(other.answered_by(once));
  once.add("Sec-WebSocket-Accept", right);
  CHECK_FALSE(handshake.answered_by(once));
}

}  // namespace
}  // namespace onehop::http::h1
