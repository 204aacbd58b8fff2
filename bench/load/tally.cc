// SPDX-License-Identifier: MIT
// Counting, and the JSON line.
#include "tally.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

namespace onehop::bench {
namespace {

constexpr std::array<const char*, kFaultCount> kFaultNames = {
    "connect_refused", "connect_other", "reset",       "timeout",
    "closed_early",    "unreadable",    "descriptors", "ports"};

constexpr std::array<std::pair<const char*, double>, 5> kPercentiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}}};

double seconds_of(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double microseconds(std::uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}

nlohmann::json latency_json(const telemetry::HistogramValues& values) {
  nlohmann::json found;
  for (const auto& [name, fraction] : kPercentiles) {
    found[name] = nullptr;
    if (values.count() > 0) found[name] = microseconds(values.percentile_ns(fraction));
  }
  found["max"] = nullptr;
  if (values.count() > 0) found["max"] = microseconds(values.max_ns());
  return found;
}

void record(telemetry::HistogramValues& values, std::uint64_t ns) {
  values.add_bucket(telemetry::bucket_of(ns), 1);
  values.add_totals(ns, ns);
}

}  // namespace

void Tally::offered(Clock::duration late) {
  ++offered_;
  worst_late_ = std::max(worst_late_, late);
}

void Tally::completed(Clock::time_point due, Clock::time_point now, int status) {
  const auto ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(now - due).count());
  record(latencies_, ns);
  timeline_.resize(std::max(
      timeline_.size(), 1 + static_cast<std::size_t>((now - start_) / std::chrono::seconds(1))));
  ++timeline_.back();
  last_answer_ = now;
  ++by_status_[status];
  if (status < 400) {
    ++ok_;
  } else {
    ++status_errors_;
  }
}

// A run lasts as long as it was planned, or until the last answer of what was offered in that time:
// a server that falls behind is not credited with answers that came later. Waiting for what never
// comes does not count.
double Tally::seconds_until(Clock::time_point now, bool interrupted) const {
  if (interrupted) return seconds_of(now - start_);
  return std::max(options_.seconds, seconds_of(last_answer_ - start_));
}

std::string Tally::to_json(Clock::time_point now, bool interrupted) {
  const std::uint64_t completed = latencies_.count();
  const std::uint64_t faults = std::accumulate(faults_.begin(), faults_.end(), std::uint64_t{0});
  const double seconds = seconds_until(now, interrupted);
  nlohmann::json errors = {{"status", status_errors_}};
  for (std::size_t i = 0; i < kFaultCount; ++i) errors[kFaultNames[i]] = faults_[i];
  nlohmann::json status = nlohmann::json::object();
  for (const auto& [code, count] : by_status_) status[std::to_string(code)] = count;
  return nlohmann::json{
      {"offered", offered_},
      {"completed", completed},
      {"ok", ok_},
      {"unfinished", offered_ - completed - faults},
      {"seconds", seconds},
      {"achieved_per_s", seconds > 0 ? static_cast<double>(completed) / seconds : 0.0},
      {"late_us", seconds_of(worst_late_) * 1e6},
      {"latency_us", latency_json(latencies_)},
      {"errors", errors},
      {"status", status},
      {"connections_opened", connections_opened_},
      {"retried", retried_},
      {"interrupted", interrupted},
      {"timeline", timeline_},
  }
      .dump();
}

}  // namespace onehop::bench
