// SPDX-License-Identifier: MIT
#include "exchange.h"

#include <algorithm>
#include <utility>

#include "at_once.h"
#include "connection_auth.h"
#include "grpc.h"
#include "local_reply.h"
#include "message_fields.h"
#include "upgrade.h"

namespace onehop::proxy {
using http::Ends;
using telemetry::Doing;
using telemetry::Phase;

Exchange::Exchange(Proxy& proxy, http::ServerStream& downstream, const http::Client& client,
                   const http::HeadTimes& times)
    : epoch_(*proxy.epoch_),
      proxy_(proxy),
      downstream_(downstream),
      client_(client),
      terms_(epoch_->snapshot().terms_of(client)),
      route_(&epoch_->no_route()),
      deadlines_(proxy.parts_.loop, epoch_->server().timeouts, *this) {
  proxy_.parts_.shard.downstream.in_flight.add(1);
  clock_.start(times.first_byte_ns, Phase::request_head_read, Doing::wait);
  clock_.enter(Phase::route_and_queue_wait, Doing::work, times.last_byte_ns);
  notes_ = AccessNotes::make(epoch_->snapshot().access(), proxy.parts_, arena_);
  attempt_.note_in(notes_);
}

Exchange::~Exchange() {
  if (state_ != State::done) finish(Outcome::stopped);
  proxy_.parts_.shard.downstream.in_flight.add(-1);
}

void Exchange::on_head(const http::RequestHead& received, Ends ends) {
  const Snapshot& snapshot = epoch_->snapshot();
  http::RequestHead head = received;
  if (notes_ != nullptr) notes_->asked(received);
  const Trust trust{snapshot.trusts(client_), snapshot.trusted()};
  const auto who = identify(head, client_, trust, arena_);
  if (notes_ != nullptr && who.has_value()) notes_->came_from(who->address);
  client_minor_ = head.version_minor;
  grpc_ = is_grpc(head.fields);
  asked_ = ends == Ends::yes ? Asked::all : Asked::body;
  if (head.body.kind == http::BodyLength::Kind::unknown)
    body_kind_ = grpc_ ? BodyKind::conversation : BodyKind::open;
  request_id_ = proxy_.request_id(head.fields, arena_);
  const auto way = routing::find_way(snapshot.router(), snapshot.server().paths, head.authority,
                                     head.target, arena_);
  if (!way.has_value()) return reply(Outcome::ambiguous_path, routing::sentence_of(way.error()));
  head.target = way->target;  // matched, forwarded and redirected to alike
  if (way->match.has_value()) {
    route_ = &epoch_->route(way->match->route);
    attempt_.take_route(snapshot.route_labels()[way->match->route], grpc_);
  }
  const auto at_once = answer_at_once(head, client_, terms_, snapshot.server().limits, arena_);
  if (at_once.has_value()) return reply(at_once->outcome, at_once->detail);
  if (ask_limits(head, *way, who)) return reply(Outcome::rate_limited, rated_->detail);
  if (!way->match.has_value()) return reply(Outcome::no_route, {});
  upstream_ = &epoch_->upstream(way->match->upstream);
  settings_ = &epoch_->config_of_upstream(way->match->upstream);
  if (const auto refused = make_request(head, trust, who)) return reply(*refused, {});
  if (asked_ == Asked::body && request_.fields.find(http::FieldId::expect) != nullptr)
    asked_ = Asked::held;
  account();
  deadlines_.limit_request(timeouts().request);
  const Bonds::Entry* const bound = Bonds::ready(client_, *upstream_);
  upstream::Endpoint* const known = bound != nullptr ? upstream_->find(bound->endpoint) : nullptr;
  upstream::Endpoint* const first = known != nullptr ? known : choose();
  if (first == nullptr) return reply(Outcome::no_endpoint, {});
  attempt_next(*policy_.next(first->id()), *first, known != nullptr ? bound->bond.get() : nullptr);
}

// What is sent upstream, or why nothing is.
std::optional<Outcome> Exchange::make_request(const http::RequestHead& head, const Trust& trust,
                                              const Result<ClientIdentity, Outcome>& who) {
  const config::Via via = epoch_->server().via;
  const bool counted = via == config::Via::requests || via == config::Via::both;
  if (counted && goes_in_circles(head.fields)) return Outcome::proxy_loop;
  if (!who.has_value()) return who.error();
  affinity_ = Affinity::of(*upstream_, head, *who);
  request_ = forwarded_request(head,
                               {client_, trust.peer, terms_, *who, request_id_,
                                epoch_->snapshot().guarded(), via, own_cookie(*upstream_)},
                               arena_);
  proxy_.parts_.shard.downstream.fields_dropped.add(head.fields.count(http::FieldId::alias));
  binds_ = authenticates_connection(request_.fields);
  needs_http1_ = binds_ || needs_http1(request_.upgrade);
  return std::nullopt;
}

// The one way from an attempt that came to nothing to the next one, or to its failure.
void Exchange::attempt_again(const FailedAttempt& failure, std::string_view detail) {
  if (!policy_.allows(failure, settings_->retries)) return fail(failure.outcome, detail);
  const upstream::Endpoint* const another = choose();
  auto next = policy_.next(another != nullptr ? std::optional(another->id()) : std::nullopt);
  upstream::Endpoint* endpoint = nullptr;
  while (next.has_value() && (endpoint = upstream_->find(next->endpoint)) == nullptr)
    next = policy_.instead();
  if (endpoint == nullptr) return fail(failure.ends_with(), detail);
  pass_over(*endpoint, failure.gives_way());
  attempt_next(*next, *endpoint);
}

// What was waited for here is this endpoint's; another one begins with a clock of its own.
void Exchange::pass_over(const upstream::Endpoint& next, Outcome outcome) {
  deadlines_.heard();
  clock_.enter(Phase::route_and_queue_wait, Doing::work, now());
  if (measured_ && &next != attempt_.endpoint()) {
    const uint64_t ended = now();
    clock_.stop(ended);
    measured_->counters().record(clock_);
    measured_.reset();
    if (notes_ != nullptr) notes_->pass(clock_);
    clock_.restart(ended, Phase::route_and_queue_wait, Doing::work);
  }
  attempt_.give_way(outcome);
}

void Exchange::attempt_next(const RetryPolicy::Next& next, upstream::Endpoint& endpoint,
                            upstream::Bond* bond) {
  state_ = State::waiting;
  settle();  // the body waits for the stream that it belongs to
  const uint64_t asked = now();
  clock_.enter(Phase::pool_wait, Doing::work, asked);
  const Attempt::Started started = attempt_.start(endpoint, want(next, bond));
  // One that refused at once got nothing and kept nobody waiting.
  if (started != Attempt::Started::refused) measured_ = upstream::EndpointPin(endpoint);
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

void Exchange::on_stream(http::ClientStream& stream) {
  state_ = State::forwarding;
  clock_.enter(Phase::request_write, Doing::work, now());
  http::RequestHead head = request_;
  if (head.authority.empty()) head.authority = attempt_.endpoint()->name();
  if (binds_) bind_connection();
  const Ends ends = asked_ == Asked::all ? Ends::yes : Ends::no;
  stream.send_head(head, sent_body_.untouched() ? ends : Ends::no);
  if (!sent_body_.untouched()) stream.send_body(sent_body_.again(), ends);
  // Also with Expect: until the endpoint says to continue, it is the endpoint that is waited for.
  if (asked_ != Asked::body) deadlines_.await(timeouts().response_head);
  settle();
}

void Exchange::on_body(Buffer& bytes, Ends ends) {
  const bool tunnel = state_ == State::tunnel;
  if (!tunnel && (state_ != State::forwarding || answered_ == Answered::all)) return;
  if (let_go()) deadlines_.heard();
  const size_t size = bytes.size();
  body_bytes_ += size;
  const uint64_t limit = epoch_->server().limits.request_body;
  if (limit != 0 && body_bytes_ > limit && !tunnel) return fail(Outcome::body_too_large, {});
  if (clock_.phase() == Phase::request_write)
    clock_.enter(Phase::request_write, Doing::work, now());
  sent_body_.sends(bytes, may_go_again() && !response_begun());
  attempt_.stream()->send_body(std::move(bytes), ends);
  if (tunnel) {
    deadlines_.await(timeouts().tunnel_idle);
  } else if (response_begun()) {
    deadlines_.await(timeouts().response_idle);
  } else {
    deadlines_.body_came(body_kind_, size);
  }
  if (ends == Ends::yes) request_ended();
  settle();
}

void Exchange::on_trailers(const http::Fields& trailers) {
  Buffer nothing;  // a tunnel has no trailers (RFC 9113 8.5): its end is what counts
  if (state_ == State::tunnel) return on_body(nothing, Ends::yes);
  if (state_ != State::forwarding || answered_ == Answered::all) return;
  sent_body_.sends(Buffer(), false);
  attempt_.stream()->send_trailers(
      forwarded_trailers(trailers, proxy_.field_room_, epoch_->snapshot().guarded()));
  request_ended();
  settle();
}

void Exchange::on_upstream_room() {
  if (asked_ == Asked::body && !response_begun()) deadlines_.heard();
  if (clock_.phase() == Phase::request_write) {
    clock_.enter(asked_ == Asked::all ? Phase::response_wait : Phase::request_write, Doing::wait,
                 now());
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
  if (challenges_connection(head.fields)) bind_connection();
  clock_.enter(Phase::response_body, Doing::work, now());
  deadlines_.heard();
  deadlines_.body_stopped();  // from here on it may be a conversation
  sent_body_.forget();
  answered_ = Answered::head;
  status_ = head.status;
  if (head.status == 101) return open_tunnel(head);
  http::ResponseHead out = for_client(head);
  // Answered instead of told to continue: whether the client sends its body all the same cannot be
  // known (edge case 22).
  out.last_of_connection = let_go();
  downstream_.send_head(out, ends);
  if (ends == Ends::yes) return response_ended();
  deadlines_.await(timeouts().response_idle);
  settle();
}

// RFC 9110 15.2: passed on in order, and not at all to an HTTP/1.0 client.
void Exchange::send_interim(const http::ResponseHead& head) {
  answered_ = Answered::interim;
  sent_body_.forget();
  const bool room = downstream_.has_room();
  const bool awaited = head.status == 100 && let_go();
  if (client_minor_ >= 1 && (awaited || interim_backlog_.takes(head.fields, room)))
    downstream_.send_head(for_client(head), Ends::no);
  if (awaited) {
    deadlines_.heard();
    reading_body_ = false;  // settle() starts the body's deadline
  }
  if (asked_ == Asked::all) deadlines_.await(timeouts().response_head);
  settle();
}

void Exchange::open_tunnel(const http::ResponseHead& head) {
  state_ = State::tunnel;
  asked_ = Asked::body;  // of the tunnel, which begins
  deadlines_.lift_request_limit();
  downstream_.send_head(for_client(head), Ends::no);
  deadlines_.await(timeouts().tunnel_idle);
  settle();
}

void Exchange::on_response_body(Buffer& bytes, Ends ends) {
  if (clock_.doing() == Doing::wait && clock_.phase() == Phase::response_body) {
    clock_.enter(Phase::response_body, Doing::work, now());
  }
  response_bytes_ += bytes.size();
  downstream_.send_body(std::move(bytes), ends);
  if (ends == Ends::yes) return response_ended();
  deadlines_.await(state_ == State::tunnel ? timeouts().tunnel_idle : timeouts().response_idle);
  settle();
}

void Exchange::on_response_trailers(const http::Fields& trailers) {
  if (request_.trailers_accepted) {
    downstream_.send_trailers(forwarded_trailers(trailers, proxy_.field_room_, {}));
  } else {
    downstream_.send_body(Buffer(), Ends::yes);
  }
  response_ended();
}

// The endpoint has done its part: its connection is free (or, if it answered before it had the
// whole request, of no more use).
void Exchange::response_ended() {
  answered_ = Answered::all;
  if (state_ == State::tunnel && asked_ != Asked::all) return settle();
  deadlines_.stop();
  attempt_.finish(status_, Outcome::ok);
  on_response_waiting(0);
  downstream_.set_reading(false);
}

void Exchange::on_upstream_reset(const http::StreamError& why) {
  const bool stale = attempt_.reused() && !why.connection_lives;
  const Outcome outcome = stale && why.proven_unseen ? Outcome::proven_unseen
                                                     : outcome_of_response(why.violation, stale);
  const std::string_view detail = row_of(why.violation).sentence;
  if (answered_ != Answered::nothing) return fail(outcome, detail);
  // Those that were pooled beside it are of the same age and most likely gone too (edge case 5). A
  // refused stream says nothing about its connection.
  const bool closed = outcome == Outcome::upstream_closed_idle || outcome == Outcome::proven_unseen;
  if (!why.refused && closed) attempt_.met_closed(why);
  FailedAttempt failure = failure_of(why, outcome, request_.method, sent_body_);
  failure.proven = why.proven_unseen && settings_->retry_unseen;
  failure.shared = attempt_.may_be_refused();
  attempt_again(failure, detail);
}

void Exchange::fail(Outcome outcome, std::string_view detail) {
  if (!response_begun() || downstream_.take_back()) return reply(outcome, detail);
  // A response of which the client has a part is cut, never added to (edge case 17).
  finish(outcome);
  downstream_.reset();
}

void Exchange::reply(Outcome outcome, std::string_view detail) {
  outcome_ = outcome;
  attempt_.finish(0, outcome);
  on_response_waiting(0);
  deadlines_.stop();
  state_ = State::replying;
  clock_.enter(Phase::response_body, Doing::work, now());
  status_ = row_of(outcome).status;
  answered_ = Answered::all;
  if (request_id_.empty()) request_id_ = proxy_.request_id({}, arena_);
  response_bytes_ = send_local_reply(
      {downstream_, outcome, detail, strict_transport_security(client_, terms_, arena_),
       returned_id(), grpc_, rated_},
      arena_);
}

void Exchange::on_room() {
  if (state_ == State::done) return;
  const bool one_way = state_ == State::tunnel && asked_ != Asked::all;
  if (answered_ == Answered::all && !one_way) return finish(outcome_);
  if (response_begun()) clock_.enter(Phase::response_body, Doing::wait, now());
  settle();
}

void Exchange::on_stall() {
  if (response_begun() && state_ != State::done)
    clock_.enter(Phase::downstream_write_stall, Doing::wait, now());
  settle();
}

void Exchange::on_reset(const http::StreamError& why) {
  if (state_ == State::done) return;
  const Outcome outcome = outcome_of_request(why.violation);
  if (why.may_answer && !response_begun()) return reply(outcome, row_of(why.violation).sentence);
  finish(outcome);
}

// The end: counted once, whatever led to it.
void Exchange::finish(Outcome outcome) {
  if (state_ == State::done) return;
  state_ = State::done;
  clock_.stop(now());
  deadlines_.stop();
  attempt_.finish(response_begun() ? status_ : 0, outcome);
  proxy_.parts_.shard.downstream.requests.add(telemetry::status_class(status_));
  proxy_.parts_.shard.downstream.outcomes.add(static_cast<size_t>(outcome));
  route_->record(status_, clock_.since_began());
  if (measured_) measured_->counters().record(clock_);
  if (notes_ != nullptr) write_down(outcome);
}

// What a request and its response take while they wait, beyond what all do.
void Exchange::account() {
  const size_t kept = arena_.chunk_bytes() + sent_body_.bytes() + waiting_;
  if (kept != std::exchange(kept_, kept)) downstream_.set_kept(kept);
}

// The one place that decides who may send: each side reads while the other has room.
void Exchange::settle() {
  account();
  http::ClientStream* stream = attempt_.stream();
  const bool open = (state_ == State::forwarding || state_ == State::tunnel) && stream != nullptr;
  const bool want_body = open && asked_ != Asked::all && stream->has_room();
  if (want_body && !reading_body_ && !response_begun() && asked_ == Asked::body)
    deadlines_.watch_body(body_kind_);
  // An endpoint that does not take the body is as silent as one that does not answer.
  const bool blocked = open && asked_ != Asked::all && !response_begun() && !stream->has_room();
  if (blocked && !deadlines_.awaiting()) deadlines_.await(timeouts().response_head);
  reading_body_ = want_body;
  if (!want_body) deadlines_.body_stopped();
  downstream_.set_reading(want_body);
  if (open) stream->set_reading(downstream_.has_room());
}

void Exchange::on_silence() {
  if (state_ == State::tunnel) return fail(Outcome::tunnel_idle_timeout, {});
  // While the client does not take what is there, the endpoint is not to blame.
  if (response_begun() && !downstream_.has_room())
    return deadlines_.await(timeouts().response_idle);
  fail(response_begun() ? Outcome::response_idle_timeout : Outcome::response_head_timeout, {});
}

}  // namespace onehop::proxy
