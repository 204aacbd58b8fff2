// SPDX-License-Identifier: MIT
// What a frame of HTTP/2 is made of (RFC 9113 6), for whoever writes frames by hand.
#pragma once

#include <cstdint>

namespace onehop::test {

enum class H2Type : uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  settings,
  push_promise,
  ping,
  goaway,
  window_update,
  continuation,
};

constexpr uint8_t kEndStream = 1;
constexpr uint8_t kAck = 1;
constexpr uint8_t kEndHeaders = 4;

}  // namespace onehop::test
