// SPDX-License-Identifier: MIT
// Upstreams: those of one worker, found by name and by how connections to their endpoints are made
// (protocol, TLS files and names). They belong to the epochs that have them; here is only what is
// there still. One that another configuration describes with the same name and another way of
// making connections is another one: a request that began with TLS never goes on without.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onehop/upstream/upstream.h"

namespace onehop::upstream {

class Upstreams {
 public:
  explicit Upstreams(const Upstream::Parts& parts) : parts_(parts) {}

  struct Wanted {
    Upstream::Settings settings;
    EndpointSet endpoints;
  };
  // Those of a configuration, in its order: made, or brought up to date where they are there. The
  // others are removed.
  std::vector<std::shared_ptr<Upstream>> take(const std::vector<Wanted>& wanted);

  // The one that is configured in that way, also where only older epochs have it; or null.
  std::shared_ptr<Upstream> find(const config::Upstream& config) const;

 private:
  static std::string key_of(const config::Upstream& config);
  struct Entry {
    std::string key;
    std::weak_ptr<Upstream> upstream;
  };

  Upstream::Parts parts_;
  std::vector<Entry> entries_;
};

}  // namespace onehop::upstream
