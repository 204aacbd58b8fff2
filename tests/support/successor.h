// SPDX-License-Identifier: MIT
// The process that takes over from a ProxyProcess. It is nobody's child when the first one has
// ended, so the test adopts it (PR_SET_CHILD_SUBREAPER), and the destructor stops it as an operator
// would. Declared after the proxy: it has its standard output and error, which are read to their
// end.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"

namespace onehop::test {

class Successor {
 public:
  // Before it is started.
  explicit Successor(ProxyProcess& proxy) : proxy_(proxy), before_(pid_at_admin()) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~Successor() {
    if (pid_ == 0) return;
    const std::optional<int> code = terminate();
    if (code != 0) FAIL_CHECK("the successor ended with " << code.value_or(-1));
  }
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  // SIGUSR2 to whoever serves, and waits until another process does.
  bool take_over() {
    ::kill(serving(), SIGUSR2);
    return wait_until_it_serves();
  }
  // Waits until another process answers on admin than the one of the constructor, or of the last
  // call.
  bool wait_until_it_serves() {
    int64_t now = 0;
    const bool other = eventually([&] {
      now = pid_at_admin();
      return now != 0 && now != serving();
    });
    if (!other) return false;
    // The one between has ended, or does: nobody else waits for it.
    if (pid_ != 0) CHECK(wait_exit(pid_) == 0);
    pid_ = static_cast<pid_t>(now);
    return true;
  }

  pid_t pid() const { return pid_; }
  size_t open_files() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd"))
      ++count;
    return count;
  }

  std::optional<int> terminate() {
    ::kill(pid_, SIGTERM);
    const std::optional<int> code = wait_exit(pid_);
    if (!code.has_value()) ::kill(pid_, SIGKILL);
    pid_ = 0;
    return code;
  }

 private:
  int64_t pid_at_admin() const {
    try {
      return proxy_.stats().number("pid");
    } catch (const std::exception&) {
      return 0;  // between the two
    }
  }
  pid_t serving() const { return pid_ != 0 ? pid_ : static_cast<pid_t>(before_); }

  // It becomes the test's child when its parent has ended.
  static std::optional<int> wait_exit(pid_t pid) {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; })) return std::nullopt;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  ProxyProcess& proxy_;
  int64_t before_;
  pid_t pid_ = 0;
};

}  // namespace onehop::test
