// SPDX-License-Identifier: MIT
#include "stream.h"

#include <algorithm>
#include <utility>

#include "connection.h"
#include "head_block.h"

namespace onehop::http::h2 {
namespace {

// Bytes of a message that may wait for the peer's window; then whoever sends waits.
constexpr size_t kOutHighWater = 64 * 1024;
// What is passed on at once of a body that waited for its reader.
constexpr size_t kPieceBytes = 64 * 1024;

}  // namespace

H2Stream::H2Stream(Connection& connection) : connection_(connection) {}

void H2Stream::receive(std::string_view bytes) {
  if (released_) return connection_.consumed(id_, bytes.size());
  in_.append(bytes);
  deliver();
}

void H2Stream::receive_trailers(const Fields& trailers) {
  in_trailers_ = trailers.copy_to(trailer_room_);
}

void H2Stream::receive_end() {
  received_end_ = true;
  if (!released_) deliver();
}

// The receiver of an event may release the stream; it stays until the end of the turn.
void H2Stream::deliver() {
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

bool H2Stream::out_has_room() const noexcept {
  return out_.size() < kOutHighWater && connection_.has_room();
}

BodySource::Piece H2Stream::piece(size_t most) {
  Piece piece;
  piece.size = std::min(most, out_.size());
  piece.last = out_ends_ && piece.size == out_.size();
  piece.trailers = piece.last && out_trailers_.size() > 0;
  deferred_ = piece.size == 0 && !piece.last;
  return piece;
}

void H2Stream::move_to(Buffer& output, size_t size) {
  if (size > 0) output.append(out_.take_front(size));
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
    return on_out();
  }
  const auto patience = connection_.write_stall_ms();
  if (patience > 0 && (!stuck_.armed() || out_.size() < stuck_bytes_)) {
    connection_.loop().arm(stuck_, patience);
  }
  stuck_bytes_ = out_.size();
  on_stuck();
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
  forget_if_over();
}

void H2Stream::forgotten(uint32_t error) {
  if (!std::exchange(known_, false)) return;
  released_ ? forget_if_over() : on_forgotten(error);
}

void H2Stream::forget_if_over() {
  if (released_ && !known_) connection_.retire(*this);
}

}  // namespace onehop::http::h2
