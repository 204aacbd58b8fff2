// SPDX-License-Identifier: MIT
// What clients saw of a route: how long a request took them, by the class of its status, and how
// often each status was sent. All attempts of a request together, whatever endpoints they went to.
//
// One writer (the worker that owns the shard), any number of readers; see counter.h. A route that
// is never used is a handful of pointers: pages of histograms and of statuses are made when they
// are first written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "onehop/telemetry/counter.h"
#include "onehop/telemetry/histogram.h"
#include "onehop/telemetry/on_first_use.h"
#include "onehop/telemetry/status_class.h"

namespace onehop::telemetry {

// A merged copy.
struct RouteValues {
  std::string route;  // "example.org/api"; "": requests of no route
  std::array<HistogramValues, kStatusClassCount> seconds;  // in the order of kStatusClassNames
  // How often each status was sent, by status; only those that were. 0 is no response at all.
  std::vector<std::pair<int, uint64_t>> codes;
};

class RouteShard {
 public:
  // A request has ended with `status` (0: no response; else 100 to 999) after `ns`.
  void record(int status, uint64_t ns) {
    if constexpr (!kCounting) return;
    seconds_[status_class(status)].record(ns);
    codes_[page_of(status)].get()[static_cast<size_t>(status) % kPage].add();
  }

  void merge_into(RouteValues& into) const;

 private:
  static constexpr size_t kPage = 100;
  static constexpr size_t kPageCount = 10;
  static constexpr size_t page_of(int status) noexcept {
    return static_cast<size_t>(status) / kPage % kPageCount;
  }

  std::array<Histogram, kStatusClassCount> seconds_;
  std::array<OnFirstUse<std::array<Counter, kPage>>, kPageCount> codes_;
};

}  // namespace onehop::telemetry
