// SPDX-License-Identifier: MIT
#include "onehop/base/peers.h"

#include <algorithm>

#include "onehop/base/assert.h"

namespace onehop {

Peers::Peers(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (text == kUnix) {
      unix_ = true;
      continue;
    }
    const auto block = AddressBlock::parse(text);
    ONEHOP_ASSERT(block.has_value());
    blocks_.push_back(*block);
  }
}

bool Peers::is_one(std::string_view text) {
  return text == kUnix || AddressBlock::parse(text).has_value();
}

bool Peers::contains(const Address& address) const {
  if (address.is_unix()) return unix_;
  return std::ranges::any_of(blocks_,
                             [&](const AddressBlock& block) { return block.contains(address); });
}

}  // namespace onehop
