// SPDX-License-Identifier: MIT
// Reload: how another configuration comes into force while the program runs.
//
//   ask() -> loading, on a thread of its own: read, check, read certificates
//         -> main: names are looked up -> adopt, all or nothing -> every worker has it -> told
//
// One at a time. Whoever asks while one is under way has the next one, together with all who do.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "onehop/net/event_loop.h"
#include "prepared.h"

namespace onehop::server {

// How a reload ended, for whoever asked.
struct ReloadResult {
  bool in_force = false;
  std::string text;  // what came into force, or every mistake, in lines
};

// Of the main thread.
class Reload {
 public:
  class Owner {
   public:
    // The contexts that are in use.
    virtual TlsContexts contexts() const = 0;
    // Calls `then`, now or later, once the names in it were looked up; the error is a sentence.
    virtual Result<void, std::string> look_up(const Prepared& prepared,
                                              std::function<void()> then) = 0;
    // Brings it into force, or says why it cannot be, and then nothing has changed. `done` is
    // called later, when it is in force everywhere.
    virtual Result<std::string, std::string> adopt(Prepared prepared, const std::string& by,
                                                   std::function<void()> done) = 0;
    virtual void on_reload_begun() = 0;
    // One way or the other, and the counts have changed.
    virtual void on_reload_ended() = 0;

   protected:
    ~Owner() = default;
  };

  // What is counted of it.
  struct Counts {
    uint64_t succeeded = 0;
    uint64_t failed = 0;
  };

  // All outlive it. Without a `load` there is nothing to load from. What is asked for before
  // ready() waits for it.
  Reload(net::EventLoop& loop, Load load, Owner& owner);
  ~Reload();

  // `by` is what asked, for the log and for GET /config. `told` may be null.
  using Told = std::function<void(const ReloadResult& result)>;
  void ask(std::string by, Told told = nullptr);

  // Once, when the first configuration is in force.
  void ready() { go_on({}); }

  const Counts& counts() const noexcept { return counts_; }

 private:
  void begin();
  void loaded(Result<Prepared, std::string> prepared);
  void adopt(Prepared prepared);
  void end(const ReloadResult& result);
  void go_on(const std::vector<Told>& told, const ReloadResult& result = {});

  net::EventLoop& loop_;
  Load load_;
  Owner& owner_;
  std::thread thread_;     // while something is being loaded
  bool under_way_ = true;  // until ready()
  std::string by_;
  std::vector<Told> told_;
  std::string next_by_;  // asked for meanwhile; empty: nobody did
  std::vector<Told> next_told_;
  Counts counts_;
};

}  // namespace onehop::server
