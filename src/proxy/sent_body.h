// SPDX-License-Identifier: MIT
// SentBody: what became of a request's body, so that the request can be sent again. As long as the
// endpoint may turn it away unseen (RFC 9113 8.7) the first bytes are kept; a body that outgrows
// them, or whose trailers were sent, cannot be sent again.
#pragma once

#include <cstddef>

#include "onehop/base/buffer.h"

namespace onehop::proxy {

class SentBody {
 public:
  static constexpr size_t kMostKept = 64 * 1024;

  // Before the bytes are handed on. With `keep` a copy stays; once without, there is none for good.
  void sends(const Buffer& bytes, bool keep) {
    touched_ = true;
    whole_ = whole_ && keep && kept_.size() + bytes.size() <= kMostKept;
    whole_ ? kept_.append_copy(bytes) : kept_.clear();
    kept_.compact();  // what it pins is what it counts for
  }

  // The endpoint has it, or nobody will ask again.
  void forget() {
    whole_ = !touched_;
    kept_.clear();
  }

  size_t bytes() const noexcept { return kept_.size(); }
  bool untouched() const noexcept { return !touched_; }
  bool whole() const noexcept { return whole_; }  // all that was sent is still here
  Buffer again() const {
    Buffer copy;
    copy.append_copy(kept_);
    return copy;
  }

 private:
  Buffer kept_;
  bool touched_ = false;
  bool whole_ = true;
};

}  // namespace onehop::proxy
