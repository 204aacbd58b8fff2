// SPDX-License-Identifier: MIT
// Bonds: the endpoints' connections that belong to a client's connection, at most one of each
// upstream. They hang on that connection and end with it.
#pragma once

#include <memory>
#include <vector>

#include "onehop/http/connection.h"
#include "onehop/upstream/bond.h"
#include "onehop/upstream/upstream.h"

namespace onehop::proxy {

class Bonds final : public http::Attachment {
 public:
  struct Entry {
    const upstream::Upstream* upstream;
    upstream::EndpointId endpoint;
    std::unique_ptr<upstream::Bond> bond;
  };

  // The client's bond with that upstream, if it is ready for a request; null in most cases.
  static const Entry* ready(const http::Client& client, const upstream::Upstream& upstream) {
    const bool any = client.attachment != nullptr && *client.attachment != nullptr;
    return any ? of(client).find(upstream) : nullptr;
  }

  // Binds the connection of a lease to the client. One that cannot be kept, as the client has
  // another one of that upstream in use or is none that keeps things, is closed after its use.
  static void add(const http::Client& client, const upstream::Upstream& upstream,
                  upstream::EndpointId endpoint, std::unique_ptr<upstream::Bond> bond);

 private:
  static Bonds& of(const http::Client& client) {
    return static_cast<Bonds&>(**client.attachment);  // nobody else attaches anything
  }
  const Entry* find(const upstream::Upstream& upstream) const;

  std::vector<Entry> entries_;
};

}  // namespace onehop::proxy
