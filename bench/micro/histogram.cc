// SPDX-License-Identifier: MIT
// The histogram: what a worker pays for each phase of each request, and what a reader pays to merge
// and to ask.
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>

#include "onehop/telemetry/histogram.h"

namespace {

using onehop::telemetry::Histogram;
using onehop::telemetry::HistogramValues;

// Durations spread over many buckets, as phases are: 1 us to 16 ms, each power of two as likely.
std::array<uint64_t, 1024> spread_durations() {
  std::minstd_rand random(1);
  std::array<uint64_t, 1024> durations{};
  for (uint64_t& ns : durations) ns = (uint64_t{1} << (10 + random() % 14)) + random() % 1024;
  return durations;
}

void histogram_record(benchmark::State& state) {
  const auto durations = spread_durations();
  const auto histogram = std::make_unique<Histogram>();
  size_t next = 0;
  while (state.KeepRunning()) {
    histogram->record(durations[next++ % durations.size()]);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(histogram_record);

void histogram_merge(benchmark::State& state) {
  const auto histogram = std::make_unique<Histogram>();
  for (const uint64_t ns : spread_durations()) histogram->record(ns);
  const auto merged = std::make_unique<HistogramValues>();
  while (state.KeepRunning()) {
    histogram->merge_into(*merged);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(histogram_merge);

void histogram_percentile(benchmark::State& state) {
  const auto histogram = std::make_unique<Histogram>();
  for (const uint64_t ns : spread_durations()) histogram->record(ns);
  const auto merged = std::make_unique<HistogramValues>();
  histogram->merge_into(*merged);
  while (state.KeepRunning()) benchmark::DoNotOptimize(merged->percentile_ns(0.99));
}
BENCHMARK(histogram_percentile);

}  // namespace
