// SPDX-License-Identifier: MIT
// The part of a client connection that is its end: what the peer ends, and what of that is known.
#include "client_connection.h"

namespace onehop::http::h1 {
namespace {

// How long the answer of a peer's host to what was sent is waited for, and how often it is looked
// for: a round trip, or until what is delivered is acknowledged, which takes up to 200 ms.
constexpr uint64_t kDoubtMs = 300;
constexpr uint64_t kDoubtStepMs = 8;

}  // namespace

void H1ClientConnection::on_error(net::NetError error) {
  error_ = error;
  input_ended();
}

void H1ClientConnection::input_ended() {
  ended_ = true;
  persistent_ = false;
  if (state_ == State::idle) {
    state_ = State::dead;
    owner_.on_idle_end(*this, Violation::gone);
    return;
  }
  // A tunnel whose other direction still ran is now broken in both.
  if (state_ == State::done && events_ != nullptr && error_.number != 0)
    return fail(Violation::gone);
  process(pending_);
}

// The peer's end in place of an answer: whatever the request was, it will not be answered.
void H1ClientConnection::end_unanswered() {
  using Delivered = net::Transport::Delivered;
  StreamError why{.violation = Violation::gone};
  if (reused_) {
    const Delivered delivered = transport_->delivered(position_before_);
    if (doubt_ends_ms_ == 0) doubt_ends_ms_ = loop_.now_ms() + kDoubtMs;
    if (delivered == Delivered::unclear && !is_idempotent(method_) &&
        loop_.now_ms() < doubt_ends_ms_) {
      return loop_.arm(doubt_, kDoubtStepMs);
    }
    why.closed_before = delivered != Delivered::possible;
    why.proven_unseen = delivered == Delivered::refused && !is_idempotent(method_);
  }
  fail(why);
}

void H1ClientConnection::found_surplus() {
  counters_.surplus.add();
  surplus_ = true;
}

void H1ClientConnection::fail(StreamError why) {
  state_ = State::dead;
  failed_ = why.violation != Violation::stopped;
  pending_.clear();
  doubt_.disarm();
  why.sent_anything = transport_->written() > written_before_;
  why.network = error_;
  events_->on_reset(why);
}

}  // namespace onehop::http::h1
