// SPDX-License-Identifier: MIT
#include "server_connection.h"

#include <algorithm>
#include <utility>

#include "onehop/base/assert.h"
#include "onehop/http/h2.h"

namespace onehop::http::h2 {
namespace {

// A connection that is idle for so long rests: it gives up memory that it had for its requests.
constexpr uint64_t kRestMs = 1000;

Connection::Parts parts_of(net::Loop& loop, net::TransportPtr transport,
                           const ServerSettings& settings, Buffered* client,
                           StalledClients& stalled) {
  SessionOptions options;
  options.streams = settings.http2.streams;
  options.window = {static_cast<uint32_t>(settings.http2.stream_window),
                    static_cast<uint32_t>(settings.http2.max_stream_window),
                    growth_within(settings.limits.buffered)};
  const HeadLimits limits{settings.limits.request_line, settings.limits.request_head,
                          settings.limits.head_fields};
  options.head_bytes = limits.bytes;
  options.head_list_size = list_size_of_requests(limits);
  options.extended_connect = true;
  return {loop,
          std::move(transport),
          Role::server,
          options,
          limits,
          settings.http2.reset_burst,
          settings.http2.resets_per_second,
          WritePace::rule_of(settings.timeouts),
          {client, &stalled, settings.limits.buffered_per_connection,
           settings.limits.buffered_per_stream}};
}

}  // namespace

void serve(net::Loop& loop, net::TransportPtr transport, const Client& client, Service& service,
           const ServerSettings& settings, ServerConnections& owner) {
  settings.counters.accepted.add();
  settings.counters.open.add(1);
  settings.counters.idle.add(1);
  take_over(loop, std::move(transport), client, service, settings, owner, Buffer());
}

void take_over(net::Loop& loop, net::TransportPtr transport, const Client& client, Service& service,
               const ServerSettings& settings, ServerConnections& owner, Buffer&& first) {
  auto connection = std::make_unique<H2ServerConnection>(loop, std::move(transport), client,
                                                         service, settings, owner);
  H2ServerConnection& started = *connection;
  owner.adopt(std::move(connection));
  started.start(std::move(first));
}

H2ServerConnection::H2ServerConnection(net::Loop& loop, net::TransportPtr transport,
                                       const Client& client, Service& service,
                                       const ServerSettings& settings, ServerConnections& owner)
    : Connection(
          parts_of(loop, std::move(transport), settings, owner.join(client), owner.stalled())),
      service_(service),
      settings_(settings),
      owner_(owner),
      client_(client) {
  // One of many streams may be of many clients, when a proxy is before us: nothing is theirs.
  client_.attachment = nullptr;
}

H2ServerConnection::~H2ServerConnection() {
  ONEHOP_ASSERT(state_ == State::closed);
  held().set(0);
  owner_.leave(client_);
}

void H2ServerConnection::start(Buffer&& first) {
  settings_.counters.h2_connections.add();
  transport_->count_bytes(settings_.counters.bytes_received, settings_.counters.bytes_sent);
  Connection::start();
  owner_.shedding().rests(*this, Rest::silent);
  const auto wait = settings_.timeouts.request_head;
  if (wait.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(wait.count()));
  if (draining_ || owner_.draining()) go_away();
  if (!first.empty()) on_bytes(first);
}

void H2ServerConnection::on_bytes(Buffer& bytes) {
  const bool had_begun = head_begun_;
  const int32_t had = head_id_;
  Connection::on_bytes(bytes);
  if (state_ == State::closed) return;
  if (head_begun_ && (!had_begun || had != head_id_)) {
    times_.first_byte_ns = loop_.now_ns();
    const auto wait = settings_.timeouts.request_head;
    waits_for_head_ = true;
    if (idle_) owner_.shedding().rests(*this, Rest::begun);
    if (wait.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(wait.count()));
  } else if (!head_begun_ && had_begun) {
    watch();
  }
}

// What is waited for decides about the deadline.
void H2ServerConnection::watch() {
  deadline_.disarm();
  waits_for_head_ = false;
  rests_ = false;
  if (!idle_ || state_ != State::open) return;
  const auto wait = static_cast<uint64_t>(settings_.timeouts.idle.count());
  loop_.arm(deadline_, wait == 0 ? kRestMs : std::min(wait, kRestMs));
}

// True: it may stay so for a while.
bool H2ServerConnection::rest() {
  if (waits_for_head_ || std::exchange(rests_, true)) return false;
  session().rest();
  const auto wait = static_cast<uint64_t>(settings_.timeouts.idle.count());
  if (wait > kRestMs) loop_.arm(deadline_, wait - kRestMs);
  return wait == 0 || wait > kRestMs;
}

void H2ServerConnection::take_head(int32_t id, H2Stream*, HeadCollector& collector, bool ends) {
  times_.last_byte_ns = loop_.now_ns();
  if (times_.first_byte_ns == 0) times_.first_byte_ns = times_.last_byte_ns;
  if (std::exchange(idle_, false)) settings_.counters.idle.add(-1);
  Shedding::stirs(*this);
  deadline_.disarm();
  waits_for_head_ = false;
  const HeadTimes times = std::exchange(times_, {});
  last_taken_ = id;
  auto* const stream = new H2ServerStream(*this);
  adopt(*stream);
  bind(*stream, id);
  auto head = collector.request(client_.targets());
  if (!head.has_value()) {
    return stream->refuse(id, head.error(), collector.is_head_method(), service_, client_, times);
  }
  const bool tunnel = !head->upgrade.empty();
  if (ends || tunnel) {  // what follows is the tunnel's
    head->body = BodyLength::none();
  } else if (head->body.kind == BodyLength::Kind::none) {
    head->body = BodyLength::unknown();
  }
  stream->begin(id, *head, ends || tunnel ? Ends::yes : Ends::no, service_, client_, times);
  if (ends && tunnel) stream->receive_end();
}

// A client that goes on with a stream that it has ended, or with one that it passed over, has lost
// count (RFC 9113 5.1, 5.1.1). nghttp2 lets it.
void H2ServerConnection::on_frame_begin(const nghttp2_frame_hd& head) {
  Connection::on_frame_begin(head);
  if (head.type == NGHTTP2_PRIORITY && head.stream_id == 0)
    return session().terminate(NGHTTP2_PROTOCOL_ERROR);
  if (head.type != NGHTTP2_DATA && head.type != NGHTTP2_HEADERS) return;
  if (head.stream_id > last_taken_ || head.stream_id <= forgotten_) return;
  if (nghttp2_session_find_stream(session().raw(), head.stream_id) != nullptr) return;
  if (std::find(resets_.begin(), resets_.end(), head.stream_id) != resets_.end()) return;
  session().terminate(NGHTTP2_STREAM_CLOSED);
}

void H2ServerConnection::on_frame_sent(const nghttp2_frame& frame) {
  const bool head_was_begun = head_begun_;
  Connection::on_frame_sent(frame);
  if (head_was_begun && !head_begun_) {  // it was refused
    times_ = {};
    watch();
  }
  if (frame.hd.type != NGHTTP2_RST_STREAM) return;
  int32_t& oldest = resets_[next_reset_++ % resets_.size()];
  forgotten_ = std::max(forgotten_, std::exchange(oldest, frame.hd.stream_id));
}

void H2ServerConnection::on_stream_gone() {
  if (stream_count_ > 0) return;
  idle_ = true;
  settings_.counters.idle.add(1);
  if (!head_begun_) watch();
}

// Only here, because whoever rests may be closed: nobody is on the stack.
void H2ServerConnection::on_turn_end() {
  if (idle_ && state_ == State::open && !at_rest()) owner_.shedding().rests(*this, Rest::idle);
}

void H2ServerConnection::on_finished() {
  owner_.shedding().rests(*this, Rest::parting);
  linger();
}

// RFC 9113 6.8: first a GOAWAY that takes every stream, so that none that is on its way is lost.
void H2ServerConnection::begin_drain(uint64_t idle_ms) {
  if (state_ != State::open) return;
  if (idle_ms == 0) return go_away();
  nghttp2_submit_shutdown_notice(session().raw());
  mark_pump();
  loop_.arm(drain_, idle_ms);
}

void H2ServerConnection::close_now() {
  if (state_ == State::closed) return;
  if (state_ == State::lingering) return shut(telemetry::Closer::onehop, Violation::stopped);
  streams_.for_each([](H2Stream& stream) { static_cast<H2ServerStream&>(stream).stop(); });
  session().terminate(NGHTTP2_NO_ERROR);
  pump();
  if (state_ != State::closed) transport_->flush();
  shut(telemetry::Closer::onehop, Violation::stopped);
}

bool H2ServerConnection::carries(InFlight kind) {
  const bool tunnel = kind == InFlight::tunnels;
  return streams_.find_if([&](const H2Stream& stream) { return stream.is_tunnel() == tunnel; }) !=
         nullptr;
}

void H2ServerConnection::cut(InFlight kind) {
  const bool tunnels = kind == InFlight::tunnels;
  if (!carries(tunnels ? InFlight::requests : InFlight::tunnels)) {
    if (!tunnels || carries(kind)) close_now();
    return;
  }
  streams_.for_each([&](H2Stream& stream) {
    if (stream.is_tunnel() == tunnels) stream.turn_down(Violation::stopped);
  });
}

void H2ServerConnection::on_deadline() {
  if (waits_for_head_ && head_begun_)
    return shut(telemetry::Closer::onehop, Violation::head_timeout);
  if (rest()) return;
  if (!draining_ && !owner_.draining()) settings_.counters.idle_timeouts.add();
  go_away();
}

void H2ServerConnection::on_over(telemetry::Closer who, Violation, net::NetError) {
  deadline_.disarm();
  drain_.disarm();
  if (std::exchange(idle_, false)) settings_.counters.idle.add(-1);
  settings_.counters.open.add(-1);
  settings_.counters.closed.add(static_cast<size_t>(who));
  owner_.retire(*this);
}

}  // namespace onehop::http::h2
