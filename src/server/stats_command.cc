// SPDX-License-Identifier: MIT
// One request on one blocking connection: this command has nothing else to do meanwhile, so it
// needs no loop. All of it, connecting included, has one deadline.
#include "stats_command.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "onehop/base/address.h"
#include "onehop/base/result.h"
#include "onehop/net/error.h"
#include "onehop/net/event_loop.h"

namespace onehop::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(5);
// A document has about 9 KB per endpoint: what is larger comes from something else.
constexpr size_t kMaxAnswerBytes = size_t{64} * 1024 * 1024;

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

// A connection to the admin endpoint. Errors are the end of a sentence: "connection refused".
class Question {
 public:
  Question() = default;
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
    if (const auto ready = wait(POLLOUT); !ready.has_value()) return ready;
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
      } else if (const auto ready = wait(POLLOUT); !ready.has_value()) {
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
      } else if (const auto ready = wait(POLLIN); !ready.has_value()) {
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
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
      pollfd item{descriptor_, events, 0};
      const int count = ::poll(&item, 1, static_cast<int>(std::max<int64_t>(0, left.count())));
      if (count > 0) return {};
      if (count == 0) {
        return Unexpected<std::string>(fmt::format("no answer within {} s", kPatience.count()));
      }
      if (errno != EINTR) return failed(errno);
    }
  }

  int descriptor_ = -1;
  Clock::time_point deadline_ = Clock::now() + kPatience;
};

Result<std::string, std::string> ask(const Address& address) {
  Question question;
  if (const auto done = question.connect(address); !done.has_value()) {
    return Unexpected<std::string>(done.error());
  }
  const auto done = question.send(fmt::format(
      "GET /stats HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", address.to_string()));
  if (!done.has_value()) return Unexpected<std::string>(done.error());
  return question.read_to_end();
}

// The body of a 200. The error is a sentence about what came instead.
Result<std::string, std::string> body_of(const std::string& answer) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const size_t head_end = answer.find("\r\n\r\n");
  if (!answer.starts_with(kVersion) || head_end == std::string::npos) {
    return Unexpected<std::string>("it does not speak HTTP/1.1");
  }
  const std::string status = answer.substr(kVersion.size(), 3);
  if (status != "200") return Unexpected<std::string>("it answered GET /stats with " + status);
  return answer.substr(head_end + 4);
}

// As the server reads it: where it says localhost or no host, it listens on 127.0.0.1 at least.
Result<Address, std::string> address_of(HostPort name) {
  if (name.host.empty() || name.host == "localhost") name.host = "127.0.0.1";
  return net::resolve(name);
}

int failed(const std::string& sentence) {
  std::fprintf(stderr, "onehop: %s\n", sentence.c_str());
  return kFailed;
}

int not_an_endpoint(const std::string& admin, const std::string& why) {
  return failed(
      fmt::format("{} is not the admin endpoint of a onehop: {}\n"
                  "  Give the address that the proxy was started with: --admin, or [admin] listen.",
                  admin, why));
}

}  // namespace

admin::Ink table_ink(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return admin::Ink::plain;
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return admin::Ink::plain;
  return ::isatty(descriptor) == 1 ? admin::Ink::terminal : admin::Ink::plain;
}

int run_stats(const StatsOptions& options) {
  const auto name = parse_host_port(options.admin);
  if (!name.has_value()) {
    std::fprintf(stderr, "onehop: --admin: %s\n", name.error().c_str());
    return kWrongUsage;
  }
  const auto address = address_of(*name);
  if (!address.has_value()) return failed(address.error());
  const auto answer = ask(*address);
  if (!answer.has_value()) {
    return failed(
        fmt::format("no admin endpoint at {}: {}\n"
                    "  The proxy must be running, with --admin {} or the same in [admin] listen.",
                    options.admin, answer.error(), options.admin));
  }
  const auto document = body_of(*answer);
  if (!document.has_value()) return not_an_endpoint(options.admin, document.error());
  admin::TableStyle style;
  style.ink = table_ink(STDOUT_FILENO);
  const auto table = admin::stats_table(*document, style);
  if (!table.has_value()) return not_an_endpoint(options.admin, table.error());
  std::fputs((options.json ? *document : *table).c_str(), stdout);
  if (options.json && !document->ends_with('\n')) std::fputc('\n', stdout);
  return 0;
}

}  // namespace onehop::server
