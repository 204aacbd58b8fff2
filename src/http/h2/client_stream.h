// SPDX-License-Identifier: MIT
// A request to an endpoint and its response on an HTTP/2 connection. Lent out: it ends when its
// connection is told to close it.
#pragma once

#include <utility>

#include "../budget.h"
#include "head_collector.h"
#include "onehop/base/recycled.h"
#include "stream.h"

namespace onehop::http::h2 {

class H2ClientStream final : public H2Stream, public Recycled<H2ClientStream>, public ClientStream {
 public:
  H2ClientStream(Connection& connection, ClientStream::Events& events, bool secure);
  ~H2ClientStream() override = default;

  void take_head(HeadCollector& collector, bool ends);
  void head_was_written(uint64_t position) noexcept;
  // Nothing at all has come on the connection since the head was written.
  bool met_silence() const noexcept;

  // What came is no response, so nghttp2 reset the stream.
  void broke_rules() noexcept { broke_rules_ = true; }

  // No more events. True: both messages were complete.
  bool give_up();

  bool expects_head() const noexcept override { return !head_came_; }
  void turn_down(Violation violation) override;
  void fail(Violation violation, net::NetError network) override;

 private:
  // ClientStream
  void send_head(const RequestHead& head, Ends ends) override;
  void send_body(Buffer&& bytes, Ends ends) override;
  void send_trailers(const Fields& trailers) override;
  bool has_room() const override { return out_has_room(); }
  void set_reading(bool wanted) override { want_body(wanted); }
  bool take_back() override { return false; }
  void reset() override;

  // H2Stream
  void deliver_body(Buffer& bytes, Ends ends) override {
    if (events_ != nullptr) events_->on_body(bytes, ends);
  }
  void deliver_trailers(const Fields& trailers) override {
    if (events_ != nullptr) events_->on_trailers(trailers);
  }
  void on_out() override;
  void on_stuck() override;
  void on_stuck_too_long(Violation) override {}
  void on_forgotten(uint32_t error) override;
  void on_waiting(size_t bytes) override {
    if (std::exchange(waiting_, bytes) != bytes && events_ != nullptr) events_->on_waiting(bytes);
  }

  void tell(StreamError why);

  ClientStream::Events* events_;         // null: nobody listens any more
  uint64_t head_position_ = UINT64_MAX;  // where its head begins in what the connection has written
  uint64_t received_before_ = UINT64_MAX;  // bytes of the connection, when the head was written
  size_t waiting_ = 0;                     // as it was told
  InterimBudget interim_;
  Method method_ = Method::get;
  bool secure_;
  bool head_came_ = false;
  bool broke_rules_ = false;
};

}  // namespace onehop::http::h2
