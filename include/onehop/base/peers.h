// SPDX-License-Identifier: MIT
// Peers: who may be at the other end of a connection, as a configuration lists them: addresses,
// blocks of them, and "unix", which is whoever connects to a unix socket.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/address.h"

namespace onehop {

class Peers {
 public:
  static constexpr std::string_view kUnix = "unix";

  Peers() = default;  // nobody
  // Each is one for which is_one() holds.
  explicit Peers(const std::vector<std::string>& texts);
  static bool is_one(std::string_view text);

  bool contains(const Address& address) const;
  bool contain_unix() const { return unix_; }
  bool empty() const { return blocks_.empty() && !unix_; }

 private:
  std::vector<AddressBlock> blocks_;
  bool unix_ = false;
};

}  // namespace onehop
