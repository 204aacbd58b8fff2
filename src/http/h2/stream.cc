// SPDX-License-Identifier: MIT
#include "stream.h"

#include <algorithm>
#include <utility>

#include "connection.h"
#include "head_block.h"

namespace onehop::http::h2 {
namespace {

// What is passed on at once of a body that waited for its reader.
constexpr size_t kPieceBytes = 64 * 1024;
// What comes in smaller ones is passed on together, at the end of the turn: each costs a chunk or a
// frame for the other side, and what the two sides have to settle.
constexpr size_t kSmallPieceBytes = 512;

}  // namespace

H2Stream::H2Stream(Connection& connection)
    : connection_(connection),
      window_(connection.window_limits()),
      held_(&connection.held(), connection.most_per_stream()),
      kept_(&connection.held(), 0) {}

void H2Stream::receive(std::string_view bytes) {
  if (released_) return connection_.consumed(id_, bytes.size());
  const bool reader_waits = wanted_ && (in_.empty() || resume_.linked());
  if (window_.came(bytes.size(), connection_.loop().turn(), reader_waits,
                   connection_.window_limits()))
    connection_.session().set_stream_window(id_, window_.size());
  in_.append(bytes);
  if (!wanted_ || bytes.size() >= kSmallPieceBytes) return deliver();
  connection_.loop().mark_dirty(resume_);
  held_.set(in_.size() + out_.size());
}

void H2Stream::deliver_now() {
  if (!resume_.linked()) return;
  resume_.unlink();
  deliver();
}

void H2Stream::receive_trailers(const Fields& trailers) {
  in_trailers_ = trailers.copy_to(trailer_room_);
}

void H2Stream::receive_end() {
  received_end_ = true;
  if (!released_) deliver();
}

void H2Stream::deliver() {
  deliver_what_waits();
  if (released_) return;
  held_.set(in_.size() + out_.size());
  on_waiting(in_.size());
}

// The receiver of an event may release the stream; it stays until the end of the turn.
void H2Stream::deliver_what_waits() {
  if (!wanted_ || released_ || delivered_end_) return;
  const bool trailers = in_trailers_.size() > 0;
  const bool body_ends = received_end_ && !trailers;
  while (wanted_ && !released_ && (!in_.empty() || (body_ends && !delivered_end_))) {
    Buffer bytes = in_.take_front(std::min(in_.size(), kPieceBytes));
    if (!bytes.empty()) connection_.consumed(id_, bytes.size());
    delivered_end_ = body_ends && in_.empty();
    deliver_body(bytes, delivered_end_ ? Ends::yes : Ends::no);
  }
  if (!received_end_ || !trailers || !wanted_ || released_ || delivered_end_) return;
  delivered_end_ = true;
  deliver_trailers(in_trailers_);
}

void H2Stream::want_body(bool wanted) {
  if (wanted == wanted_) return;
  wanted_ = wanted;
  if (wanted && (!in_.empty() || received_end_)) connection_.loop().mark_dirty(resume_);
}

void H2Stream::keep(size_t bytes) noexcept {
  kept_.set(bytes);
  if (bytes > 0) connection_.keeps_something();
}

void H2Stream::queue_body(Buffer&& bytes, bool ends) {
  if (!known_) return;
  out_.splice(std::move(bytes));
  out_ends_ |= ends;
  sent_something();
}

void H2Stream::queue_trailers(const Fields& trailers) {
  if (!known_) return;
  out_trailers_ = trailers.copy_to(trailer_room_);
  out_ends_ = true;
  sent_something();
}

void H2Stream::end_with_head() {
  out_ends_ = true;
  sent_something();
}

void H2Stream::sent_something() {
  if (std::exchange(deferred_, false))
    nghttp2_session_resume_data(connection_.session().raw(), id_);
  connection_.sent_something(*this);
}

// Whoever has nothing waiting is never held back for others' sake: nobody would tell it when they
// are done.
bool H2Stream::out_has_room() const noexcept {
  const bool held_back =
      !out_.empty() && (out_.size() >= connection_.most_per_stream() || held_.is_full());
  return !held_back && connection_.has_room();
}

BodySource::Piece H2Stream::piece(size_t most) {
  Piece piece;
  piece.size = std::min(most, out_.size());
  piece.last = out_ends_ && piece.size == out_.size();
  piece.trailers = piece.last && out_trailers_.size() > 0;
  promised_ = piece.size;
  deferred_ = piece.size == 0 && !piece.last;
  return piece;
}

void H2Stream::move_to(Buffer& output, size_t size) {
  if (size > 0) output.append(out_.take_front(size));
  promised_ = 0;
  moved_ += size;
}

void H2Stream::submit_trailers(nghttp2_session* session) {
  HeadBlock& block = head_block();
  block.trailers(out_trailers_);
  nghttp2_submit_trailer(session, id_, block.data(), block.size());
}

void H2Stream::flushed(bool all) {
  if (released_) return static_cast<ListNode<Sending>&>(*this).unlink();
  if (all && out_.empty() && (!out_ends_ || end_written_)) {
    static_cast<ListNode<Sending>&>(*this).unlink();
    stuck_.disarm();
    held_.set(in_.size());
    return on_out();
  }
  out_.compact();
  held_.set(in_.size() + out_.size());
  watch_pace();
  on_stuck();
}

// A peer that holds the stream's window shut, or opens it by too little. While it is the connection
// that does not move, the deadline looks at that once, and not every stream at each of its writes.
void H2Stream::watch_pace() {
  if (out_.empty() && (!out_ends_ || end_written_)) return stuck_.disarm();
  const WritePace::Rule rule = connection_.write_rule();
  if (rule.grace_ms == 0 || (stuck_.armed() && !is_held())) return;
  net::Loop& loop = connection_.loop();
  if (!stuck_.armed()) pace_.begin(rule, loop.now_ms(), progress());
  loop.arm(stuck_, patience_left_ms());
}

bool H2Stream::is_held() const {
  return nghttp2_session_get_stream_remote_window_size(connection_.session().raw(), id_) <= 0;
}

// A stream whose own window is shut has made progress by its own bytes. Any other waits for its
// turn on the connection, and whatever that moves is progress for it: many streams share a slow
// line.
uint64_t H2Stream::progress() {
  const uint64_t moved = moved_ - std::exchange(moved_before_, moved_);
  if (is_held()) return progress_ += moved;
  const uint64_t taken = connection_.bytes_taken();
  return progress_ += taken - std::exchange(taken_before_, taken);
}

uint64_t H2Stream::patience_left_ms() {
  WritePace::Rule rule = connection_.write_rule();
  if (is_tunnel()) rule.min_rate = 0;
  return pace_.left_ms(rule, connection_.loop().now_ms(), progress());
}

void H2Stream::on_deadline() {
  if (const uint64_t left = patience_left_ms(); left > 0)
    return connection_.loop().arm(stuck_, left);
  on_stuck_too_long(Violation::write_timeout);
}

void H2Stream::reset_stream(uint32_t error) {
  if (known_) connection_.reset_stream(id_, error);
}

void H2Stream::release() {
  if (std::exchange(released_, true)) return;
  resume_.unlink();
  stuck_.disarm();
  // Nobody will read what waits: the window it took is free for others.
  if (!in_.empty()) connection_.consumed(id_, in_.size());
  in_.clear();
  if (!known_) promised_ = 0;
  if (!known_ || !out_ends_) out_ = out_.take_front(promised_);
  held_.set(out_.size());
  kept_.set(0);
  forget_if_over();
}

void H2Stream::forgotten(uint32_t error) {
  deliver_now();
  if (!std::exchange(known_, false)) return;
  if (!released_) return on_forgotten(error);
  // Nobody will write what is left. It is given back now, as the connection may be gone first:
  // whoever gave back its last stream had no more use for it.
  out_.clear();
  held_.set(0);
  forget_if_over();
}

void H2Stream::forget_if_over() {
  if (released_ && !known_) connection_.retire(*this);
}

}  // namespace onehop::http::h2
