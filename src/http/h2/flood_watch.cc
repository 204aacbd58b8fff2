// SPDX-License-Identifier: MIT
#include "flood_watch.h"

#include <utility>

namespace onehop::http::h2 {
namespace {

using telemetry::H2Flood;

// Frames that carry nothing forward: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA
// (CVE-2019-9512, -9513, -9515, -9518). Each frame of DATA that is sent earns its updates. No
// honest peer comes near it.
constexpr uint32_t kControlBurst = 10'000;
constexpr uint32_t kControlPerSecond = 1000;
constexpr uint32_t kUpdatesPerData = 2;

// What a flood of such frames is called; nothing where they do carry something forward.
std::optional<H2Flood> control(uint8_t type) {
  switch (type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_RST_STREAM:
      return std::nullopt;
    case NGHTTP2_PING:
      return H2Flood::ping;
    case NGHTTP2_SETTINGS:
      return H2Flood::settings;
    case NGHTTP2_WINDOW_UPDATE:
      return H2Flood::window_update;
    case NGHTTP2_PRIORITY:
    case NGHTTP2_PRIORITY_UPDATE:
      return H2Flood::priority;
    default:
      return H2Flood::other;
  }
}

bool is_empty_data(const nghttp2_frame& frame) {
  return frame.hd.type == NGHTTP2_DATA && frame.hd.length == frame.data.padlen &&
         (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0;
}

// A reset that says that its stream was at fault.
bool blames_the_peer(const nghttp2_frame& frame) {
  return frame.hd.type == NGHTTP2_RST_STREAM && frame.rst_stream.error_code != NGHTTP2_NO_ERROR &&
         frame.rst_stream.error_code != NGHTTP2_CANCEL &&
         frame.rst_stream.error_code != NGHTTP2_INTERNAL_ERROR;
}

}  // namespace

FloodWatch::FloodWatch(uint32_t reset_burst, uint32_t resets_per_second)
    : resets_(reset_burst, resets_per_second), control_(kControlBurst, kControlPerSecond) {}

FloodWatch::Reason FloodWatch::frame_begins(const nghttp2_frame_hd& head, uint64_t now_ms) {
  in_ping_ = head.type == NGHTTP2_PING;
  const Reason reason = control(head.type);
  return reason.has_value() ? spend(control_, *reason, now_ms) : std::nullopt;
}

FloodWatch::Reason FloodWatch::frame_came(const nghttp2_frame& frame, uint64_t now_ms) {
  in_ping_ = false;
  if (frame.hd.type == NGHTTP2_RST_STREAM) return spend(resets_, H2Flood::reset, now_ms);
  if (is_empty_data(frame)) return spend(control_, H2Flood::empty_data, now_ms);
  return std::nullopt;
}

FloodWatch::Reason FloodWatch::frame_was_sent(const nghttp2_frame& frame, uint64_t now_ms) {
  if (frame.hd.type == NGHTTP2_DATA) control_.earn(kUpdatesPerData);
  if (blames_the_peer(frame)) return spend(resets_, H2Flood::provoked_reset, now_ms);
  // Not by a budget of ours: nghttp2 says so of SETTINGS with more entries than it takes.
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM)
    return floods(H2Flood::settings);
  return std::nullopt;
}

// Answers that the peer does not read are those to PING, which nghttp2 refuses when it has begun,
// and to SETTINGS, which it refuses before.
FloodWatch::Reason FloodWatch::session_failed(int error) {
  if (error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) return floods(H2Flood::continuation);
  if (error == NGHTTP2_ERR_FLOODED) return floods(in_ping_ ? H2Flood::ping : H2Flood::settings);
  return std::nullopt;
}

FloodWatch::Reason FloodWatch::spend(Budget& budget, H2Flood reason, uint64_t now_ms) {
  return budget.take(now_ms) ? std::nullopt : floods(reason);
}

FloodWatch::Reason FloodWatch::floods(H2Flood reason) {
  return std::exchange(flooded_, true) ? std::nullopt : Reason(reason);
}

}  // namespace onehop::http::h2
