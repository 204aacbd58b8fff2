// SPDX-License-Identifier: MIT
#include "name_wait.h"

#include "onehop/base/assert.h"

namespace onehop::server {

void NameWait::begin(EndpointSets::Staged staged, std::function<void()> then) {
  ONEHOP_ASSERT(then_ == nullptr);
  staged_ = std::move(staged);
  then_ = std::move(then);
  loop_.arm(deadline_, kMostMs);
  look();
}

void NameWait::look() {
  if (then_ != nullptr && staged_->complete()) end();
}

void NameWait::end() {
  deadline_.disarm();
  std::exchange(then_, nullptr)();
  // What nobody took is given up, and looks nothing up any more.
  if (then_ == nullptr) staged_.reset();
}

}  // namespace onehop::server
