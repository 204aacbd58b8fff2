// SPDX-License-Identifier: MIT
#include "connection.h"

#include <algorithm>
#include <utility>

namespace onehop::http::h2 {
namespace {

// Bytes of frames that may wait for the transport.
constexpr size_t kOutputHighWater = 128 * 1024;
constexpr uint64_t kLingerMs = 2000;

}  // namespace

Connection::Connection(Parts&& parts)
    : loop_(parts.loop),
      transport_(std::move(parts.transport)),
      session_(parts.role, *this, parts.options),
      window_limits_(parts.options.window),
      head_limits_(parts.head_limits),
      holding_(parts.holding),
      held_(holding_.client, holding_.per_connection),
      floods_(parts.reset_burst, parts.resets_per_second),
      write_rule_(parts.write) {}

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

// Behind what waits, in order.
void Connection::feed(Buffer& bytes) {
  if (!unread_.empty()) return unread_.append(std::move(bytes));
  feed_some(bytes);
  if (state_ == State::closed || bytes.empty()) return;
  unread_ = std::move(bytes);
  transport_->set_reading(false);
  loop_.mark_later(resume_);
}

// As far as the share of the turn goes.
void Connection::feed_some(Buffer& bytes) {
  bool goes_on = true;
  while (goes_on && !bytes.empty() && state_ != State::closed) {
    const size_t size = bytes.front().size();
    received_ += size;
    const auto taken = session_.feed(bytes.front());
    if (state_ == State::closed) return;
    if (!taken.has_value()) {
      end_flood(floods_.session_failed(session_.failure()));
      return shut(telemetry::Closer::error, Violation::protocol_error);
    }
    received_ -= size - *taken;
    goes_on = *taken == size;
    bytes.consume(*taken);
  }
  if (state_ != State::closed) loop_.mark_dirty(pump_);
}

void Connection::resume() {
  Buffer bytes = std::move(unread_);
  on_bytes(bytes);
  const bool listens = state_ == State::open || state_ == State::closing;
  if (unread_.empty() && listens) transport_->set_reading(true);
}

// Its client takes nothing of some stream, or nothing at all; or what it sent waits for a reader.
void Connection::note_stall() {
  if (holding_.stalled == nullptr) return;
  if (held_.bytes() == 0) return holding_.stalled->goes_on(*this);
  const bool progress = std::exchange(moves_noted_, moves_) != moves_;
  progress ? holding_.stalled->stalls(*this) : holding_.stalled->holds(*this);
}

// Memory grows for its client's sake, whether or not anything moves on the connection.
void Connection::keeps_something() noexcept {
  if (holding_.stalled != nullptr) holding_.stalled->holds(*this);
}

void Connection::give_up() {
  if (transport_->write_pending()) {
    transport_->close_with_reset();
    return shut(telemetry::Closer::onehop, Violation::not_taken);
  }
  IntrusiveList<H2Stream> looked_at;
  looked_at.splice_back(streams_);
  while (H2Stream* stream = looked_at.pop_front()) {
    streams_.push_back(*stream);
    stream->give_up_what_waits();
    if (state_ == State::closed) return;
  }
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
  held_.set(all ? 0 : transport_->waiting_bytes());
  watch_write(all);
  if (all && pump()) return;  // another on_flush comes
  settle(all);
}

// A peer that takes nothing at all, or too little, for as long as a response may wait.
void Connection::watch_write(bool all) {
  if (all) return write_.disarm();
  if (write_rule_.grace_ms == 0) return;
  if (!write_.armed()) pace_.begin(write_rule_, loop_.now_ms(), transport_->taken_bytes());
  loop_.arm(write_, patience_left_ms());
}

// A tunnel is as slow as its two ends like, and whatever is beside it with it.
uint64_t Connection::patience_left_ms() {
  WritePace::Rule rule = write_rule_;
  streams_.for_each([&](const H2Stream& stream) {
    if (stream.is_tunnel()) rule.min_rate = 0;
  });
  return pace_.left_ms(rule, loop_.now_ms(), transport_->taken_bytes());
}

void Connection::on_write_deadline() {
  if (const uint64_t left = patience_left_ms(); left > 0) return loop_.arm(write_, left);
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
  note_stall();
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
  ++moves_;
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
  StalledClient::unlink();
  write_.disarm();
  on_ending();
  if (violation == Violation::protocol_error) transport_->flush();  // a last GOAWAY says why
  linger_.disarm();
  pump_.unlink();
  resume_.unlink();
  unread_.clear();
  sending_.clear();
  cut_streams(violation, network);
  transport_.reset();
  on_over(who, violation, network);
}

void Connection::cut_streams(Violation violation, net::NetError network) {
  IntrusiveList<H2Stream> cut;
  cut.splice_back(streams_);
  while (H2Stream* stream = cut.pop_front()) {
    stream->deliver_now();
    stream->fail(violation, network);
    stream->forgotten(NGHTTP2_INTERNAL_ERROR);
  }
}

// Of no more use, and no stream is left: a last GOAWAY, unless the session is in the middle of what
// led to this.
void Connection::close_silently() {
  state_ = State::closed;
  StalledClient::unlink();
  linger_.disarm();
  write_.disarm();
  pump_.unlink();
  resume_.unlink();
  unread_.clear();
  if (!session_.busy() && session_.send(transport_->output(), kOutputHighWater))
    transport_->flush();
  transport_.reset();
  cut_streams(Violation::stopped, {});  // those that were given up, whose reset was on its way
}

void Connection::end_flood(FloodWatch::Reason reason) {
  if (!reason.has_value()) return;
  on_flood(*reason);
  session_.terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

void Connection::on_head_begin(int32_t id) {
  head_ = std::make_unique<HeadCollector>(head_limits_);
  head_id_ = id;
  head_begun_ = head_is_new_ = true;
}

bool Connection::on_field(int32_t, std::string_view name, std::string_view value,
                          bool never_indexed) {
  if (head_ != nullptr) head_->add(name, value, never_indexed);
  return !std::exchange(head_is_new_, false) || heads_.take_one(loop_.turn());
}

void Connection::on_head_end(int32_t id, bool ends) {
  const std::unique_ptr<HeadCollector> head = std::move(head_);
  end_head();
  if (head == nullptr) return;
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->expects_head()) return take_head(id, stream, *head, ends);
  const auto trailers = head->trailers();
  if (!trailers.has_value()) return stream->turn_down(trailers.error());
  stream->receive_trailers(*trailers);
  if (ends) stream->receive_end();
}

bool Connection::on_data(int32_t id, std::string_view bytes) {
  // The connection's window is nobody's: who does not read holds back one stream.
  session_.consumed_by_connection(bytes.size());
  if (H2Stream* stream = find(id)) stream->receive(bytes);
  return data_.take_one(loop_.turn());
}

void Connection::on_message_end(int32_t id) {
  if (H2Stream* stream = find(id)) stream->receive_end();
}

void Connection::on_stream_closed(int32_t id, uint32_t error) {
  if (H2Stream* stream = find(id)) stream->forgotten(error);
}

void Connection::on_frame(const nghttp2_frame& frame) {
  end_flood(floods_.frame_came(frame, loop_.now_ms()));
}

void Connection::on_frame_begin(const nghttp2_frame_hd& head) {
  if (head.type != NGHTTP2_CONTINUATION) end_head();
  end_flood(floods_.frame_begins(head, loop_.now_ms()));
}

void Connection::on_frame_sent(const nghttp2_frame& frame) {
  end_flood(floods_.frame_was_sent(frame, loop_.now_ms()));
  // A head that nghttp2 refused has no end.
  if (frame.hd.type == NGHTTP2_RST_STREAM && frame.hd.stream_id == head_id_) end_head();
  if (frame.hd.type == NGHTTP2_DATA) ++moves_;
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (!ends || (frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS)) return;
  if (H2Stream* stream = find(frame.hd.stream_id)) stream->end_was_written();
}

}  // namespace onehop::http::h2
