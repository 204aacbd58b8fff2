// SPDX-License-Identifier: MIT
#include "client_connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "onehop/http/h2.h"

namespace onehop::http::h2 {
namespace {

// Streams at a time, whatever the endpoint allows; and until it has said what it allows.
constexpr uint32_t kMostStreams = 100;
constexpr size_t kFrameHead = 9;

Connection::Parts parts_of(net::Loop& loop, net::TransportPtr transport,
                           const config::Limits& limits, const ConnectOptions& connect) {
  SessionOptions options;
  options.window = {connect.stream_window, connect.max_stream_window,
                    growth_within(limits.buffered)};
  const HeadLimits head_limits{.bytes = limits.response_head, .fields = limits.head_fields};
  options.head_bytes = head_limits.bytes;
  options.head_list_size = list_size_of_responses(head_limits);
  // An endpoint may reset as it likes: it is ours, and pays for each with a request of its own.
  constexpr uint32_t kResets = 1'000'000;
  return {loop, std::move(transport), Role::client, options, head_limits, kResets, kResets, {}};
}

}  // namespace

std::unique_ptr<ClientConnection> connect(net::Loop& loop, net::TransportPtr transport,
                                          const config::Limits& limits,
                                          telemetry::EndpointShard& counters,
                                          ClientConnection::Events& owner,
                                          const ConnectOptions& options) {
  return std::make_unique<H2ClientConnection>(loop, std::move(transport), limits, counters, owner,
                                              options);
}

H2ClientConnection::H2ClientConnection(net::Loop& loop, net::TransportPtr transport,
                                       const config::Limits& limits,
                                       telemetry::EndpointShard& counters,
                                       ClientConnection::Events& owner,
                                       const ConnectOptions& options)
    : Connection(parts_of(loop, std::move(transport), limits, options)),
      owner_(owner),
      options_(options) {
  transport_->count_bytes(counters.bytes_received, counters.bytes_sent);
  if (options_.ping_ms > 0) loop_.arm(ping_, options_.ping_ms);
  start();
}

// Whatever came is an answer.
void H2ClientConnection::on_ping_deadline() {
  if (state_ == State::lingering || state_ == State::closed) return;
  const bool heard = std::exchange(heard_bytes_, bytes_received()) != bytes_received();
  if (!heard && pinged_) {
    transport_->close_with_reset();
    return shut(telemetry::Closer::error, Violation::gone, {ETIMEDOUT});
  }
  pinged_ = !heard;
  if (pinged_) nghttp2_submit_ping(session().raw(), NGHTTP2_FLAG_NONE, nullptr);
  mark_pump();
  loop_.arm(ping_, options_.ping_ms);
}

ClientStream& H2ClientConnection::open_stream(ClientStream::Events& events) {
  ++lent_;
  auto* const stream = new H2ClientStream(*this, events, options_.secure);
  adopt(*stream);
  return *stream;
}

StreamEnd H2ClientConnection::close_stream(ClientStream& stream) {
  --lent_;
  has_news_ = true;
  if (state_ == State::open || state_ == State::closing) mark_pump();
  auto& ours = static_cast<H2ClientStream&>(stream);
  // Given up, as after a timeout. Nobody else would find out that the connection leads nowhere.
  doubtful_ |= ours.met_silence();
  ours.give_up();
  if (state_ == State::closed)
    return closed_by() == telemetry::Closer::error ? StreamEnd::broken : StreamEnd::not_persistent;
  if (doubtful_) return StreamEnd::broken;
  return nghttp2_session_check_request_allowed(session().raw()) != 0 ? StreamEnd::reusable
                                                                     : StreamEnd::not_persistent;
}

size_t H2ClientConnection::capacity() const {
  if (takes_no_more()) return 0;
  const uint32_t allowed =
      nghttp2_session_get_remote_settings(session().raw(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const size_t most = std::min(allowed, kMostStreams);
  return most > stream_count_ ? most - stream_count_ : 0;
}

bool H2ClientConnection::takes_no_more() const {
  return state_ != State::open || doubtful_ ||
         nghttp2_session_check_request_allowed(session().raw()) == 0;
}

// Whoever gave the stream up asked for another before it had gone.
void H2ClientConnection::on_turn_end() {
  if (std::exchange(has_news_, false)) owner_.on_capacity(*this);
}

void H2ClientConnection::abandon() {
  if (state_ == State::closed) return;
  session().terminate(NGHTTP2_NO_ERROR);
  close_silently();
}

void H2ClientConnection::take_head(int32_t, H2Stream* stream, HeadCollector& head, bool ends) {
  if (stream != nullptr) static_cast<H2ClientStream*>(stream)->take_head(head, ends);
}

void H2ClientConnection::on_finished() {
  if (broke_rules_) return shut(telemetry::Closer::error, Violation::protocol_error);
  shut(telemetry::Closer::peer, Violation::gone);
}

// An endpoint may allow more streams than before, or none any more.
void H2ClientConnection::on_frame(const nghttp2_frame& frame) {
  Connection::on_frame(frame);
  const bool settings =
      frame.hd.type == NGHTTP2_SETTINGS && (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0;
  has_news_ |= settings || frame.hd.type == NGHTTP2_GOAWAY;
}

void H2ClientConnection::on_frame_sent(const nghttp2_frame& frame) {
  Connection::on_frame_sent(frame);
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR)
    broke_rules_ = true;
  auto* const stream = static_cast<H2ClientStream*>(find(frame.hd.stream_id));
  if (stream == nullptr) return;
  if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST)
    stream->head_was_written(position() - frame.hd.length - kFrameHead);
  // Who gives a stream up says CANCEL or nothing at all, and listens no more.
  if (frame.hd.type == NGHTTP2_RST_STREAM) stream->broke_rules();
}

void H2ClientConnection::on_over(telemetry::Closer, Violation violation, net::NetError) {
  if (ended_idle_) owner_.on_idle_end(*this, violation);
}

}  // namespace onehop::http::h2
