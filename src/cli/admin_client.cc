// SPDX-License-Identifier: MIT
// A non-blocking socket and poll(), so that connecting, sending and reading share one deadline.
#include "admin_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "onehop/net/error.h"
#include "onehop/net/event_loop.h"

namespace onehop::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A document has about 9 KB per endpoint: what is larger comes from something else.
constexpr size_t kMaxAnswerBytes = size_t{64} * 1024 * 1024;

std::string text_of(milliseconds time) {
  return time.count() % 1000 == 0 ? fmt::format("{} s", time.count() / 1000)
                                  : fmt::format("{} ms", time.count());
}

// A connection to the admin endpoint. Errors are the end of a sentence: "connection refused".
class Question {
 public:
  explicit Question(milliseconds patience)
      : patience_(patience), deadline_(Clock::now() + patience) {}
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  Result<void, std::string> connect(const Address& address) {
    const int family = address.raw()->sa_family;
    descriptor_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) return failed(errno);
    if (::connect(descriptor_, address.raw(), address.size()) == 0) return {};
    if (errno != EINPROGRESS) return failed(errno);
    if (auto ready = wait(POLLOUT); !ready.has_value()) return ready;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return failed(errno);
    if (error != 0) return failed(error);
    return {};
  }

  Result<void, std::string> send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno != EAGAIN) {
        return failed(errno);
      } else if (auto ready = wait(POLLOUT); !ready.has_value()) {
        return ready;
      }
    }
    return {};
  }

  Result<std::string, std::string> read_to_end() {
    std::string bytes;
    char block[16 * 1024];
    while (bytes.size() <= kMaxAnswerBytes) {
      const ssize_t got = ::recv(descriptor_, block, sizeof block, 0);
      if (got == 0) return bytes;
      if (got > 0) {
        bytes.append(block, static_cast<size_t>(got));
      } else if (errno != EAGAIN) {
        return failed(errno);
      } else if (auto ready = wait(POLLIN); !ready.has_value()) {
        return Unexpected<std::string>(ready.error());
      }
    }
    return Unexpected<std::string>("the answer does not end");
  }

 private:
  static Unexpected<std::string> failed(int number) {
    return Unexpected<std::string>(std::string(net::NetError{number}.sentence()));
  }

  Result<void, std::string> wait(short events) const {
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
      pollfd item{descriptor_, events, 0};
      const int count = ::poll(&item, 1, static_cast<int>(std::max<int64_t>(0, left.count())));
      if (count > 0) return {};
      if (count == 0) {
        return Unexpected<std::string>(fmt::format("no answer within {}", text_of(patience_)));
      }
      if (errno != EINTR) return failed(errno);
    }
  }

  milliseconds patience_;
  Clock::time_point deadline_;
  int descriptor_ = -1;
};

// As the server reads it: where it says localhost or no host, it listens on 127.0.0.1 at least.
Result<Address, std::string> address_of(HostPort name) {
  if (name.host.empty() || name.host == "localhost") name.host = "127.0.0.1";
  return net::resolve(name);
}

Result<std::string, std::string> exchange(const Address& address, std::string_view path,
                                          milliseconds patience) {
  Question question(patience);
  if (const auto done = question.connect(address); !done.has_value()) {
    return Unexpected<std::string>(done.error());
  }
  const auto done = question.send(fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", path, address.to_string()));
  if (!done.has_value()) return Unexpected<std::string>(done.error());
  return question.read_to_end();
}

Unexpected<AdminError> error(AdminFailure failure, std::string why) {
  return Unexpected<AdminError>(AdminError{failure, std::move(why)});
}

}  // namespace

Result<AdminAnswer, AdminError> ask_admin(const std::string& admin, std::string_view path,
                                          milliseconds patience) {
  const auto name = parse_host_port(admin);
  if (!name.has_value()) return error(AdminFailure::not_an_address, name.error());
  const auto address = address_of(*name);
  if (!address.has_value()) return error(AdminFailure::unreachable, address.error());
  const auto bytes = exchange(*address, path, patience);
  if (!bytes.has_value()) return error(AdminFailure::unreachable, bytes.error());
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const size_t head_end = bytes->find("\r\n\r\n");
  if (!bytes->starts_with(kVersion) || head_end == std::string::npos) {
    return error(AdminFailure::not_the_endpoint, "it does not speak HTTP/1.1");
  }
  return AdminAnswer{bytes->substr(kVersion.size(), 3), bytes->substr(head_end + 4)};
}

}  // namespace onehop::cli
