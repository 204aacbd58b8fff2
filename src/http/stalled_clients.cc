// SPDX-License-Identifier: MIT
#include "onehop/http/stalled_clients.h"

#include <utility>

#include "onehop/base/buffer.h"

namespace onehop::http {

void StalledClients::stalls(StalledClient& client) noexcept {
  client.since_ms_ = loop_.now_ms();
  if (limits_.buffered != 0 && buffered_memory() > limits_.buffered / 2)
    client.taken_ = client.taken_bytes();
  list_.push_back(client);
  if (limits_.buffered != 0 && buffered_memory() > limits_.buffered) loop_.mark_dirty(*this);
}

void StalledClients::holds(StalledClient& client) noexcept {
  if (!client.linked()) return stalls(client);
  if (limits_.buffered != 0 && buffered_memory() > limits_.buffered) loop_.mark_dirty(*this);
}

// One at a time: what its going frees, here and at its endpoints, shows when the turn has ended.
void StalledClients::flush() {
  if (limits_.buffered == 0) {  // as of a moment ago
    relieving_ = false;
    return;
  }
  const uint64_t enough = relieving_ ? limits_.buffered - limits_.buffered / 8 : limits_.buffered;
  StalledClient* const client = buffered_memory() > enough ? next() : nullptr;
  relieving_ = client != nullptr;
  if (!relieving_) return;
  client->unlink();
  given_up_.add();
  client->give_up();
  loop_.mark_later(*this);
}

// A slow client may take something of what the kernel holds for a long time before there is room
// for more. The list is in the order of their last move: those that moved meanwhile go to its end.
void StalledClients::note_progress() noexcept {
  IntrusiveList<StalledClient> idle;
  while (StalledClient* const client = list_.front()) {
    if (loop_.now_ms() - client->since_ms_ < kIdleMs) break;
    const uint64_t taken = client->taken_bytes();
    if (std::exchange(client->taken_, taken) == taken) {
      idle.push_back(*client);
      if (client->held_bytes() >= kMuch) break;  // it will be the one
      continue;
    }
    client->since_ms_ = loop_.now_ms();
    list_.push_back(*client);
  }
  idle.splice_back(list_);
  list_.splice_back(idle);
}

// The list is in the order of their last move, so the first that is found is the idlest. Those that
// hold little free little: they go where it is they, together, who hold most of it.
StalledClient* StalledClients::next() noexcept {
  note_progress();
  struct Group {
    const StalledClient* largest = nullptr;
    size_t most = 0;
    uint64_t bytes = 0;
  };
  Group idle, moving;
  StalledClient* const idlest = list_.find_if([&](const StalledClient& client) {
    const size_t held = client.held_bytes();
    const bool is_idle = loop_.now_ms() - client.since_ms_ >= kIdleMs;
    Group& group = is_idle ? idle : moving;
    group.bytes += held;
    if (group.largest == nullptr || held > group.most) group = {&client, held, group.bytes};
    return is_idle && held >= kMuch;
  });
  if (idlest != nullptr) return idlest;
  const Group& who = idle.bytes > moving.bytes ? idle : moving;
  return const_cast<StalledClient*>(who.largest);
}

}  // namespace onehop::http
