// SPDX-License-Identifier: MIT
#include "body_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace onehop::http::h1 {
namespace {

bool is_framing(ChunkFraming::Place place) {
  return place == ChunkFraming::Place::line || place == ChunkFraming::Place::behind_data;
}

}  // namespace

void BodyReader::start_length(uint64_t bytes) {
  left_ = bytes;
  state_ = bytes == 0 ? State::done : State::length;
}

void BodyReader::start_chunked(size_t trailer_limit) {
  state_ = State::chunked;
  chunks_ = ChunkFraming();
  trailer_limit_ = static_cast<uint32_t>(trailer_limit);
}

void BodyReader::start_until_close() {
  state_ = State::until_close;
}

BodyReader::Status BodyReader::read(Buffer& in, Buffer& out, uint64_t turn) {
  switch (state_) {
    case State::done:
      return Status::end;
    case State::length:
      return read_length(in, out);
    case State::until_close:
      out.splice(std::move(in));
      return Status::more;
    case State::chunked:
      return read_chunked(in, out, turn);
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

BodyReader::Status BodyReader::read_chunked(Buffer& in, Buffer& out, uint64_t turn) {
  while (!in.empty()) {
    if (chunks_.place() == ChunkFraming::Place::trailers) return read_trailers(in);
    if (chunks_.place() == ChunkFraming::Place::data) {
      read_data(in, out);
      continue;
    }
    const std::string_view front = in.front();
    size_t used = 0;
    if (chunks_.at_chunk()) {
      const uint32_t most = share_.left(turn);
      if (most == 0) return Status::paused;
      used = collect_small(front, out, most);
      if (used == 0) share_.take(1);
    }
    if (used == 0) {
      do {
        if (!chunks_.accept(front[used++])) return fail(Violation::bad_chunk);
      } while (used < front.size() && is_framing(chunks_.place()) && !chunks_.at_chunk());
    }
    in.consume(used);
  }
  return Status::more;
}

void BodyReader::read_data(Buffer& in, Buffer& out) {
  const std::string_view front = in.front();
  const uint64_t size = std::min<uint64_t>(chunks_.data_left(), front.size());
  chunks_.skip_data(size);
  if (size >= kLittleData) return out.splice(in.take_front(size));
  out.append(front.substr(0, size));
  in.consume(size);
}

// The data of the small chunks that `bytes` begin with, of at most `most` of them and as far as a
// piece goes; returns what they take.
size_t BodyReader::collect_small(std::string_view bytes, Buffer& out, uint32_t most) {
  std::array<char, 4 * kLittleData> piece;
  size_t filled = 0;
  size_t used = 0;
  uint32_t count = 0;
  while (count < most && piece.size() - filled >= kLittleData) {
    const std::string_view rest = bytes.substr(used);
    const SmallChunk chunk = ChunkFraming::small_chunk(rest);
    if (chunk.data == 0) break;
    std::memcpy(piece.data() + filled, rest.data() + chunk.line, chunk.data);
    filled += chunk.data;
    used += chunk.size();
    ++count;
  }
  share_.take(count);
  out.append(std::string_view(piece.data(), filled));
  return used;
}

BodyReader::Status BodyReader::read_trailers(Buffer& in) {
  // The usual end, an empty line at once, needs no memory.
  if (trailers_ == nullptr && in.front().starts_with("\r\n")) {
    in.consume(2);
    state_ = State::done;
    return Status::end;
  }
  if (trailers_ == nullptr) trailers_ = std::make_unique<TrailerSection>(trailer_limit_);
  while (!in.empty()) {
    const char c = in.front().front();
    in.consume(1);
    const TrailerSection::Status status = trailers_->accept(c);
    if (status == TrailerSection::Status::failed) return fail(trailers_->violation());
    if (status == TrailerSection::Status::end) {
      state_ = State::done;
      return Status::end;
    }
  }
  return Status::more;
}

}  // namespace onehop::http::h1
