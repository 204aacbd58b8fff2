// SPDX-License-Identifier: MIT
// A dialer whose dials a test completes by hand, on a HandLoop.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "onehop/base/intrusive_list.h"
#include "onehop/net/dialer.h"
#include "tests/support/hand_loop.h"

namespace onehop::test {

class HandDialer final : public net::Dialer {
 public:
  explicit HandDialer(net::Loop& loop) : loop_(loop) {}

  Result<std::unique_ptr<net::Dial>, net::NetError> dial(const Address& address,
                                                         net::Dial::Events& events) override {
    ++asked;
    if (cannot_begin != 0) {
      if (cannot_begin > 0) --cannot_begin;
      return Unexpected<net::NetError>(net::NetError{EMFILE});
    }
    auto made = std::make_unique<Pending>(events, address);
    pending_.push_back(*made);
    return std::unique_ptr<net::Dial>(std::move(made));
  }

  size_t pending() {
    size_t count = 0;
    pending_.for_each([&](Pending&) { ++count; });
    return count;
  }

  // The address of the oldest dial.
  const Address& dialed() { return pending_.front()->address; }

  // The oldest dial succeeds. The peer lives as long as the dialer.
  HandPeer& accept() {
    HandPeer& peer = peers_.emplace_back();
    net::Dial::Events& events = take_oldest();
    events.on_connected(HandTransport::make(loop_, peer));
    return peer;
  }

  // The oldest dial fails, or the newest.
  void refuse(int number) { take_oldest().on_dial_failed(net::NetError{number}); }
  void refuse_newest(int number) { take(*pending_.back()).on_dial_failed(net::NetError{number}); }

  size_t asked = 0;
  int cannot_begin = 0;  // so many dials find no descriptor; below 0: all

 private:
  struct Pending final : public net::Dial, public ListNode<Pending> {
    Pending(net::Dial::Events& told, const Address& of) : events(told), address(of) {}
    net::Dial::Events& events;
    Address address;
  };

  net::Dial::Events& take_oldest() { return take(*pending_.front()); }
  static net::Dial::Events& take(Pending& dial) {
    dial.unlink();
    return dial.events;
  }

  net::Loop& loop_;
  IntrusiveList<Pending> pending_;
  std::deque<HandPeer> peers_;
};

}  // namespace onehop::test
