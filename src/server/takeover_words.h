// SPDX-License-Identifier: MIT
// What the two processes of a takeover say to each other. Each message is a word, and what belongs
// to it behind a line break. The one that begins asks, and each question has one answer, so neither
// ever waits for room.
//
//   new                         running
//   onehop-takeover-1     ->
//                         <-    sockets, or activated (a key, keys of tickets; descriptors)
//   next                  ->
//                         <-    ... and at last: all (its pid)
//   ready                 ->
//                         <-    yours
//
// `refused` (why) may stand in the place of any answer, `failed` (why) in that of any question.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace onehop::server::takeover_words {

inline constexpr std::string_view kHello = "onehop-takeover-1";
inline constexpr std::string_view kNext = "next";
inline constexpr std::string_view kReady = "ready";
inline constexpr std::string_view kFailed = "failed";

inline constexpr std::string_view kSockets = "sockets";
inline constexpr std::string_view kActivated = "activated";  // in the place of kSockets
inline constexpr std::string_view kAll = "all";
inline constexpr std::string_view kYours = "yours";
inline constexpr std::string_view kRefused = "refused";

// The key of the socket where processes meet; no listener has one like it.
inline constexpr std::string_view kMeetingPoint = "meeting point";

struct Said {
  std::string_view word;
  std::string_view rest;
};

inline Said said_in(std::string_view text) {
  const size_t end = std::min(text.find('\n'), text.size());
  return {text.substr(0, end), text.substr(std::min(end + 1, text.size()))};
}

inline std::string saying(std::string_view word, std::string_view rest) {
  return std::string(word) + '\n' + std::string(rest);
}

}  // namespace onehop::server::takeover_words
