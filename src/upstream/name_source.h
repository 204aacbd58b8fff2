// SPDX-License-Identifier: MIT
// NameSource: one source of a Discovery: when it is looked up, and what its list is by now.
//
//   looked up --- it helped ----------> waits for the TTL ---------------+
//     ^  +------- it did not, or in part -> waits longer with each time --+
//     |                                                                   |
//     +--------- it is due, or a connect was refused ---------------------+
//
// Never two starts within the minimum.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "inquiry.h"
#include "onehop/upstream/discovery.h"

namespace onehop::upstream {

class NameSource final : private Inquiry::Events {
 public:
  // Begins to look it up. `parts` outlives it.
  NameSource(const Discovery::Parts& parts, size_t place, const Source& source);
  NameSource(const NameSource&) = delete;
  NameSource& operator=(const NameSource&) = delete;

  void refused();
  std::span<const Discovered> list() const noexcept { return list_; }
  const Discovery::Counts& counts() const noexcept { return counts_; }

 private:
  void begin();
  void on_finding(Finding finding) override;
  void wait(const Finding& finding);
  void arm(uint64_t due_ms);
  void say(const Finding& finding);

  const Discovery::Parts& parts_;
  const size_t place_;
  const Source source_;
  LastKnown known_;
  std::vector<Discovered> list_;
  Discovery::Counts counts_;
  std::unique_ptr<Inquiry> inquiry_;  // while it is looked up
  uint64_t begun_ms_ = 0;
  uint64_t due_ms_ = 0;    // while the deadline is armed
  uint32_t troubles_ = 0;  // in a row
  bool refused_ = false;   // while it was looked up
  // What the log knows.
  enum class Trouble : uint8_t { none, in_part, all };
  Trouble said_ = Trouble::none;
  bool said_left_out_ = false;
  net::Deadline deadline_{this, net::DeadlineThunk<&NameSource::begin>::call};
};

}  // namespace onehop::upstream
