// SPDX-License-Identifier: MIT
// NameWait: what has to wait until the names of a configuration were looked up: the start, and a
// reload. Not for ever: a name that nobody answers for is an upstream without an endpoint.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "endpoint_sets.h"
#include "onehop/net/loop.h"

namespace onehop::server {

// Of the main thread; one at a time.
class NameWait {
 public:
  static constexpr uint64_t kMostMs = 5000;

  explicit NameWait(net::Loop& loop) : loop_(loop) {}

  // `then` is called once all is known that will be soon: in this call where nothing has to be
  // looked up, else from look() or after kMostMs.
  void begin(EndpointSets::Staged staged, std::function<void()> then);

  // Something more is known.
  void look();

  // What was waited for; in `then`.
  EndpointSets::Staged take() { return std::move(*staged_); }

 private:
  void end();

  net::Loop& loop_;
  std::optional<EndpointSets::Staged> staged_;
  std::function<void()> then_;  // null: nobody waits
  net::Deadline deadline_{this, net::DeadlineThunk<&NameWait::end>::call};
};

}  // namespace onehop::server
