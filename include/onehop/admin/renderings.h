// SPDX-License-Identifier: MIT
// Renderings: the documents of the admin endpoint as bytes, each made once and read by as many
// connections as want it, however slowly: they share its bytes and copy none.
//
// Used by the thread of the admin endpoint alone. A Rendering is alive as long as somebody reads
// it, and the latest of a document as long as it may be given to others; all of them die before the
// Renderings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/admin/answer.h"
#include "onehop/base/buffer.h"

namespace onehop::admin {

enum class Coding : uint8_t { identity, gzip };

class Rendering {
 public:
  // Counts itself in `held_bytes`, which outlives it. A body that gzip does not make smaller stays
  // as it is.
  Rendering(Reply reply, Coding wanted, size_t& held_bytes);
  Rendering(const Rendering&) = delete;
  Rendering& operator=(const Rendering&) = delete;
  ~Rendering();

  const Reply& head() const { return head_; }  // without a body
  Coding coding() const { return coding_; }
  size_t size() const { return bytes_; }

  // The body, in order. piece() shares its bytes.
  size_t piece_count() const { return pieces_.size(); }
  Buffer piece(size_t index) const;

 private:
  Reply head_;
  Coding coding_ = Coding::identity;
  size_t bytes_ = 0;
  std::vector<Buffer> pieces_;
  size_t& held_bytes_;
};

class Renderings {
 public:
  using Shared = std::shared_ptr<const Rendering>;

  // The rendering of `key` that was made less than a second ago; null if there is none, or `key` is
  // empty.
  static constexpr uint64_t kSharedNs = 1'000'000'000;
  Shared latest(std::string_view key, uint64_t now_ns);

  // Makes one and, unless `key` is empty, keeps it for others.
  Shared make(std::string key, uint64_t now_ns, Reply reply, Coding wanted);

  // What was made is of no more use: something else holds now.
  void forget() { kept_.clear(); }

  // Of all that are alive.
  size_t held_bytes() const { return held_bytes_; }
  uint64_t made() const { return made_; }

 private:
  struct Kept {
    std::string key;
    uint64_t made_ns;
    Shared rendering;
  };

  size_t held_bytes_ = 0;
  uint64_t made_ = 0;
  std::vector<Kept> kept_;  // one of each key
};

}  // namespace onehop::admin
