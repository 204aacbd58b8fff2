// SPDX-License-Identifier: MIT
#include "client_gate.h"

#include <utility>

namespace onehop::server {

// A place in the count of its address, in a table that lives as long.
struct ClientGate::Place final : http::Held {
  Place(std::shared_ptr<ClientGate> gate, KeyTable::Cell& at) : keeps(std::move(gate)), cell(at) {}
  ~Place() override { CountTable::remove(cell); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  std::shared_ptr<ClientGate> keeps;
  KeyTable::Cell& cell;
};

ClientGate::ClientGate(std::string listener, unsigned nth, const config::PerClient& limits,
                       const HashSecret& hash_secret)
    : listener_(std::move(listener)), nth_(nth), made_for_(limits), hash_secret_(hash_secret) {
  if (limits.connections != 0) counts_.emplace(limits.memory);
  if (limits.new_connections.count != 0) {
    tokens_.emplace(limits.memory, limits.new_connections.count,
                    static_cast<uint64_t>(limits.new_connections.time.count()) * 1'000'000);
  }
}

bool ClientGate::is_of(const std::string& listener, unsigned nth,
                       const config::PerClient& limits) const {
  return listener == listener_ && nth == nth_ && limits.ipv6_prefix == made_for_.ipv6_prefix &&
         limits.memory == made_for_.memory && limits.new_connections == made_for_.new_connections &&
         (limits.connections != 0) == counts_.has_value();
}

ClientGate::Asked ClientGate::ask(const Address& address, const config::PerClient& limits,
                                  uint64_t now_ns) {
  using telemetry::ClientLimit;
  Asked asked;
  if (address.is_unix() || address.is_none()) return asked;
  const uint64_t hash = keyed_hash(hash_secret_, network_of(address, limits.ipv6_prefix).view());
  if (counts_.has_value()) {
    const CountTable::Added added = counts_->add(hash, limits.connections);
    if (added.entry == CountTable::Entry::refused) {
      asked.refused_by = ClientLimit::connections;
      return asked;
    }
    asked.forgot = added.entry == CountTable::Entry::no_room;
    if (added.cell != nullptr)
      asked.held = std::make_shared<const Place>(shared_from_this(), *added.cell);
  }
  if (!tokens_.has_value()) return asked;
  const uint64_t burst = limits.burst != 0 ? limits.burst : limits.new_connections.count;
  const TokenTable::Taken taken = tokens_->take(hash, burst, now_ns);
  asked.forgot |= taken.forgot;
  if (taken.granted) return asked;
  asked.refused_by = ClientLimit::new_connections;
  asked.held.reset();
  return asked;
}

}  // namespace onehop::server
