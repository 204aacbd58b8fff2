// SPDX-License-Identifier: MIT
// Rates of counters: how much they grew in the last 1, 10 and 60 seconds, from one sample a second
// of each.
//
// A rate is (value now - value at the sample nearest to W seconds ago) / the time that really lies
// between the two, so a sample that comes late makes a rate coarser, never wrong. While the program
// is younger than W the rate is that of its whole life.
//
// Fixed memory: 8 bytes per counter and sample, 64 samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
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
  // The first sample; every later call brings as many values, in the same order.
  RateSeries(std::vector<uint64_t> values, uint64_t now_ns);

  void sample(std::vector<uint64_t> values, uint64_t now_ns);

  // The rates of counter `index`, whose value is `live` at `now_ns` (not before the last sample).
  Rates rates(size_t index, uint64_t live, uint64_t now_ns) const;

 private:
  struct Sample {
    uint64_t at;
    std::vector<uint64_t> values;
  };
  double rate_over(uint64_t window_ns, size_t index, uint64_t live, uint64_t now_ns) const;

  std::deque<Sample> samples_;  // oldest first, never empty
  std::vector<double> peaks_;
};

}  // namespace onehop::telemetry
