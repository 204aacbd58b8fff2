// SPDX-License-Identifier: MIT
#include "onehop/net/loop.h"

#include <utility>

namespace onehop::net {

Loop::~Loop() {
  destroy_retired();
}

void Loop::retire(std::unique_ptr<Retirable> object) noexcept {
  if (object == nullptr) return;
  Retirable* added = object.release();
  (retired_ == nullptr ? retired_ : last_retired_->next_retired_) = added;
  last_retired_ = added;
}

void Loop::destroy_retired() noexcept {
  while (retired_ != nullptr) {
    Retirable* object = std::exchange(retired_, retired_->next_retired_);
    delete object;
  }
}

void Loop::flush_dirty() {
  while (Dirty* output = dirty_.pop_front()) output->flush();
}

void Loop::end_turn() {
  while (!dirty_.empty() || retired_ != nullptr) {
    flush_dirty();
    destroy_retired();
  }
  ++turn_;
  costly_steps_ = 0;
  dirty_.splice_back(later_);
}

}  // namespace onehop::net
