// SPDX-License-Identifier: MIT
#include "onehop/http/shedding.h"

#include <utility>

namespace onehop::http {
namespace {

// Whoever opens a connection in order to ask speaks at once: its first bytes are right behind the
// packet that opens it. A flood of silent ones is turned over at this pace.
constexpr uint64_t kSilentMs = 100;
// A little more than the far end needs to acknowledge the last bytes.
constexpr uint64_t kPartingMs = 250;
// Who was served lately is likely to ask again; see next().
constexpr uint64_t kIdleMs = 10'000;
// Turns in which the first bytes of whoever has just come are looked for. Before, nobody is silent.
constexpr uint64_t kTurnsToSpeak = 2;
// Of those who were served, closed in a turn for clients who have yet to be heard: a burst of
// clients who ask is let in, a burst of silent ones closes no more than these.
constexpr size_t kIdlePerTurn = 16;
// For the second packet of a head, or of a handshake, over a bad line.
constexpr uint64_t kBegunMs = 2000;

}  // namespace

void Shedding::rests(Sheddable& one, Rest rest) noexcept {
  one.since_ms_ = loop_.now_ms();
  one.since_turn_ = loop_.turn();
  list(rest).push_back(one);
}

// Where somebody is silent, who was served lately is spared: the silent one's moment is over
// soon. Else there is nothing to wait for.
Sheddable* Shedding::next() {
  const uint64_t now = loop_.now_ms();
  const auto over = [&](Rest rest, uint64_t moment_ms) {
    Sheddable* const first = list(rest).front();
    return first != nullptr && now - first->since_ms_ >= moment_ms ? first : nullptr;
  };
  if (Sheddable* one = over(Rest::silent, kSilentMs)) return one;
  if (Sheddable* one = over(Rest::parting, kPartingMs)) return one;
  if (Sheddable* one = over(Rest::idle, spares_idle() ? kIdleMs : 0)) return one;
  return over(Rest::begun, kBegunMs);
}

bool Shedding::spares_idle() noexcept {
  const Sheddable* const first = list(Rest::silent).front();
  if (first == nullptr) return false;
  if (loop_.turn() - first->since_turn_ >= kTurnsToSpeak) return true;
  if (std::exchange(turn_, loop_.turn()) != loop_.turn()) idle_closed_ = 0;
  return idle_closed_++ >= kIdlePerTurn;
}

size_t Shedding::shed(size_t most) {
  size_t count = 0;
  while (count < most) {
    Sheddable* const one = next();
    if (one == nullptr) break;
    one->unlink();
    if (one->shed()) ++count;
  }
  return count;
}

}  // namespace onehop::http
