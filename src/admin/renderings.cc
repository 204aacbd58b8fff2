// SPDX-License-Identifier: MIT
#include "onehop/admin/renderings.h"

#include <algorithm>
#include <utility>

#include "gzip.h"

namespace onehop::admin {

namespace {

// A large chunk of the buffer, so that a piece is one slice of shared bytes.
constexpr size_t kPieceBytes = kLargeChunkBytes;
// What fits into a packet or two gains nothing from gzip.
constexpr size_t kWorthCoding = 1400;

}  // namespace

Rendering::Rendering(Reply reply, Coding wanted, size_t& held_bytes)
    : head_(std::move(reply)), held_bytes_(held_bytes) {
  std::string body = std::exchange(head_.body, std::string());
  if (wanted == Coding::gzip && body.size() > kWorthCoding) {
    std::string coded = gzip(body);
    if (!coded.empty() && coded.size() < body.size()) {
      body = std::move(coded);
      coding_ = Coding::gzip;
    }
  }
  for (size_t at = 0; at < body.size(); at += kPieceBytes) {
    pieces_.emplace_back().append(std::string_view(body).substr(at, kPieceBytes));
  }
  bytes_ = body.size();
  held_bytes_ += bytes_;
}

Rendering::~Rendering() {
  held_bytes_ -= bytes_;
}

Buffer Rendering::piece(size_t index) const {
  Buffer shared;
  shared.append_copy(pieces_[index]);
  return shared;
}

Renderings::Shared Renderings::latest(std::string_view key, uint64_t now_ns) {
  std::erase_if(kept_, [&](const Kept& kept) { return now_ns - kept.made_ns >= kSharedNs; });
  const auto found = std::ranges::find(kept_, key, &Kept::key);
  return found == kept_.end() ? nullptr : found->rendering;
}

Renderings::Shared Renderings::make(std::string key, uint64_t now_ns, Reply reply, Coding wanted) {
  ++made_;
  auto rendering = std::make_shared<const Rendering>(std::move(reply), wanted, held_bytes_);
  if (!key.empty()) kept_.push_back({std::move(key), now_ns, rendering});
  return rendering;
}

}  // namespace onehop::admin
