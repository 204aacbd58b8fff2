// SPDX-License-Identifier: MIT
#include "response_sender.h"

#include <utility>

#include "onehop/base/assert.h"

namespace onehop::http::h1 {

void ResponseSender::begin(net::Transport& transport, const Asked& asked) {
  transport_ = &transport;
  written_before_ = transport.written();
  asked_ = asked;
  sent_ = Sent::nothing;
  framing_ = Framing::none;
  awaits_continue_ = asked.expects_continue;
}

ResponseSender::Content ResponseSender::content_of(const ResponseHead& head, Ends ends) const {
  if (asked_.is_head || !has_content(head.status)) return Content::never;
  return ends == Ends::yes ? Content::none : Content::follows;
}

// The length that the head has to say. A response that ends with its head says that it is empty, as
// nothing else here tells the client so (RFC 9112 6.3); one that never has content says nothing, or
// what a GET would have got (RFC 9110 8.6).
BodyLength ResponseSender::length_to_say(const ResponseHead& head, Content content) {
  if (head.status < 200 || head.status == 204) return BodyLength::none();
  const bool says_it_is_empty =
      content == Content::none && head.body.kind != BodyLength::Kind::known;
  return says_it_is_empty ? BodyLength::of(0) : head.body;
}

Framing ResponseSender::frames(const ResponseHead& head, Ends ends) const {
  if (head.status == 101) return Framing::until_close;
  if (content_of(head, ends) != Content::follows) return Framing::none;
  if (head.body.kind == BodyLength::Kind::known) return Framing::length;
  return asked_.version_minor == 0 ? Framing::until_close : Framing::chunked;
}

void ResponseSender::interim(const ResponseHead& head) {
  ONEHOP_ASSERT(sent_ == Sent::nothing);
  write_response_head(transport_->output(), head, BodyLength::none(), Framing::none,
                      ConnectionOption::none);
  transport_->send();
  if (head.status == 100) awaits_continue_ = false;
}

void ResponseSender::head(const ResponseHead& head, Ends ends, bool persistent) {
  ONEHOP_ASSERT(sent_ == Sent::nothing);
  framing_ = frames(head, ends);
  ONEHOP_ASSERT(!persistent || framing_ != Framing::until_close);
  ConnectionOption option = ConnectionOption::none;
  if (!persistent) {
    option = ConnectionOption::close;
  } else if (asked_.version_minor == 0) {
    option = ConnectionOption::keep_alive;
  }
  write_response_head(transport_->output(), head, length_to_say(head, content_of(head, ends)),
                      framing_, option);
  sent_ = ends == Ends::yes ? Sent::all : Sent::head;
  transport_->send();
}

void ResponseSender::body(Buffer&& bytes, Ends ends) {
  if (sent_ != Sent::head) return;
  if (framing_ != Framing::none)
    write_body(transport_->output(), std::move(bytes), framing_, ends == Ends::yes);
  if (ends == Ends::yes) sent_ = Sent::all;
  transport_->send();
}

void ResponseSender::trailers(const Fields& trailers) {
  if (sent_ != Sent::head) return;
  if (framing_ == Framing::chunked) write_trailers(transport_->output(), trailers);
  sent_ = Sent::all;
  transport_->send();
}

bool ResponseSender::take_back() {
  if (sent_ == Sent::all || transport_->written() != written_before_ || transport_->write_pending())
    return false;
  transport_->output().clear();
  sent_ = Sent::nothing;
  awaits_continue_ = asked_.expects_continue;  // a 100 may have been among it
  return true;
}

}  // namespace onehop::http::h1
