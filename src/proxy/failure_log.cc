// SPDX-License-Identifier: MIT
#include "onehop/proxy/failure_log.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::proxy {
namespace {

constexpr size_t kLongestShown = 200;  // of what a client wrote

uint64_t steady_ms() {
  using std::chrono::milliseconds;
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<milliseconds>(since).count());
}

// On one line, and nothing that a terminal acts on.
std::string plain(std::string_view text) {
  std::string shown(text.substr(0, kLongestShown));
  for (char& c : shown) {
    if (c <= ' ' || c > '~') c = '?';
  }
  return shown.size() < text.size() ? shown + "..." : shown;
}

std::string kind_of(const Failure& failure) {
  return fmt::format("upstream {}: {}: {}", failure.upstream, failure.endpoint,
                     row_of(failure.outcome).name);
}

}  // namespace

// Without the query, which may hold what is nobody's business.
std::string sentence_of(const Failure& failure) {
  std::string line = fmt::format("{}: {}", kind_of(failure), row_of(failure.outcome).sentence);
  if (!failure.detail.empty()) line += fmt::format(" ({})", failure.detail);
  if (failure.tried_again) line += "; the request is tried again";
  if (!failure.route.empty()) line += fmt::format("; route {}", failure.route);
  if (!failure.request_id.empty()) line += fmt::format("; request {}", plain(failure.request_id));
  return line + fmt::format("; {} {}", plain(failure.method),
                            plain(failure.target.substr(0, failure.target.find('?'))));
}

FailureLog::FailureLog(Clock clock, Say writer) : clock_(clock), say_(writer) {}

FailureLog::FailureLog()
    : FailureLog(steady_ms, [](std::string_view line) { log::warning(line); }) {}

bool FailureLog::concerns(Outcome outcome) {
  if (outcome == Outcome::stopped) return false;
  if (outcome == Outcome::upstream_refused) return true;
  const OutcomeRow& row = row_of(outcome);
  return (row.side == Side::upstream || row.side == Side::local) && row.status >= 500;
}

void FailureLog::say(const Failure& failure) {
  const std::string kind = kind_of(failure);
  const uint64_t now = clock_();
  const std::lock_guard lock(mutex_);
  log::LineBudget& budget = budgets_[kind];
  say_left_out(kind, budget.left_out(now));
  if (budget.take(now)) say_(sentence_of(failure));
}

void FailureLog::settle() {
  const uint64_t now = clock_();
  const std::lock_guard lock(mutex_);
  for (auto& [kind, budget] : budgets_) say_left_out(kind, budget.left_out(now));
  std::erase_if(budgets_, [&](const auto& entry) { return entry.second.is_over(now); });
}

void FailureLog::finish() {
  const uint64_t now = clock_();
  const std::lock_guard lock(mutex_);
  for (auto& [kind, budget] : budgets_) say_left_out(kind, budget.rest(now));
}

void FailureLog::say_left_out(const std::string& kind, log::LineBudget::LeftOut left_out) {
  if (left_out.count == 0) return;
  say_(fmt::format("{}: and {} more in the last {:.1f} s", kind, left_out.count,
                   static_cast<double>(left_out.during_ms) / 1000));
}

}  // namespace onehop::proxy
