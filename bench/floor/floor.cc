// SPDX-License-Identifier: MIT
// bench_floor: the least a process between two sockets can do, so that a target for a proxy can be
// held against what this machine's kernel, and with --certificate OpenSSL, take for themselves.
//
// The one idea: one connection to the origin for each client, and for each message one `recv` and
// one `send`; no parsing, no pool, no clock, no buffer that outlives the turn, no second look. It
// is for loads with small messages and for nothing else: what a socket does not take at once is
// lost and ends both connections.
//
// The first line on standard output is the bound address.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "../sockets.h"
#include "tls_relay.h"

namespace onehop::bench {
namespace {

class Relay {
 public:
  Relay(sockaddr_in address, sockaddr_in origin) : origin_(origin), listener_(listen_on(address)) {
    readable_.watch(listener_);
  }

  [[noreturn]] void run() {
    readable_.run([this](int fd) { fd == listener_ ? take_client() : pass_on(fd); });
  }

 private:
  int& other_of(int fd) {
    const auto at = static_cast<size_t>(fd);
    if (at >= others_.size()) others_.resize(at + 1, kNobody);
    return others_[at];
  }

  void take_client() {
    const int client = accept_one(listener_);
    if (client == kNobody) return;
    const int upstream = connect_to(origin_);
    if (upstream == kNobody) {
      close(client);
      return;
    }
    other_of(client) = upstream;
    other_of(upstream) = client;
    readable_.watch(client);
    readable_.watch(upstream);
  }

  void pass_on(int fd) {
    const int other = other_of(fd);
    if (other == kNobody) return;  // closed earlier in this turn
    const ssize_t size = recv(fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    const auto whole = MSG_NOSIGNAL | MSG_DONTWAIT;
    if (size > 0 && send(other, bytes_.data(), static_cast<size_t>(size), whole) == size) return;
    other_of(fd) = other_of(other) = kNobody;
    close(fd);
    close(other);
  }

  sockaddr_in origin_;
  Readable readable_;
  int listener_;
  std::vector<int> others_;  // by descriptor
  std::array<char, 65536> bytes_{};
};

}  // namespace
}  // namespace onehop::bench

int main(int count, char** words) {
  const std::vector<std::string> given(words + 1, words + count);
  const bool plain = given.size() == 4;
  const bool tls = given.size() == 8 && given[4] == "--certificate" && given[6] == "--key";
  if ((!plain && !tls) || given[0] != "--listen" || given[2] != "--to") {
    std::fprintf(stderr,
                 "usage: bench_floor --listen IPV4:PORT --to IPV4:PORT [--certificate FILE --key "
                 "FILE]\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to whom it may
  const sockaddr_in address = onehop::bench::parse_address("--listen", given[1]);
  const sockaddr_in origin = onehop::bench::parse_address("--to", given[3]);
  if (tls) onehop::bench::TlsRelay(address, origin, given[5], given[7]).run();
  onehop::bench::Relay(address, origin).run();
}
