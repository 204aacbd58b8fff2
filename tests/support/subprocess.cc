// SPDX-License-Identifier: MIT
// fork and exec, with everything that allocates done before the fork.
#include "tests/support/subprocess.h"

#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>
#include <csignal>
#include <sstream>
#include <stdexcept>

namespace onehop::test {
namespace {

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!more.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [key, value] : more) all.push_back(key + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Only calls that are safe between fork and exec.
[[noreturn]] void become(char** arguments, char** environment, const SubprocessOptions& options,
                         int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGPIPE, SIG_DFL);  // as a shell starts it: the test ignores it, and exec keeps that
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  // What the test inherited is not the program's. Those that are go where nothing else is first.
  constexpr int kAside = 500;
  int aside = kAside;
  for (const int descriptor : options.descriptors) ::dup2(descriptor, aside++);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (int i = 0; i < aside - kAside; ++i) ::dup2(kAside + i, 3 + i);
  if (options.open_files != 0) {
    const rlimit limit{options.open_files, options.open_files};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(126);
  ::execvpe(arguments[0], arguments, environment);
  ::_exit(127);
}

}  // namespace

Subprocess::Subprocess(std::vector<std::string> arguments, const SubprocessOptions& options) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  std::vector<std::string> environment = merged_environment(options.environment);
  std::vector<char*> argument_pointers = pointers(arguments);
  std::vector<char*> environment_pointers = pointers(environment);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no fork");
  if (pid_ == 0)
    become(argument_pointers.data(), environment_pointers.data(), options, out[1], err[1]);
  ::close(out[1]);
  ::close(err[1]);
  gatherer_ = std::thread([this, o = out[0], e = err[0]] { gather(o, e); });
}

Subprocess::~Subprocess() {
  if (!reap(false)) {
    signal(SIGKILL);
    reap(true);
  }
  gatherer_.join();
}

void Subprocess::gather(int out, int err) {
  pollfd items[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
  char block[4096];
  while (items[0].fd >= 0 || items[1].fd >= 0) {
    ::poll(items, 2, -1);
    for (int i = 0; i < 2; ++i) {
      if (items[i].fd < 0 || items[i].revents == 0) continue;
      const ssize_t n = ::read(items[i].fd, block, sizeof block);
      const std::lock_guard lock(mutex_);
      if (n > 0) (i == 0 ? output_ : errors_).append(block, static_cast<size_t>(n));
      if (n <= 0) {
        ::close(items[i].fd);
        items[i].fd = -1;
      }
      more_.notify_all();
    }
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  more_.notify_all();
}

std::string Subprocess::output() const {
  const std::lock_guard lock(mutex_);
  return output_;
}

std::string Subprocess::errors() const {
  const std::lock_guard lock(mutex_);
  return errors_;
}

std::optional<std::string> Subprocess::wait_line(const std::string& prefix, size_t nth) {
  const Deadline deadline(patience(milliseconds(10000)));
  std::unique_lock lock(mutex_);
  while (true) {
    std::istringstream lines(output_.substr(0, output_.rfind('\n') + 1));
    size_t found = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(prefix) && found++ == nth) return line.substr(prefix.size());
    }
    if (ended_ || deadline.passed()) return std::nullopt;
    more_.wait_for(lock, deadline.left());
  }
}

void Subprocess::signal(int number) const {
  if (!code_) ::kill(pid_, number);
}

bool Subprocess::reap(bool block) {
  if (code_) return true;
  int status = 0;
  if (::waitpid(pid_, &status, block ? 0 : WNOHANG) != pid_) return false;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

std::optional<int> Subprocess::wait_exit(Deadline deadline) {
  if (!eventually([this] { return reap(false); }, deadline)) return std::nullopt;
  std::unique_lock lock(mutex_);
  more_.wait_for(lock, patience(), [this] { return ended_; });  // all of its output is here
  return code_;
}

Finished run_program(std::vector<std::string> arguments, const SubprocessOptions& options) {
  const std::string name = arguments.front();
  Subprocess program(std::move(arguments), options);
  const std::optional<int> code = program.wait_exit(Deadline(patience(milliseconds(15000))));
  if (!code)
    throw std::runtime_error(name + " did not end: " + program.output() + program.errors());
  return {*code, program.output(), program.errors()};
}

bool has_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

TemporaryFile::TemporaryFile(const std::string& name, const std::string& text)
    : name_(name), path_(folder_ / name) {
  folder_.write(name_, text);
}

void TemporaryFile::replace(const std::string& text) const {
  folder_.replace(name_, text);
}

}  // namespace onehop::test
