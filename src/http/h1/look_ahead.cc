// SPDX-License-Identifier: MIT
#include "look_ahead.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "chunk_framing.h"
#include "parser.h"

namespace onehop::http::h1 {
namespace {

constexpr size_t kSlices = 64;  // more than a connection reads ahead

// A reader of the body that keeps nothing of it.
class Preview {
 public:
  explicit Preview(const config::Limits& limits)
      : limits_(limits), trailers_(limits.request_head) {}

  // False: there is nothing more to see, as the body ends, or fault() is there.
  bool look(std::string_view bytes) {
    while (!bytes.empty()) {
      if (framing_.place() == ChunkFraming::Place::data) {
        const size_t size = std::min<uint64_t>(framing_.data_left(), bytes.size());
        framing_.skip_data(size);
        bytes.remove_prefix(size);
        continue;
      }
      const SmallChunk chunk =
          framing_.at_chunk() ? ChunkFraming::small_chunk(bytes) : SmallChunk{};
      if (chunk.data > 0) {
        bytes.remove_prefix(chunk.size());
        continue;
      }
      const char c = bytes.front();
      bytes.remove_prefix(1);
      const bool trailers = framing_.place() == ChunkFraming::Place::trailers;
      if (trailers ? !look_at_trailer(c) : !framing_.accept(c)) {
        if (!trailers) fault_ = Violation::bad_chunk;
        return false;
      }
    }
    return true;
  }

  std::optional<Violation> fault() const { return fault_; }

 private:
  bool look_at_trailer(char c) {
    const TrailerSection::Status status = trailers_.accept(c);
    if (status == TrailerSection::Status::failed) fault_ = trailers_.violation();
    if (status == TrailerSection::Status::end && !trailers_.lines().empty()) {
      std::vector<Field> room(limits_.head_fields);
      const auto fields = parse_trailers(trailers_.lines(), room);
      if (!fields.has_value()) fault_ = fields.error();
    }
    return status == TrailerSection::Status::more;
  }

  const config::Limits& limits_;
  ChunkFraming framing_;
  TrailerSection trailers_;
  std::optional<Violation> fault_;
};

}  // namespace

std::optional<Violation> fault_ahead(const Buffer& bytes, size_t skipped,
                                     const config::Limits& limits) {
  std::array<iovec, kSlices> slices;
  Preview preview(limits);
  for (const iovec& slice : std::span(slices).first(bytes.gather(slices))) {
    std::string_view text(static_cast<const char*>(slice.iov_base), slice.iov_len);
    const size_t before = std::min(skipped, text.size());
    skipped -= before;
    if (!preview.look(text.substr(before))) break;
  }
  return preview.fault();
}

}  // namespace onehop::http::h1
