// SPDX-License-Identifier: MIT
// ConfigWatch: the files of the configuration are watched while `[server] watch` says so, and a
// change is a reload. What is watched is what was looked at last, whether that came into force or
// not: who mends a file that was refused need say nothing else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onehop/net/file_watch.h"
#include "reload.h"

namespace onehop::server {

// Of the main thread.
class ConfigWatch final : private net::FileWatch::Events {
 public:
  // What asks then; it is shown by GET /config.
  static constexpr std::string_view kBy = "watch";

  // All outlive it.
  ConfigWatch(net::FileWatcher& watcher, Reload& reload) : watcher_(watcher), reload_(reload) {}

  // These are what leads to the files from now on; none: nothing is watched. They were read before
  // this call, so they are read once more where the watch is new.
  void use(const std::vector<std::string>& patterns);

 private:
  void on_files_changed() override;

  net::FileWatcher& watcher_;
  Reload& reload_;
  std::vector<std::string> patterns_;
  std::unique_ptr<net::FileWatch> watch_;
};

}  // namespace onehop::server
