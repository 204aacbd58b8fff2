// SPDX-License-Identifier: MIT
#include "exchange.h"

#include <algorithm>
#include <utility>

#include "local_reply.h"
#include "message_fields.h"
#include "onehop/base/ascii.h"

namespace onehop::proxy {
using http::Ends;
using telemetry::Doing;
using telemetry::Phase;

Exchange::Exchange(Proxy& proxy, http::ServerStream& downstream, const http::Client& client,
                   const http::HeadTimes& times)
    : proxy_(proxy), downstream_(downstream), client_(client) {
  proxy_.parts_.counters.in_flight.add(1);
  clock_.start(times.first_byte_ns, Phase::request_head_read, Doing::wait);
  clock_.enter(Phase::route_and_queue_wait, Doing::work, times.last_byte_ns);
}

Exchange::~Exchange() {
  if (state_ != State::done) finish(Outcome::stopped);
  proxy_.parts_.counters.in_flight.add(-1);
}

void Exchange::on_head(const http::RequestHead& head, Ends ends) {
  client_minor_ = head.version_minor;
  const http::Field* type = head.fields.find(http::FieldId::content_type);
  grpc_ = type != nullptr && type->value.starts_with("application/grpc");
  request_ended_ = ends == Ends::yes;
  if (answered_here(head)) return;
  upstream_ = proxy_.route(head.authority, head.target);
  if (upstream_ == nullptr) return reply(Outcome::no_route, {});
  request_ = forwarded_request(head, client_, proxy_.fresh_request_id(), arena_,
                               proxy_.parts_.reserved_fields);
  awaiting_continue_ = !request_ended_ && request_.fields.find(http::FieldId::expect) != nullptr;
  const auto limit = upstream_->config().timeouts.request.count();
  if (limit > 0) proxy_.parts_.loop.arm(request_deadline_, static_cast<uint64_t>(limit));
  choose();
}

// What needs no endpoint: refusals that the head alone decides, and the end of a Max-Forwards count
// (RFC 9110 7.6.2).
bool Exchange::answered_here(const http::RequestHead& head) {
  if (client_.listener != nullptr && client_.listener->redirect_to_https != 0) {
    const auto location = https_location(head, client_, arena_);
    reply(location.empty() ? Outcome::bad_request : Outcome::redirected, location);
    return true;
  }
  const uint64_t limit = proxy_.parts_.server.limits.request_body;
  if (limit != 0 && head.body.kind == http::BodyLength::Kind::known && head.body.bytes > limit) {
    reply(Outcome::body_too_large, {});
    return true;
  }
  const http::Field* expect = head.fields.find(http::FieldId::expect);
  if (expect != nullptr && head.version_minor >= 1 &&
      !equals_ignoring_case(expect->value, "100-continue")) {
    reply(Outcome::expectation_unknown, {});
    return true;
  }
  if (head.method != http::Method::options && head.method != http::Method::trace) return false;
  const http::Field* hops = head.fields.find(http::FieldId::max_forwards);
  if (hops == nullptr || parse_decimal(hops->value) != uint64_t{0}) return false;
  reply(head.method == http::Method::options ? Outcome::answered_here : Outcome::method_unknown,
        {});
  return true;
}

void Exchange::choose() {
  const auto picked = upstream_->pick(std::span(tried_).first(tried_count_));
  if (!picked.has_value() || tried_count_ == kMaxTried) {
    // Every endpoint was tried: the last one's failure is the answer.
    return fail(outcome_of(attempt_.error()), {});
  }
  if (attempt_.active()) pass_over();
  tried_[tried_count_++] = static_cast<uint16_t>(*picked);
  start_attempt(upstream_->endpoint(*picked), Connection::any);
}

// What was waited for here is this endpoint's; the next one begins with a clock of its own.
void Exchange::pass_over() {
  if (measured_ != nullptr) {
    const uint64_t ended = now();
    clock_.stop(ended);
    measured_->record(clock_);
    clock_.start(ended, Phase::route_and_queue_wait, Doing::work);
  }
  attempt_.give_way(outcome_of(attempt_.error()));
}

void Exchange::start_attempt(upstream::Endpoint& endpoint, Connection connection) {
  state_ = State::waiting;
  settle();  // the body waits for the stream that it belongs to
  const uint64_t asked = now();
  clock_.enter(Phase::pool_wait, Doing::work, asked);
  const upstream::Want want{.fresh = connection == Connection::fresh,
                            .upgrade = equals_ignoring_case(request_.upgrade, "websocket")};
  const Attempt::Started started = attempt_.start(endpoint, want);
  // An endpoint that refused at once got nothing and kept nobody waiting, unless this is a retry.
  if (started != Attempt::Started::refused) {
    measured_ = &endpoint.counters();
  } else if (!want.fresh) {
    measured_ = nullptr;
  }
  switch (started) {
    case Attempt::Started::streaming:
      return on_stream(*attempt_.stream());
    case Attempt::Started::refused:
      return no_connection(attempt_.error());
    case Attempt::Started::dialing:
      // The pool had nothing: all that it did since was to begin the dial.
      return clock_.enter(Phase::connect, Doing::wait, asked);
    case Attempt::Started::queued:
      return clock_.enter(Phase::route_and_queue_wait, Doing::wait, now());
  }
}

void Exchange::on_dialing() {
  clock_.enter(Phase::connect, Doing::wait, now());
}

void Exchange::on_queued() {
  clock_.enter(Phase::route_and_queue_wait, Doing::wait, now());
}

// The endpoint never saw the request, so any method may go elsewhere.
void Exchange::no_connection(const upstream::LeaseError& error) {
  const Outcome outcome = outcome_of(error);
  if (row_of(outcome).again != Again::elsewhere) return fail(outcome, {});
  clock_.enter(Phase::route_and_queue_wait, Doing::work, now());
  choose();
}

void Exchange::on_stream(http::ClientStream& stream) {
  state_ = State::forwarding;
  clock_.enter(Phase::request_write, Doing::work, now());
  http::RequestHead head = request_;
  if (head.authority.empty()) head.authority = attempt_.endpoint()->name();
  const Ends ends = request_ended_ ? Ends::yes : Ends::no;
  stream.send_head(head, sent_body_.untouched() ? ends : Ends::no);
  if (!sent_body_.untouched()) stream.send_body(sent_body_.again(), ends);
  // Also with Expect: until the endpoint says to continue, it is the endpoint that is waited for.
  if (request_ended_ || awaiting_continue_)
    wait_at_most(upstream_->config().timeouts.response_head);
  settle();
}

void Exchange::on_body(Buffer& bytes, Ends ends) {
  if (state_ != State::forwarding || (response_ended_ && !tunnel_)) return;
  if (std::exchange(awaiting_continue_, false)) silence_.disarm();
  const size_t size = bytes.size();
  body_bytes_ += size;
  const uint64_t limit = proxy_.parts_.server.limits.request_body;
  if (limit != 0 && body_bytes_ > limit && !tunnel_) return fail(Outcome::body_too_large, {});
  if (clock_.phase() == Phase::request_write)
    clock_.enter(Phase::request_write, Doing::work, now());
  sent_body_.sends(bytes, attempt_.may_be_refused() && !response_begun_);
  attempt_.stream()->send_body(std::move(bytes), ends);
  if (tunnel_) {
    wait_at_most(upstream_->config().timeouts.tunnel_idle);
  } else if (response_begun_) {
    wait_at_most(upstream_->config().timeouts.response_idle);
  } else {
    watch_body(size);
  }
  if (ends == Ends::yes) request_ended();
  settle();
}

void Exchange::on_trailers(const http::Fields& trailers) {
  if (state_ != State::forwarding || response_ended_) return;
  sent_body_.sends(Buffer(), false);
  attempt_.stream()->send_trailers(
      forwarded_trailers(trailers, proxy_.field_room_, proxy_.parts_.reserved_fields));
  request_ended();
  settle();
}

void Exchange::request_ended() {
  request_ended_ = true;
  body_deadline_.disarm();
  if (!response_begun_ && !tunnel_) wait_at_most(upstream_->config().timeouts.response_head);
}

void Exchange::on_upstream_room() {
  if (!request_ended_ && !response_begun_ && !awaiting_continue_) silence_.disarm();
  if (clock_.phase() == Phase::request_write) {
    clock_.enter(request_ended_ ? Phase::response_wait : Phase::request_write, Doing::wait, now());
  }
  settle();
}

void Exchange::on_upstream_stall() {
  if (clock_.phase() == Phase::request_write)
    clock_.enter(Phase::request_write, Doing::wait, now());
  settle();
}

void Exchange::on_response_head(const http::ResponseHead& head, Ends ends) {
  if (http::is_interim(head.status)) return send_interim(head);
  if (request_.upgrade_required && head.status >= 200 && head.status < 300)
    return fail(Outcome::upstream_bad_response, "The endpoint did not switch protocols");
  clock_.enter(Phase::response_body, Doing::work, now());
  silence_.disarm();
  body_deadline_.disarm();  // from here on it may be a conversation
  sent_body_.forget();
  response_begun_ = true;
  status_ = head.status;
  if (head.status == 101) return open_tunnel(head);
  http::ResponseHead out = forwarded_response(head, request_.trailers_accepted, proxy_.field_room_,
                                              strict_transport_security(client_, arena_));
  // Answered instead of told to continue: whether the client sends its body all the same cannot be
  // known (edge case 22).
  out.last_of_connection = std::exchange(awaiting_continue_, false);
  downstream_.send_head(out, ends);
  if (ends == Ends::yes) return response_ended();
  wait_at_most(upstream_->config().timeouts.response_idle);
  settle();
}

// RFC 9110 15.2: passed on in order, and not at all to an HTTP/1.0 client.
void Exchange::send_interim(const http::ResponseHead& head) {
  interim_seen_ = true;
  sent_body_.forget();
  if (client_minor_ >= 1)
    downstream_.send_head(forwarded_response(head, false, proxy_.field_room_), Ends::no);
  if (head.status == 100 && std::exchange(awaiting_continue_, false)) {
    silence_.disarm();
    reading_body_ = false;  // settle() starts the body's deadline
  }
  if (request_ended_) wait_at_most(upstream_->config().timeouts.response_head);
  settle();
}

void Exchange::open_tunnel(const http::ResponseHead& head) {
  tunnel_ = true;
  request_ended_ = false;  // from here on both directions are bytes
  request_deadline_.disarm();
  downstream_.send_head(forwarded_response(head, false, proxy_.field_room_), Ends::no);
  wait_at_most(upstream_->config().timeouts.tunnel_idle);
  settle();
}

void Exchange::on_response_body(Buffer& bytes, Ends ends) {
  if (clock_.doing() == Doing::wait && clock_.phase() == Phase::response_body) {
    clock_.enter(Phase::response_body, Doing::work, now());
  }
  downstream_.send_body(std::move(bytes), ends);
  if (ends == Ends::yes) return response_ended();
  wait_at_most(tunnel_ ? upstream_->config().timeouts.tunnel_idle
                       : upstream_->config().timeouts.response_idle);
  settle();
}

void Exchange::on_response_trailers(const http::Fields& trailers) {
  if (request_.trailers_accepted) {
    downstream_.send_trailers(forwarded_trailers(trailers, proxy_.field_room_));
  } else {
    downstream_.send_body(Buffer(), Ends::yes);
  }
  response_ended();
}

// The endpoint has done its part: its connection is free (or, if it answered before it had the
// whole request, of no more use).
void Exchange::response_ended() {
  response_ended_ = true;
  if (tunnel_ && !request_ended_) return settle();
  silence_.disarm();
  body_deadline_.disarm();
  request_deadline_.disarm();
  attempt_.finish(status_, Outcome::ok);
  downstream_.set_reading(false);
}

void Exchange::on_upstream_reset(const http::StreamError& why) {
  const bool stale = attempt_.reused() && !why.connection_lives;
  const Outcome outcome = outcome_of_response(why.violation, stale);
  const bool again =
      !response_begun_ && !interim_seen_ &&
      retries_.allowed(why, outcome, request_.method, sent_body_, upstream_->config().retries);
  if (!again) return fail(outcome, row_of(why.violation).sentence);
  retries_.count(why);
  upstream::Endpoint& endpoint = *attempt_.endpoint();
  attempt_.give_way(why.refused ? Outcome::upstream_refused : outcome);
  silence_.disarm();
  // A refused stream says nothing about its connection.
  if (why.refused) return start_attempt(endpoint, Connection::any);
  // Those that were pooled beside it are of the same age and most likely gone too (edge case 5).
  endpoint.pool().discard_idle(telemetry::OpenReason::peer_closed_idle);
  start_attempt(endpoint, Connection::fresh);
}

void Exchange::fail(Outcome outcome, std::string_view detail) {
  if (!response_begun_ || downstream_.take_back()) return reply(outcome, detail);
  // A response of which the client has a part is cut, never added to (edge case 17).
  finish(outcome);
  downstream_.reset();
}

void Exchange::reply(Outcome outcome, std::string_view detail) {
  outcome_ = outcome;
  attempt_.finish(0, outcome);
  silence_.disarm();
  request_deadline_.disarm();
  body_deadline_.disarm();
  state_ = State::replying;
  clock_.enter(Phase::response_body, Doing::work, now());
  status_ = row_of(outcome).status;
  response_begun_ = response_ended_ = true;
  send_local_reply(
      {downstream_, outcome, detail, strict_transport_security(client_, arena_), grpc_}, arena_);
}

void Exchange::on_room() {
  if (state_ == State::done) return;
  if (response_ended_ && (!tunnel_ || request_ended_)) return finish(outcome_);
  if (response_begun_) clock_.enter(Phase::response_body, Doing::wait, now());
  settle();
}

void Exchange::on_stall() {
  if (response_begun_ && state_ != State::done)
    clock_.enter(Phase::downstream_write_stall, Doing::wait, now());
  settle();
}

void Exchange::on_reset(const http::StreamError& why) {
  if (state_ == State::done) return;
  const Outcome outcome = outcome_of_request(why.violation);
  if (why.may_answer && !response_begun_) return reply(outcome, row_of(why.violation).sentence);
  finish(outcome);
}

// The end: counted once, whatever led to it.
void Exchange::finish(Outcome outcome) {
  if (state_ == State::done) return;
  state_ = State::done;
  clock_.stop(now());
  silence_.disarm();
  request_deadline_.disarm();
  body_deadline_.disarm();
  attempt_.finish(response_begun_ ? status_ : 0, outcome);
  proxy_.parts_.counters.requests.add(static_cast<size_t>(status_ / 100));
  proxy_.parts_.counters.outcomes.add(static_cast<size_t>(outcome));
  if (measured_ != nullptr) measured_->record(clock_);
}

// The one place that decides who may send: each side reads while the other has room.
void Exchange::settle() {
  http::ClientStream* stream = attempt_.stream();
  const bool open = state_ == State::forwarding && stream != nullptr;
  const bool want_body = open && !request_ended_ && stream->has_room();
  if (want_body && !reading_body_ && !response_begun_ && !awaiting_continue_) watch_body(0);
  // An endpoint that does not take the body is as silent as one that does not answer.
  const bool blocked = open && !request_ended_ && !response_begun_ && !stream->has_room();
  if (blocked && !silence_.armed()) wait_at_most(upstream_->config().timeouts.response_head);
  reading_body_ = want_body;
  if (!want_body) body_deadline_.disarm();
  downstream_.set_reading(want_body);
  if (open) stream->set_reading(downstream_.has_room());
}

void Exchange::watch_body(size_t bytes) {
  const auto& timeouts = proxy_.parts_.server.timeouts;
  const auto grace = static_cast<uint64_t>(timeouts.request_body.count());
  if (grace == 0) return;
  net::Loop& loop = proxy_.parts_.loop;
  if (body_deadline_.armed())
    return pace_.earn(bytes, timeouts.request_body_min_rate, loop.now_ms(), grace);
  pace_.begin(loop.now_ms(), grace);
  loop.arm(body_deadline_, grace);
}

void Exchange::on_body_deadline() {
  net::Loop& loop = proxy_.parts_.loop;
  if (loop.now_ms() < pace_.due_ms())
    return loop.arm(body_deadline_, pace_.due_ms() - loop.now_ms());
  fail(Outcome::request_body_timeout, {});
}

void Exchange::wait_at_most(config::milliseconds limit) {
  if (limit.count() > 0) proxy_.parts_.loop.arm(silence_, static_cast<uint64_t>(limit.count()));
}

void Exchange::on_silence() {
  if (tunnel_) return fail(Outcome::tunnel_idle_timeout, {});
  // While the client does not take what is there, the endpoint is not to blame.
  if (response_begun_ && !downstream_.has_room())
    return wait_at_most(upstream_->config().timeouts.response_idle);
  fail(response_begun_ ? Outcome::response_idle_timeout : Outcome::response_head_timeout, {});
}

}  // namespace onehop::proxy
