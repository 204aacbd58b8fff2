// SPDX-License-Identifier: MIT
#include "world.h"

#include <algorithm>
#include <utility>

namespace onehop::test {

void SimLoop::at(uint64_t time_ns, std::function<void()> event) {
  events_.push_back({std::max(time_ns, now_ns_), order_++, std::move(event)});
  std::push_heap(events_.begin(), events_.end(), later);
}

bool SimLoop::run_turn() {
  uint64_t next_ns = UINT64_MAX;
  if (!events_.empty()) next_ns = events_.front().time_ns;
  if (due_ms_ != UINT64_MAX) next_ns = std::min(next_ns, due_ms_ * kMs);
  if (has_work()) next_ns = now_ns_;
  if (next_ns == UINT64_MAX) return false;
  now_ns_ = std::max(now_ns_, next_ns);
  if (now_ms() >= due_ms_) {
    due_ms_ = UINT64_MAX;
    deadlines_.advance(now_ms());
    if (const auto due = deadlines_.next_due_ms()) on_armed(*due);
  }
  // What is due together happens in one turn, as with sockets that are ready together.
  constexpr int kMostEvents = 16;
  for (int i = 0; i < kMostEvents && !events_.empty() && events_.front().time_ns <= now_ns_; ++i) {
    std::pop_heap(events_.begin(), events_.end(), later);
    const Event event = std::move(events_.back());
    events_.pop_back();
    event.call();
  }
  now_ns_ += 1000;  // work takes time
  end_turn();
  return true;
}

void Members::set(uint16_t first, const std::vector<uint16_t>& ports) {
  std::map<uint16_t, uint64_t> now;
  for (const auto& [port, stay] : stays_) {
    const bool concerned = port >= first && port < first + 100;
    if (!concerned || std::ranges::count(ports, port) > 0) now[port] = stay;
  }
  for (const uint16_t port : ports) {
    if (!now.contains(port)) now[port] = ++begun_;
  }
  stays_ = std::move(now);
}

void World::note(std::string what) {
  constexpr size_t kKept = 60;
  notes.push_back(std::to_string(loop.now_ns() / 1000 % 1'000'000'000) + " us  " + std::move(what));
  if (notes.size() > kKept) notes.pop_front();
}

}  // namespace onehop::test
