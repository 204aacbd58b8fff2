// SPDX-License-Identifier: MIT
// What a Judge knows of one endpoint.
#pragma once

#include <deque>

#include "onehop/upstream/judge.h"

namespace onehop::upstream {

struct Judge::Known {
  SpecRef spec;  // as it was found
  Standing standing = Standing::healthy;
  int64_t since_unix_ms = 0;
  std::string why;
  uint32_t passed = 0;  // health checks in a row
  uint32_t failed = 0;

  uint64_t ejections = 0;
  uint64_t until_ms = 0;            // of its ejection
  uint32_t step = 0;                // how often the next one is twice as long
  uint64_t length_ms = 0;           // of the last one, without its jitter
  uint64_t returned_ms = 0;         // the end of the last one
  uint64_t silent_until_ms = 0;     // that it is not ejected has been said
  std::deque<HealthSample> window;  // a second apart, the oldest first

  // The same spec for the same answer, as the workers compare them.
  SpecRef as(bool out) {
    if (!out) return spec;
    if (made_of_ != spec) {
      auto made = std::make_shared<EndpointSpec>(*spec);
      made->out = true;
      made_of_ = spec;
      out_ = std::move(made);
    }
    return out_;
  }

 private:
  SpecRef made_of_;
  SpecRef out_;
};

// Whether a set became another one.
class SetBefore {
 public:
  explicit SetBefore(EndpointSet set) : set_(std::move(set)) {}
  bool differs(const EndpointSet& now) const { return now != set_; }

 private:
  EndpointSet set_;
};

}  // namespace onehop::upstream
