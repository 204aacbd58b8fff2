// SPDX-License-Identifier: MIT
#include "onehop/http/connection.h"

#include "onehop/base/assert.h"

namespace onehop::http {

ServerConnections::~ServerConnections() {
  ONEHOP_ASSERT(count_ == 0);
}

void ServerConnections::adopt(std::unique_ptr<ServerConnection> connection) {
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
  list_.for_each([&](ServerConnection& connection) { connection.drain(idle_ms); });
  if (count_ == 0) events_.on_all_closed();
}

void ServerConnections::close_oldest() {
  if (ServerConnection* const oldest = list_.front()) oldest->close_now();
}

void ServerConnections::close_all() {
  list_.for_each([](ServerConnection& connection) { connection.close_now(); });
}

}  // namespace onehop::http
