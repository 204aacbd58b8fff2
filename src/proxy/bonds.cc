// SPDX-License-Identifier: MIT
#include "bonds.h"

#include <utility>

namespace onehop::proxy {

const Bonds::Entry* Bonds::find(const upstream::Upstream& upstream) const {
  for (const Entry& entry : entries_)
    if (entry.upstream == &upstream && entry.bond->ready()) return &entry;
  return nullptr;
}

void Bonds::add(const http::Client& client, const upstream::Upstream& upstream,
                upstream::EndpointId endpoint, std::unique_ptr<upstream::Bond> bond) {
  if (bond == nullptr || client.attachment == nullptr) return;
  if (*client.attachment == nullptr) *client.attachment = std::make_unique<Bonds>();
  for (Entry& entry : of(client).entries_) {
    if (entry.upstream != &upstream) continue;
    if (!entry.bond->alive()) entry = {&upstream, endpoint, std::move(bond)};
    return;
  }
  of(client).entries_.push_back({&upstream, endpoint, std::move(bond)});
}

}  // namespace onehop::proxy
