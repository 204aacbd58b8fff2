// SPDX-License-Identifier: MIT
// A client's connection between its requests' bytes and its transport: what the exchange asks of
// its stream, how much is read and held meanwhile, and how an exchange and the connection end.
#include <cerrno>
#include <utility>

#include "server_connection.h"

namespace onehop::http::h1 {
namespace {

// Bytes kept while nobody wants them; then the socket waits.
constexpr size_t kReadAhead = 16 * 1024;
// Bytes that go out together at the end of a turn; past them whoever sends waits for it.
constexpr size_t kOutputHighWater = 128 * 1024;
constexpr uint64_t kLookMs = 200;
// How long what the client still sends is read and dropped (RFC 9112 9.6).
constexpr uint64_t kLingerMs = 2000;

}  // namespace

void H1ServerConnection::send_head(const ResponseHead& head, Ends ends) {
  if (is_interim(head.status)) return response_.interim(head);
  // Nobody will read the rest of the request: nothing can follow it, unless it is little. Of an
  // error that comes before the end of the request the same is to be expected.
  const bool early = head.abandons_request || ends == Ends::yes || head.status >= 400;
  if (state_ == State::body && early && !may_discard()) persistent_ = false;
  if (head.last_of_connection || response_.frames(head, ends) == Framing::until_close)
    persistent_ = false;
  if (head.status == 101) {
    state_ = State::tunnel;
    delivering_ = false;
    transport_->set_awaited(true);
  }
  response_.head(head, ends, persistent_);
  if (response_.complete()) message_sent();
}

void H1ServerConnection::send_body(Buffer&& bytes, Ends ends) {
  if (!response_.begun() || response_.complete()) return;
  response_.body(std::move(bytes), ends);
  if (response_.complete()) message_sent();
}

void H1ServerConnection::send_trailers(const Fields& trailers) {
  if (!response_.begun() || response_.complete()) return;
  response_.trailers(trailers);
  message_sent();
}

// The FIN leaves with the last bytes: one segment and one wake-up of the client less.
void H1ServerConnection::message_sent() {
  if (state_ == State::tunnel || !persistent_) transport_->finish_writing();
}

// What the kernel has not refused leaves at the end of the turn, and waits for nobody. Whoever has
// nothing waiting is never held back for others' sake: nobody would tell it when they are done.
bool H1ServerConnection::has_room() const {
  const size_t unsent = transport_->unsent();
  if (!transport_->write_pending()) return unsent < kOutputHighWater;
  return unsent < settings_.limits.buffered_per_stream && !held_.is_full();
}

void H1ServerConnection::set_reading(bool wanted) {
  if (wanted == delivering_) return;
  delivering_ = wanted;
  apply_reads();
  if (wanted && (!pending_.empty() || ended_)) loop_.mark_dirty(resume_);
}

// What is sent ahead of its turn waits, and waits in small pieces.
void H1ServerConnection::apply_reads() {
  const bool in_message = state_ == State::body || state_ == State::tunnel;
  const bool paused = in_message && !delivering_;
  const net::Reads ahead = state_ == State::answering ? net::Reads::modestly : net::Reads::freely;
  transport_->set_reads(paused ? net::Reads::sparingly : ahead);
}

void H1ServerConnection::apply_reading() {
  apply_reads();
  pending_.compact();
  count_kept();
  const bool reads = !ended_ && pending_.size() < kReadAhead;
  transport_->set_reading(reads);
  transport_->set_awaited(state_ != State::answering);
  if (reads || ended_ || responder_ == nullptr) return look_.disarm();
  if (!look_.armed()) loop_.arm(look_, kLookMs);
}

void H1ServerConnection::set_kept(size_t bytes) {
  exchange_keeps_ = bytes;
  count_kept();
}

// What its exchange keeps, and what the client has sent ahead, but for the little that every
// pipelining client does.
void H1ServerConnection::count_kept() {
  const size_t ahead = pending_.size() < kSmallChunkBytes ? 0 : pending_.size();
  const size_t bytes = exchange_keeps_ + ahead;
  if (bytes == kept_.bytes()) return;
  kept_.set(bytes);
  if (bytes > 0) return owner_.stalled().holds(*this);
  if (!stalled_) owner_.stalled().goes_on(*this);
}

void H1ServerConnection::retire_responder() {
  set_kept(0);
  loop_.retire(std::move(responder_));
}

// A client that has sent ahead more than is read: nothing else tells of its end, which is behind
// that.
void H1ServerConnection::look_for_client() {
  switch (transport_->peer()) {
    case net::Transport::Peer::there:
      break;
    case net::Transport::Peer::gone:
      return on_error({ECONNRESET});
    case net::Transport::Peer::ended:
      if (cancels_at_fin()) return has_gone();
      break;
  }
  loop_.arm(look_, kLookMs);
}

// Given up by whoever answers. A response that was begun must look broken: where only the
// connection's end would end it, by a reset.
bool H1ServerConnection::take_back() {
  return state_ != State::tunnel && state_ != State::closed && response_.take_back();
}

void H1ServerConnection::reset() {
  if (state_ == State::closed) return;
  retire_responder();  // no more events
  transport_->flush();
  if (response_.needs_close()) transport_->close_with_reset();
  close(telemetry::Closer::onehop);
}

void H1ServerConnection::on_flush(net::Flushed flushed) {
  if (flushed == net::Flushed::some) {
    const bool waited_for = settings_.timeouts.write_stall.count() > 0;
    if (!std::exchange(stalled_, true) && waited_for) {
      pace_.begin(WritePace::rule_of(settings_.timeouts), loop_.now_ms(),
                  transport_->taken_bytes());
    }
    if (waited_for) loop_.arm(deadline_, patience_left_ms());
    held_.set(transport_->waiting_bytes());
    owner_.stalled().stalls(*this);
    if (responder_ != nullptr) responder_->on_stall();
    return;
  }
  if (std::exchange(stalled_, false)) {
    deadline_.disarm();
    held_.set(0);
    if (kept_.bytes() == 0) owner_.stalled().goes_on(*this);
  }
  if (responder_ == nullptr) return;
  if (!response_.complete()) return responder_->on_room();
  if (state_ == State::tunnel && !end_delivered_) return responder_->on_room();
  finish_exchange();
}

// The response is in the kernel's hands.
void H1ServerConnection::finish_exchange() {
  responder_->on_room();
  if (state_ == State::closed) return;
  retire_responder();
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
  apply_reads();
  settings_.counters.idle.add(1);
  counted_idle_ = true;
  if (!pending_.empty() || ended_) {
    loop_.mark_dirty(resume_);
    return;
  }
  transport_->set_awaited(true);
  owner_.shedding().rests(*this, Rest::idle);
  const uint64_t wait =
      drain_ms_ > 0 ? drain_ms_ : static_cast<uint64_t>(settings_.timeouts.idle.count());
  if (wait > 0) loop_.arm(deadline_, wait);
}

// Whoever has had no part of a response is told; anybody else can see that it is cut.
void H1ServerConnection::close_now() {
  if (responder_ != nullptr && !response_.begun()) {
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
  owner_.shedding().rests(*this, Rest::parting);
  pending_.clear();
  look_.disarm();
  transport_->set_reading(true);
  transport_->set_awaited(true);
  transport_->finish_writing();
  loop_.arm(deadline_, kLingerMs);
}

// Of the client who does not take what is sent. A tunnel is as slow as its two ends like.
uint64_t H1ServerConnection::patience_left_ms() {
  WritePace::Rule rule = WritePace::rule_of(settings_.timeouts);
  if (state_ == State::tunnel) rule.min_rate = 0;
  return pace_.left_ms(rule, loop_.now_ms(), transport_->taken_bytes());
}

void H1ServerConnection::on_deadline() {
  if (stalled_) {
    if (const uint64_t left = patience_left_ms(); left > 0) return loop_.arm(deadline_, left);
    return cut_off(Violation::write_timeout);
  }
  if (state_ == State::head && head_.started()) return fail(Violation::head_timeout);
  if ((state_ == State::idle || state_ == State::head) && !draining_ && !owner_.draining())
    settings_.counters.idle_timeouts.add();
  close(telemetry::Closer::onehop);
}

// The last event of whoever answers; the connection ends with it.
void H1ServerConnection::tell_of_reset(const StreamError& why) {
  if (responder_ != nullptr && !std::exchange(reset_told_, true)) responder_->on_reset(why);
}

// A client that does not take its response. Where the connection goes it cannot be told more.
void H1ServerConnection::cut_off(Violation violation) {
  StreamError why;
  why.violation = violation;
  tell_of_reset(why);
  if (state_ == State::closed) return;
  transport_->close_with_reset();
  close(telemetry::Closer::onehop);
}

void H1ServerConnection::close(telemetry::Closer who) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  deadline_.disarm();
  look_.disarm();
  resume_.unlink();
  pending_.clear();
  transport_.reset();
  owner_.stalled().goes_on(*this);
  if (std::exchange(counted_idle_, false)) settings_.counters.idle.add(-1);
  settings_.counters.open.add(-1);
  settings_.counters.closed.add(static_cast<size_t>(who));
  if (responder_ != nullptr) {
    // Nothing may reach it any more: it ends its attempt now.
    StreamError why;
    why.violation = who == telemetry::Closer::peer ? Violation::gone : Violation::stopped;
    tell_of_reset(why);
    retire_responder();
  }
  owner_.retire(*this);
}

}  // namespace onehop::http::h1
