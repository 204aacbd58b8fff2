// SPDX-License-Identifier: MIT
// What a run has come to: counts, latencies, the answers in each second; and the one line of JSON
// that says it.
//
// The one idea: every offered request ends in exactly one place, so that
//   offered = completed + (errors other than `status`) + unfinished
// and a reader of the line can check it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "onehop/telemetry/histogram.h"
#include "options.h"

namespace onehop::bench {

// Why there is no answer.
enum class Fault : std::uint8_t {
  connect_refused,
  connect_other,
  reset,         // by the server, after the connection stood
  timeout,       // counted from the moment that the request was due
  closed_early,  // by the server, before the answer was whole
  unreadable,    // what came is no HTTP/1.x answer
  descriptors,   // no file descriptor or socket memory left here
  ports,         // no local port left
};
constexpr std::size_t kFaultCount = 8;

class Tally {
 public:
  Tally(const Options& options, Clock::time_point start) : options_(options), start_(start) {}

  void offered(Clock::duration late);
  void completed(Clock::time_point due, Clock::time_point now, int status);
  void failed(Fault fault) { ++faults_[static_cast<std::size_t>(fault)]; }
  void retried() { ++retried_; }
  void connected() { ++connections_opened_; }

  [[nodiscard]] std::uint64_t offered_count() const { return offered_; }

  // Of a run that has ended at `now`. Percentiles are null where nothing was answered.
  [[nodiscard]] std::string to_json(Clock::time_point now, bool interrupted);

 private:
  [[nodiscard]] double seconds_until(Clock::time_point now, bool interrupted) const;

  const Options& options_;
  Clock::time_point start_;
  Clock::time_point last_answer_ = start_;
  std::uint64_t offered_ = 0;
  std::uint64_t ok_ = 0;
  std::uint64_t status_errors_ = 0;
  std::uint64_t retried_ = 0;
  std::uint64_t connections_opened_ = 0;
  Clock::duration worst_late_{0};
  std::array<std::uint64_t, kFaultCount> faults_{};
  std::map<int, std::uint64_t> by_status_;
  telemetry::HistogramValues latencies_;
  std::vector<std::uint64_t> timeline_;  // answers in each second
};

}  // namespace onehop::bench
