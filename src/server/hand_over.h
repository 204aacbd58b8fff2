// SPDX-License-Identifier: MIT
// HandOver: the end of a takeover at the process that runs. Another one of the same user asks for
// the listening sockets, at the meeting point or because this process has started it (SIGUSR2). It
// gets them, begins to serve, says that it is ready, and only then this one leaves. Whatever
// happens before that, this process goes on as it did, and the log says why.
//
//   idle -> greeting -> gathering -> giving -> left
//     ^         |           |           |
//     +---------+-----------+-----------+     it failed, left, or took longer than kPatienceMs
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inherited_sockets.h"
#include "onehop/net/descriptor_passing.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/readable.h"
#include "service_manager.h"

namespace onehop::server {

// Of the main thread.
class HandOver final : private net::Readable::Events {
 public:
  class Owner {
   public:
    // All listening sockets, later; `then` is called on the main thread.
    using Then = std::function<void(std::vector<HandedSockets>)>;
    virtual void gather(Then then) = 0;
    // Why it cannot be now, such as "it is being stopped"; empty: it can.
    virtual std::string_view hindrance() const = 0;
    // The other process serves.
    virtual void leave_to(int pid) = 0;

   protected:
    ~Owner() = default;
  };

  // From a start of the other program to its word that it is ready. Beyond it, one that this
  // process has started is killed.
  static constexpr uint64_t kPatienceMs = 60'000;

  // All outlive it. `arguments` are those of this program, with which another one is started; empty
  // where that cannot be.
  HandOver(net::EventLoop& loop, ServiceManager& manager, Owner& owner,
           std::vector<std::string> arguments, uint64_t patience_ms = kPatienceMs);

  // Others may ask there: where another process has listened before, or at a name. It is a warning
  // where somebody else does.
  void meet_at(const std::string& name, net::Descriptor listening = {});

  // Starts the program again, which takes over.
  void start_successor();
  void on_child_signal();  // SIGCHLD

  // This process stops, so nobody takes over from it.
  void call_off(std::string_view why);

  bool under_way() const noexcept { return state_ != State::idle && state_ != State::left; }
  uint64_t failures() const noexcept { return failures_; }

 private:
  enum class State : uint8_t { idle, greeting, gathering, giving, left };

  void on_readable(net::Readable& which) override;
  void greet(net::MessageSocket came);
  void begin(net::MessageSocket channel, int pid);
  void on_message();
  void answer(std::string_view text);
  void gathered(std::vector<HandedSockets> sockets);
  void give_next();
  void leave();
  void on_deadline();
  void fail(const std::string& why);
  void give_up(std::string_view why);
  void end();
  // How it has ended, as waitpid() says; nothing: it has not.
  std::optional<int> reap();

  net::EventLoop& loop_;
  ServiceManager& manager_;
  Owner& owner_;
  std::vector<std::string> arguments_;
  uint64_t patience_ms_;
  State state_ = State::idle;
  net::Descriptor meeting_;
  std::unique_ptr<net::Readable> at_meeting_;
  net::MessageSocket channel_;
  std::unique_ptr<net::Readable> at_channel_;
  int pid_ = 0;         // of the process that takes over
  int child_ = 0;       // the same, where this process has started it; 0: it has not
  std::string said_;    // why it failed, in its own words
  uint64_t round_ = 0;  // tells what was gathered for one from what was for the next
  std::vector<HandedSockets> to_give_;  // the last one is the next
  uint64_t failures_ = 0;
  net::Deadline deadline_{this, net::DeadlineThunk<&HandOver::on_deadline>::call};
};

}  // namespace onehop::server
