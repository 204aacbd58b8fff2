// SPDX-License-Identifier: MIT
// A request and its response on a client's HTTP/2 connection. It owns whoever answers, until the
// response is in the kernel's hands.
#pragma once

#include <memory>

#include "onehop/base/recycled.h"
#include "onehop/http/connection.h"
#include "stream.h"

namespace onehop::http::h2 {

class H2ServerStream final : public H2Stream,
                             public Recycled<H2ServerStream>,
                             private ServerStream {
 public:
  explicit H2ServerStream(Connection& connection) : H2Stream(connection) {}
  ~H2ServerStream() override = default;

  // The request's head is there. Both end with a response or with a reset.
  void begin(int32_t id, const RequestHead& head, Ends ends, Service& service, const Client& client,
             const HeadTimes& times);
  void refuse(int32_t id, Violation violation, bool head_request, Service& service,
              const Client& client, const HeadTimes& times);

  // onehop stops: who has had no part of a response gets one that says so.
  void stop();

  bool expects_head() const noexcept override { return false; }
  bool is_tunnel() const noexcept override { return tunnel_; }
  void turn_down(Violation violation) override;
  void fail(Violation violation, net::NetError network) override;

 private:
  enum class Sent : uint8_t { nothing, head, all };

  // ServerStream
  void send_head(const ResponseHead& head, Ends ends) override;
  void send_body(Buffer&& bytes, Ends ends) override;
  void send_trailers(const Fields& trailers) override;
  bool has_room() const override { return out_has_room(); }
  void set_reading(bool wanted) override { want_body(wanted); }
  bool take_back() override { return false; }
  void set_kept(size_t bytes) override { keep(bytes); }
  void reset() override;

  // H2Stream
  void deliver_body(Buffer& bytes, Ends ends) override;
  void deliver_trailers(const Fields& trailers) override { responder_->on_trailers(trailers); }
  void on_out() override;
  void on_stuck() override { responder_->on_stall(); }
  void on_stuck_too_long(Violation why) override;
  void on_forgotten(uint32_t error) override;

  void let_go();

  std::unique_ptr<Responder> responder_;
  Sent sent_ = Sent::nothing;
  bool is_head_request_ = false;
  bool tunnel_ = false;
};

}  // namespace onehop::http::h2
