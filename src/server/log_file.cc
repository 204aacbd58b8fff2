// SPDX-License-Identifier: MIT
#include "log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::server {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kStandardOutput = "-";
constexpr std::chrono::seconds kBetweenComplaints{10};
constexpr int kPollMs = 50;
constexpr size_t kPipeWrite = 4096;  // PIPE_BUF: so much does not wait where poll() says "ready"

// O_NONBLOCK: a pipe without a reader is an error and not a wait. It means nothing to a file.
int open_file(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                0640);
}

bool is_regular(int descriptor) {
  struct stat found {};
  return ::fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
}

std::string text_of(int error) {
  if (error == ETIMEDOUT) return "nobody reads it";
  return std::error_code(error, std::generic_category()).message();
}

// A pipe is opened anew where that may be done: this descriptor then does not wait, also where
// somebody else wrote to the pipe behind poll(), and the one that was given is as it was.
int open_standard_output() {
  struct stat found {};
  if (::fstat(STDOUT_FILENO, &found) == 0 && S_ISFIFO(found.st_mode)) {
    const int own =
        ::open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (own >= 0) return own;
  }
  return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

}  // namespace

LogFile::LogFile(std::string path, int descriptor, bool regular)
    : path_(std::move(path)), descriptor_(descriptor), regular_(regular) {
  batch_.reserve(2 * kBatchBytes);
}

LogFile::~LogFile() {
  if (lost_ > 0) log::warning("access log: " + lost_text());
  ::close(descriptor_);
}

Result<std::shared_ptr<LogFile>, std::string> LogFile::open(const std::string& path) {
  const int descriptor = path == kStandardOutput ? open_standard_output() : open_file(path);
  if (descriptor < 0)
    return Unexpected<std::string>(
        fmt::format("log.access.file: {} cannot be opened: {}", path, text_of(errno)));
  return std::shared_ptr<LogFile>(new LogFile(path, descriptor, is_regular(descriptor)));
}

bool LogFile::has_path() const {
  return path_ != kStandardOutput;
}

void LogFile::reopen() {
  if (!has_path()) return;
  const int descriptor = open_file(path_);
  if (descriptor < 0) {
    say(fmt::format("{} cannot be opened again: {}", path_, text_of(errno)));
    return;
  }
  ::close(std::exchange(descriptor_, descriptor));
  regular_ = is_regular(descriptor_);
  torn_ = false;
  stuck_since_ = {};
}

std::chrono::steady_clock::duration LogFile::stuck_for() const {
  if (stuck_since_ == steady_clock::time_point()) return {};
  return steady_clock::now() - stuck_since_;
}

void LogFile::look() {
  if (!has_path()) return;
  struct stat open_one {};
  struct stat named {};
  const bool same = ::fstat(descriptor_, &open_one) == 0 && ::stat(path_.c_str(), &named) == 0 &&
                    open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
  if (!same) reopen();
}

// Bytes of the batch that are out. Less than all of it: error_ says why.
size_t LogFile::write_some(const std::function<bool()>& give_up) {
  size_t done = 0;
  error_ = 0;
  while (done < batch_.size()) {
    size_t size = batch_.size() - done;
    if (!regular_) {
      pollfd ready{descriptor_, POLLOUT, 0};
      // Whoever has given up does not wait for each of the batches that are still to come.
      const int found = ::poll(&ready, 1, give_up() ? 0 : kPollMs);
      if (found == 0 && stuck_since_ == steady_clock::time_point())
        stuck_since_ = steady_clock::now();
      if (found == 0 && give_up()) error_ = ETIMEDOUT;
      if (error_ != 0) return done;
      if (found <= 0) continue;
      size = std::min(size, kPipeWrite);
    }
    const ssize_t written = ::write(descriptor_, batch_.data() + done, size);
    if (written >= 0) {
      done += static_cast<size_t>(written);
      stuck_since_ = {};
    } else if (errno == EAGAIN ? give_up() : errno != EINTR) {
      error_ = errno == EAGAIN ? ETIMEDOUT : errno;
      return done;
    }
  }
  return done;
}

void LogFile::write(const std::function<void(size_t worker, Fate fate)>& count,
                    const std::function<bool()>& give_up) {
  if (batch_.empty()) return;
  if (torn_) batch_.insert(batch_.begin(), '\n');
  const size_t done = write_some(give_up);
  if (done > 0) torn_ = batch_[done - 1] != '\n';
  const bool whole = done == batch_.size();
  size_t lines = workers_.size();
  if (!whole) {
    const auto begin = batch_.begin();
    lines = static_cast<size_t>(std::count(begin, begin + static_cast<ptrdiff_t>(done), '\n'));
    lines -= std::min<size_t>(lines, batch_.front() == '\n' ? 1 : 0);
  }
  for (size_t i = 0; i < workers_.size(); ++i)
    count(workers_[i], i < lines ? Fate::written : Fate::lost);
  lost_ += workers_.size() - lines;
  workers_.clear();
  batch_.clear();
  if (error_ == 0) return;
  why_lost_ = error_;
  if (lost_ > 0 && say(lost_text())) lost_ = 0;
}

std::string LogFile::lost_text() const {
  return fmt::format("{} of {} {} lost: {}", lost_ == 1 ? "1 line" : fmt::format("{} lines", lost_),
                     path_, lost_ == 1 ? "is" : "are", text_of(why_lost_));
}

bool LogFile::say(const std::string& sentence) {
  const auto now = steady_clock::now();
  if (said_.time_since_epoch().count() != 0 && now - said_ < kBetweenComplaints) return false;
  said_ = now;
  log::warning("access log: " + sentence);
  return true;
}

}  // namespace onehop::server
