// SPDX-License-Identifier: MIT
// FileWatch: says when files may have changed. What is watched are the folders along their paths
// and behind every symbolic link, so that it does not matter how a file is changed: written in
// place, replaced by rename, deleted and made again, in a folder that comes later, or by a link
// that points elsewhere, as Kubernetes does it two levels up (`..data`).
//
// What comes in quick succession is told once, a moment after the last of it (kQuietMs), and at
// most kLongestMs after the first. File systems that tell nothing, such as those of a network, are
// looked at every kPollMs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onehop/net/event_loop.h"

namespace onehop::net {

// Watches until it is destroyed.
class FileWatch {
 public:
  class Events {
   public:
    // The files may be other ones than when the watch began, or this was called the last time. May
    // destroy the watch. Never from within a call of FileWatcher.
    virtual void on_files_changed() = 0;

   protected:
    ~Events() = default;
  };

  FileWatch() = default;
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  virtual ~FileWatch() = default;
};

class FileWatcher {
 public:
  // Paths, or paths with wildcards (base/file_pattern.h); none of them need be there. `events`
  // outlives the watch. Whoever reads the files after this call misses nothing.
  virtual std::unique_ptr<FileWatch> watch(std::vector<std::string> patterns,
                                           FileWatch::Events& events) = 0;

 protected:
  ~FileWatcher() = default;
};

// By the kernel, on the loop that is given, which outlives it and its watches.
class KernelFileWatcher final : public FileWatcher {
 public:
  static constexpr uint64_t kQuietMs = 50;
  static constexpr uint64_t kLongestMs = 1000;
  static constexpr uint64_t kPollMs = 5000;

  explicit KernelFileWatcher(EventLoop& loop, uint64_t poll_ms = kPollMs)
      : loop_(loop), poll_ms_(poll_ms) {}

  std::unique_ptr<FileWatch> watch(std::vector<std::string> patterns,
                                   FileWatch::Events& events) override;

 private:
  EventLoop& loop_;
  const uint64_t poll_ms_;
};

}  // namespace onehop::net
