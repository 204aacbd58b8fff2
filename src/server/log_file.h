// SPDX-License-Identifier: MIT
// LogFile: a file that lines are added to, written in batches with one call each. A line is whole
// in it or, where a write failed in the middle, ended before the next one.
//
// It is written with O_APPEND, created 0640. What is no regular file (a pipe, a terminal) may take
// nothing for long: it is asked before each write, so that a stop is noticed. What is lost is said
// at most every ten seconds, the rest by the destructor.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "onehop/base/result.h"

namespace onehop::server {

// Opened by any thread; then used by one.
class LogFile {
 public:
  static constexpr size_t kBatchBytes = 64 * 1024;

  // "-" is standard output. The error is a sentence.
  static Result<std::shared_ptr<LogFile>, std::string> open(const std::string& path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  const std::string& path() const { return path_; }
  bool has_path() const;  // else it is standard output

  // Where the next line is to be added, with its end; then line_added(), which says whose it is.
  // Full: write() first.
  std::string& batch() { return batch_; }
  void line_added(size_t worker) { workers_.push_back(worker); }
  bool full() const { return batch_.size() >= kBatchBytes; }

  // Writes the batch. `count` is told of each worker's line whether it was written. Where a pipe
  // has no room, it waits until `give_up` says so.
  enum class Fate : uint8_t { written, lost };
  void write(const std::function<void(size_t worker, Fate fate)>& count,
             const std::function<bool()>& give_up);
  // How long it has taken nothing by now, while something was to be written.
  std::chrono::steady_clock::duration stuck_for() const;

  // Opens the path again, which somebody else may have given another file by now. Where that fails
  // the old one goes on.
  void reopen();
  // The same where its path has another file now, or none. Meant for about once a second.
  void look();

 private:
  LogFile(std::string path, int descriptor, bool regular);
  size_t write_some(const std::function<bool()>& give_up);
  std::string lost_text() const;
  bool say(const std::string& sentence);  // whether it was said, and not left out

  std::string path_;
  int descriptor_;
  bool regular_;
  bool torn_ = false;  // the last byte written was not the end of a line
  std::string batch_;
  std::vector<size_t> workers_;  // of the lines in it
  int error_ = 0;                // of the last write
  uint64_t lost_ = 0;            // lines, since that was last said
  int why_lost_ = 0;
  std::chrono::steady_clock::time_point stuck_since_{};  // the beginning: it is not
  std::chrono::steady_clock::time_point said_{};
};

}  // namespace onehop::server
