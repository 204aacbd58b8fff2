// SPDX-License-Identifier: MIT
#include "server_stream.h"

#include <utility>

#include "connection.h"
#include "head_block.h"
#include "onehop/base/assert.h"

namespace onehop::http::h2 {

void H2ServerStream::begin(int32_t id, const RequestHead& head, Ends ends, Service& service,
                           const Client& client, const HeadTimes& times) {
  id_ = id;
  is_head_request_ = head.method == Method::head;
  if (ends == Ends::yes && head.upgrade.empty()) head_was_all();
  responder_ = service.open(*this, client, times);
  responder_->on_head(head, ends);
}

void H2ServerStream::refuse(int32_t id, Violation violation, bool head_request, Service& service,
                            const Client& client, const HeadTimes& times) {
  id_ = id;
  is_head_request_ = head_request;
  responder_ = service.open(*this, client, times);
  turn_down(violation);
}

// Whoever answers may say so, where nothing was said yet; a complete answer is what it is.
void H2ServerStream::turn_down(Violation violation) {
  if (released_ || sent_ == Sent::all) return;
  StreamError why;
  why.violation = violation;
  why.may_answer = sent_ == Sent::nothing;
  why.sent_anything = sent_ != Sent::nothing;
  responder_->on_reset(why);
  if (!released_ && sent_ != Sent::all) reset();
}

void H2ServerStream::send_head(const ResponseHead& head, Ends ends) {
  if (!known()) return;
  HeadBlock& block = head_block();
  nghttp2_session* const session = connection_.session().raw();
  if (is_interim(head.status)) {
    block.response(head);
    nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id_, nullptr, block.data(), block.size(),
                           nullptr);
    return sent_something();
  }
  ONEHOP_ASSERT(sent_ == Sent::nothing);
  tunnel_ = head.status == 101;
  block.response(head);
  sent_ = Sent::head;
  const bool bodiless = ends == Ends::yes || (is_head_request_ && !tunnel_);
  const nghttp2_data_provider provider = provider_of(*this);
  nghttp2_submit_response(session, id_, block.data(), block.size(), bodiless ? nullptr : &provider);
  if (!bodiless) return sent_something();
  if (ends == Ends::yes) sent_ = Sent::all;
  end_with_head();
}

void H2ServerStream::send_body(Buffer&& bytes, Ends ends) {
  if (sent_ != Sent::head) return;
  if (ends == Ends::yes) sent_ = Sent::all;
  if (is_head_request_ && !tunnel_) return sent_something();
  queue_body(std::move(bytes), ends == Ends::yes);
}

void H2ServerStream::send_trailers(const Fields& trailers) {
  if (sent_ != Sent::head) return;
  sent_ = Sent::all;
  if (is_head_request_) return sent_something();
  if (trailers.size() == 0) return queue_body(Buffer(), true);
  queue_trailers(trailers);
}

void H2ServerStream::deliver_body(Buffer& bytes, Ends ends) {
  responder_->on_body(bytes, ends);
  // A tunnel ends with its second direction, which this may have been; on_out() knows.
  if (ends == Ends::yes && tunnel_ && !released_) connection_.sent_something(*this);
}

void H2ServerStream::on_out() {
  responder_->on_room();
  if (released_ || sent_ != Sent::all || (tunnel_ && !all_delivered())) return;
  // The response came before the end of its request: the rest is not wanted (RFC 9113 8.1).
  if (!all_received()) reset_stream(NGHTTP2_NO_ERROR);
  let_go();
}

void H2ServerStream::on_stuck_too_long(Violation violation) {
  StreamError why;
  why.violation = violation;
  responder_->on_reset(why);
  if (!released_) reset_stream(NGHTTP2_CANCEL);
  let_go();
}

// The client reset the stream, or nghttp2 did because of what the client sent on it. A response
// that is complete may still be on its way to the kernel.
void H2ServerStream::on_forgotten(uint32_t) {
  if (all_sent()) return;
  fail(Violation::gone, {});
}

void H2ServerStream::fail(Violation violation, net::NetError network) {
  if (released_) return;
  StreamError why;
  why.violation = violation;
  why.network = network;
  responder_->on_reset(why);
  let_go();
}

void H2ServerStream::stop() {
  if (released_ || sent_ != Sent::nothing) return;
  StreamError why;
  why.violation = Violation::stopped;
  why.may_answer = true;
  responder_->on_reset(why);
}

void H2ServerStream::reset() {
  if (released_) return;
  reset_stream(sent_ == Sent::nothing ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
  let_go();
}

void H2ServerStream::let_go() {
  if (responder_ != nullptr) connection_.loop().retire(std::move(responder_));
  release();
}

}  // namespace onehop::http::h2
