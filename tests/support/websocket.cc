// SPDX-License-Identifier: MIT
#include "tests/support/websocket.h"

#include "onehop/base/base64.h"
#include "onehop/tls/digest.h"

namespace onehop::test {

std::string websocket_accept(std::string_view key) {
  return to_base64(tls::sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

std::string websocket_switch(const Request& request, std::string_view more_fields) {
  return "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Accept: " +
         websocket_accept(request.field("Sec-WebSocket-Key")) + "\r\n" + std::string(more_fields) +
         "\r\n";
}

}  // namespace onehop::test
