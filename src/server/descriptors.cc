// SPDX-License-Identifier: MIT
#include "descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace onehop::server {
namespace {

// Counted in /proc/PID/fd of an idle process: docs/operations.md ("Limits of the machine").
constexpr uint64_t kOfProcess = 12;
constexpr uint64_t kOfWorker = 5;
// A sixteenth of the descriptors, but no more than its users can need.
constexpr uint64_t kLeastReserve = 8;
constexpr uint64_t kMostReserve = 64;

}  // namespace

uint64_t clients_within(uint64_t limit, size_t workers, size_t listeners) {
  const uint64_t reserve = std::clamp(limit / 16, kLeastReserve, kMostReserve);
  const uint64_t fixed = kOfProcess + workers * (kOfWorker + listeners) + reserve;
  const uint64_t left = limit > fixed ? limit - fixed : 0;
  return std::max<uint64_t>(workers, left / 2);
}

SpareDescriptors::SpareDescriptors(size_t count) : count_(count) {
  open_.reserve(count);
  fill();
}

SpareDescriptors::~SpareDescriptors() {
  while (give()) {
  }
}

bool SpareDescriptors::give() {
  if (open_.empty()) return false;
  ::close(open_.back());
  open_.pop_back();
  return true;
}

void SpareDescriptors::fill() noexcept {
  while (open_.size() < count_) {
    const int descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    open_.push_back(descriptor);
  }
}

}  // namespace onehop::server
