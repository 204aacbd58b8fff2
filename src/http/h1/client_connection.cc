// SPDX-License-Identifier: MIT
#include "client_connection.h"

#include <utility>

#include "onehop/base/assert.h"
#include "onehop/http/h1.h"
#include "parser.h"

namespace onehop::http::h1 {
namespace {

// Bytes kept while nobody wants them, beside those of one read; then the socket waits.
constexpr size_t kReadAhead = 4 * 1024;
constexpr size_t kOutputHighWater = 128 * 1024;  // to be written; then whoever sends waits

}  // namespace

std::unique_ptr<ClientConnection> connect(net::Loop& loop, net::TransportPtr transport,
                                          const config::Limits& limits,
                                          telemetry::EndpointShard& counters,
                                          ClientConnection::Events& owner) {
  return std::make_unique<H1ClientConnection>(loop, std::move(transport), limits, counters, owner);
}

H1ClientConnection::H1ClientConnection(net::Loop& loop, net::TransportPtr transport,
                                       const config::Limits& limits,
                                       telemetry::EndpointShard& counters,
                                       ClientConnection::Events& owner)
    : loop_(loop),
      transport_(std::move(transport)),
      limits_(limits),
      counters_(counters),
      owner_(owner) {
  transport_->set_events(*this);
  transport_->count_bytes(counters.bytes_received, counters.bytes_sent);
  transport_->set_reading(true);
}

H1ClientConnection::~H1ClientConnection() = default;

ClientStream& H1ClientConnection::open_stream(ClientStream::Events& events) {
  ONEHOP_ASSERT(state_ == State::idle);
  events_ = &events;
  state_ = State::head;
  written_before_ = transport_->written();
  position_before_ = transport_->position();
  doubt_ends_ms_ = 0;
  interim_ = {};
  request_sent_ = false;
  delivering_ = true;
  careful_turn_ = 0;
  apply_reads();
  upgrade_ = {};
  return *this;
}

StreamEnd H1ClientConnection::close_stream(ClientStream&) {
  events_ = nullptr;
  resume_.unlink();
  doubt_.disarm();
  if (state_ == State::dead) return surplus_ ? StreamEnd::not_drained : StreamEnd::broken;
  if (state_ == State::head && !head_.started() && take_back()) {
    // Given up before a byte of it left: for the endpoint there was no request.
    state_ = State::idle;
    return StreamEnd::reusable;
  }
  const bool tunnel_open = framing_ == Framing::until_close && !request_sent_;
  cut_ = state_ == State::head || state_ == State::body || state_ == State::tunnel || tunnel_open;
  const bool complete =
      state_ == State::done && request_sent_ && transport_->unsent() == 0 && pending_.empty();
  state_ = complete && persistent_ && !surplus_ ? State::idle : State::dead;
  if (state_ == State::idle) reused_ = true;
  if (state_ == State::idle) return StreamEnd::reusable;
  return complete && !surplus_ ? StreamEnd::not_persistent : StreamEnd::not_drained;
}

telemetry::Closer H1ClientConnection::closer() const {
  if (ended_) return telemetry::Closer::peer;
  return state_ == State::dead && failed_ ? telemetry::Closer::error : telemetry::Closer::onehop;
}

void H1ClientConnection::abandon() {
  // The last words of a tunnel that has ended in both directions.
  if (framing_ == Framing::until_close && state_ == State::dead && !failed_) transport_->flush();
  // A FIN in the middle of an exchange could be taken for the half-close of somebody who still
  // waits for the response.
  if (cut_) transport_->close_with_reset();
  state_ = State::dead;
  resume_.unlink();
  pending_.clear();
  transport_.reset();
}

void H1ClientConnection::on_bytes(Buffer& bytes) {
  if (state_ == State::idle || state_ == State::done) {
    // Nobody asked for these (edge cases 10, 11).
    found_surplus();
    if (std::exchange(state_, State::dead) == State::idle)
      owner_.on_idle_end(*this, Violation::surplus);
    return;
  }
  if (state_ == State::dead) return;
  if (state_ == State::head && transport_->written() == written_before_) {
    // Sent before a byte of the request had left: whatever it is, it is no answer to it.
    found_surplus();
    return fail(Violation::gone);
  }
  if (delivering_ && careful_turn_ == UINT64_MAX) careful_turn_ = loop_.turn();
  if (pending_.empty()) {
    process(bytes);
    if (state_ != State::dead) pending_.append(std::move(bytes));
  } else {
    pending_.append(std::move(bytes));
    process(pending_);
  }
  if (state_ != State::dead) apply_reading();
}

void H1ClientConnection::resume() {
  process(pending_);
  if (state_ != State::dead) apply_reading();
}

void H1ClientConnection::process(Buffer& bytes) {
  bool more = true;
  while (more) {
    switch (state_) {
      case State::head:
        more = read_head(bytes);
        break;
      case State::body:
        more = read_body(bytes);
        break;
      case State::tunnel:
        more = read_tunnel(bytes);
        break;
      case State::idle:
      case State::done:
        return;
      case State::dead:
        bytes.clear();
        return;
    }
  }
}

bool H1ClientConnection::read_head(Buffer& bytes) {
  switch (head_.feed(bytes, 0, limits_.response_head)) {
    case HeadReader::Status::complete:
      break;
    case HeadReader::Status::failed:
      fail(head_.violation());
      return false;
    case HeadReader::Status::incomplete:
      if (ended_) head_.started() ? fail(Violation::incomplete) : end_unanswered();
      return false;
  }
  auto parsed = parse_response(head_.head(), limits_.head_fields, method_, upgrade_);
  if (!parsed.has_value()) {
    fail(parsed.error());
    return false;
  }
  const ResponseHead& head = parsed->head;
  if (is_interim(head.status)) {
    if (!interim_.take(head_.head().size(), loop_.now_ms())) {
      fail(Violation::too_many_interim);
      return false;
    }
    events_->on_head(head, Ends::no);
    if (state_ != State::dead) head_.release(bytes);
    return true;
  }
  if (head.status == 101 && websocket_ != nullptr && !websocket_->answered_by(head.fields)) {
    fail(Violation::bad_websocket_accept);
    return false;
  }
  persistent_ = parsed->persistent;
  keep_alive_seconds_ = parsed->keep_alive_seconds;
  if (head.status == 101) {
    // What has not left of the request would be taken for the first bytes of the other protocol.
    if (!request_sent_ || transport_->unsent() > 0) {
      fail(Violation::bad_switch);
      return false;
    }
    persistent_ = false;
    state_ = State::tunnel;
    framing_ = Framing::until_close;
    request_sent_ = false;  // what goes into the tunnel has an end of its own
    events_->on_head(head, Ends::no);
  } else if (!parsed->has_body) {
    state_ = State::done;
    // Bytes behind a complete response belong to nobody.
    if (bytes.size() > (head_.started() ? 0 : head_.head().size())) {
      found_surplus();
    }
    events_->on_head(head, Ends::yes);
  } else {
    state_ = State::body;
    if (head.body.kind == BodyLength::Kind::known) {
      body_.start_length(head.body.bytes);
    } else if (head.fields.find(FieldId::transfer_encoding) != nullptr) {
      body_.start_chunked(limits_.response_head);
    } else {
      body_.start_until_close();
    }
    events_->on_head(head, Ends::no);
  }
  if (state_ == State::dead) return false;
  head_.release(bytes);
  // A head that came alone: its sender may wait for our acknowledgement with the body.
  if (state_ == State::body && bytes.empty()) transport_->acknowledge();
  return true;
}

bool H1ClientConnection::read_body(Buffer& bytes) {
  if (!delivering_) return false;
  if (bytes.empty()) {
    if (!ended_) return false;
    if (body_.ends_with_connection() && error_.number == 0) {
      end_body(bytes, false);
    } else {
      fail(Violation::incomplete);
    }
    return false;
  }
  Buffer out;
  switch (body_.read(bytes, out, loop_.turn())) {
    case BodyReader::Status::more:
      if (!out.empty()) events_->on_body(out, Ends::no);
      return true;
    case BodyReader::Status::paused:
      if (!out.empty()) events_->on_body(out, Ends::no);
      if (state_ != State::body) return true;
      loop_.mark_later(resume_);
      return false;
    case BodyReader::Status::end:
      end_body(out, !bytes.empty());
      return false;
    case BodyReader::Status::failed:
      fail(body_.violation());
      return false;
  }
  return false;
}

// The receiver of the last event may give the connection back, and somebody else may take it,
// before the call returns: nothing is touched afterwards.
void H1ClientConnection::end_body(Buffer& out, bool surplus) {
  if (surplus) found_surplus();
  if (body_.trailers().empty()) {
    body_.release();
    state_ = State::done;
    events_->on_body(out, Ends::yes);
    return;
  }
  if (!out.empty()) events_->on_body(out, Ends::no);
  if (state_ != State::body) return;
  const std::string text(body_.trailers());
  body_.release();
  const auto trailers = parse_trailers(text, field_room().first(limits_.head_fields));
  if (!trailers.has_value()) return fail(trailers.error());
  state_ = State::done;
  events_->on_trailers(*trailers);
}

bool H1ClientConnection::read_tunnel(Buffer& bytes) {
  if (!delivering_) return false;
  if (!bytes.empty()) {
    Buffer out = std::move(bytes);
    events_->on_body(out, Ends::no);
    return true;
  }
  if (!ended_) return false;
  if (error_.number != 0) {
    fail(Violation::incomplete);
  } else {
    state_ = State::done;
    events_->on_body(bytes, Ends::yes);
  }
  return false;
}

void H1ClientConnection::send_head(const RequestHead& head, Ends ends) {
  method_ = head.method;
  upgrade_ = head.upgrade;
  framing_ = Framing::none;
  if (ends == Ends::no)
    framing_ = head.body.kind == BodyLength::Kind::known ? Framing::length : Framing::chunked;
  websocket_.reset();
  if (head.upgrade_required) websocket_ = std::make_unique<WebSocketHandshake>();
  write_request_head(transport_->output(), head, framing_,
                     websocket_ == nullptr ? std::string_view() : websocket_->key());
  transport_->send();
  if (ends == Ends::yes) message_sent();
}

// Nothing more to one that has ended: a reset that answers it would say nothing of the rest.
void H1ClientConnection::send_body(Buffer&& bytes, Ends ends) {
  if (state_ == State::dead || doubt_.armed()) return;
  write_body(transport_->output(), std::move(bytes), framing_, ends == Ends::yes);
  transport_->send();
  if (ends == Ends::yes) message_sent();
}

void H1ClientConnection::send_trailers(const Fields& trailers) {
  if (state_ == State::dead || doubt_.armed()) return;
  if (framing_ == Framing::chunked) write_trailers(transport_->output(), trailers);
  transport_->send();
  message_sent();
}

void H1ClientConnection::message_sent() {
  request_sent_ = true;
  if (framing_ == Framing::until_close) transport_->finish_writing();
}

bool H1ClientConnection::has_room() const {
  return transport_->unsent() < kOutputHighWater;
}

void H1ClientConnection::set_reading(bool wanted) {
  if (wanted == delivering_) return;
  delivering_ = wanted;
  if (!wanted) paused_turn_ = loop_.turn();
  if (wanted && loop_.turn() > paused_turn_) careful_turn_ = UINT64_MAX;
  apply_reads();
  if (wanted && (!pending_.empty() || ended_)) loop_.mark_dirty(resume_);
}

// The client may take nothing of the body that comes with the head, and little when it has just
// made room: that shows when the turn has ended. (What was written within the turn was taken.)
void H1ClientConnection::apply_reads() {
  using net::Reads;
  const bool in_body = state_ == State::body || state_ == State::tunnel;
  const bool flows = in_body && loop_.turn() > careful_turn_;
  transport_->set_reads(!delivering_ ? Reads::sparingly : flows ? Reads::freely : Reads::modestly);
}

void H1ClientConnection::apply_reading() {
  apply_reads();
  transport_->set_reading(!ended_ && pending_.size() < kReadAhead);
}

bool H1ClientConnection::take_back() {
  if (state_ == State::dead || transport_->written() != written_before_ ||
      transport_->write_pending())
    return false;
  transport_->output().clear();
  return true;
}

void H1ClientConnection::reset() {
  if (state_ != State::done) state_ = State::dead;
  persistent_ = false;
  pending_.clear();
}

void H1ClientConnection::on_flush(net::Flushed flushed) {
  if (events_ == nullptr || state_ == State::dead) return;
  if (flushed == net::Flushed::all) {
    events_->on_room();
  } else {
    events_->on_stall();
  }
}

}  // namespace onehop::http::h1
