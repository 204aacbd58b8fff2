// SPDX-License-Identifier: MIT
// Wire: a simulated TCP connection. Its near end is the proxy's transport, its far end a scripted
// client or origin. Bytes arrive in order, in pieces and late; FIN comes behind them, RST may
// overtake and destroy them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "onehop/net/dialer.h"
#include "onehop/net/transport.h"
#include "world.h"

namespace onehop::test {

class SimTransport;

// The scripted side.
class FarEnd {
 public:
  virtual void on_bytes(std::string_view bytes) = 0;
  virtual void on_end() = 0;
  virtual void on_reset() = 0;
  // What the near end has said, in the turn in which it said it, however it then travels.
  virtual void on_said(std::string_view) {}

 protected:
  ~FarEnd() = default;
};

class Wire : public std::enable_shared_from_this<Wire> {
 public:
  // `far` and `world` outlive the wire's events.
  Wire(World& world, FarEnd& far) : world_(world), far_(far) {}

  // --- of the far end
  void send(std::string_view bytes);
  void finish();  // FIN
  void close();   // FIN, or RST when bytes are unread; what arrives later is answered with RST
  void reset();   // RST
  void take_slowly(uint64_t every_us) { slow_us_ = every_us; }
  bool closed() const { return far_closed_; }

  // --- of the near end
  void attach(SimTransport& transport) { near_ = &transport; }
  size_t take(std::string_view bytes);  // how much fits, or less
  void near_finish();
  void near_close(bool with_reset);
  void near_wants_room();  // unblocks the transport when there is some
  void near_wants_to_read();
  bool near_broken() const { return rst_arrived_; }

 private:
  friend class SimTransport;
  void arrive(std::function<void()> what);
  void reset_near();
  void reset_far();
  void deliver();  // to the far end
  void schedule_delivery();

  World& world_;
  FarEnd& far_;
  SimTransport* near_ = nullptr;
  // towards the near end
  std::string inbox_;
  uint64_t last_arrival_ns_ = 0;
  uint64_t generation_ = 0;  // data of an older one was destroyed by a reset
  bool fin_arrived_ = false;
  bool rst_arrived_ = false;
  bool rst_sent_ = false;
  bool finished_ = false;
  bool read_scheduled_ = false;
  // towards the far end
  std::string queue_;
  uint64_t slow_us_ = 0;
  bool delivering_ = false;
  bool near_finished_ = false;
  bool end_delivered_ = false;
  bool near_closed_ = false;
  bool far_closed_ = false;
  bool far_reset_ = false;
  bool room_wanted_ = false;
};

class SimTransport final : public net::Transport, public net::Retirable {
 public:
  // `live` counts transports in existence; may be null.
  SimTransport(World& world, std::shared_ptr<Wire> wire, int64_t* live);
  ~SimTransport() override;

  void flush() override;
  bool write_pending() const noexcept override { return blocked_; }
  uint64_t taken_bytes() const noexcept override { return written_; }
  void acknowledge() noexcept override {}
  void set_reading(bool wanted) noexcept override;
  void finish_writing() noexcept override;
  void close_with_reset() noexcept override { reset_on_close_ = true; }

  void read();     // something is there
  void unblock();  // there is room

 private:
  void close() noexcept override;
  void fail_writing();
  void tell_what_was_said();

  World& world_;
  std::shared_ptr<Wire> wire_;
  uint64_t told_ = 0;  // bytes
  int64_t* live_;
  bool reading_ = false;
  bool blocked_ = false;
  bool write_broken_ = false;
  bool finish_wanted_ = false;
  bool reset_on_close_ = false;
};

net::TransportPtr make_transport(World& world, const std::shared_ptr<Wire>& wire, int64_t* live);

// Makes the far end of a new upstream connection.
class SimDialer final : public net::Dialer {
 public:
  using Accept = std::function<std::shared_ptr<Wire>(uint16_t port)>;
  // `live` counts its transports in existence; may be null.
  SimDialer(World& world, int64_t* live, Accept accept)
      : world_(world), live_(live), accept_(std::move(accept)) {}
  Result<std::unique_ptr<net::Dial>, net::NetError> dial(const Address& address,
                                                         net::Dial::Events& events) override;

  uint64_t begun() const { return begun_; }

 private:
  World& world_;
  int64_t* live_;
  Accept accept_;
  uint64_t begun_ = 0;
};

}  // namespace onehop::test
