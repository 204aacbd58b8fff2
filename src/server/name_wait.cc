// SPDX-License-Identifier: MIT
#include "name_wait.h"

namespace onehop::server {

void NameWait::begin(EndpointSets::Staged staged, std::function<void()> then) {
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
}

}  // namespace onehop::server
