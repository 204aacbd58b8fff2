// SPDX-License-Identifier: MIT
// A non-blocking socket and poll(), so that connecting, sending and reading share one deadline.
#include "admin_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

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

// Where to connect to, and by what name it is asked there.
struct Place {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string host;

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

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

  Result<void, std::string> connect(const Place& place) {
    const int family = place.address()->sa_family;
    descriptor_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) return failed(errno);
    if (::connect(descriptor_, place.address(), place.size) == 0) return {};
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

Unexpected<AdminError> error(AdminFailure failure, std::string why) {
  return Unexpected<AdminError>(AdminError{failure, std::move(why)});
}

Result<Place, AdminError> place_at(const std::string& path) {
  Place place;
  auto& address = reinterpret_cast<sockaddr_un&>(place.storage);
  if (path.size() >= sizeof address.sun_path)
    return error(AdminFailure::wrong_option,
                 fmt::format("--control: a path of {} bytes; the kernel takes {} at most",
                             path.size(), sizeof address.sun_path - 1));
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  place.size = sizeof address;
  place.host = "localhost";
  return place;
}

// As the server reads it: where it says localhost or no host, it listens on 127.0.0.1 at least.
Result<Place, AdminError> place_of(const AdminDoor& door) {
  if (!door.control.empty()) return place_at(door.control);
  auto name = parse_host_port(door.admin);
  if (!name.has_value()) return error(AdminFailure::wrong_option, "--admin: " + name.error());
  if (name->host.empty() || name->host == "localhost") name->host = "127.0.0.1";
  const auto address = net::resolve(*name);
  if (!address.has_value()) return error(AdminFailure::unreachable, address.error());
  Place place;
  std::memcpy(&place.storage, address->raw(), address->size());
  place.size = address->size();
  place.host = address->to_string();
  return place;
}

// The line of the request's head that shows the token; nothing where there is none.
Result<std::string, AdminError> token_field(const AdminDoor& door) {
  if (door.token_file.empty()) return std::string();
  std::ifstream file(door.token_file);
  std::string token;
  if (!std::getline(file, token) || token.empty())
    return error(AdminFailure::wrong_option,
                 fmt::format("--token-file: no token can be read from {}", door.token_file));
  if (token.ends_with('\r')) token.pop_back();
  const bool sound = std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (!sound)
    return error(AdminFailure::wrong_option,
                 fmt::format("--token-file: what {} has is no token", door.token_file));
  return fmt::format("Authorization: Bearer {}\r\n", token);
}

Result<std::string, std::string> exchange(const Place& place, const std::string& request,
                                          milliseconds patience) {
  Question question(patience);
  if (const auto done = question.connect(place); !done.has_value()) {
    return Unexpected<std::string>(done.error());
  }
  const auto done = question.send(request);
  if (!done.has_value()) return Unexpected<std::string>(done.error());
  return question.read_to_end();
}

}  // namespace

Result<AdminAnswer, AdminError> ask_admin(const AdminDoor& door, const AdminQuestion& question,
                                          milliseconds patience) {
  const auto place = place_of(door);
  if (!place.has_value()) return Unexpected<AdminError>(place.error());
  const auto token = token_field(door);
  if (!token.has_value()) return Unexpected<AdminError>(token.error());
  const std::string length =
      question.method == "GET" ? "" : fmt::format("Content-Length: {}\r\n", question.body.size());
  const auto bytes = exchange(
      *place,
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n{}{}Connection: close\r\n\r\n{}", question.method,
                  question.target, place->host, *token, length, question.body),
      patience);
  if (!bytes.has_value()) return error(AdminFailure::unreachable, bytes.error());
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const size_t head_end = bytes->find("\r\n\r\n");
  if (!bytes->starts_with(kVersion) || head_end == std::string::npos) {
    return error(AdminFailure::not_the_endpoint, "it does not speak HTTP/1.1");
  }
  return AdminAnswer{bytes->substr(kVersion.size(), 3), bytes->substr(head_end + 4)};
}

}  // namespace onehop::cli
