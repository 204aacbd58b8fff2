// SPDX-License-Identifier: MIT
// A program started by a test, its output gathered by a thread so that no pipe ever fills. It dies
// with the test process.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/folder.h"

namespace onehop::test {

struct SubprocessOptions {
  std::map<std::string, std::string> environment;  // added to the test's own
  unsigned open_files = 0;                         // RLIMIT_NOFILE, soft and hard; 0 leaves it
  std::string directory;                           // "" is the test's own
  std::vector<int> descriptors = {};               // the program's 3 and those behind it
};

class Subprocess {
 public:
  explicit Subprocess(std::vector<std::string> arguments, const SubprocessOptions& options = {});
  ~Subprocess();  // kills what is still running
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  pid_t pid() const { return pid_; }
  std::string output() const;  // stdout so far
  std::string errors() const;  // stderr so far

  // Waits until a whole line of stdout starts with `prefix`, and returns the `nth` (0 is the first)
  // without the prefix; nullopt when the program ended or the deadline passed without it.
  std::optional<std::string> wait_line(const std::string& prefix, size_t nth = 0);

  void signal(int number) const;
  // Waits for the exit: the exit code, or 128 + N for signal N; nullopt when the deadline passed.
  std::optional<int> wait_exit(Deadline deadline = Deadline());

 private:
  void gather(int out, int err);
  bool reap(bool block);

  pid_t pid_ = -1;
  std::optional<int> code_;
  mutable std::mutex mutex_;  // guards the three below
  std::condition_variable more_;
  std::string output_;
  std::string errors_;
  bool ended_ = false;  // both pipes are at their end
  std::thread gatherer_;
};

// Runs a program to its end; throws when that takes too long.
struct Finished {
  int code = 0;
  std::string output;
  std::string errors;
};
Finished run_program(std::vector<std::string> arguments, const SubprocessOptions& options = {});

// Is there such a program in PATH?
bool has_program(const std::string& name);

// A file in a temporary folder of its own, both removed on destruction.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& text);
  const std::string& path() const { return path_; }
  const std::string& folder() const { return folder_.path(); }
  void replace(const std::string& text) const;  // at once: whoever reads sees the one or the other

 private:
  Folder folder_;
  std::string name_;
  std::string path_;
};

}  // namespace onehop::test
