// SPDX-License-Identifier: MIT
// The sending half of a client's connection: what the exchange asks of its stream, and what follows
// when the response is out.
#include <utility>

#include "onehop/base/assert.h"
#include "server_connection.h"

namespace onehop::http::h1 {
namespace {

// Bytes kept while nobody wants them; then the socket waits.
constexpr size_t kReadAhead = 64 * 1024;
// Bytes waiting to be written; then whoever sends waits.
constexpr size_t kOutputHighWater = 128 * 1024;
// How long what the client still sends is read and dropped (RFC 9112 9.6).
constexpr uint64_t kLingerMs = 2000;

}  // namespace

void H1ServerConnection::send_head(const ResponseHead& head, Ends ends) {
  ONEHOP_ASSERT(sent_ == Sent::nothing);
  if (is_interim(head.status)) {
    write_response_head(transport_->output(), head, Framing::none, ConnectionOption::none);
    transport_->send();
    if (head.status == 100) awaits_continue_ = false;
    return;
  }
  // Nobody will read the rest of the request: nothing can follow it, unless it is little. Of an
  // error that comes before the end of the request the same is to be expected.
  const bool early = head.abandons_request || ends == Ends::yes || head.status >= 400;
  if (state_ == State::body && early && !may_discard()) persistent_ = false;
  if (head.last_of_connection) persistent_ = false;
  if (head.status == 101) {
    framing_ = Framing::until_close;
    persistent_ = false;
    state_ = State::tunnel;
    delivering_ = false;
  } else if (ends == Ends::yes) {
    framing_ = Framing::none;
  } else if (head.body.kind == BodyLength::Kind::known) {
    framing_ = Framing::length;
  } else {
    framing_ = version_minor_ == 0 ? Framing::until_close : Framing::chunked;
    if (version_minor_ == 0) persistent_ = false;
  }
  ConnectionOption option = ConnectionOption::none;
  if (!persistent_) {
    option = ConnectionOption::close;
  } else if (version_minor_ == 0) {
    option = ConnectionOption::keep_alive;
  }
  write_response_head(transport_->output(), head, framing_, option);
  sent_ = Sent::head;
  transport_->send();
  if (ends == Ends::yes) message_sent();
}

void H1ServerConnection::send_body(Buffer&& bytes, Ends ends) {
  if (sent_ != Sent::head) return;
  if (!is_head_request_)
    write_body(transport_->output(), std::move(bytes), framing_, ends == Ends::yes);
  transport_->send();
  if (ends == Ends::yes) message_sent();
}

void H1ServerConnection::send_trailers(const Fields& trailers) {
  if (sent_ != Sent::head) return;
  if (framing_ == Framing::chunked) write_trailers(transport_->output(), trailers);
  transport_->send();
  message_sent();
}

void H1ServerConnection::message_sent() {
  sent_ = Sent::all;
  // The FIN leaves with the last bytes: one segment and one wake-up of the client less.
  if (state_ == State::tunnel || !persistent_) transport_->finish_writing();
}

bool H1ServerConnection::has_room() const {
  return transport_->unsent() < kOutputHighWater;
}

void H1ServerConnection::set_reading(bool wanted) {
  if (wanted == delivering_) return;
  delivering_ = wanted;
  if (wanted && (!pending_.empty() || ended_)) loop_.mark_dirty(resume_);
}

void H1ServerConnection::apply_reading() {
  transport_->set_reading(!ended_ && pending_.size() < kReadAhead);
}

// Given up by whoever answers. A response that was begun must look broken: where only the
// connection's end would end it, by a reset.
bool H1ServerConnection::take_back() {
  if (state_ == State::tunnel || state_ == State::closed || sent_ == Sent::all ||
      transport_->written() != written_before_ || transport_->write_pending())
    return false;
  transport_->output().clear();
  sent_ = Sent::nothing;
  return true;
}

void H1ServerConnection::reset() {
  if (state_ == State::closed) return;
  loop_.retire(std::move(responder_));  // no more events
  transport_->flush();
  if (sent_ == Sent::head && framing_ == Framing::until_close) transport_->close_with_reset();
  close(telemetry::Closer::onehop);
}

void H1ServerConnection::on_flush(net::Flushed flushed) {
  if (flushed == net::Flushed::some) {
    const auto patience = settings_.timeouts.write_stall;
    // Each of these comes after some progress.
    if (patience.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(patience.count()));
    stalled_ = true;
    untaken_bytes_ = transport_->untaken_bytes();
    if (responder_ != nullptr) responder_->on_stall();
    return;
  }
  if (std::exchange(stalled_, false)) deadline_.disarm();
  if (responder_ == nullptr) return;
  if (sent_ != Sent::all) return responder_->on_room();
  if (state_ == State::tunnel && !end_delivered_) return responder_->on_room();
  finish_exchange();
}

// The response is in the kernel's hands.
void H1ServerConnection::finish_exchange() {
  responder_->on_room();
  if (state_ == State::closed) return;
  loop_.retire(std::move(responder_));
  if (state_ == State::body && persistent_ && may_discard()) {
    state_ = State::discarding;
    loop_.arm(deadline_, kLingerMs);
    loop_.mark_dirty(resume_);
    return;
  }
  if (state_ == State::body) return linger();
  if (state_ == State::tunnel) return close(telemetry::Closer::onehop);
  if (persistent_) return become_idle();
  // A client that said close sends nothing more; any other may be sending its next request.
  if (client_closes_ && pending_.empty()) return close(telemetry::Closer::onehop);
  linger();
}

void H1ServerConnection::become_idle() {
  deadline_.disarm();
  state_ = State::idle;
  settings_.counters.idle.add(1);
  counted_idle_ = true;
  if (!pending_.empty() || ended_) {
    loop_.mark_dirty(resume_);
    return;
  }
  const auto wait = settings_.timeouts.idle;
  if (wait.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(wait.count()));
}

// Whoever has had no part of a response is told; anybody else can see that it is cut.
void H1ServerConnection::close_now() {
  if (responder_ != nullptr && sent_ == Sent::nothing) {
    persistent_ = false;
    StreamError why;
    why.violation = Violation::stopped;
    why.may_answer = true;
    responder_->on_reset(why);
    if (state_ != State::closed) transport_->flush();
  }
  if (state_ != State::closed) close(telemetry::Closer::onehop);
}

// Says FIN and reads on for a while: closing with unread bytes would send a reset, which destroys
// the response on its way to the client (edge case 77).
void H1ServerConnection::linger() {
  if (ended_) return close(telemetry::Closer::peer);
  state_ = State::lingering;
  pending_.clear();
  transport_->set_reading(true);
  transport_->finish_writing();
  loop_.arm(deadline_, kLingerMs);
}

void H1ServerConnection::on_deadline() {
  if (stalled_) {
    const uint64_t stuck = transport_->untaken_bytes();
    if (stuck < untaken_bytes_) {
      untaken_bytes_ = stuck;
      loop_.arm(deadline_, static_cast<uint64_t>(settings_.timeouts.write_stall.count()));
      return;
    }
    StreamError why;
    why.violation = Violation::write_timeout;
    if (responder_ != nullptr) responder_->on_reset(why);
    if (state_ == State::closed) return;
    transport_->close_with_reset();
    return close(telemetry::Closer::onehop);
  }
  if (state_ == State::head && head_.started()) return fail(Violation::head_timeout);
  if ((state_ == State::idle || state_ == State::head) && !owner_.draining())
    settings_.counters.idle_timeouts.add();
  close(telemetry::Closer::onehop);
}

void H1ServerConnection::close(telemetry::Closer who) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  deadline_.disarm();
  resume_.unlink();
  pending_.clear();
  transport_.reset();
  if (std::exchange(counted_idle_, false)) settings_.counters.idle.add(-1);
  settings_.counters.open.add(-1);
  settings_.counters.closed.add(static_cast<size_t>(who));
  if (responder_ != nullptr) {
    // Nothing may reach it any more: it ends its attempt now.
    StreamError why;
    why.violation = who == telemetry::Closer::peer ? Violation::gone : Violation::stopped;
    responder_->on_reset(why);
    loop_.retire(std::move(responder_));
  }
  owner_.retire(*this);
}

}  // namespace onehop::http::h1
