// SPDX-License-Identifier: MIT
#include "body_reader.h"

#include <algorithm>

#include "onehop/base/ascii.h"

namespace onehop::http::h1 {
namespace {

constexpr uint8_t kMaxSizeDigits = 15;              // sizes below 2^60 (edge case 52)
constexpr uint32_t kMaxExtensionBytes = 16 * 1024;  // of all chunks of a message (edge case 53)

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

void BodyReader::start_length(uint64_t bytes) {
  left_ = bytes;
  state_ = bytes == 0 ? State::done : State::length;
}

void BodyReader::start_chunked(size_t trailer_limit) {
  state_ = State::size_first;
  left_ = 0;
  size_digits_ = 0;
  extension_bytes_ = 0;
  trailer_limit_ = static_cast<uint32_t>(trailer_limit);
}

void BodyReader::start_until_close() {
  state_ = State::until_close;
}

BodyReader::Status BodyReader::read(Buffer& in, Buffer& out) {
  switch (state_) {
    case State::done:
      return Status::end;
    case State::length:
      return read_length(in, out);
    case State::until_close:
      out.splice(std::move(in));
      return Status::more;
    case State::size_first:
    case State::size:
    case State::extension:
    case State::size_lf:
    case State::data:
    case State::data_cr:
    case State::data_lf:
    case State::trailer:
      return read_chunked(in, out);
  }
  return Status::failed;
}

BodyReader::Status BodyReader::read_length(Buffer& in, Buffer& out) {
  const uint64_t size = std::min<uint64_t>(left_, in.size());
  left_ -= size;
  if (size == in.size()) {
    out.splice(std::move(in));
  } else {
    out.splice(in.take_front(size));
  }
  if (left_ > 0) return Status::more;
  state_ = State::done;
  return Status::end;
}

BodyReader::Status BodyReader::read_chunked(Buffer& in, Buffer& out) {
  while (!in.empty()) {
    if (state_ == State::data) {
      const uint64_t size = std::min<uint64_t>(left_, in.size());
      left_ -= size;
      out.splice(in.take_front(size));
      if (left_ == 0) state_ = State::data_cr;
      continue;
    }
    if (state_ == State::trailer) {
      const Status status = read_trailer(in);
      if (status != Status::more) return status;
      continue;
    }
    const std::string_view front = in.front();
    size_t used = 0;
    while (used < front.size() && state_ != State::data && state_ != State::trailer) {
      if (!accept(front[used++])) return Status::failed;
    }
    in.consume(used);
  }
  return Status::more;
}

// The framing between chunks, byte by byte: size [ extension ] CR LF, and the CR LF behind the
// data. Nothing is tolerated.
bool BodyReader::accept(char c) {
  switch (state_) {
    case State::size_first:
    case State::size:
      if (const int digit = hex_value(c); digit >= 0) {
        if (++size_digits_ > kMaxSizeDigits) return fail(Violation::bad_chunk);
        left_ = left_ * 16 + static_cast<uint64_t>(digit);
        state_ = State::size;
        return true;
      }
      if (state_ == State::size_first) return fail(Violation::bad_chunk);
      if (c == ';') {
        state_ = State::extension;
        return true;
      }
      if (c != '\r') return fail(Violation::bad_chunk);
      state_ = State::size_lf;
      return true;
    case State::extension:
      if (c == '\r') {
        state_ = State::size_lf;
        return true;
      }
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
        return fail(Violation::bad_chunk);
      return ++extension_bytes_ <= kMaxExtensionBytes || fail(Violation::bad_chunk);
    case State::size_lf:
      if (c != '\n') return fail(Violation::bad_chunk);
      size_digits_ = 0;
      state_ = left_ > 0 ? State::data : State::trailer;
      return true;
    case State::data_cr:
      state_ = State::data_lf;
      return c == '\r' || fail(Violation::bad_chunk);
    case State::data_lf:
      state_ = State::size_first;
      return c == '\n' || fail(Violation::bad_chunk);
    case State::length:
    case State::data:
    case State::trailer:
    case State::until_close:
    case State::done:
      break;
  }
  return fail(Violation::bad_chunk);
}

BodyReader::Status BodyReader::read_trailer(Buffer& in) {
  // The usual end, an empty line at once, needs no memory.
  if (trailers_ == nullptr && in.front().starts_with("\r\n")) {
    in.consume(2);
    state_ = State::done;
    return Status::end;
  }
  if (trailers_ == nullptr) trailers_ = std::make_unique<std::string>();
  while (!in.empty()) {
    const char c = in.front().front();
    in.consume(1);
    trailers_->push_back(c);
    const bool bare =
        c == '\n' && (trailers_->size() < 2 || (*trailers_)[trailers_->size() - 2] != '\r');
    if (bare || trailers_->size() > trailer_limit_) {
      violation_ = bare ? Violation::bad_trailer : Violation::head_too_large;
      return Status::failed;
    }
    if (*trailers_ == "\r\n" || trailers_->ends_with("\r\n\r\n")) {
      trailers_->resize(trailers_->size() - 2);
      state_ = State::done;
      return Status::end;
    }
  }
  return Status::more;
}

}  // namespace onehop::http::h1
