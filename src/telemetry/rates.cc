// SPDX-License-Identifier: MIT
#include "onehop/telemetry/rates.h"

#include <algorithm>

#include "onehop/base/assert.h"

namespace onehop::telemetry {

namespace {

constexpr size_t kKeptSamples = 64;  // 60 seconds and a few for samples that come early

// In the first moments of the program a handful of events would make any rate, so no rate is over
// less than half a second.
double per_second(uint64_t events, uint64_t elapsed_ns) {
  const uint64_t elapsed = std::max(elapsed_ns, kSecondNs / 2);
  return static_cast<double>(events) * static_cast<double>(kSecondNs) /
         static_cast<double>(elapsed);
}

uint64_t distance(uint64_t a, uint64_t b) {
  return a > b ? a - b : b - a;
}

}  // namespace

void RateSeries::sample(uint64_t value, uint64_t now_ns) {
  const Sample& last = samples_.back();
  ONEHOP_ASSERT(now_ns >= last.at);
  peak_ = std::max(peak_, per_second(value - last.value, now_ns - last.at));
  if (samples_.size() == kKeptSamples) samples_.erase(samples_.begin());
  samples_.push_back({now_ns, value});
}

Rates RateSeries::rates(uint64_t live, uint64_t now_ns) const {
  const double last_1s = rate_over(kSecondNs, live, now_ns);
  return {last_1s, rate_over(10 * kSecondNs, live, now_ns), rate_over(60 * kSecondNs, live, now_ns),
          std::max(peak_, last_1s)};
}

double RateSeries::rate_over(uint64_t window_ns, uint64_t live, uint64_t now_ns) const {
  const Sample* nearest = &samples_.front();
  for (const Sample& sample : samples_) {
    // Compared as ages, so that a clock that starts near 0 does not underflow.
    if (distance(now_ns - sample.at, window_ns) < distance(now_ns - nearest->at, window_ns)) {
      nearest = &sample;
    }
  }
  return per_second(live - nearest->value, now_ns - nearest->at);
}

}  // namespace onehop::telemetry
