// SPDX-License-Identifier: MIT
#include "onehop/telemetry/rates.h"

#include <algorithm>
#include <utility>

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

RateSeries::RateSeries(std::vector<uint64_t> values, uint64_t now_ns) : peaks_(values.size()) {
  samples_.push_back({now_ns, std::move(values)});
}

void RateSeries::sample(std::vector<uint64_t> values, uint64_t now_ns) {
  const Sample& last = samples_.back();
  ONEHOP_ASSERT(values.size() == peaks_.size() && now_ns >= last.at);
  for (size_t i = 0; i < values.size(); ++i) {
    peaks_[i] = std::max(peaks_[i], per_second(values[i] - last.values[i], now_ns - last.at));
  }
  samples_.push_back({now_ns, std::move(values)});
  if (samples_.size() > kKeptSamples) samples_.pop_front();
}

Rates RateSeries::rates(size_t index, uint64_t live, uint64_t now_ns) const {
  const double last_1s = rate_over(kSecondNs, index, live, now_ns);
  return {last_1s, rate_over(10 * kSecondNs, index, live, now_ns),
          rate_over(60 * kSecondNs, index, live, now_ns), std::max(peaks_[index], last_1s)};
}

double RateSeries::rate_over(uint64_t window_ns, size_t index, uint64_t live,
                             uint64_t now_ns) const {
  const Sample* nearest = &samples_.front();
  for (const Sample& sample : samples_) {
    // Compared as ages, so that a clock that starts near 0 does not underflow.
    if (distance(now_ns - sample.at, window_ns) < distance(now_ns - nearest->at, window_ns)) {
      nearest = &sample;
    }
  }
  return per_second(live - nearest->values[index], now_ns - nearest->at);
}

}  // namespace onehop::telemetry
