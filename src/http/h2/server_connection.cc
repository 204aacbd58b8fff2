// SPDX-License-Identifier: MIT
#include "server_connection.h"

#include <algorithm>
#include <utility>

#include "onehop/base/assert.h"
#include "onehop/http/h2.h"

namespace onehop::http::h2 {
namespace {

// What all streams together may have on its way; the memory is bounded by their own windows.
constexpr uint32_t kConnectionWindow = 1024 * 1024;

Connection::Parts parts_of(net::Loop& loop, net::TransportPtr transport,
                           const ServerSettings& settings) {
  SessionOptions options;
  options.streams = settings.http2.streams;
  options.stream_window = static_cast<uint32_t>(settings.http2.stream_window);
  options.connection_window = std::max(options.stream_window, kConnectionWindow);
  options.head_bytes = static_cast<uint32_t>(settings.limits.request_head);
  options.extended_connect = true;
  return {loop,
          std::move(transport),
          Role::server,
          options,
          settings.limits.request_head,
          settings.limits.head_fields,
          settings.http2.reset_burst,
          settings.http2.resets_per_second,
          static_cast<uint64_t>(settings.timeouts.write_stall.count())};
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
    : Connection(parts_of(loop, std::move(transport), settings)),
      service_(service),
      settings_(settings),
      owner_(owner),
      client_(client) {}

H2ServerConnection::~H2ServerConnection() {
  ONEHOP_ASSERT(state_ == State::closed);
}

void H2ServerConnection::start(Buffer&& first) {
  settings_.counters.h2_connections.add();
  transport_->count_bytes(settings_.counters.bytes_received, settings_.counters.bytes_sent);
  Connection::start();
  const auto wait = settings_.timeouts.request_head;
  if (wait.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(wait.count()));
  if (owner_.draining()) go_away();
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
    if (wait.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(wait.count()));
  } else if (!head_begun_ && had_begun) {
    watch();
  }
}

// What is waited for decides about the deadline.
void H2ServerConnection::watch() {
  deadline_.disarm();
  waits_for_head_ = false;
  if (!idle_ || state_ != State::open) return;
  const auto wait = settings_.timeouts.idle;
  if (wait.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(wait.count()));
}

void H2ServerConnection::take_head(int32_t id, H2Stream*, bool ends) {
  times_.last_byte_ns = loop_.now_ns();
  if (times_.first_byte_ns == 0) times_.first_byte_ns = times_.last_byte_ns;
  if (std::exchange(idle_, false)) settings_.counters.idle.add(-1);
  deadline_.disarm();
  waits_for_head_ = false;
  const HeadTimes times = std::exchange(times_, {});
  last_taken_ = id;
  auto* const stream = new H2ServerStream(*this);
  adopt(*stream);
  bind(*stream, id);
  auto head = head_.request();
  if (!head.has_value()) {
    return stream->refuse(id, head.error(), head_.is_head_method(), service_, client_, times);
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

// RFC 9113 6.8: first a GOAWAY that takes every stream, so that none that is on its way is lost.
void H2ServerConnection::drain(uint64_t idle_ms) {
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

void H2ServerConnection::on_deadline() {
  if (waits_for_head_ && head_begun_)
    return shut(telemetry::Closer::onehop, Violation::head_timeout);
  if (!owner_.draining()) settings_.counters.idle_timeouts.add();
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
