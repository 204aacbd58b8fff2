// SPDX-License-Identifier: MIT
// Counting, and the JSON line.
#include "tally.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <numeric>
#include <string_view>

namespace onehop::bench {
namespace {

constexpr std::array<std::string_view, kFaultCount> kFaultNames = {
    "connect_refused", "connect_other", "reset",       "timeout",
    "closed_early",    "unreadable",    "descriptors", "ports"};

double seconds_of(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string microseconds(std::uint64_t ns) {
  return fmt::format("{:.1f}", static_cast<double>(ns) / 1000);
}

std::string percentile(const telemetry::HistogramValues& values, double fraction) {
  return values.count() == 0 ? "null" : microseconds(values.percentile_ns(fraction));
}

std::string latency_json(const telemetry::HistogramValues& values) {
  const bool none = values.count() == 0;
  return fmt::format(R"({{"p50":{},"p90":{},"p95":{},"p99":{},"p999":{},"max":{},"mean":{}}})",
                     percentile(values, 0.5), percentile(values, 0.9), percentile(values, 0.95),
                     percentile(values, 0.99), percentile(values, 0.999),
                     none ? "null" : microseconds(values.max_ns()),
                     none ? "null" : microseconds(values.mean_ns()));
}

void record(telemetry::HistogramValues& values, std::uint64_t ns) {
  values.add_bucket(telemetry::bucket_of(ns), 1);
  values.add_totals(ns, ns);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

void Tally::offered(Clock::duration late) {
  ++offered_;
  worst_late_ = std::max(worst_late_, late);
}

void Tally::completed(Clock::time_point due, Clock::time_point now, int status) {
  move_to_second_of(now);
  const auto ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(now - due).count());
  record(latencies_, ns);
  if (options_.timeline) record(second_.latencies, ns);
  last_answer_ = now;
  ++by_status_[status];
  if (status < 400) {
    ++ok_;
  } else {
    ++status_errors_;
    ++second_.errors;
  }
}

void Tally::failed(Fault fault, Clock::time_point now) {
  move_to_second_of(now);
  ++faults_[static_cast<std::size_t>(fault)];
  ++second_.errors;
}

void Tally::move_to_second_of(Clock::time_point now) {
  if (!options_.timeline) return;
  const auto index = static_cast<std::size_t>((now - start_) / std::chrono::seconds(1));
  while (second_.index < index) close_second();
}

void Tally::close_second() {
  timeline_.push_back(fmt::format(R"({{"second":{},"completed":{},"errors":{},"p99_us":{}}})",
                                  second_.index, second_.latencies.count(), second_.errors,
                                  percentile(second_.latencies, 0.99)));
  const std::size_t next = second_.index + 1;
  second_ = Second{};
  second_.index = next;
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
  std::string errors;
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    errors += fmt::format(R"("{}":{},)", kFaultNames[i], faults_[i]);
  }
  std::string status;
  for (const auto& [code, count] : by_status_) {
    status += fmt::format(R"({}"{}":{})", status.empty() ? "" : ",", code, count);
  }
  std::string json = fmt::format(
      R"({{"offered":{},"completed":{},"ok":{},"unfinished":{},"seconds":{:.3f},)"
      R"("achieved_per_s":{:.1f},"late_us":{:.1f},"latency_us":{},"errors":{{{}"status":{}}},)"
      R"("status":{{{}}},"connections_opened":{},"retried":{},"cpu_seconds":{:.3f},)"
      R"("interrupted":{})",
      offered_, completed, ok_, offered_ - completed - faults, seconds,
      seconds > 0 ? static_cast<double>(completed) / seconds : 0.0, seconds_of(worst_late_) * 1e6,
      latency_json(latencies_), errors, status_errors_, status, connections_opened_, retried_,
      cpu_seconds(), interrupted);
  if (options_.timeline) {
    if (second_.latencies.count() + second_.errors > 0) close_second();
    json += fmt::format(R"(,"timeline":[{}])", fmt::join(timeline_, ","));
  }
  return json + "}";
}

}  // namespace onehop::bench
