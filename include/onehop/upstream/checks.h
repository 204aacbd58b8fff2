// SPDX-License-Identifier: MIT
// Checks: asks the endpoints of one upstream again and again whether they are well
// (upstream.health). It finds out and says so; the Judge decides what follows from it.
//
// An endpoint has one check at a time, each on a connection of its own. From the beginning of one
// to that of the next it is `interval`, +-10 %, or `unhealthy_interval` where it failed and that is
// shorter; a check that takes longer puts the next one off. An endpoint that is new is checked at
// once; where many are, and get requests anyhow, within the first interval.
//
// Of one thread, that of its loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onehop/base/chance.h"
#include "onehop/config/config.h"
#include "onehop/net/dialer.h"
#include "onehop/net/loop.h"
#include "onehop/tls/tls.h"
#include "onehop/upstream/endpoint_set.h"
#include "onehop/upstream/judge.h"

namespace onehop::upstream {

class Checks {
 public:
  class Events {
   public:
    // A check ended; not from within use().
    virtual void on_checked(const std::string& upstream, EndpointId endpoint, Judge::Checked how,
                            const std::string& why) = 0;

   protected:
    ~Events() = default;
  };
  // What is referred to outlives it.
  struct Parts {
    net::Loop& loop;
    net::Dialer& dialer;
    telemetry::EndpointShard& counters;  // of its connections, with those of other upstreams
    Events& events;
    std::string upstream;  // its name
    uint64_t seed;         // of the jitter
  };
  explicit Checks(Parts parts);
  ~Checks();  // checks under way are given up

  // What holds from now on, and whom to ask, drained endpoints and those that are out as well. A
  // check under way ends as it began. `context` is null without TLS.
  void use(const config::Upstream& upstream,
           const std::shared_ptr<const tls::ClientContext>& context, const EndpointSet& set);

  // Checks that begin from now on are made with `context`.
  void use(const std::shared_ptr<const tls::ClientContext>& context);

 private:
  class Checked;

  uint64_t wait_ms(Judge::Checked last);

  Parts parts_;
  config::Limits limits_;  // of answers: the defaults, whatever clients may be sent
  std::shared_ptr<const config::Health> health_;
  config::UpstreamProtocol protocol_ = config::UpstreamProtocol::h1;
  bool is_short_ = false;  // the latest check could not be made, and it was said
  Chance chance_;
  std::vector<std::unique_ptr<Checked>> checked_;  // in the order of the set
};

}  // namespace onehop::upstream
