// SPDX-License-Identifier: MIT
#include "connection.h"

#include <algorithm>
#include <utility>

namespace onehop::http::h2 {
namespace {

// Bytes of frames that may wait for the transport.
constexpr size_t kOutputHighWater = 128 * 1024;
constexpr uint64_t kLingerMs = 2000;
// Frames that carry nothing forward: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA
// (CVE-2019-9512, -9513, -9515, -9518). Each frame of DATA that is sent earns its updates. No
// honest peer comes near it.
constexpr uint32_t kControlBurst = 10'000;
constexpr uint32_t kControlPerSecond = 1000;
constexpr uint32_t kUpdatesPerData = 2;

bool is_control(uint8_t type) {
  return type != NGHTTP2_DATA && type != NGHTTP2_HEADERS && type != NGHTTP2_CONTINUATION &&
         type != NGHTTP2_RST_STREAM;
}

bool is_empty_data(const nghttp2_frame& frame) {
  return frame.hd.type == NGHTTP2_DATA && frame.hd.length == frame.data.padlen &&
         (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0;
}

}  // namespace

Connection::Connection(Parts&& parts)
    : loop_(parts.loop),
      transport_(std::move(parts.transport)),
      head_(parts.most_head_bytes, parts.most_fields),
      session_(parts.role, *this, parts.options),
      resets_(parts.reset_burst, parts.resets_per_second),
      control_(kControlBurst, kControlPerSecond),
      write_stall_ms_(parts.write_stall_ms) {}

void Connection::start() {
  transport_->set_events(*this);
  transport_->set_reading(true);
  loop_.mark_dirty(pump_);
}

bool Connection::has_room() const noexcept {
  if (transport_ == nullptr) return false;
  const bool room = transport_->unsent() < kOutputHighWater;
  room_denied_ |= !room;
  return room;
}

void Connection::on_bytes(Buffer& bytes) {
  if (state_ == State::lingering || state_ == State::closed) return;
  feed(bytes);
}

void Connection::feed(Buffer& bytes) {
  bool fine = true;
  while (fine && !bytes.empty() && state_ != State::closed) {
    const std::string_view front = bytes.front();
    received_ += front.size();
    fine = session_.feed(front);
    bytes.consume(front.size());
  }
  if (state_ == State::closed) return;
  if (!fine) return shut(telemetry::Closer::error, Violation::protocol_error);
  loop_.mark_dirty(pump_);
}

// Writes what the session has, as far as the transport has room.
bool Connection::pump() {
  const size_t before = transport_->unsent();
  if (!session_.send(transport_->output(), kOutputHighWater)) {
    shut(telemetry::Closer::error, Violation::protocol_error);
    return true;
  }
  // What was sent may have ended a stream, whose owner may have had no more use for the connection.
  if (state_ == State::closed) return true;
  if (transport_->unsent() == before) return false;
  transport_->send();
  return true;
}

void Connection::flush_frames() {
  if (state_ == State::lingering || state_ == State::closed) return;
  while (H2Stream* stream = refused_.pop_front()) stream->fail(Violation::gone, {});
  if (state_ == State::closed) return;
  on_turn_end();
  if (state_ == State::closed) return;
  if (pump()) return;
  // What waits for the transport's own turn to write is not out; on_flush comes after it.
  if (transport_->unsent() > 0 && !transport_->write_pending()) return;
  settle(!transport_->write_pending());
}

void Connection::on_flush(net::Flushed flushed) {
  if (state_ == State::lingering || state_ == State::closed) return;
  const bool all = flushed == net::Flushed::all;
  watch_write(all);
  if (all && pump()) return;  // another on_flush comes
  settle(all);
}

// A peer that takes nothing at all, for as long as a response may wait.
void Connection::watch_write(bool all) {
  if (all) return write_.disarm();
  untaken_bytes_ = transport_->untaken_bytes();
  if (write_stall_ms_ > 0) loop_.arm(write_, write_stall_ms_);
}

void Connection::on_write_deadline() {
  const size_t untaken = transport_->untaken_bytes();
  if (untaken < untaken_bytes_) return watch_write(false);
  transport_->close_with_reset();
  shut(telemetry::Closer::onehop, Violation::write_timeout);
}

// Those that were denied room by what others had sent.
void Connection::tell_of_room() {
  room_denied_ = false;
  IntrusiveList<H2Stream> told;
  told.splice_back(streams_);
  while (H2Stream* stream = told.pop_front()) {
    streams_.push_back(*stream);
    stream->room_again();
    if (state_ == State::closed) return;
  }
}

// Tells every stream that sent something what became of it.
void Connection::settle(bool all) {
  IntrusiveList<H2Stream, Sending> sent;
  sent.splice_back(sending_);
  while (H2Stream* stream = sent.pop_front()) {
    sending_.push_back(*stream);  // it leaves by itself when all of it is out
    stream->flushed(all);
    if (state_ == State::closed) return;
  }
  if (all && room_denied_) tell_of_room();
  if (state_ == State::closed) return;
  if (all && session_.wants_nothing()) on_finished();
}

void Connection::sent_something(H2Stream& stream) {
  if (state_ == State::lingering || state_ == State::closed) return;
  sending_.push_back(stream);
  loop_.mark_dirty(pump_);
}

void Connection::consumed(int32_t id, size_t size) {
  session_.consumed_by_stream(id, size);
  if (state_ == State::open || state_ == State::closing) loop_.mark_dirty(pump_);
}

void Connection::reset_stream(int32_t id, uint32_t error) {
  session_.reset_stream(id, error);
  if (state_ == State::open || state_ == State::closing) loop_.mark_dirty(pump_);
}

void Connection::adopt(H2Stream& stream) {
  streams_.push_back(stream);
  ++stream_count_;
}

void Connection::refuse_later(H2Stream& stream) {
  refused_.push_back(stream);
  loop_.mark_dirty(pump_);
}

void Connection::bind(H2Stream& stream, int32_t id) {
  nghttp2_session_set_stream_user_data(session_.raw(), id, &stream);
}

void Connection::retire(H2Stream& stream) {
  static_cast<ListNode<H2Stream>&>(stream).unlink();
  static_cast<ListNode<Sending>&>(stream).unlink();
  --stream_count_;
  loop_.retire(std::unique_ptr<net::Retirable>(&stream));
  if (state_ == State::closed) return;
  loop_.mark_dirty(pump_);  // the last one may have been waited for
  on_stream_gone();
}

H2Stream* Connection::find(int32_t id) {
  return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session_.raw(), id));
}

void Connection::go_away() {
  if (state_ != State::open) return;
  state_ = State::closing;
  nghttp2_submit_goaway(session_.raw(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_.raw()), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  loop_.mark_dirty(pump_);
}

// As HTTP/1.1 does: closing with unread bytes would send a reset, which destroys what is on its
// way.
void Connection::linger() {
  if (state_ == State::lingering || state_ == State::closed) return;
  state_ = State::lingering;
  transport_->finish_writing();
  loop_.arm(linger_, kLingerMs);
  cut_streams(Violation::protocol_error, {});  // there are some only if the peer was given up
}

void Connection::on_linger_deadline() {
  shut(telemetry::Closer::onehop, Violation::stopped);
}

void Connection::on_end() {
  shut(telemetry::Closer::peer, Violation::gone);
}

void Connection::on_error(net::NetError error) {
  shut(telemetry::Closer::peer, Violation::gone, error);
}

// The end, for all streams: each is told, nothing is written any more.
void Connection::shut(telemetry::Closer who, Violation violation, net::NetError network) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  closed_by_ = who;
  write_.disarm();
  on_ending();
  if (violation == Violation::protocol_error) transport_->flush();  // a last GOAWAY says why
  linger_.disarm();
  pump_.unlink();
  sending_.clear();
  cut_streams(violation, network);
  transport_.reset();
  on_over(who, violation, network);
}

void Connection::cut_streams(Violation violation, net::NetError network) {
  IntrusiveList<H2Stream> cut;
  cut.splice_back(streams_);
  while (H2Stream* stream = cut.pop_front()) {
    stream->fail(violation, network);
    stream->forgotten(NGHTTP2_INTERNAL_ERROR);
  }
}

// Of no more use, and no stream is left: a last GOAWAY, unless the session is in the middle of what
// led to this.
void Connection::close_silently() {
  state_ = State::closed;
  linger_.disarm();
  write_.disarm();
  pump_.unlink();
  if (!session_.busy() && session_.send(transport_->output(), kOutputHighWater))
    transport_->flush();
  transport_.reset();
  cut_streams(Violation::stopped, {});  // those that were given up, whose reset was on its way
}

void Connection::spend(Budget& budget) {
  if (budget.take(loop_.now_ms())) return;
  on_flood();
  session_.terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

void Connection::on_head_begin(int32_t id) {
  head_.begin();
  head_id_ = id;
  head_begun_ = true;
}

void Connection::on_field(int32_t, std::string_view name, std::string_view value,
                          bool never_indexed) {
  head_.add(name, value, never_indexed);
}

void Connection::on_head_end(int32_t id, bool ends) {
  head_begun_ = false;
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->expects_head()) return take_head(id, stream, ends);
  const auto trailers = head_.trailers();
  if (!trailers.has_value()) return reset_stream(id, NGHTTP2_PROTOCOL_ERROR);
  stream->receive_trailers(*trailers);
  if (ends) stream->receive_end();
}

void Connection::on_data(int32_t id, std::string_view bytes) {
  // The connection's window is nobody's: who does not read holds back one stream.
  session_.consumed_by_connection(bytes.size());
  if (H2Stream* stream = find(id)) stream->receive(bytes);
}

void Connection::on_message_end(int32_t id) {
  if (H2Stream* stream = find(id)) stream->receive_end();
}

void Connection::on_stream_closed(int32_t id, uint32_t error) {
  if (H2Stream* stream = find(id)) stream->forgotten(error);
}

void Connection::on_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_RST_STREAM) spend(resets_);
  if (is_empty_data(frame)) spend(control_);
}

void Connection::on_frame_begin(const nghttp2_frame_hd& head) {
  if (head.type != NGHTTP2_CONTINUATION) head_begun_ = false;
  if (is_control(head.type)) spend(control_);
}

// Resets that a peer provokes cost as much as those it sends (CVE-2025-8671).
void Connection::on_frame_sent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_RST_STREAM && frame.rst_stream.error_code != NGHTTP2_NO_ERROR &&
      frame.rst_stream.error_code != NGHTTP2_CANCEL &&
      frame.rst_stream.error_code != NGHTTP2_INTERNAL_ERROR)
    spend(resets_);
  // A head that nghttp2 refused has no end.
  if (frame.hd.type == NGHTTP2_RST_STREAM && frame.hd.stream_id == head_id_) head_begun_ = false;
  if (frame.hd.type == NGHTTP2_DATA) control_.earn(kUpdatesPerData);
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (!ends || (frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS)) return;
  if (H2Stream* stream = find(frame.hd.stream_id)) stream->end_was_written();
}

}  // namespace onehop::http::h2
