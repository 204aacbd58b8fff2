// SPDX-License-Identifier: MIT
// FloodWatch: tells a peer of HTTP/2 that keeps the connection busy for nothing from one that is
// merely busy. Two things have a budget each: streams that end by a reset, whichever side sends it
// (CVE-2023-44487, CVE-2025-8671), and frames that carry nothing forward. What nghttp2 gives a peer
// up for by itself is told by its error, or by the GOAWAY that it sends.
//
// A connection floods once: after the first reason there is no other.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <optional>

#include "../budget.h"
#include "onehop/telemetry/shard.h"

namespace onehop::http::h2 {

class FloodWatch {
 public:
  FloodWatch(uint32_t reset_burst, uint32_t resets_per_second);

  // What the session says, in its order. A reason: it is a flood, and the peer is to be given up.
  using Reason = std::optional<telemetry::H2Flood>;
  Reason frame_begins(const nghttp2_frame_hd& head, uint64_t now_ms);
  Reason frame_came(const nghttp2_frame& frame, uint64_t now_ms);
  Reason frame_was_sent(const nghttp2_frame& frame, uint64_t now_ms);
  Reason session_failed(int error);  // of nghttp2

 private:
  Reason spend(Budget& budget, telemetry::H2Flood reason, uint64_t now_ms);
  Reason floods(telemetry::H2Flood reason);

  Budget resets_;
  Budget control_;
  bool in_ping_ = false;  // a PING has begun and not been answered
  bool flooded_ = false;
};

}  // namespace onehop::http::h2
