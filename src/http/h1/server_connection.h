// SPDX-License-Identifier: MIT
// A client's HTTP/1.1 connection: parses requests one after the other, answers them in order.
//
//   idle -> head -> body -> answering -> idle ...  one request at a time; what comes ahead waits
//            |       |         |                   in pending_
//            |       +-----------> discarding -> idle    answered before the request's end, and
//            |       |         |                         little of it is left
//            +-------+---------+-> lingering -> closed   after an error, `Connection: close`, or
//                              |                         while much is left
//                              +-> tunnel -> closed      after a 101
//
// It is its own stream: there is never more than one. All writing goes to the transport's output
// and leaves at the end of the turn.
#pragma once

#include <memory>
#include <optional>

#include "../turn_share.h"
#include "../write_pace.h"
#include "body_reader.h"
#include "head_reader.h"
#include "onehop/base/recycled.h"
#include "onehop/http/preface.h"
#include "response_sender.h"

namespace onehop::http::h1 {

class H1ServerConnection final : public ServerConnection,
                                 public Recycled<H1ServerConnection>,
                                 private net::Transport::Events,
                                 private StalledClient,
                                 private ServerStream {
 public:
  H1ServerConnection(net::Loop& loop, net::TransportPtr transport, const Client& client,
                     Service& service, const ServerSettings& settings, ServerConnections& owner,
                     TakeOver take_over);
  ~H1ServerConnection() override;

  void start();
  const Client& client() const override { return client_; }
  void begin_drain(uint64_t idle_ms) override;
  void close_now() override;
  void cut(InFlight kind) override {
    if ((state_ == State::tunnel) == (kind == InFlight::tunnels)) close_now();
  }

 private:
  enum class State : uint8_t { idle, head, body, answering, discarding, tunnel, lingering, closed };

  static constexpr uint32_t kRequestsPerTurn = 16;  // however many its client has sent ahead

  // Goes on with pending_ at the end of the turn, when nobody is on the stack.
  struct Resume final : net::Dirty {
    explicit Resume(H1ServerConnection& connection) : connection_(connection) {}
    void flush() override { connection_.resume(); }
    H1ServerConnection& connection_;
  };

  // Transport::Events
  void on_bytes(Buffer& bytes) override;
  void on_end() override;
  void on_error(net::NetError error) override;
  void on_flush(net::Flushed flushed) override;

  // StalledClient
  size_t held_bytes() const noexcept override { return held_.bytes(); }
  uint64_t taken_bytes() const noexcept override {
    return transport_ ? transport_->taken_bytes() : 0;
  }
  void give_up() override { cut_off(Violation::not_taken); }

  // ServerStream
  void send_head(const ResponseHead& head, Ends ends) override;
  void send_body(Buffer&& bytes, Ends ends) override;
  void send_trailers(const Fields& trailers) override;
  bool has_room() const override;
  void set_reading(bool wanted) override;
  bool take_back() override;
  void set_kept(size_t bytes) override;
  void reset() override;

  void resume();
  bool may_be_h2(const Buffer& bytes) const;
  void hand_over(Buffer& bytes);
  void process(Buffer& bytes);
  bool fin_is_the_end() const noexcept;
  bool cancels_at_fin() const noexcept;
  bool read_head(Buffer& bytes);
  void begin_request(Buffer& bytes);
  std::optional<Violation> fault_behind(const RequestHead& head, const Buffer& bytes);
  bool read_body(Buffer& bytes);
  bool discard_body(Buffer& bytes);
  bool read_tunnel(Buffer& bytes);
  bool may_discard() const;
  void end_body(Buffer& out);
  void fail(Violation violation);
  void message_sent();
  void finish_exchange();
  void become_idle();
  void linger();
  void close(telemetry::Closer who);
  void on_deadline();
  void tell_of_reset(const StreamError& why);
  void cut_off(Violation why);
  uint64_t patience_left_ms();
  void retire_responder();
  void look_for_client();
  void has_gone();
  void apply_reads();
  void count_kept();
  void apply_reading();

  net::Loop& loop_;
  net::TransportPtr transport_;
  Service& service_;
  const ServerSettings& settings_;
  ServerConnections& owner_;
  std::unique_ptr<Responder> responder_;
  Buffer pending_;  // read, not yet passed on; at most kReadAhead and one read
  HeadReader head_;
  BodyReader body_;
  ResponseSender response_;
  net::Deadline deadline_{this, net::DeadlineThunk<&H1ServerConnection::on_deadline>::call};
  net::Deadline look_{this, net::DeadlineThunk<&H1ServerConnection::look_for_client>::call};
  Resume resume_{*this};
  uint64_t arrived_ns_ = 0;    // when the oldest byte that no request has taken came
  HeadTimes times_;            // of the request being read
  Buffered held_;              // what the client does not take
  Buffered kept_{&held_, 0};   // what its exchange keeps, and what the client has sent ahead
  size_t exchange_keeps_ = 0;  // of that
  WritePace pace_;             // while stalled_
  uint64_t drain_ms_ = 0;      // how long it may be idle from then on; 0: no drain has begun
  uint32_t lingered_bytes_ = 0;
  TurnShare requests_{kRequestsPerTurn};
  State state_ = State::idle;
  bool persistent_ = true;      // another request may follow
  bool client_closes_ = false;  // the client said that none will
  bool reset_told_ = false;     // to whoever answers, as the last event
  bool delivering_ = false;     // set_reading
  bool ended_ = false;          // the client will send nothing more
  bool end_delivered_ = false;  // of a tunnel
  bool stalled_ = false;
  bool counted_idle_ = false;
  bool first_request_ = true;
  Client client_;
  TakeOver take_over_;  // of a client that speaks HTTP/2; null: it may not
};

}  // namespace onehop::http::h1
