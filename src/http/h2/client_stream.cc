// SPDX-License-Identifier: MIT
#include "client_stream.h"

#include <utility>

#include "connection.h"
#include "head_block.h"

namespace onehop::http::h2 {

H2ClientStream::H2ClientStream(Connection& connection, ClientStream::Events& events, bool secure)
    : H2Stream(connection), events_(&events), secure_(secure) {
  want_body(true);
}

void H2ClientStream::send_head(const RequestHead& head, Ends ends) {
  method_ = head.method;
  HeadBlock& block = head_block();
  block.request(head, secure_ ? "https" : "http");
  const nghttp2_data_provider provider = provider_of(*this);
  const int32_t id =
      nghttp2_submit_request(connection_.session().raw(), nullptr, block.data(), block.size(),
                             ends == Ends::yes ? nullptr : &provider, nullptr);
  if (id < 0) {
    // No more ids: the connection has served 2^30 requests. Nobody is told from within this call.
    known_ = false;
    return connection_.refuse_later(*this);
  }
  id_ = id;
  connection_.bind(*this, id);
  if (ends == Ends::yes) return end_with_head();
  sent_something();
}

void H2ClientStream::head_was_written(uint64_t position) noexcept {
  head_position_ = position;
  received_before_ = connection_.bytes_received();
}

bool H2ClientStream::met_silence() const noexcept {
  return received_before_ == connection_.bytes_received();
}

void H2ClientStream::send_body(Buffer&& bytes, Ends ends) {
  queue_body(std::move(bytes), ends == Ends::yes);
}

void H2ClientStream::send_trailers(const Fields& trailers) {
  if (trailers.size() == 0) return queue_body(Buffer(), true);
  queue_trailers(trailers);
}

void H2ClientStream::take_head(HeadCollector& collector, bool ends) {
  if (events_ == nullptr) return;
  auto head = collector.response(method_);
  if (!head.has_value()) return turn_down(head.error());
  if (is_interim(head->status)) {
    if (ends) return turn_down(Violation::protocol_error);
    if (!interim_.take(collector.bytes(), connection_.loop().now_ms()))
      return turn_down(Violation::too_many_interim);
    return events_->on_head(*head, Ends::no);
  }
  head_came_ = true;
  if (ends) {
    head_was_all();
    if (head->body.kind == BodyLength::Kind::unknown) head->body = BodyLength::none();
  }
  events_->on_head(*head, ends ? Ends::yes : Ends::no);
}

void H2ClientStream::turn_down(Violation violation) {
  reset_stream(NGHTTP2_PROTOCOL_ERROR);
  if (events_ != nullptr) tell({.violation = violation});
}

void H2ClientStream::on_out() {
  if (events_ != nullptr) events_->on_room();
}

void H2ClientStream::on_stuck() {
  if (events_ != nullptr) events_->on_stall();
}

// The stream was closed, by the peer unless that broke the rules. With its response complete it may
// do so before it has the whole request (RFC 9113 8.1); a stream that it refused it never looked at
// (8.7).
void H2ClientStream::on_forgotten(uint32_t error) {
  if (all_received() || events_ == nullptr) return;
  if (broke_rules_) return tell({.violation = Violation::protocol_error});
  const bool refused = error == NGHTTP2_REFUSED_STREAM;
  tell({.violation = head_came_ ? Violation::incomplete : Violation::gone,
        .sent_anything = !refused,
        .refused = refused,
        .connection_lives = true});
}

void H2ClientStream::fail(Violation violation, net::NetError network) {
  if (events_ == nullptr || all_received()) return;
  if (violation == Violation::gone && head_came_) violation = Violation::incomplete;
  const bool sent_anything = connection_.bytes_written() > head_position_;
  tell({.violation = violation,
        .sent_anything = sent_anything,
        .refused = !known() && !sent_anything && network.number == 0,
        .network = network});
}

void H2ClientStream::tell(StreamError why) {
  std::exchange(events_, nullptr)->on_reset(why);
}

void H2ClientStream::reset() {
  events_ = nullptr;
  reset_stream(NGHTTP2_CANCEL);
}

bool H2ClientStream::give_up() {
  events_ = nullptr;
  const bool complete = all_delivered() && all_sent();
  if (!complete) reset_stream(all_received() ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
  release();
  return complete;
}

}  // namespace onehop::http::h2
