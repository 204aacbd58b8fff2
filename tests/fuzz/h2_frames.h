// SPDX-License-Identifier: MIT
// What the fuzz targets of HTTP/2 send and see. Choices reads the input as decisions; PeerBytes
// makes frames of them, so that chance does not have to find a preface, a header block or a valid
// stream; Ledger keeps the books of one direction.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/base/assert.h"
#include "tests/support/h2_constants.h"

namespace onehop::fuzz {

// The input, decision by decision. Behind its end every decision is 0.
class Choices {
 public:
  explicit Choices(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }
  std::string text(size_t size) {
    const auto part = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(part.size());
    return {part.begin(), part.end()};
  }

 private:
  std::span<const uint8_t> bytes_;
};

using FrameType = test::H2Type;
using test::kAck;
using test::kEndHeaders;
using test::kEndStream;
constexpr uint8_t kPadded = 8;
constexpr size_t kMostPayload = 16384;
constexpr uint32_t kFirstWindow = 65535;  // RFC 9113 6.9.2

inline std::string number_text(uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  return text;
}

inline uint32_t number_in(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

inline std::string frame_text(uint8_t type, uint8_t flags, uint32_t id, std::string_view payload) {
  std::string text = number_text(static_cast<uint32_t>(payload.size()) << 8 | type);
  text += static_cast<char>(flags);
  return text.append(number_text(id)).append(payload);
}

inline std::string frame_text(FrameType type, uint8_t flags, uint32_t id,
                              std::string_view payload) {
  return frame_text(static_cast<uint8_t>(type), flags, id, payload);
}

// RFC 7541 5.1 with a prefix of seven bits and no Huffman code.
inline std::string hpack_text(std::string_view text) {
  std::string out;
  size_t rest = text.size();
  if (rest < 127) return out.append(1, static_cast<char>(rest)).append(text);
  out += static_cast<char>(127);
  for (rest -= 127; rest >= 128; rest /= 128) out += static_cast<char>(rest % 128 + 128);
  return out.append(1, static_cast<char>(rest)).append(text);
}

using FieldText = std::pair<std::string, std::string>;

// The fields that make a head of one kind or another: a client's requests, then a replica's
// responses.
inline std::vector<FieldText> request_fields(uint8_t kind, uint8_t number) {
  std::vector<FieldText> fields = {{":scheme", "http"}, {":authority", "a"}};
  const auto ask = [&](const char* method, const char* path) {
    fields.push_back({":method", method});
    fields.push_back({":path", path});
  };
  switch (kind % 8) {
    case 0:
      ask("GET", "/");
      return fields;
    case 1:
      ask("POST", "/form");
      fields.push_back({"content-length", std::to_string(number)});
      return fields;
    case 2:
      ask("PUT", "/?q");
      return fields;
    case 3:
      ask("HEAD", "/");
      return fields;
    case 4:
      ask("CONNECT", "/chat");
      fields.push_back({":protocol", "websocket"});
      return fields;
    case 5:
      ask("OPTIONS", "*");
      return fields;
    case 6:
      return {{":method", "CONNECT"}, {":authority", "a:1"}};
    default:
      return {};
  }
}

inline std::vector<FieldText> response_fields(uint8_t kind, uint8_t number) {
  constexpr std::array<const char*, 8> kStatuses = {"200", "204", "304", "100",
                                                    "103", "101", "502", "99"};
  if (kind % 16 == 15) return {};
  std::vector<FieldText> fields = {{":status", kStatuses[kind % 8]}};
  if (kind % 16 >= 8) fields.push_back({"content-length", std::to_string(number)});
  return fields;
}

inline FieldText further_field(uint8_t choice) {
  const std::array<FieldText, 20> fields = {{
      {"x", "1"},
      {"cookie", "a=b"},
      {"te", "trailers"},
      {"te", "gzip"},
      {"host", "a"},
      {"host", "b"},
      {"connection", "close"},
      {"transfer-encoding", "chunked"},
      {"upgrade", "websocket"},
      {"content-length", "5"},
      {"expect", "100-continue"},
      {"priority", "u=1, i"},
      {"trailer", "x"},
      {"X-Upper", "1"},
      {"x-long", std::string(1500, 'v')},
      {"x-zero", std::string(1, '\0')},
      {":path", ""},
      {":authority", "b"},
      {"x_request_id", "1"},
      {"grpc-status", "0"},
  }};
  return fields[choice % fields.size()];
}

// What the peer has written and not yet sent.
class PeerBytes {
 public:
  enum class Role : uint8_t { client, server };
  explicit PeerBytes(Role role) : role_(role) {}

  static constexpr uint8_t kActions = 9;
  // Appends what `action` says.
  void act(uint8_t action, Choices& choices) {
    switch (action % kActions) {
      case 0:
        return head(choices);
      case 1:
        return data(choices);
      case 2:
        return trailers(choices);
      case 3:
        return frame(FrameType::window_update, 0, any_stream(choices.byte()),
                     number_text(1u << choices.byte() % 32));
      case 4:
        return frame(FrameType::rst_stream, 0, stream(choices.byte()),
                     number_text(choices.byte() % 14));
      case 5:
        return settings(choices.byte(), choices.byte());
      case 6:
        return connection(choices);
      case 7:
        return raw_frame(choices);
      default:
        text_ += choices.text(choices.byte());
    }
  }

  void add(std::string_view bytes) { text_.append(bytes); }
  void frame(FrameType type, uint8_t flags, uint32_t id, std::string_view payload) {
    text_ += frame_text(type, flags, id, payload);
  }
  void opened(uint32_t id) { latest_ = id; }  // by the other side

  std::string take() { return std::exchange(text_, {}); }

 private:
  // Half of all choices are the latest stream, the others one of the first.
  uint32_t stream(uint8_t choice) const { return choice < 128 ? latest_ : choice % 16 * 2 + 1; }
  uint32_t any_stream(uint8_t choice) const {
    return choice % 4 == 0 ? choice / 4 % 4 * 2 : stream(choice);
  }

  static std::string block(const std::vector<FieldText>& fields, bool indexed) {
    std::string text;
    for (const auto& [name, value] : fields) {
      text += static_cast<char>(indexed ? 0x40 : 0);
      text += hpack_text(name) + hpack_text(value);
    }
    return text;
  }

  void head(Choices& choices) {
    const uint8_t kind = choices.byte();
    const uint8_t where = choices.byte();
    const uint8_t how = choices.byte();
    auto fields = role_ == Role::client ? request_fields(kind, choices.byte())
                                        : response_fields(kind, choices.byte());
    for (uint8_t i = how >> 4; i > 0; --i) fields.push_back(further_field(choices.byte()));
    if (role_ == Role::client && where < 192) latest_ = std::exchange(next_, next_ + 2);
    const uint32_t id = stream(where < 192 ? 0 : where);
    const std::string text = block(fields, (how & 2) != 0);
    const auto flags = static_cast<uint8_t>(how & kEndStream);
    if ((how & 4) == 0) return frame(FrameType::headers, flags | kEndHeaders, id, text);
    const size_t half = text.size() / 2;
    frame(FrameType::headers, flags, id, std::string_view(text).substr(0, half));
    frame(FrameType::continuation, kEndHeaders, id, std::string_view(text).substr(half));
  }

  void data(Choices& choices) {
    const uint32_t id = stream(choices.byte());
    const uint8_t size = choices.byte();
    const uint8_t flags = choices.byte() & (kEndStream | kPadded);
    std::string payload(std::min<size_t>(size < 128 ? size : (size - 127) * 256, kMostPayload - 16),
                        'd');
    if ((flags & kPadded) != 0) payload = '\x07' + payload + std::string(7, '\0');
    frame(FrameType::data, flags, id, payload);
  }

  void trailers(Choices& choices) {
    const uint32_t id = stream(choices.byte());
    frame(FrameType::headers, kEndHeaders | kEndStream, id,
          block({further_field(19), further_field(choices.byte())}, false));
  }

  void settings(uint8_t which, uint8_t value) {
    constexpr std::array<uint32_t, 8> kValues = {0,     1,       3,          16384,
                                                 65535, 1 << 20, 0x7fffffff, 0xffffffff};
    const std::string id = {'\0', static_cast<char>(which % 10)};
    frame(FrameType::settings, 0, 0, id + number_text(kValues[value % kValues.size()]));
  }

  void connection(Choices& choices) {
    const uint8_t what = choices.byte();
    if (what % 4 == 0) return frame(FrameType::settings, kAck, 0, "");
    if (what % 4 == 1) return frame(FrameType::ping, what / 4 % 2, 0, "12345678");
    if (what % 4 == 2)
      return frame(FrameType::priority, 0, stream(what), number_text(choices.byte()) + '\0');
    const std::string last = number_text(what >= 128 ? 0x7fffffff : stream(choices.byte()));
    frame(FrameType::goaway, 0, 0, last + number_text(choices.byte() % 14));
  }

  void raw_frame(Choices& choices) {
    const uint8_t type = choices.byte() % 12;
    const uint8_t flags = choices.byte();
    const uint32_t id = any_stream(choices.byte());
    text_ += frame_text(type, flags, id, choices.text(choices.byte()));
  }

  Role role_;
  std::string text_;
  uint32_t next_ = 1;
  uint32_t latest_ = 1;
};

// One direction of a connection: how much DATA went, how much window was given for the other one.
class Ledger {
 public:
  struct Stream {
    uint64_t data = 0;
    uint64_t window = 0;  // given
    bool has_head = false;
    bool ended = false;
    bool reset = false;
  };
  enum class Trust : uint8_t { any, correct };

  // `preface` comes before the frames. Of whom is `correct` rules are checked.
  Ledger(std::string_view preface, Trust trust) : preface_(preface), trust_(trust) {}

  void read(std::string_view bytes) {
    rest_.append(bytes);
    while (step()) continue;
  }

  const Stream& stream(uint32_t id) { return streams_[id]; }
  const std::map<uint32_t, Stream>& streams() const { return streams_; }
  uint64_t data() const { return data_; }
  uint64_t largest_window() const { return largest_window_; }

 private:
  static constexpr size_t kFrameHead = 9;

  bool step() {
    const size_t skipped = std::min(skip_, rest_.size());
    rest_.erase(0, skipped);
    skip_ -= skipped;
    if (skip_ > 0) return false;
    if (!preface_.empty()) {
      if (rest_.size() < preface_.size()) return false;
      ONEHOP_ASSERT(trust_ == Trust::any || rest_.starts_with(preface_));
      skip_ = std::exchange(preface_, {}).size();
      return true;
    }
    if (rest_.size() < kFrameHead) return false;
    const size_t size = number_in(rest_) >> 8;
    const auto type = static_cast<FrameType>(rest_[3]);
    // DATA counts from its first byte on: its receiver does not wait for the last one.
    if (type != FrameType::data && rest_.size() < kFrameHead + size) return false;
    const uint32_t id = number_in(std::string_view(rest_).substr(5)) & 0x7fffffff;
    take(type, static_cast<uint8_t>(rest_[4]), id, size);
    skip_ = kFrameHead + size;
    return true;
  }

  void take(FrameType type, uint8_t flags, uint32_t id, size_t size) {
    Stream& stream = streams_[id];
    if (trust_ == Trust::correct) check(stream, type, id, size);
    const std::string_view payload = std::string_view(rest_).substr(kFrameHead);
    if (type == FrameType::data) stream.data += size;
    if (type == FrameType::data) data_ += size;
    if (type == FrameType::headers) stream.has_head = true;
    if (type == FrameType::data || type == FrameType::headers)
      stream.ended |= (flags & kEndStream) != 0;
    if (type == FrameType::rst_stream) stream.reset = true;
    if (type == FrameType::window_update && size >= 4)
      stream.window += number_in(payload) & 0x7fffffff;
    if (type != FrameType::settings || (flags & kAck) != 0) return;
    for (size_t at = 0; at + 6 <= size; at += 6) {
      if (number_in(payload.substr(at)) >> 16 != 4) continue;
      largest_window_ =
          std::max<uint64_t>(largest_window_, number_in(payload.substr(at + 2)) & 0x7fffffff);
    }
  }

  static void check(const Stream& stream, FrameType type, uint32_t id, size_t size) {
    ONEHOP_ASSERT(size <= kMostPayload);
    if (type == FrameType::data) ONEHOP_ASSERT(id != 0 && stream.has_head);
    if (type == FrameType::data || type == FrameType::headers)
      ONEHOP_ASSERT(!stream.ended && !stream.reset);
  }

  std::string_view preface_;
  Trust trust_;
  std::string rest_;
  size_t skip_ = 0;
  std::map<uint32_t, Stream> streams_;
  uint64_t data_ = 0;
  uint64_t largest_window_ = kFirstWindow;
};

}  // namespace onehop::fuzz
