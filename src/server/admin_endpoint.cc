// SPDX-License-Identifier: MIT
#include "admin_endpoint.h"

#include <utility>

#include "onehop/http/h1.h"

namespace onehop::server {

AdminEndpoint::AdminEndpoint(net::EventLoop& loop, http::Service& service)
    : loop_(loop), service_(service), connections_(loop, settings_, *this) {}

void AdminEndpoint::stop() {
  if (listener_ == nullptr) return;
  listener_.reset();
  connections_.drain_present(0);
}

void AdminEndpoint::start(net::ListeningSocket socket) {
  stop();
  listener_ = net::Listener::start(loop_, std::move(socket), *this);
}

void AdminEndpoint::close() {
  listener_.reset();
  connections_.close_all();
}

void AdminEndpoint::on_accept(net::TransportPtr transport, const Address& peer) {
  for (; connections_.size() >= most_connections_; ++shed_) connections_.close_oldest();
  http::Client client;
  client.address = peer;
  http::h1::serve(loop_, std::move(transport), client, service_, settings_, connections_);
  refill_spares();
}

bool AdminEndpoint::make_room(net::NetError) {
  return connections_.shed_idle(1) == 1 || spares_.give();
}

}  // namespace onehop::server
