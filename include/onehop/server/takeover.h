// SPDX-License-Identifier: MIT
// Takeover: a process that begins with the listening sockets of one that runs, which drains once
// this one serves. The other end is HandOver (src/server/hand_over.h), which says what is said.
//
//   begin() -> fetch() -> ready() -> on_yours      fail(), or its end, at any time before: the one
//                           |                      that runs goes on
//                           +-> on_refused
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "onehop/base/result.h"
#include "onehop/net/descriptor_passing.h"
#include "onehop/net/readable.h"

namespace onehop::server {

class InheritedSockets;

// Where the processes of one configuration file meet: an abstract name made of its path. "" for
// standard input, which cannot be told apart.
std::string meeting_point_of(const std::string& file);

// The variable with the descriptor of the channel that a process was started with.
inline constexpr char kTakeoverVariable[] = "ONEHOP_TAKEOVER_FD";

class Takeover final : private net::Readable::Events {
 public:
  class Events {
   public:
    // One of the two, once. It drains, or has ended: everything is this process's.
    virtual void on_yours() = 0;
    virtual void on_refused(std::string_view why) = 0;  // it goes on

   protected:
    ~Events() = default;
  };

  // From the process that started this one, where it did (the variable is taken out of the
  // environment), else from the one at the meeting point. The error is a sentence.
  static Result<std::unique_ptr<Takeover>, std::string> begin(const std::string& meeting_point);

  explicit Takeover(net::MessageSocket channel) : channel_(std::move(channel)) {}

  // Waits for what it gives, kPatienceMs at most. The error is a sentence, which it is told.
  static constexpr int kPatienceMs = 30'000;
  Result<InheritedSockets, std::string> fetch();

  // Tells it why this one does not come to serve.
  void fail(std::string_view why) const;

  // This process serves. `loop` and `events` outlive it.
  void ready(net::EventLoop& loop, Events& events);

  int from_pid() const noexcept { return from_pid_; }  // 0: not known yet
  // Where others ask to take over; empty: nobody listens there.
  net::Descriptor take_meeting_point() { return std::move(meeting_point_); }

 private:
  Result<net::MessageSocket::Message, std::string> next() const;
  void on_readable(net::Readable& which) override;

  net::MessageSocket channel_;
  int from_pid_ = 0;
  net::Descriptor meeting_point_;
  Events* events_ = nullptr;
  std::unique_ptr<net::Readable> readable_;  // from ready() on
};

}  // namespace onehop::server
