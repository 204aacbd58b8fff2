// SPDX-License-Identifier: MIT
// Rates of a counter: how much it grew in the last 1, 10 and 60 seconds, from one sample a second.
//
// A rate is (value now - value at the sample nearest to W seconds ago) / the time that really lies
// between the two, so a sample that comes late makes a rate coarser, never wrong. While the counter
// is younger than W the rate is that of its whole life.
//
// Memory: 16 bytes per sample, 64 samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace onehop::telemetry {

constexpr uint64_t kSecondNs = 1'000'000'000;

// Events per second.
struct Rates {
  double last_1s = 0;
  double last_10s = 0;
  double last_60s = 0;
  double peak = 0;  // the largest between two neighbouring samples since start, or last_1s
};

// Used by one thread.
class RateSeries {
 public:
  RateSeries(uint64_t value, uint64_t now_ns) { samples_.push_back({now_ns, value}); }

  void sample(uint64_t value, uint64_t now_ns);

  // The rates of the counter, whose value is `live` at `now_ns` (not before the last sample).
  Rates rates(uint64_t live, uint64_t now_ns) const;

 private:
  struct Sample {
    uint64_t at;
    uint64_t value;
  };
  double rate_over(uint64_t window_ns, uint64_t live, uint64_t now_ns) const;

  std::vector<Sample> samples_;  // oldest first, never empty
  double peak_ = 0;
};

}  // namespace onehop::telemetry
