// SPDX-License-Identifier: MIT
// What the fuzz targets of requests and responses share: reads one message from pieces, as a
// connection would, and says what it read in text that can be compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/h1/body_reader.h"
#include "http/h1/head_reader.h"
#include "http/h1/parser.h"
#include "http/h1/writer.h"
#include "onehop/base/assert.h"
#include "proxy/message_fields.h"

namespace onehop::fuzz {

constexpr size_t kCuts = 4;
constexpr size_t kHeadLimit = 8 * 1024;
constexpr size_t kFieldLimit = 100;
constexpr size_t kTrailerLimit = 1024;

enum class Body : uint8_t { none, length, chunked, until_close };
enum class Stage : uint8_t { head, body, done, refused };

// What was read. A message with several faults may be refused for another of them when it comes in
// other pieces, so the violation is no part of this; that it is refused is.
struct Verdict {
  Stage stage = Stage::head;
  std::string head_bytes;  // of a head that was believed, before it was parsed
  std::string head;        // what was believed
  std::string body;
  std::string trailers;
  std::string rest;  // what belongs to the next message

  bool same_as(const Verdict& other) const {
    return stage == other.stage && head == other.head && body == other.body &&
           trailers == other.trailers && rest == other.rest;
  }
};

inline std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text.append(part).push_back('\n');
  return text;
}

inline std::string length_text(const http::BodyLength& body) {
  return std::to_string(static_cast<int>(body.kind)) + " " + std::to_string(body.bytes);
}

inline std::string fields_text(const http::Fields& fields) {
  std::string text;
  for (const http::Field& field : fields) text += joined({field.name, field.value});
  return text;
}

inline http::h1::Framing framing_of(const http::BodyLength& body) {
  if (body.kind == http::BodyLength::Kind::none) return http::h1::Framing::none;
  return body.kind == http::BodyLength::Kind::known ? http::h1::Framing::length
                                                    : http::h1::Framing::chunked;
}

// `text` in pieces: each of `lengths` is the length of one, the last is what remains.
inline std::vector<std::string_view> cut(std::string_view text, std::span<const uint8_t> lengths) {
  std::vector<std::string_view> pieces;
  for (const uint8_t length : lengths) {
    const size_t size = std::min<size_t>(length, text.size());
    pieces.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  pieces.push_back(text);
  return pieces;
}

inline std::vector<std::string_view> single_bytes(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < text.size(); ++i) pieces.push_back(text.substr(i, 1));
  return pieces;
}

// One message of type `Message` on its way in.
template <class Message>
class MessageReader {
 public:
  void feed(std::string_view piece) {
    Buffer arrived;
    arrived.append(piece);
    in_.splice(std::move(arrived));
    if (verdict_.stage == Stage::head) read_head();
    if (verdict_.stage == Stage::body) read_body();
  }

  Verdict verdict() {
    verdict_.body = out_.to_string();
    if (verdict_.stage == Stage::done) verdict_.rest = in_.to_string();
    return std::move(verdict_);
  }

 private:
  void read_head() {
    const auto status = head_reader_.feed(in_, Message::kLineLimit, kHeadLimit);
    if (status == http::h1::HeadReader::Status::failed) verdict_.stage = Stage::refused;
    if (status != http::h1::HeadReader::Status::complete) return;
    std::string head_bytes(head_reader_.head().data(), head_reader_.head().size());
    const auto parsed = Message::parse(head_reader_.head());
    if (!parsed.has_value()) {
      verdict_.stage = Stage::refused;
      return;
    }
    verdict_.head_bytes = std::move(head_bytes);
    verdict_.head = Message::text_of(*parsed);
    start_body(Message::body_of(*parsed), parsed->head.body.bytes);
    head_reader_.release(in_);
  }

  void start_body(Body body, uint64_t bytes) {
    verdict_.stage = body == Body::none ? Stage::done : Stage::body;
    if (body == Body::length) body_reader_.start_length(bytes);
    if (body == Body::chunked) body_reader_.start_chunked(kTrailerLimit);
    if (body == Body::until_close) body_reader_.start_until_close();
  }

  void read_body() {
    auto status = http::h1::BodyReader::Status::paused;
    while (status == http::h1::BodyReader::Status::paused)
      status = body_reader_.read(in_, out_, ++turn_);
    if (status == http::h1::BodyReader::Status::failed) verdict_.stage = Stage::refused;
    if (status != http::h1::BodyReader::Status::end) return;
    const auto trailers = http::h1::parse_trailers(body_reader_.trailers(),
                                                   http::h1::field_room().first(kFieldLimit));
    verdict_.stage = trailers.has_value() ? Stage::done : Stage::refused;
    if (trailers.has_value()) verdict_.trailers = fields_text(*trailers);
  }

  Buffer in_;
  Buffer out_;
  http::h1::HeadReader head_reader_;
  http::h1::BodyReader body_reader_;
  uint64_t turn_ = 0;
  Verdict verdict_;
};

template <class Message>
Verdict read_message(const std::vector<std::string_view>& pieces) {
  MessageReader<Message> reader;
  for (const std::string_view piece : pieces) reader.feed(piece);
  return reader.verdict();
}

}  // namespace onehop::fuzz
