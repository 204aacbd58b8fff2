// SPDX-License-Identifier: MIT
// The part of a Judge that compares endpoints with each other, from what is counted anyway.
#include <fmt/format.h>

#include <algorithm>

#include "known_endpoint.h"

namespace onehop::upstream {
namespace {

HealthSample operator-(const HealthSample& now, const HealthSample& before) {
  return {now.requests - before.requests, now.failures - before.failures,
          now.wait_ns - before.wait_ns};
}

double share_of(const HealthSample& sample) {
  if (sample.requests == 0) return 0;
  return static_cast<double>(std::min(sample.failures, sample.requests)) /
         static_cast<double>(sample.requests);
}

double wait_ms_of(const HealthSample& sample) {
  if (sample.requests == 0) return 0;
  return static_cast<double>(sample.wait_ns) / static_cast<double>(sample.requests) / 1e6;
}

}  // namespace

// Of the endpoints that get requests.
struct Judge::Totals {
  HealthSample sum;

  void add(const HealthSample& one) {
    sum.requests += one.requests;
    sum.failures += one.failures;
    sum.wait_ns += one.wait_ns;
  }
  Totals without(const HealthSample& one) const { return {sum - one}; }
};

bool Judge::compares() const noexcept {
  return known_.size() > 1 && (ejection_.error_share != 0 || ejection_.latency_factor != 0);
}

void Judge::judge_second(std::span<const HealthSample> samples) {
  if (!compares() || samples.size() != known_.size()) return;
  const SetBefore before{set_};
  compare(samples);
  if (before.differs(set_)) parts_.events.on_verdict(*this);
}

void Judge::compare(std::span<const HealthSample> samples) {
  const auto seconds = static_cast<size_t>(ejection_.window.count() / 1000);
  Totals totals;
  for (size_t i = 0; i < known_.size(); ++i) {
    auto& window = known_[i]->window;
    window.push_back(samples[i]);
    while (window.size() > seconds + 1) window.pop_front();
    if (known_[i]->standing == Standing::healthy) totals.add(window.back() - window.front());
  }
  for (const auto& known : known_) {
    if (known->standing != Standing::healthy) continue;
    const HealthSample own = known->window.back() - known->window.front();
    const Totals others = totals.without(own);
    if (own.requests < ejection_.min_requests || others.sum.requests < ejection_.min_requests)
      continue;
    // What it did before it was ejected is no longer in the sum that others are compared with.
    if (compare_one(*known, others)) totals = others;
  }
}

bool Judge::compare_one(Known& known, const Totals& others) {
  const HealthSample own = known.window.back() - known.window.front();
  const double share = share_of(own);
  const double their_share = share_of(others.sum);
  const double more = static_cast<double>(ejection_.error_share) / config::kMillion;
  if (ejection_.error_share != 0 && share - their_share >= more) {
    eject(known, counts_.ejected_errors,
          fmt::format("{:.0f} % of its {} requests failed, of the others' {:.0f} %", share * 100,
                      own.requests, their_share * 100));
  } else if (const double wait = wait_ms_of(own), theirs = wait_ms_of(others.sum);
             ejection_.latency_factor != 0 && wait >= theirs * ejection_.latency_factor) {
    eject(known, counts_.ejected_latency,
          fmt::format("it takes {:.1f} ms to answer, the others {:.1f} ms", wait, theirs));
  }
  return known.standing == Standing::ejected;
}

}  // namespace onehop::upstream
