// SPDX-License-Identifier: MIT
// Balancer: chooses an endpoint. Pure: it sees numbers and no sockets, so a test needs neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::upstream {

// What a balancer may know of an endpoint.
struct Candidate {
  uint32_t weight = 1;     // at least 1; only how they compare to each other counts
  uint32_t in_flight = 0;  // requests of this worker that the endpoint has, or that wait for it
  bool excluded = false;   // already tried for this request, or out
  // What failed there of late, as load: so many sixteenths of a request in flight.
  uint32_t failures = 0;

  static constexpr uint32_t kFailureUnits = 16;
};

// Where each candidate of a new set stood in the one before; kNew: nowhere.
using Former = std::span<const size_t>;
constexpr size_t kNew = SIZE_MAX;

// What is remembered of each candidate, for the new set.
template <class T>
std::vector<T> carried_over(const std::vector<T>& before, Former former) {
  std::vector<T> now(former.size());
  for (size_t i = 0; i < former.size(); ++i) {
    if (former[i] != kNew) now[i] = before[former[i]];
  }
  return now;
}

class Balancer {
 public:
  virtual ~Balancer() = default;

  // The candidates are others from now on; before the first pick of them. What is remembered of
  // those that stay is kept.
  virtual void rebuild(Former former) = 0;

  // The index of the chosen candidate; nothing when all are excluded, or there is none.
  virtual std::optional<size_t> pick(std::span<const Candidate> candidates) = 0;
};

// For no candidate, until rebuild().
std::unique_ptr<Balancer> make_balancer(config::Balance algorithm);

}  // namespace onehop::upstream
