// SPDX-License-Identifier: MIT
// Succession: what of a server comes from the process before it, and goes to the one after it.
//
//   inherit() -> (the server binds what is not among inherited()) -> bound() -> serving()
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hand_over.h"
#include "in_force.h"
#include "inherited_sockets.h"
#include "onehop/net/event_loop.h"
#include "onehop/server/server.h"
#include "onehop/server/takeover.h"

namespace onehop::server {

class AdminEndpoint;
class Listeners;
class Stop;
class Workers;

// Of the main thread.
class Succession final : private HandOver::Owner, private Takeover::Events {
 public:
  // All outlive it.
  struct Parts {
    net::EventLoop& loop;
    Workers& workers;
    Listeners& listeners;
    AdminEndpoint& admin_endpoint;
    Stop& stop;
    ServiceManager& manager;
    const InForce& in_force;
  };
  Succession(const Parts& parts, Launch launch);

  // Gets the sockets of whoever had them. The error is a sentence.
  Result<void, std::string> inherit();
  InheritedSockets* inherited() { return &inherited_; }
  // Everything is bound: closes what this configuration does not have. A socket of systemd that no
  // listener has is an error: its clients would wait for ever.
  Result<void, std::string> bound();
  // It comes to nothing; whoever runs is told why.
  void fail(const std::string& why);

  // Workers accept: tells the process before. `then` is called, now or later, when this one is the
  // service.
  void serving(std::function<void()> then);

  // Signs cookies of upstreams that have no secret of their own: made at the start, or that of the
  // process before, whose clients stay with their endpoints.
  const std::string& sticky_secret() const noexcept { return sticky_secret_; }

  void start_successor() { hand_over_.start_successor(); }  // SIGUSR2
  void on_child_signal() { hand_over_.on_child_signal(); }  // SIGCHLD
  void call_off(std::string_view why);                      // before it stops

  bool under_way() const noexcept { return takeover_ != nullptr || hand_over_.under_way(); }
  int predecessor() const noexcept { return predecessor_; }  // a process; 0: there was none
  uint64_t failures() const noexcept { return hand_over_.failures(); }
  bool gave_way() const noexcept { return gave_way_; }  // the one before goes on

 private:
  void inherit_ticket_keys() const;

  // HandOver::Owner
  void gather(HandOver::Owner::Then then) override;
  std::string_view hindrance() const override;
  void leave_to(int pid) override;

  // Takeover::Events
  void on_yours() override;
  void on_refused(std::string_view why) override;

  Parts parts_;
  std::string meeting_point_;
  std::string sticky_secret_;
  bool activated_;
  std::unique_ptr<Takeover> takeover_;  // until this process is the one
  InheritedSockets inherited_;
  std::vector<std::string> left_files_;  // of sockets that are not listened on any more
  std::function<void()> then_;
  bool serves_ = false;
  bool gave_way_ = false;
  int predecessor_ = 0;
  HandOver hand_over_;
};

}  // namespace onehop::server
