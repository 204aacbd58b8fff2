// SPDX-License-Identifier: MIT
// Reload: how another configuration comes into force while the program runs.
//
//   ask() -> loading, on a thread of its own: read, check, read certificates
//         -> main: names are looked up -> adopt, all or nothing -> every worker has it -> told
//
// One at a time. Whoever asks while one is under way has the next one, together with all who do.
// Where files are watched (config_watch.h), a reload that finds what was read the last time ends
// before it began: nobody is told, and it is not counted.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
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
    // Nobody will be served by what is loaded from now on.
    virtual bool leaving() const = 0;
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
    // There was none: the files are what they were, though others may lead to them.
    virtual void on_reload_unchanged() = 0;

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

  // The same for whoever thinks that a file may have changed; nothing in a process that leaves.
  void ask_if_changed(std::string by);

  // Once, when the first configuration is in force. `sha256` is of the text of its files, whose
  // names these are.
  void ready(const std::string& sha256, const std::vector<std::string>& files) {
    latest_ = mark_of(sha256, files);
    go_on({});
  }

  // What leads to the files that were read last.
  const std::vector<std::string>& patterns() const noexcept { return patterns_; }
  void use_patterns(std::vector<std::string> patterns) { patterns_ = std::move(patterns); }

  const Counts& counts() const noexcept { return counts_; }

 private:
  // What came of loading: `made` is nothing where the files are what they were.
  struct Attempt {
    config::Sources sources;
    std::string mark;
    std::optional<Result<Prepared, std::string>> made;
  };
  // Two that have the same are one configuration: the names count, as relative paths begin at them.
  static std::string mark_of(std::string sha256, const std::vector<std::string>& files);
  static Attempt attempt(const Load& load, const TlsContexts& before, const std::string& unless);

  void begin();
  void loaded(Attempt attempt);
  void adopt(Prepared prepared);
  void end(const ReloadResult& result);
  void end_unchanged();
  void go_on(const std::vector<Told>& told, const ReloadResult& result = {});

  net::EventLoop& loop_;
  Load load_;
  Owner& owner_;
  std::thread thread_;     // while something is being loaded
  bool under_way_ = true;  // until ready()
  std::string by_;
  bool if_changed_ = false;
  std::vector<Told> told_;
  std::string next_by_;  // asked for meanwhile; empty: nobody did
  bool next_if_changed_ = false;
  std::vector<Told> next_told_;
  std::string latest_;  // the mark of what was read last
  std::vector<std::string> patterns_;
  Counts counts_;
};

}  // namespace onehop::server
