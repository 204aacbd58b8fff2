// SPDX-License-Identifier: MIT
#include "onehop/http/connection.h"

#include <algorithm>

#include "onehop/base/assert.h"

namespace onehop::http {

ServerConnections::~ServerConnections() {
  ONEHOP_ASSERT(count_ == 0);
}

void ServerConnections::adopt(std::unique_ptr<ServerConnection> connection) {
  const ListenerTerms* const came_to = connection->client().listener.get();
  if (!gone_.empty() && came_to != nullptr && std::ranges::count(gone_, came_to->key) > 0)
    connection->drain_from_the_start();
  list_.push_back(*connection.release());
  ++count_;
}

void ServerConnections::retire(ServerConnection& connection) {
  static_cast<ListNode<ServerConnection>&>(connection).unlink();
  Shedding::stirs(connection);
  --count_;
  loop_.retire(std::unique_ptr<ServerConnection>(&connection));
  if (draining_ && count_ == 0) events_.on_all_closed();
}

void ServerConnections::drain(uint64_t idle_ms) {
  draining_ = true;
  drain_present(idle_ms);
  if (count_ == 0) events_.on_all_closed();
}

void ServerConnections::drain_present(uint64_t idle_ms) {
  list_.for_each([&](ServerConnection& connection) { connection.drain(idle_ms); });
}

void ServerConnections::drain_those_of(const ListenerTerms::Key& listener, uint64_t idle_ms) {
  is_back(listener);  // once is enough
  gone_.push_back(listener);
  list_.for_each([&](ServerConnection& connection) {
    const ListenerTerms* const came_to = connection.client().listener.get();
    if (came_to != nullptr && came_to->key == listener) connection.drain(idle_ms);
  });
}

void ServerConnections::close_oldest() {
  if (ServerConnection* const oldest = list_.front()) oldest->close_now();
}

void ServerConnections::cut(InFlight kind) {
  list_.for_each([&](ServerConnection& connection) { connection.cut(kind); });
}

void ServerConnections::close_all() {
  list_.for_each([](ServerConnection& connection) { connection.close_now(); });
}

}  // namespace onehop::http
