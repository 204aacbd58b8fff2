// SPDX-License-Identifier: MIT
// FailureLog: the lines that failed attempts leave in the log, one each, as long as there are few.
// Shared by the workers of a process; nothing of a good request comes here.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/line_budget.h"
#include "onehop/config/config.h"
#include "onehop/proxy/outcome.h"

namespace onehop::proxy {

// What an attempt was for, and how it ended. What a peer wrote may be in it, as it came.
struct Failure {
  std::string_view upstream = {};
  std::string_view endpoint = {};
  std::string_view route = {};  // its label; empty: none
  std::string_view request_id = {};
  std::string_view method = {};
  std::string_view target = {};
  Outcome outcome = Outcome::upstream_closed;
  std::string_view detail = {};  // more of why, or nothing
  bool tried_again = false;      // another attempt follows
};

class FailureLog {
 public:
  // Milliseconds that never go back.
  using Clock = uint64_t (*)();
  using Say = void (*)(std::string_view line);

  // With the steady clock, and into the log.
  FailureLog();
  FailureLog(Clock clock, Say writer);

  // A fault of the endpoint or of ours; what clients do to themselves is counted, not logged.
  static bool concerns(Outcome outcome);

  // From any thread.
  void say(const Failure& failure);
  // Says what was left out of bursts that are over; about once a second.
  void settle();
  // The same at the end of the process, for bursts that are not over, too.
  void finish();

 private:
  void say_left_out(const std::string& kind, log::LineBudget::LeftOut left_out);

  Clock clock_;
  Say say_;
  std::mutex mutex_;
  std::map<std::string, log::LineBudget, std::less<>> budgets_;  // by endpoint and outcome
};

// The line itself.
std::string sentence_of(const Failure& failure);

}  // namespace onehop::proxy
