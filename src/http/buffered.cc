// SPDX-License-Identifier: MIT
#include "onehop/http/buffered.h"

namespace onehop::http {

Buffered& ClientBuffers::join(std::string_view ip) {
  Entry& entry = by_ip_.try_emplace(std::string(ip), limits_.buffered_per_client).first->second;
  ++entry.connections;
  return entry.level;
}

void ClientBuffers::leave(std::string_view ip) {
  const auto found = by_ip_.find(std::string(ip));
  if (found != by_ip_.end() && --found->second.connections == 0) by_ip_.erase(found);
}

}  // namespace onehop::http
